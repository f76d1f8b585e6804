/* How the links say what is wrong: a sentence for people beside the negative errno. */
#ifndef TERN_LINK_ERROR_H
#define TERN_LINK_ERROR_H

#include <stddef.h>

/* Writes the sentence, cut to `error_size`, and returns -code. `error` may be NULL. */
int link_error(char *error, size_t error_size, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
