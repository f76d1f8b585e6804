/* Explicit congestion notification: routers mark packets instead of dropping them, the receiver
 * echoes the marks, and the sender takes them for the losses that they stand in for.
 *
 * Classic ECN (RFC 3168; ecn.c) echoes that there were marks, with ECE on every ACK until the
 * sender says CWR: once a round trip at most. Accurate ECN (RFC 9768; accecn.c) echoes how many.
 * What the two ends use is settled by the flags of their SYNs (ecn_handshake.c); the setting
 * tcp.ecn says what we ask for and what we agree to. */
#ifndef TERN_TCP_ECN_H
#define TERN_TCP_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/setting.h"
#include "tcp/accecn.h"
#include "tcp/step.h"
#include "wire/ipv4.h"

struct ack_event;
struct half_open;
struct segment;
struct send_decision;
struct tcb;

/* What the two ends use, with Linux's numbers (tcpi_ecn_mode). */
enum ecn_mode { ECN_OFF, ECN_CLASSIC, ECN_ACCURATE, ECN_PENDING };

/* What the SYNs have settled so far; with the half-open entry, then with the connection. */
struct ecn_handshake {
    uint8_t mode;     /* enum ecn_mode, and it stays what it first was */
    uint8_t answers;  /* SYN,ACKs sent */
    uint8_t peer_ecn; /* accurate: the codepoint of the peer's latest SYN or SYN,ACK */
    bool no_ect : 1;  /* a SYN without ECN was sent or came: what we send is not to be marked */
    bool plain : 1;   /* the next SYN,ACK says nothing of ECN */
};

/* The connection's. */
struct ecn_state {
    struct ecn_handshake handshake;
    uint8_t asked;         /* enum ecn_mode: what our SYN asks for */
    bool plain_syn : 1;    /* one of our SYNs asked for nothing */
    bool echo : 1;         /* marks have come, and the peer has not said CWR: ECE (§6.1.3) */
    bool reduced : 1;      /* the window has been, and the peer has not been told: CWR (§6.1.2) */
    bool ect_seen : 1;     /* the peer's packets can be marked */
    uint32_t delivered_ce; /* classic: segments delivered with an echo of marks; accurate: packets
                              marked, s.cep */
};

/* ── The handshake (ecn_handshake.c) ── */

/* Our first SYN is about to leave: what it and the next ask for. */
void ecn_open(struct tcb *tcb);
/* The flags of our SYN, whichever it is. */
uint16_t ecn_syn_flags(struct tcb *tcb);
/* A SYN asks, and we agree as far as tcp.ecn allows. */
void ecn_syn_arrives(struct ecn_handshake *handshake, const struct settings *settings,
                     const struct segment *syn);
/* It came again, perhaps with other flags; false when it asks for something else than before, which
 * ends the connection (RFC 9768 §3.1.5). */
bool ecn_syn_repeated(struct ecn_handshake *handshake, const struct settings *settings,
                      const struct segment *syn);
/* What our SYN,ACK says in its flags and options, when `timeouts` of them have been lost. */
void ecn_answer(struct ecn_handshake *handshake, const struct settings *settings, unsigned timeouts,
                struct segment *answer);
/* What a pure ACK says before there is a connection. */
uint16_t ecn_half_open_flags(const struct ecn_handshake *handshake);
/* Both have sent a SYN: the peer's answers ours. */
void ecn_simultaneous_open(struct tcb *tcb, const struct segment *syn);
/* The answer to our SYN. */
void ecn_syn_ack_arrives(struct tcb *tcb, const struct segment *syn_ack);
/* It came again; as ecn_syn_repeated(). */
bool ecn_syn_ack_repeated(struct tcb *tcb, const struct segment *syn_ack);

/* ── The connection (ecn.c) ── */

/* A step of arrival (input.c): notes how an acceptable segment is marked. */
enum tcp_step ecn_arrives(struct tcb *tcb, const struct segment *segment);
/* What an acknowledgment echoes goes into `event`. */
void ecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event);
/* The window has been reduced, for whatever reason (§6.1.2); or the reduction was taken back. */
void ecn_window_reduced(struct tcb *tcb);
void ecn_window_restored(struct tcb *tcb);
/* A retransmission timeout; something that came up to `end` had come before. */
void ecn_timed_out(struct tcb *tcb);
void ecn_duplicate(struct tcb *tcb, uint32_t end);
/* Sets the flags of a segment that departs; returns the codepoint (ECN_ECT0 …) for
 * its IP header. */
uint8_t ecn_departs(struct tcb *tcb, const struct send_decision *decision, struct segment *segment);
/* Sets those of a SYN,ACK of a connection (simultaneous open, Fast Open), and its options. */
void ecn_answer_departs(struct tcb *tcb, struct segment *answer);

#endif
