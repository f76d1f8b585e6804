/* A hierarchical timing wheel. Arming, moving and cancelling are O(1) however many timers there
 * are.
 *
 * The wheel counts in ticks (65,536 ns), but fires timers in the order of their deadlines and never
 * before the deadline itself: a timer whose tick has come but whose deadline has not waits for it.
 * A timer may be armed, moved or cancelled at any time, also while others are being expired. */
#ifndef TERN_BASE_WHEEL_H
#define TERN_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer {
    struct list link;
    uint64_t deadline_ns; /* TIME_NEVER while not armed */
};

enum {
    WHEEL_TICK_SHIFT = 16, /* a tick is 2^16 ns */
    WHEEL_LEVEL_SHIFT = 6, /* 64 slots a level */
    WHEEL_LEVELS = 7, /* 2^(16 + 6 * 7) ns: 9 years; what lies beyond waits in the last level */
};

struct wheel {
    uint64_t now_ns;
    struct timer *soonest; /* the earliest timer; NULL when there is none near, or to be sought */
    bool soonest_known;    /* that it is the earliest, or that there is none near */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that has timers */
    struct list slots[WHEEL_LEVELS][1 << WHEEL_LEVEL_SHIFT];
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);
void timer_init(struct timer *timer); /* before anything else is done with it */

static inline bool timer_armed(const struct timer *timer)
{
    return timer->deadline_ns != UINT64_MAX;
}

/* Arms or moves. A deadline in the past is due at once. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t deadline_ns);
void wheel_cancel(struct wheel *wheel, struct timer *timer); /* harmless when not armed */

/* Never later than the earliest deadline, and exactly that once it is less than 64 ticks away;
 * TIME_NEVER when nothing is armed. Calling wheel_expire at the time it names always makes
 * progress. */
uint64_t wheel_deadline(const struct wheel *wheel);

/* Takes one timer that is due at now_ns out of the wheel, or returns NULL when none is. Call until
 * NULL. */
struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ns);

#endif
