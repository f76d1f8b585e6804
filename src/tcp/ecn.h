/* Explicit congestion notification: routers mark packets instead of dropping them, the receiver
 * echoes the marks, and the sender takes them for the losses that they stand in for.
 *
 * Classic ECN (RFC 3168) echoes that there were marks, with ECE on every ACK until the sender says
 * CWR: once a round trip at most. What the two ends use is settled by the flags of their SYNs; the
 * setting tcp.ecn says what we ask for and what we agree to. */
#ifndef TERN_TCP_ECN_H
#define TERN_TCP_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/setting.h"
#include "tcp/step.h"
#include "wire/ipv4.h"

struct ack_event;
struct half_open;
struct segment;
struct send_decision;
struct tcb;

/* What the two ends use, with Linux's numbers (tcpi_ecn_mode). */
enum ecn_mode { ECN_OFF, ECN_CLASSIC };

/* What the SYNs have settled so far; with the half-open entry, then with the connection. */
struct ecn_handshake {
    uint8_t mode;    /* enum ecn_mode, and it stays what it first was */
    bool no_ect : 1; /* a SYN without ECN was sent or came: what we send is not to be marked */
    bool plain : 1;  /* the next SYN,ACK says nothing of ECN */
};

/* The connection's. */
struct ecn_state {
    struct ecn_handshake handshake;
    uint8_t asked;         /* enum ecn_mode: what our SYN asks for */
    bool echo : 1;         /* marks have come, and the peer has not said CWR: ECE (§6.1.3) */
    bool reduced : 1;      /* the window has been, and the peer has not been told: CWR (§6.1.2) */
    bool ect_seen : 1;     /* the peer's packets can be marked */
    uint32_t delivered_ce; /* segments delivered with an echo of marks */
};

/* ── The handshake ── */

/* The flags of our SYN, the `attempt`-th from 1 on. */
uint16_t ecn_syn_flags(struct tcb *tcb);
/* A SYN asks, and we agree as far as tcp.ecn allows. */
void ecn_syn_arrives(struct ecn_handshake *handshake, const struct settings *settings,
                     const struct segment *syn);
/* It came again, perhaps with other flags. */
void ecn_syn_repeated(struct ecn_handshake *handshake, const struct segment *syn);
/* The flags of our SYN,ACK. */
uint16_t ecn_answer_flags(struct ecn_handshake *handshake);
/* The answer to our SYN. */
void ecn_syn_ack_arrives(struct tcb *tcb, const struct segment *syn_ack);

/* ── The connection ── */

/* A step of arrival (input.c): notes how an acceptable segment is marked. */
enum tcp_step ecn_arrives(struct tcb *tcb, const struct segment *segment);
/* What an acknowledgment echoes goes into `event`. */
void ecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event);
/* The window has been reduced, for whatever reason (§6.1.2); or the reduction was taken back. */
void ecn_window_reduced(struct tcb *tcb);
void ecn_window_restored(struct tcb *tcb);
/* Sets the flags of a segment that departs; returns the codepoint (ECN_ECT0 …) for its IP header.
 */
uint8_t ecn_departs(struct tcb *tcb, const struct send_decision *decision, struct segment *segment);

#endif
