/* What belongs to one play of one script lives until its end: memory comes out of an arena and is
 * freed all at once. A program that runs out of it ends. */
#ifndef SCRIPT_ARENA_H
#define SCRIPT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
};

/* `size` zeroed bytes, aligned for anything. */
void *arena_take(struct arena *arena, size_t size);
/* A copy of `length` bytes of text, with a terminator. */
char *arena_text(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
void arena_free(struct arena *arena);

#endif
