/* Accurate ECN (RFC 9768): how many packets arrived marked, in every segment.
 *
 * The receiver counts them and writes the count's low three bits where ECE, CWR and AE stand: the
 * ACE field. Where it fits, an option tells the bytes that arrived with each codepoint as well. The
 * sender tells from either how many of its packets have been marked, and answers as to a loss, once
 * a round trip. What the two ends agree on is ecn_handshake.c's. */
#ifndef TERN_TCP_ACCECN_H
#define TERN_TCP_ACCECN_H

#include <stdbool.h>
#include <stdint.h>

struct ack_event;
struct segment;
struct send_decision;
struct tcb;
struct tcp_options;

/* What has become of incoming options, with Linux's numbers (tcpi_accecn_opt_seen). */
enum accecn_seen { ACCECN_NOT_SEEN, ACCECN_EMPTY_SEEN, ACCECN_COUNTERS_SEEN, ACCECN_ZEROED_SEEN };

/* What was found to be broken on the way, with Linux's bits (tcpi_accecn_fail_mode). */
enum accecn_failure {
    ACCECN_SYN_ACK_LOST = 1,     /* our SYN,ACKs with flags were lost, or came without */
    ACCECN_FEEDBACK_MANGLED = 2, /* what we hear of marks cannot be */
    ACCECN_OPTION_LOST = 4,      /* what has the option does not arrive */
    ACCECN_OPTION_MANGLED = 8,   /* the peer's options come zeroed */
};

/* Counters count from 0, though on the wire they begin with 5, 1, 0 and 1 (§3.2.1). Bytes are by
 * codepoint, less one: ECT(1), ECT(0), CE. */
struct accecn {
    uint32_t received_ce;        /* r.cep: packets that came marked */
    uint32_t received_bytes[3];  /* r.e1b, r.e0b, r.ceb */
    uint32_t delivered_bytes[3]; /* s.e1b, s.e0b, s.ceb; s.cep is ecn.delivered_ce */

    /* As receiver. */
    uint64_t option_sent_ns;
    uint32_t duplicate_end;  /* end of the duplicate whose report an option went with last */
    uint8_t previous;        /* codepoint of the packet before */
    uint8_t unsaid_ce;       /* marked packets since the last ACK */
    uint8_t demand;          /* ACKs that are still to have the option */
    uint8_t fields_changed;  /* so many of the option's fields, from the first on, hold what has
                                changed since the last one */
    bool duplicate_told : 1; /* duplicate_end holds */
    bool reflect : 1;        /* the next pure ACK answers a SYN,ACK: it says how that came marked */
    bool counted_syn_ack : 1; /* r.cep counts it */

    /* As sender. */
    uint8_t seen;             /* enum accecn_seen */
    uint8_t handshake_bits;   /* what the ACK of our SYN,ACK said */
    bool ace_seen : 1;        /* the first counter has come */
    bool bytes_followed : 1;  /* the last ACK told the bytes that came marked */
    uint8_t contradictions;   /* ACKs in a row whose bytes and packets do not agree */
    bool deaf : 1;            /* feedback is not believed any more */
    bool option_works : 1;    /* data that had the option has arrived */
    bool path_shown : 1;      /* a round trip has passed with something unmarked in it */
    uint8_t marked_rounds;    /* those at the start in which all came marked */
    uint32_t round_end;       /* SND.NXT when this one began */
    uint32_t round_ce;        /* marked in it */
    uint32_t round_delivered; /* of so many */
    uint32_t average_ack_x64; /* segments that an ACK acknowledges, smoothed */
    uint8_t failures;         /* enum accecn_failure */
};

/* ── The ACE field (accecn.c) ── */

/* Table 2's top block and Table 3: the flags that tell which codepoint came on a SYN or SYN,ACK;
 * and the codepoint that flags tell of, -1 where they tell of none. */
uint16_t accecn_handshake_flags(uint8_t codepoint);
int accecn_handshake_codepoint(uint16_t flags);
/* The flags that hold a counter's low bits; and the bits that flags hold. */
uint16_t accecn_flags(uint32_t packets);
uint32_t accecn_bits(uint16_t flags);

/* The mode is settled: `codepoint` is that of the peer's SYN or SYN,ACK. */
void accecn_begin(struct tcb *tcb, uint8_t codepoint);
/* An acceptable packet has come: counts it, and decides whether it is to be
 * acknowledged at once. */
void accecn_arrives(struct tcb *tcb, const struct segment *segment);
/* What an acknowledgment tells goes into `event`. */
void accecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event);
/* The field of a segment that departs, and its codepoint. */
uint8_t accecn_departs(struct tcb *tcb, const struct send_decision *decision,
                       struct segment *segment);
/* Nothing that we send is to be marked any more, because of `failure`; the trace is told. */
void accecn_fail(struct tcb *tcb, enum accecn_failure failure, const char *why);

/* ── The option (accecn_option.c) ── */

/* Text has come in a packet with that codepoint. */
void accecn_bytes_arrive(struct tcb *tcb, uint8_t codepoint, uint32_t bytes);
/* The option of a SYN,ACK: the counters as they begin. */
void accecn_option_begin(struct tcp_options *options);
/* Whether the next segment is to have it, and how many fields it must have. */
bool accecn_option_due(const struct tcb *tcb);
unsigned accecn_option_fields(const struct tcb *tcb);
/* Writes it with `fields` fields. */
void accecn_option_fill(struct tcb *tcb, struct tcp_options *options, unsigned fields);
/* The option goes with the report of a duplicate up to `end`. */
void accecn_option_tells(struct tcb *tcb, uint32_t end);
/* Notes whether the peer's first option came as it must. */
void accecn_option_seen(struct tcb *tcb, const struct tcp_options *options);
/* Takes what an option tells of bytes; whether it tells of those marked, and how many more. */
bool accecn_option_read(struct tcb *tcb, const struct tcp_options *options, uint32_t *ce_bytes);
/* What was reported as a duplicate arrives once more, up to `end`: the report did not arrive. */
void accecn_option_duplicate(struct tcb *tcb, uint32_t end);
/* Nothing has been heard for a timeout. */
void accecn_option_timed_out(struct tcb *tcb);

#endif
