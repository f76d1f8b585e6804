#include "common/allocation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/slab.h"

/* The linker's --wrap sends each call of malloc to __wrap_malloc, and each of __real_malloc to
 * malloc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
const struct slab_source *__wrap_pages_source(void);

static bool limited, once;
static unsigned left;

void allocations_fail_after(unsigned successes)
{
    limited = true;
    once = false;
    left = successes;
}

void allocations_fail_once_after(unsigned successes)
{
    allocations_fail_after(successes);
    once = true;
}

void allocations_succeed(void)
{
    limited = false;
}

static bool succeeds(void)
{
    if (!limited || (left > 0 && left-- > 0))
        return true;
    if (once)
        limited = false;
    return false;
}

/* What comes in great numbers is malloc's in stacks of the tests, so that each of it can fail. */
const struct slab_source *__wrap_pages_source(void)
{
    return NULL;
}

void *allocation_certain(size_t size)
{
    void *memory = __real_malloc(size);
    if (memory == NULL)
        abort();
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return succeeds() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return succeeds() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return succeeds() ? __real_realloc(memory, size) : NULL;
}
