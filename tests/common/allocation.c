#include "common/allocation.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/slab.h"

/* The linker's --wrap sends each call of malloc to __wrap_malloc, and each of __real_malloc to
 * malloc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
const struct slab_source *__wrap_pages_source(void);

static bool limited, once, paused;
static unsigned left;
static unsigned random_permille; /* of those that are not limited */
static struct random random_state;
static uint64_t failed;

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

void allocations_fail_at_random(uint64_t seed, unsigned permille)
{
    random_seed_number(&random_state, seed);
    random_permille = permille;
}

void allocations_succeed(void)
{
    limited = false;
    random_permille = 0;
}

void allocations_pause(bool pause)
{
    paused = pause;
}

uint64_t allocations_failed(void)
{
    return failed;
}

static bool must_fail(void)
{
    if (!limited)
        return random_permille > 0 && random_below(&random_state, 1000) < random_permille;
    if (left > 0) {
        left--;
        return false;
    }
    limited = !once;
    return true;
}

static bool succeeds(void)
{
    if (paused || !must_fail())
        return true;
    failed++;
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

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return succeeds() ? __real_aligned_alloc(alignment, size) : NULL;
}
