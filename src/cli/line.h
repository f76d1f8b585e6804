/* A line of text that grows to a limit and is cut there. */
#ifndef TERN_CLI_LINE_H
#define TERN_CLI_LINE_H

#include <stddef.h>

struct line {
    char *text; /* always terminated */
    size_t size;
    size_t used;
};

struct line line_over(char *text, size_t size); /* size at least 1 */
void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
