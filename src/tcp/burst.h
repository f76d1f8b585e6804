/* How much leaves at once: the size of a super-segment, and whether it is worth while to wait for
 * it to become larger. */
#ifndef TERN_TCP_BURST_H
#define TERN_TCP_BURST_H

#include <stdbool.h>
#include <stdint.h>

struct tcb;

/* The most text that the link takes in one super-segment. */
uint32_t burst_bytes_max(const struct tcb *tcb);
/* The most segments of `mss` that leave together. */
uint32_t burst_segments(const struct tcb *tcb, uint32_t mss);

/* What keeps a sender from sending more. */
enum tcp_held {
    HELD_BY_NOTHING_MORE, /* everything has been sent */
    HELD_BY_CONGESTION,   /* the congestion window */
    HELD_BY_PEER,         /* the peer's window */
    HELD_BY_USER,         /* Nagle, a cork, or hope for more to come */
    HELD_BY_PACE,
    HELD_BY_RECORDS, /* no more can be remembered */
    HELD_BY_STATE,
};

/* Whether `length` bytes, the next unit, of which the windows let only `room` bytes of the
 * congestion window and `usable` of the peer's out now, had better wait for the ACK that is about
 * to let more out together (`held` says then for what). `more`: other units follow. */
bool burst_should_wait(const struct tcb *tcb, uint32_t length, bool more, uint32_t room,
                       uint32_t usable, uint32_t burst, enum tcp_held *held);

#endif
