#ifndef TESTS_COMMON_ALLOCATION_H
#define TESTS_COMMON_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that runs out when a test wants it to. The library's malloc, calloc, realloc
 * and aligned_alloc pass through here. */

/* Lets `successes` more allocations succeed and all after them fail, until
 * allocations_succeed(). */
void allocations_fail_after(unsigned successes);
/* Lets the one after `successes` more fail, and those behind it succeed again. */
void allocations_fail_once_after(unsigned successes);
/* Lets so many in a thousand fail, by a seed. */
void allocations_fail_at_random(uint64_t seed, unsigned permille);
void allocations_succeed(void);
/* While paused, all succeed. */
void allocations_pause(bool paused);
/* How many have failed, ever. */
uint64_t allocations_failed(void);

/* Memory for a test's own use, which never runs out. */
void *allocation_certain(size_t size);

#endif
