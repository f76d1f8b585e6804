/* Delivery rate: how fast the path has been delivering, sampled with each ACK
 * (draft-ietf-ccwg-bbr §"Delivery Rate Samples", which took in
 * draft-cheng-iccrg-delivery-rate-estimation).
 *
 * Each transmission notes how much had been delivered by then. When it is acknowledged, what has
 * been delivered since, over the time that took, is a sample of the rate: the longer of the times
 * in which it was sent and in which it was acknowledged, for neither a burst of segments nor one of
 * ACKs is faster than the path. A sample that covers a time in which the user had nothing to send
 * is marked so, for it may tell less than the path can do. */
#ifndef TERN_TCP_RATE_H
#define TERN_TCP_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct ack_event;
struct sent_record;
struct tcb;

/* What one ACK tells: of the most recently sent segment that it delivers. Volumes in segments. */
struct rate_sample {
    uint64_t prior_delivered; /* delivered when it was sent */
    uint64_t prior_ns;        /* and when the last of these had been */
    uint64_t send_ns;         /* from the start of its flight to its own sending */
    uint32_t end;             /* where it ends */
    uint32_t prior_lost;      /* lost when it was sent */
    uint32_t in_flight;       /* in flight just after it was sent, itself included */
    bool valid;               /* something was delivered */
    bool app_limited;
    /* Filled in by rate_finish(). */
    uint32_t delivered;   /* since it was sent */
    uint32_t lost;        /* since it was sent */
    uint64_t interval_ns; /* in which it was delivered; 0: no reliable sample */
    uint64_t rate;        /* bytes a second; 0: no reliable sample */
};

/* `record` is about to be sent, or sent again: not yet counted in flight. */
void rate_on_send(struct tcb *tcb, struct sent_record *record);
/* `segments` of `record` have been delivered. */
void rate_on_delivery(struct tcb *tcb, const struct sent_record *record, uint32_t segments,
                      struct ack_event *event);
/* `segments` have been delivered of which no record is left to go by; or, of those counted before,
 * are now known to have been counted twice. */
void rate_delivered(struct tcb *tcb, uint32_t segments);
void rate_counted_twice(struct tcb *tcb, uint32_t segments);
/* The ACK has been taken in, and losses are marked: completes event->rate. */
void rate_finish(struct tcb *tcb, struct ack_event *event);

/* Marks the samples of what is in flight as limited by the user if there is nothing to send
 * although windows and pacing would let it go. Called before anything that may send: a write, an
 * ACK, a timer. */
void rate_check_app_limited(struct tcb *tcb);
/* The same whatever the reason: the connection sends less than it might. */
void rate_mark_app_limited(struct tcb *tcb);

#endif
