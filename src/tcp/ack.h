/* What one acknowledgment told us: produced by ack.c, consumed by recovery.c and congestion
 * control. */
#ifndef TERN_TCP_ACK_H
#define TERN_TCP_ACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/rate.h"
#include "tcp/step.h"

struct ack_event {
    uint32_t prior_una;       /* SND.UNA before it */
    uint32_t prior_in_flight; /* segments */
    uint32_t acked;           /* segments acknowledged cumulatively, also those SACKed before */
    uint32_t sacked;          /* segments newly SACKed */
    uint32_t delivered;       /* segments newly known to have arrived, one way or the other; copies
                                 too */
    uint32_t lost;            /* segments newly marked lost */
    uint32_t ce;              /* segments newly delivered that the network had marked, as far as
                                 the feedback tells */
    uint32_t reordered_from;  /* lowest number newly delivered, never sent twice, below what was
                                 SACKed before */
    uint64_t
        first_sent_ns; /* of the first segment acknowledged that was sent once; TIME_NEVER: none */
    uint64_t last_sent_ns;   /* of the last one */
    uint64_t sack_sent_ns;   /* of the first newly SACKed that was sent once; TIME_NEVER: none */
    uint64_t rtt_ns;         /* the sample for congestion control; TIME_NEVER: none */
    uint32_t highest_sacked; /* end of the highest newly SACKed, or SND.UNA */
    struct rate_sample rate;
    bool advanced;  /* SND.UNA moved */
    bool duplicate; /* RFC 5681 §2: a duplicate ACK */
    bool window_changed;
    bool has_text;            /* the segment carried data, SYN or FIN */
    bool dsack;               /* it reported a duplicate of ours (RFC 2883) */
    bool dsack_widens;        /* one that RACK's haste may be the reason for */
    bool reordered;           /* reordered_from holds */
    bool retransmitted_acked; /* something sent more than once was acknowledged */
    bool original_acked;      /* something sent once only, after the recovery point's start, was
                                 delivered (F-RTO) */
    bool echoes;              /* it has a timestamp echo: */
    uint32_t echo;
    bool ece;       /* the peer echoes congestion marks (RFC 3168) */
    bool syn_acked; /* our SYN, in SYN-RECEIVED */
};

/* RFC 9293 §3.10.7.4, fifth: check the ACK field. May destroy the connection (TCP_STEP_GONE). */
enum tcp_step tcp_process_ack(struct tcb *tcb, const struct segment *segment);
/* The same where header prediction holds (predict.h): nothing is amiss, or said to be. */
void ack_predicted(struct tcb *tcb, const struct segment *segment);

/* Frees the bytes of the send ring that are acknowledged. */
void ack_release_bytes(struct tcb *tcb);

#endif
