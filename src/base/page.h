/* Pages of a user's memory, which is readable or writable, or not, page by page. */
#ifndef TERN_BASE_PAGE_H
#define TERN_BASE_PAGE_H

#include <stddef.h>
#include <stdint.h>

enum { PAGE_LEAST = 4096 }; /* bytes: the smallest of any machine */

/* The bytes from `at` on that are surely of the same page. */
static inline size_t page_left(const void *at)
{
    return PAGE_LEAST - (uintptr_t)at % PAGE_LEAST;
}

#endif
