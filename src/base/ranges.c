#include "base/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/seq.h"

enum { CAPACITY_MIN = 4 };

/* The index of the first range that ends after `seq`; with `touching`, also one that ends at it. */
static uint32_t first_ending_after(const struct ranges *set, uint32_t seq, bool touching)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t end = set->items[middle].end;
        if (seq_gt(end, seq) || (touching && end == seq))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int set_capacity(struct ranges *set, uint32_t capacity)
{
    struct range *items = realloc(set->items, capacity * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    set->items = items;
    set->capacity = capacity;
    return 0;
}

/* Replaces `removed` ranges from index `at` on. There is capacity for what results. */
static void replace(struct ranges *set, uint32_t at, uint32_t removed, struct range with)
{
    uint32_t after = set->count - at - removed;
    memmove(set->items + at + 1, set->items + at + removed, after * sizeof *set->items);
    set->items[at] = with;
    set->count = at + 1 + after;
}

int ranges_add(struct ranges *set, uint32_t start, uint32_t end, uint32_t limit,
               struct range *merged)
{
    struct range range = {start, end};
    uint32_t first = first_ending_after(set, start, true);
    uint32_t last = first; /* the first range that the new one does not reach */
    while (last < set->count && seq_leq(set->items[last].start, end))
        last++;

    if (last > first) {
        range.start = seq_min(start, set->items[first].start);
        range.end = seq_max(end, set->items[last - 1].end);
    } else {
        if (set->count >= limit)
            return -ENOSPC;
        if (set->count == set->capacity) {
            int error = set_capacity(set, set->capacity ? set->capacity * 2 : CAPACITY_MIN);
            if (error < 0)
                return error;
        }
    }
    replace(set, first, last - first, range);
    if (merged)
        *merged = range;
    return 0;
}

void ranges_trim(struct ranges *set, uint32_t seq)
{
    uint32_t first = first_ending_after(set, seq, false);
    if (first == set->count) {
        ranges_release(set);
        return;
    }
    if (first > 0) {
        set->count -= first;
        memmove(set->items, set->items + first, set->count * sizeof *set->items);
        if (set->capacity > CAPACITY_MIN && set->count <= set->capacity / 4)
            set_capacity(set, set->capacity / 2); /* when it fails, the memory is kept */
    }
    set->items[0].start = seq_max(set->items[0].start, seq);
}

const struct range *ranges_find(const struct ranges *set, uint32_t seq)
{
    uint32_t at = first_ending_after(set, seq, false);
    return at < set->count ? &set->items[at] : NULL;
}

bool ranges_cover(const struct ranges *set, uint32_t start, uint32_t end)
{
    if (start == end)
        return true;
    const struct range *range = ranges_find(set, start);
    return range && seq_leq(range->start, start) && seq_leq(end, range->end);
}

void ranges_release(struct ranges *set)
{
    free(set->items);
    *set = (struct ranges){0};
}
