#include "sock/streak.h"

#include <sys/socket.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

enum {
    MUCH = 64 * 1024, /* bytes: what is less fills no super-packet */
    IN_A_ROW = 2,     /* such writes, and a third is expected to be followed by another */
};

/* Who comes back later may as well be somebody who has something else to do, and comes back no more
 * for long. */
#define AGAIN_NS TIME_US(50)

void streak_turn(struct tern *t, const struct socket *to)
{
    if (t->streak.socket == to)
        return;
    t->streak.socket = NULL;
    tcp_let_go(&t->stack);
}

int streak_flags(struct call *call)
{
    struct tern *t = call->t;
    struct streak *streak = &t->streak;
    bool again = streak->socket == call->socket && t->stack.now_ns - streak->ended_ns < AGAIN_NS;
    streak->in_a_row = again ? streak->in_a_row + 1 : 0;
    return streak->in_a_row >= IN_A_ROW ? MSG_BATCH : 0;
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
