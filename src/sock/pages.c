#include "sock/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/sanitized.h"

static void *map(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* Bytes from `pages` to the next multiple of `bytes`, a power of two. */
static size_t to_aligned(const void *pages, size_t bytes)
{
    return (size_t)(-(uintptr_t)pages & (bytes - 1));
}

/* Twice as much has an aligned half in it. What is cut off at the ends goes back; should that fail,
 * it is address space that is lost, for nobody touches it. */
static void *map_and_cut(size_t bytes)
{
    char *pages = map(2 * bytes);
    if (!pages)
        return NULL;
    size_t before = to_aligned(pages, bytes);
    if (before)
        munmap(pages, before);
    munmap(pages + before + bytes, bytes - before);
    return pages + before;
}

/* The kernel puts one mapping beside the other, so that most are aligned as they come. */
static void *take(size_t bytes)
{
    void *pages = map(bytes);
    if (!pages || to_aligned(pages, bytes) == 0)
        return pages;
    munmap(pages, bytes);
    return map_and_cut(bytes);
}

/* A mapping that is cut in two may be one more than the kernel lets a process have. */
static bool give(void *span, size_t bytes)
{
    return munmap(span, bytes) == 0;
}

const struct slab_source *pages_source(void)
{
    static const struct slab_source source = {.take = take, .give = give};
    return SANITIZED ? NULL : &source;
}
