/* A chance that pays only sometimes, like looking at the link again instead of sleeping: after one
 * in vain, twice as many as before are passed by, and after one that paid, none. */
#ifndef TERN_HOST_CHANCE_H
#define TERN_HOST_CHANCE_H

#include <stdbool.h>

/* So that it is soon taken only once in this power of 2. */
enum { CHANCES_IN_VAIN_MOST = 6 };

struct chance {
    unsigned in_vain; /* in a row, up to CHANCES_IN_VAIN_MOST */
    unsigned to_skip; /* that are passed by */
};

static inline bool chance_is_taken(struct chance *chance)
{
    if (chance->to_skip == 0)
        return true;
    chance->to_skip--;
    return false;
}

static inline void chance_failed(struct chance *chance)
{
    if (chance->in_vain < CHANCES_IN_VAIN_MOST)
        chance->in_vain++;
    chance->to_skip = (1u << chance->in_vain) - 1;
}

static inline void chance_paid(struct chance *chance)
{
    chance->in_vain = 0;
}

#endif
