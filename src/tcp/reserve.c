#include "tcp/reserve.h"

#include <errno.h>
#include <stdlib.h>

#include "tcp/connection.h"
#include "tcp/lending.h"
#include "tcp/send.h"
#include "tcp/urgent.h"
#include "tcp/user.h"

ssize_t tcp_reserve(struct tcb *tcb, struct tcp_reservation *r, size_t length,
                    struct iovec spans[2])
{
    struct ring *ring = &tcb->snd.ring;
    int error = tcp_send_check(tcb);
    if (error < 0)
        return error;
    uint32_t size = send_room(tcb, length);
    if (size == 0)
        return -EAGAIN;
    lending_settle(tcb);
    if (!tcb->stack->memory_short)
        ring_spares_take(&tcb->tcp->spares, ring, size);
    if (ring_reserve(ring, ring->length + size) < 0)
        return -ENOBUFS;
    spans[1] = (struct iovec){0};
    ring_spans(ring, ring->length, size, spans);
    ring_hold(ring);
    *r = (struct tcp_reservation){.tcb = tcb, .length = size};
    tcb->snd.reservation = r;
    tcp_connection_charge(tcb);
    return size;
}

/* Nobody writes to the ring's memory any more. */
static void end(struct tcb *tcb, struct tcp_reservation *r)
{
    *r = (struct tcp_reservation){0};
    tcb->snd.reservation = NULL;
    ring_unhold(&tcb->snd.ring);
}

/* What waited for the end of the reservation: other writers, and memory to be given back. */
static void settle(struct tcb *tcb)
{
    if (tcb->snd.ring.length == 0) {
        ring_spares_give(&tcb->tcp->spares, &tcb->snd.ring);
        units_release(tcb);
    }
    tcp_connection_charge(tcb);
    send_tell_room(tcb);
}

ssize_t tcp_commit(struct tcp_reservation *r, size_t length, int flags)
{
    struct tcb *tcb = r->tcb;
    if (r->length == 0 || length > r->length)
        return -EINVAL;
    if (!tcb) {
        tcp_reservation_end(r);
        return -EPIPE;
    }
    end(tcb, r);
    ssize_t result = tcp_send_check(tcb);
    if (result == 0)
        result = send_written(tcb, (uint32_t)length, flags);
    settle(tcb);
    return result;
}

void tcp_reservation_end(struct tcp_reservation *r)
{
    struct tcb *tcb = r->tcb;
    if (!tcb) {
        free(r->memory);
        *r = (struct tcp_reservation){0};
        return;
    }
    end(tcb, r);
    settle(tcb);
}

void reserve_orphan(struct tcb *tcb)
{
    struct tcp_reservation *r = tcb->snd.reservation;
    if (!r)
        return;
    *r = (struct tcp_reservation){.memory = tcb->snd.ring.held, .length = r->length};
    tcb->snd.ring.held = NULL;
    tcb->snd.reservation = NULL;
}

ssize_t tcp_peek(struct tcb *tcb, struct iovec spans[2])
{
    uint32_t hole = urgent_is_next(tcb), reach = urgent_reach(tcb);
    spans[0] = spans[1] = (struct iovec){0};
    if (reach <= hole)
        return tcp_nothing_to_read(tcb);
    ring_spans(&tcb->rcv.ring, hole, reach - hole, spans);
    ring_hold(&tcb->rcv.ring);
    tcp_connection_charge(tcb);
    return reach - hole;
}

int tcp_consume(struct tcb *tcb, size_t length)
{
    uint32_t hole = urgent_is_next(tcb), reach = urgent_reach(tcb);
    if (length > (reach > hole ? reach - hole : 0))
        return -EINVAL;
    ring_unhold(&tcb->rcv.ring);
    tcp_read_past(tcb, length ? hole + (uint32_t)length : 0);
    tcp_connection_charge(tcb);
    return 0;
}
