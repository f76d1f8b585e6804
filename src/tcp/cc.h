/* Congestion control: what an algorithm is, and nothing of what any algorithm does.
 *
 * recovery.c decides what was lost and how a reduction is spread over a round trip (PRR); the
 * algorithm decides how far the window grows on an ACK and how far it falls on a loss. A new
 * algorithm is one file and one line in cc.c. */
#ifndef TERN_TCP_CC_H
#define TERN_TCP_CC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcb;
struct ack_event;
struct sent_record;

/* TCP_CC_INFO: what an algorithm tells of itself, in Linux's union tcp_cc_info (linux/inet_diag.h).
 */
struct cc_info {
    struct {
        uint32_t bw_low, bw_high; /* of bytes a second */
        uint32_t min_rtt_us;
        uint32_t pacing_gain, cwnd_gain; /* 256: one */
    } bbr;
};

struct cc_operations {
    const char *name;
    /* A connection starts to use the algorithm. */
    void (*init)(struct tcb *tcb);
    /* It no longer does, or is no more. May be NULL. */
    void (*release)(struct tcb *tcb);
    /* Segments were newly acknowledged while nothing is being recovered: grow tcb->cc.cwnd. */
    void (*acknowledged)(struct tcb *tcb, const struct ack_event *event);
    /* In place of acknowledged(), for an algorithm that sets tcb->cc.cwnd itself on every ACK and
     * in recovery too: then no reduction is spread over a round trip (prr.c), and the threshold
     * means nothing. May be NULL. */
    void (*control)(struct tcb *tcb, const struct ack_event *event);
    /* `record` has just been marked lost. May be NULL. */
    void (*lost)(struct tcb *tcb, const struct sent_record *record);
    /* Congestion: returns the new slow-start threshold, in segments, at least 2 (RFC 5681 equation
     * 4). */
    uint32_t (*reduced)(struct tcb *tcb);
    /* The reduction turns out to have been for nothing: the window before it may be had again. May
     * be NULL. */
    void (*undone)(struct tcb *tcb);
    /* A retransmission timeout, after reduced(). May be NULL. */
    void (*timed_out)(struct tcb *tcb);
    /* Sending starts again after `idle_ns` with nothing in flight. May be NULL. */
    void (*resumed)(struct tcb *tcb, uint64_t idle_ns);
    /* Sets tcb->cc.pacing_rate, after each ACK and when the connection opens; its segments are
     * always paced then. NULL: the usual rate (pacing.c), paced where that is asked for. */
    void (*set_rate)(struct tcb *tcb);
    /* Fills `info`, and returns how much of it. NULL: there is nothing to tell. */
    size_t (*tell)(const struct tcb *tcb, struct cc_info *info);
    /* The connection rests, and wakes (rest.h): what is to be remembered meanwhile, beside window
     * and threshold; and in place of init() the return to it. NULL, both: nothing. */
    uint64_t (*rest)(const struct tcb *tcb);
    void (*wake)(struct tcb *tcb, uint64_t memory);
};

/* By index of the setting tcp.congestion_control's words. */
const struct cc_operations *cc_by_index(int64_t index);
int64_t cc_count(void);
/* The connection starts with the algorithm that its preferences name, or changes to it. */
void cc_start(struct tcb *tcb);
void cc_release(struct tcb *tcb);
/* The connection's algorithm, by index, and what it remembers while the connection rests; and back.
 * Window and threshold have been set then. */
uint8_t cc_rest(const struct tcb *tcb, uint64_t *memory);
void cc_wake(struct tcb *tcb, uint8_t algorithm, uint64_t memory);

/* Whether the window is what holds the sender: only then may it grow, for a window that was not
 * filled says nothing of what the path would bear (RFC 7661). In slow start twice what was out
 * suffices. */
bool cc_is_limited(const struct tcb *tcb);

/* Slow start by up to `segments`; returns those left over for congestion avoidance (RFC 5681 §3.1
 * with RFC 3465 L unlimited, as delivered counts stretch ACKs truly). */
uint32_t cc_slow_start(struct tcb *tcb, uint32_t segments);
/* One segment for each `window` segments acknowledged (RFC 5681 §3.1 congestion avoidance). */
void cc_additive_increase(struct tcb *tcb, uint32_t window, uint32_t segments);

extern const struct cc_operations cc_reno, cc_cubic, cc_bbr;

#endif
