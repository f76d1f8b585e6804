/* Who writes again and again: to whose connection the last calls have all written much, one soon
 * after the other. What such a write leaves may wait for the next one (tcp/await.c). */
#ifndef TERN_SOCK_STREAK_H
#define TERN_SOCK_STREAK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct call;
struct socket;
struct tern;

struct streak {
    const struct socket *socket; /* that the last call wrote much to, or NULL; only to be compared,
                                    for it may be gone */
    uint64_t ended_ns;           /* when that call was over */
    unsigned in_a_row;           /* such calls before it */
    unsigned stops;              /* after which it took long for the next call to come, of late */
};

/* It is the turn of a call that has caught up and is about to write to `to`; NULL: of any other.
 * What waits for another's write goes. */
void streak_turn(struct tern *t, const struct socket *to);
/* The call, whose turn it is and which has caught up, sends much on a stream: MSG_BATCH if another
 * such call is likely to follow it, else 0. */
int streak_flags(struct call *call);
/* Such a call ends. Whether what it leaves unsent may wait; if not, what has begun to goes. */
bool streak_leaves(struct call *call, ssize_t result);

#endif
