/* The send queue's borders: which bytes, not sent yet, may share a packet.
 *
 * What a write brings joins the last unit as long as that is below the size goal; a full one, or
 * one that ends a record (MSG_EOR), or one with as many spans of MSG_ZEROCOPY sends as a
 * packet may have, is followed by a new one. A packet never spans two units; but
 * one that is too short for a burst grows at the next one's cost, unless it ends a record. So the
 * borders that the user draws reach the wire, and a unit carries what belongs to its last byte: the
 * push, the end of a record.
 *
 * Units cover [SND.NXT, end of what is queued): sending takes from the first, and what is in flight
 * has records instead (records.h). */
#ifndef TERN_TCP_UNITS_H
#define TERN_TCP_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct tcb;

struct send_unit {
    uint32_t end;  /* sequence number after its last byte; it starts where the one before ends,
                      the first at SND.NXT */
    uint8_t spans; /* of MSG_ZEROCOPY sends in it: LIMIT_ZEROCOPY_SPANS at most */
    bool push : 1; /* its last segment has PSH (RFC 9293 §3.9.1.2) */
    bool ends_record : 1; /* MSG_EOR: nothing joins it */
};

enum { SEND_UNITS_FEW = 4 }; /* a power of two */

struct send_units {
    struct send_unit *items; /* a ring: `few`, until that is too small */
    uint32_t capacity;       /* a power of two, or 0 */
    uint32_t start, count;
    struct send_unit few[SEND_UNITS_FEW];
};

/* The memory that they have beside their connection's. */
static inline uint32_t units_bytes(const struct send_units *units)
{
    return units->items == units->few ? 0 : units->capacity * (uint32_t)sizeof *units->items;
}

/* Where the last unit starts, if there is one. */
uint32_t units_last_start(const struct tcb *tcb);
/* Makes sure that units_open() can do its work. 0 or -ENOMEM. */
int units_reserve(struct tcb *tcb);
/* Adds an empty unit at the end. */
void units_open(struct tcb *tcb);
/* The last unit has `bytes` more. */
void units_extend(struct tcb *tcb, uint32_t bytes);
/* How many bytes may still join the last unit, if a unit holds at most `goal`. */
uint32_t units_room(const struct tcb *tcb, uint32_t goal);

/* The first unit grows to `length` bytes, if the next one has them and may be joined. */
void units_grow(struct tcb *tcb, uint32_t length);

/* The unit that is sent from next, and the one that is written to; NULL when all is sent. */
struct send_unit *units_first(const struct tcb *tcb);
struct send_unit *units_last(const struct tcb *tcb);
/* Everything before `seq`, which is at most the first unit's end, has been sent. */
void units_sent(struct tcb *tcb, uint32_t seq);
void units_release(struct tcb *tcb);

#endif
