/* A sorted set of disjoint, non-adjacent ranges of sequence numbers, all within 2^31 of each other.
 *
 * Finding is logarithmic, neighbours coalesce, the number of ranges is limited, and memory follows
 * the number (security rule 5). */
#ifndef TERN_BASE_RANGES_H
#define TERN_BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint32_t start; /* first sequence number in the range */
    uint32_t end;   /* first after it */
};

struct ranges {
    struct range *items; /* ascending */
    uint32_t count;
    uint32_t capacity;
};

/* Adds [start, end), which is not empty, and returns in `merged`, if not NULL, the range it has
 * become part of. 0; -ENOSPC when it would be range number limit + 1; -ENOMEM. On an error nothing
 * has changed. */
int ranges_add(struct ranges *set, uint32_t start, uint32_t end, uint32_t limit,
               struct range *merged);
/* Removes everything before `seq`. */
void ranges_trim(struct ranges *set, uint32_t seq);
/* The range that contains `seq`, or the first after it, or NULL. */
const struct range *ranges_find(const struct ranges *set, uint32_t seq);
/* Whether every number of [start, end) is in. */
bool ranges_cover(const struct ranges *set, uint32_t start, uint32_t end);
void ranges_release(struct ranges *set); /* empties and frees */

#endif
