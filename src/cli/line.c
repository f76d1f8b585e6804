#include "cli/line.h"

#include <stdarg.h>
#include <stdio.h>

struct line line_over(char *text, size_t size)
{
    text[0] = '\0';
    return (struct line){.text = text, .size = size};
}

void line_add(struct line *line, const char *format, ...)
{
    size_t room = line->size - line->used;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->used, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->used += (size_t)length < room ? (size_t)length : room - 1;
}
