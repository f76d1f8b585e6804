#include "sock/streak.h"

#include <sys/socket.h>

#include "base/limits.h"
#include "base/time.h"
#include "sock/call.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

enum {
    IN_A_ROW = 2, /* writes, and a third is expected to be followed by another */
    /* Each stop has it take twice as many; by so many that the rest of who writes a few MB at a
     * time never waits, and what a stream loses until then is nothing beside it. */
    STOPS_MOST = 5,
    /* So many in a row are no piece any more, but a stream without an end in sight, which is not to
     * pay for what was before it. */
    FORGIVEN = 1024,
};

/* Who comes back later may as well be somebody who has something else to do, and comes back no more
 * for long. */
#define AGAIN_NS TIME_US(50)

static bool is_in_time(const struct tern *t)
{
    return t->stack.now_ns - t->streak.ended_ns < AGAIN_NS;
}

static bool goes_on(const struct streak *streak)
{
    return streak->in_a_row >= (unsigned)IN_A_ROW << streak->stops;
}

/* What was left has had to wait in vain. Who writes in pieces and then has nothing to say for a
 * while shall not have each end come late. */
static void learn_stop(struct streak *streak)
{
    if (goes_on(streak) && streak->stops < STOPS_MOST)
        streak->stops++;
    streak->in_a_row = 0;
}

void streak_turn(struct tern *t, const struct socket *to)
{
    struct streak *streak = &t->streak;
    if (!streak->socket)
        return;
    if (!is_in_time(t))
        learn_stop(streak);
    if (streak->socket == to)
        return;
    streak->socket = NULL;
    tcp_let_go(&t->stack);
}

int streak_flags(struct call *call)
{
    struct tern *t = call->t;
    struct streak *streak = &t->streak;
    bool again = streak->socket == call->socket && is_in_time(t);
    call->sends = true;
    streak->in_a_row = again ? streak->in_a_row + 1 : 0;
    if (streak->in_a_row == FORGIVEN)
        streak->stops = 0;
    return goes_on(streak) ? MSG_BATCH : 0;
}

bool streak_leaves(struct call *call, ssize_t result)
{
    struct tern *t = call->t;
    bool much = result >= LIMIT_STREAK_BYTES;
    uint64_t now_ns = much ? t->host->operations->may_put_off(t->host) : 0;
    t->streak.socket = now_ns ? call->socket : NULL;
    t->streak.ended_ns = now_ns;
    if (now_ns == 0)
        tcp_let_go(&t->stack);
    return now_ns != 0;
}
