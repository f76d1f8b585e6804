#include "sock/streak.h"

#include <sys/socket.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

enum {
    MUCH = 64 * 1024, /* bytes: what is less fills no super-packet */
    IN_A_ROW = 2,     /* such writes, and a third is expected to be followed by another */
    STOPS_MOST = 5,   /* that count: each has it take twice as many */
    FORGIVEN = 1024,  /* who has written so often in a row is one who goes on */
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
    if (streak->socket && !is_in_time(t))
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
    streak->in_a_row = again ? streak->in_a_row + 1 : 0;
    if (streak->in_a_row == FORGIVEN)
        streak->stops = 0;
    return goes_on(streak) ? MSG_BATCH : 0;
}

bool streak_leaves(struct call *call, ssize_t result)
{
    struct tern *t = call->t;
    uint64_t now_ns = result >= MUCH ? t->host->operations->may_put_off(t->host) : 0;
    t->streak.socket = now_ns ? call->socket : NULL;
    t->streak.ended_ns = now_ns;
    if (now_ns == 0)
        tcp_let_go(&t->stack);
    return now_ns != 0;
}
