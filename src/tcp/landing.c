/* Text that goes straight to its reader.
 *
 * Who waits in RECEIVE has memory at hand for what is about to arrive. In-order text that finds the
 * receive ring empty is copied there and nowhere else: it has been received as if it had passed
 * through the ring. What does not fit, and what has holes before it, takes the ring as ever.
 *
 * The link may read text of whatever connection to that memory. A TUN device reports nothing where
 * it cannot be written, and what should have gone there would be lost and yet acknowledged. So no
 * page of it is offered before it has been written to: a bad buffer faults, as with any function of
 * C's library, and it does so before it can harm another's stream. */
#include "base/page.h"
#include "tcp/connection.h"
#include "tcp/receive.h"
#include "tcp/tcp.h"

#include <string.h>

/* Bytes, at the most, that a reader is given before it has run. */
#define LANDING_MOST RING_CAPACITY_MAX

/* Where byte number `filled` of the landing goes: how many fit there, 0 when it is full. */
static uint32_t free_part(const struct tcp_landing *landing, uint8_t **at)
{
    size_t skip = landing->filled;
    for (int i = 0; i < landing->count; i++) {
        if (skip < landing->spans[i].iov_len) {
            size_t room = landing->spans[i].iov_len - skip;
            *at = (uint8_t *)landing->spans[i].iov_base + skip;
            return room < LANDING_MOST - landing->filled ? (uint32_t)room
                                                         : LANDING_MOST - landing->filled;
        }
        skip -= landing->spans[i].iov_len;
    }
    return 0;
}

/* Faults unless all of it is writable, and changes nothing. */
static void touch(uint8_t *at, size_t length)
{
    for (size_t i = 0; i < length; i += page_left(at + i)) {
        volatile uint8_t *byte = at + i;
        *byte = *byte;
    }
}

/* Touches what a packet's text may take, where that has not been done. */
static void prove(struct tcp_landing *landing, const struct text_place *place)
{
    size_t most = place->room < LIMIT_SUPER_PACKET ? place->room : LIMIT_SUPER_PACKET;
    uint32_t end = landing->filled + (uint32_t)most;
    uint32_t from = landing->proved > landing->filled ? landing->proved : landing->filled;
    if (end <= from)
        return;
    touch(place->at + (from - landing->filled), end - from);
    landing->proved = end;
}

/* The link may as well read the next packet's text to where this goes on. */
static void offer_place(struct tcp_landing *landing)
{
    struct text_place place = {.owner = landing};
    place.room = free_part(landing, &place.at);
    prove(landing, &place);
    landing->tcb->stack->place = place;
}

bool tcp_landing_begin(struct tcb *tcb, struct tcp_landing *landing)
{
    if (tcb->rcv.landing)
        return false;
    landing->tcb = tcb;
    landing->filled = landing->proved = 0;
    tcb->rcv.landing = landing;
    offer_place(landing);
    return true;
}

void receive_landing_over(struct tcb *tcb)
{
    struct tcp_landing *landing = tcb->rcv.landing;
    if (!landing)
        return;
    if (tcb->stack->place.owner == landing)
        tcb->stack->place = (struct text_place){0};
    landing->tcb = NULL;
    tcb->rcv.landing = NULL;
}

void tcp_landing_end(struct tcp_landing *landing)
{
    struct tcb *tcb = landing->tcb;
    if (!tcb)
        return;
    receive_landing_over(tcb);
    receive_consumed(tcb, landing->filled);
}

/* Nearly always one span, and so one copy; or none, where the link has read it to its place. What
 * stands there has a part cut off in front if it was known already, and so may have to move. */
static uint32_t fill(struct tcp_landing *landing, const uint8_t *text, uint32_t length)
{
    uint32_t taken = 0;
    uint8_t *at;
    uint32_t room;
    while (taken < length && (room = free_part(landing, &at)) > 0) {
        uint32_t part = length - taken < room ? length - taken : room;
        if (at != text + taken)
            memmove(at, text + taken, part);
        landing->filled += part;
        taken += part;
    }
    offer_place(landing);
    return taken;
}

uint32_t receive_land(struct tcb *tcb, const uint8_t *text, uint32_t length)
{
    struct tcp_landing *landing = tcb->rcv.landing;
    if (!landing || tcb->rcv.ring.length > 0 || tcb->rcv.out_of_order.count > 0 || tcb->rcv.urgent)
        return 0;
    uint32_t taken = fill(landing, text, length);
    tcb->rcv.nxt += taken;
    tcb->stat.bytes_received += taken;
    uint8_t *at;
    if (free_part(landing, &at) < length)
        tcb->stack->batch_enough = true; /* for another like it there is no room */
    return taken;
}
