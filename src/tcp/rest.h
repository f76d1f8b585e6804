/* Connections at rest.
 *
 * The control block of a connection has room for all that can be going on. When nothing is, and has
 * not been for tcp.rest_after_ms and no less than a retransmission timeout, it is put away: what
 * matters of it is written in short into the connection (struct tcp_rest), and the next event, be
 * it a segment, a call or a timer, makes it anew. So what idle connections take does not grow with
 * what busy ones need.
 *
 * What is kept is exact, or the rounding is harmless: round trips to 64 ns, the times of TCP_INFO
 * to 17 ms. What RFC 5681 §4.1 makes void after so long a pause is given up: the loss recovery's,
 * the delivery rate's and the round trip's history, not the estimates themselves; and so are bounds
 * that are about to be found anew. What is rarely used (marks counted by ECN, losses counted, a
 * search for the MTU) is kept whole beside it. A connection of which more is being asked, like
 * times or completions to be told, keeps its block.
 *
 * Only a connection whose user holds on to the connection, not to the block, rests
 * (tcp_connection_keep()); and only when its timer runs or a segment has been dealt with, for then
 * nobody has the block in hand. */
#ifndef TERN_TCP_REST_H
#define TERN_TCP_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "tcp/ecn.h"

struct preferences_share;
struct rest_extra;
struct tcb;
struct tcp;
struct tcp_connection;

struct tcp_rest {
    struct preferences_share *preferences;
    struct rest_extra *extra; /* what is rarely used, or NULL */
    union {
        struct list time_wait; /* in tcp->time_wait, in that state, be it at rest or not */
        struct {
            uint32_t read_most, reordering;
            uint32_t receiver_rtt, ack_delay; /* in units of 64 ns */
        };
    };
    uint64_t cc_memory; /* what the congestion control remembers */
    uint64_t delivered, bytes_acked, bytes_received;
    uint64_t established_ns;
    uint32_t una, wnd, max_wnd;
    uint32_t nxt, rcv_wnd, buffer, limit;
    uint32_t ts_offset, ts_recent;
    uint32_t cwnd, ssthresh;
    /* In units of 64 ns. */
    uint32_t srtt, rttvar, deviation, rto, min_rtt;
    /* After the connection was established, in units of 2^24 ns; 0: never. */
    uint32_t sent, data_sent, received, ack_received, data_received, answers_since;
    uint32_t segments_in, segments_out, data_segments_in, data_segments_out;
    uint32_t ts_recent_since, min_since; /* in the same units */
    uint32_t busy_us;                    /* up to an hour; more is rarely used */
    uint32_t delivery_rate;              /* in KiB a second */
    uint16_t answers; /* allowance.answers: keepalives of the peer's are among them */
    uint16_t peer_mss, mss, rcv_mss, advertised_mss, proven, mtu;
    struct ecn_handshake ecn;
    uint8_t ecn_asked;
    uint8_t state;
    uint8_t cc;    /* the congestion control, by number */
    uint8_t timer; /* enum tcp_timer: what the timer waits for; TCP_TIMERS: nothing */
    uint8_t header_bytes;
    uint8_t interface; /* ip_interface() */
    uint8_t window_steps, window_persist;
    uint8_t quick, keepalive_sent, text_share;
    uint8_t snd_scale : 4, rcv_scale : 4;
    bool detached : 1, bound : 1, bound_address : 1, accepted_open : 1, receive_shut : 1;
    bool snd_fin : 1, rcv_fin : 1;
    bool interactive : 1, sack : 1, timestamps : 1, scaling : 1;
    bool reordering_seen : 1, rtt_taken : 1, rate_app_limited : 1, ect_seen : 1, syn_data_acked : 1;
};

/* Whether nothing is going on that needs the block, however short a time ago something was. */
bool rest_possible(const struct tcb *tcb);
/* Puts the block away, where rest_possible(): false without memory for what is kept beside, and
 * then all is as before. */
bool rest_begin(struct tcb *tcb);
/* From now on the connection, if its user keeps it, is looked at now and then whether it can rest.
 */
void rest_watch(struct tcb *tcb);
/* Wakes it for a segment, after which rest_settle() sees to it. NULL without memory, or when it is
 * short (memory.h): the segment is dropped, and nothing is lost that was acknowledged. */
struct tcb *rest_wake(struct tcp_connection *connection);
/* Memory is short: if nothing is going on, it rests without waiting for how long that lasts. */
void rest_hasten(struct tcb *tcb);
/* The segment in hand may be the last for long, as in TIME-WAIT: puts the block away after it. */
void rest_soon(struct tcb *tcb);
/* A segment has been dealt with: whom it has woken, or was the last for, may rest. */
void rest_settle(struct tcp *tcp);
/* TCP_TIMER_REST: puts the block away, if it is time, or looks again later. Whether the block is
 * still there. */
bool rest_expired(struct tcb *tcb);

/* rest_digest.c: writes the connection in short, and back into a block that is prepared. False
 * without memory, and then nothing has been kept. */
bool rest_keep(const struct tcb *tcb, struct tcp_rest *rest);
void rest_recall(struct tcb *tcb, const struct tcp_rest *rest);
/* Frees what belongs to it. */
void rest_discard(struct tcp *tcp, const struct tcp_rest *rest);

#endif
