#ifndef TESTS_COMMON_ALLOCATION_H
#define TESTS_COMMON_ALLOCATION_H

#include <stddef.h>

/* Memory that runs out when a test wants it to. The library's malloc, calloc and realloc
 * pass through here. */

/* Lets `successes` more allocations succeed and all after them fail, until
 * allocations_succeed(). */
void allocations_fail_after(unsigned successes);
/* Lets the one after `successes` more fail, and those behind it succeed again. */
void allocations_fail_once_after(unsigned successes);
void allocations_succeed(void);

/* Memory for a test's own use, which never runs out. */
void *allocation_certain(size_t size);

#endif
