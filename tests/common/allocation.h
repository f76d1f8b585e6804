#ifndef TESTS_COMMON_ALLOCATION_H
#define TESTS_COMMON_ALLOCATION_H

/* Memory that runs out when a test wants it to. The library's malloc, calloc and realloc
 * pass through here. */

/* Lets `successes` more allocations succeed and all after them fail, until
 * allocations_succeed(). */
void allocations_fail_after(unsigned successes);
void allocations_succeed(void);

#endif
