#include "tcp/chrono.h"

#include "tcp/tcb.h"

static enum tcp_chrono kind_now(const struct tcb *tcb, enum tcp_held held)
{
    bool unsent = tcb->snd.units.count > 0;
    if (!unsent && tcb->records.out == 0)
        return CHRONO_IDLE;
    if (unsent && held == HELD_BY_PEER)
        return CHRONO_PEER;
    if (!unsent && tcb->snd.full && held == HELD_BY_NOTHING_MORE && !tcb->cc.limited)
        return CHRONO_BUFFER;
    return CHRONO_BUSY;
}

void chrono_update(struct tcb *tcb, enum tcp_held held)
{
    enum tcp_chrono kind = kind_now(tcb, held);
    if (kind == (enum tcp_chrono)tcb->chrono.kind)
        return;
    tcb->chrono.spent_ns[tcb->chrono.kind] += tcb->stack->now_ns - tcb->chrono.since_ns;
    tcb->chrono.kind = (uint8_t)kind;
    tcb->chrono.since_ns = tcb->stack->now_ns;
}

uint64_t chrono_ns(const struct tcb *tcb, enum tcp_chrono kind)
{
    uint64_t spent = tcb->chrono.spent_ns[kind];
    if (kind == (enum tcp_chrono)tcb->chrono.kind)
        spent += tcb->stack->now_ns - tcb->chrono.since_ns;
    return spent;
}
