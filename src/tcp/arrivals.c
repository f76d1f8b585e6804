#include "tcp/arrivals.h"

#include <stdlib.h>

#include "base/seq.h"
#include "tcp/tcb.h"

struct arrival {
    uint32_t end; /* the sequence number after its last byte */
    uint64_t time_ns;
};

struct arrivals {
    uint32_t start, count;
    struct arrival items[LIMIT_ARRIVALS]; /* a ring */
};

static struct arrival *item(struct arrivals *arrivals, uint32_t index)
{
    return &arrivals->items[(arrivals->start + index) % LIMIT_ARRIVALS];
}

/* Without memory the times are not known. */
static struct arrivals *make(struct tcb *tcb)
{
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    if (arrivals)
        stack_charge(tcb->stack, sizeof *arrivals);
    return arrivals;
}

void arrivals_note(struct tcb *tcb)
{
    if (!tcb->preferences.note_arrivals)
        return;
    if (!tcb->rcv.arrivals)
        tcb->rcv.arrivals = make(tcb);
    struct arrivals *arrivals = tcb->rcv.arrivals;
    if (!arrivals)
        return;
    if (arrivals->count < LIMIT_ARRIVALS)
        arrivals->count++;
    *item(arrivals, arrivals->count - 1) =
        (struct arrival){.end = tcb->rcv.nxt, .time_ns = tcb->stack->now_ns};
}

void arrivals_release(struct tcb *tcb)
{
    if (!tcb->rcv.arrivals)
        return;
    stack_charge(tcb->stack, -(int64_t)sizeof *tcb->rcv.arrivals);
    free(tcb->rcv.arrivals);
    tcb->rcv.arrivals = NULL;
}

void tcp_note_arrivals(struct tcb *tcb, bool on)
{
    tcb->preferences.note_arrivals = on;
    if (!on)
        arrivals_release(tcb);
}

uint64_t tcp_arrived_ns(struct tcb *tcb, uint32_t ahead)
{
    struct arrivals *arrivals = tcb->rcv.arrivals;
    if (!arrivals)
        return 0;
    uint32_t read = tcb->rcv.nxt - tcb->rcv.fin - tcb->rcv.ring.length;
    while (arrivals->count > 0 && seq_lt(item(arrivals, 0)->end, read)) {
        arrivals->start++;
        arrivals->count--;
    }
    for (uint32_t i = 0; i < arrivals->count; i++) {
        if (seq_geq(item(arrivals, i)->end, read + ahead))
            return item(arrivals, i)->time_ns;
    }
    return 0;
}
