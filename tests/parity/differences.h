/* Where tern answers otherwise than the kernel on purpose, each with the reason. A difference that
 * is not in the table fails, and so does an entry of the table that nothing differs by. */
#ifndef TESTS_PARITY_DIFFERENCES_H
#define TESTS_PARITY_DIFFERENCES_H

#include <stdbool.h>
#include <stddef.h>

struct difference {
    const char *program;       /* a pattern (fnmatch(3)) of programs' names */
    const char *kernel, *tern; /* patterns of the two lines; NULL: the line is missing */
    const char *reason;
    bool sometimes; /* the kernel's answer depends on its timing: it may also be the same */
};

extern const struct difference differences[];
extern const size_t difference_count;

/* The entry that allows it, or NULL. */
const struct difference *difference_find(const char *program, const char *kernel, const char *tern);
/* Whether an entry has ever been found. */
bool difference_used(size_t index);

#endif
