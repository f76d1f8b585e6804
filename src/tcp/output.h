/* Sending: what to send next (output.c), and building it (emit.c). */
#ifndef TERN_TCP_OUTPUT_H
#define TERN_TCP_OUTPUT_H

#include "tcp/burst.h"
#include "tcp/tcb.h"

/* Why a segment is sent, for the trace. */
enum tcp_why {
    WHY_NOTHING,
    WHY_SYN,
    WHY_SYN_ACK,
    WHY_DATA,
    WHY_FIN,
    WHY_RECOVERY, /* fast retransmit, and what recovery sends after it */
    WHY_TIMEOUT,  /* the retransmission timer */
    WHY_TOO_BIG,  /* the path did not take it in one piece */
    WHY_LOSS_PROBE,
    WHY_MTU_PROBE,
    WHY_WINDOW_PROBE,
    WHY_KEEPALIVE,
    WHY_ACK,
    WHY_ACK_DELAYED,
    WHY_ACK_DUPLICATE, /* something is out of order or old */
    WHY_ACK_CHALLENGE,
    WHY_WINDOW_UPDATE,
    WHY_RESET,
};

/* What tcp_next_send decides. */
struct send_decision {
    enum tcp_why why; /* WHY_NOTHING: nothing to send now */
    uint32_t seq;
    uint32_t length;            /* of text */
    uint32_t mss;               /* cut into segments of this much */
    uint16_t flags;             /* SYN, FIN, PSH beside ACK */
    struct sent_record *record; /* the one to send again; NULL for new data */
    enum tcp_held held;         /* WHY_NOTHING: on account of this */
};

/* What the occasion adds to the user's wishes. */
enum tcp_urge {
    URGE_USUAL,
    URGE_MORE, /* MSG_MORE: what is short waits, as if corked */
    URGE_PUSH, /* what is short goes, Nagle or not */
    URGE_ONE,  /* the same, but one packet only: the user is still writing */
};

/* Pure: looks at the connection and decides. Nothing changes. */
struct send_decision tcp_next_send(const struct tcb *tcb, enum tcp_urge urge);
/* Sends all that may go, then what acknowledgment is owed. Called at the end of whatever changed
 * anything. */
void tcp_output(struct tcb *tcb);
void tcp_output_urged(struct tcb *tcb, enum tcp_urge urge);
/* Sends what has been decided; whether it went. */
bool tcp_carry_out(struct tcb *tcb, struct send_decision *decision);
/* Sends a whole record once more, to see what comes back, and not because it is lost. */
bool tcp_send_probe(struct tcb *tcb, struct send_decision *decision);
/* How `record`, its first `segments`, is sent again. */
struct send_decision tcp_resend(const struct tcb *tcb, struct sent_record *record,
                                uint32_t segments, enum tcp_why why);
/* The next new segments, as far as `room` of them go, whatever else would come first. */
struct send_decision tcp_send_fresh(const struct tcb *tcb, uint32_t room, enum tcp_urge urge);

/* The segment size in force: Eff.snd.MSS, and at most half the largest window the peer ever
 * offered, lest both sides wait (RFC 9293 §3.8.6.2.1). */
uint32_t tcp_segment_size(const struct tcb *tcb);

/* These tell whether the link has taken it. */
bool tcp_retransmit_first(struct tcb *tcb, enum tcp_why why);
bool tcp_send_window_probe(struct tcb *tcb);

/* emit.c. */
/* Puts a decision on the wire: header, options, text from the send ring. 0 or the link's error;
 * what it did not take has not been sent. Of a super-segment that is cut above it the link may take
 * a part: length and flags are then that part's. */
int tcp_emit(struct tcb *tcb, struct send_decision *decision);
/* A segment without text. */
int tcp_emit_bare(struct tcb *tcb, uint32_t seq, uint16_t flags, enum tcp_why why);
void tcp_send_ack(struct tcb *tcb, enum tcp_why why);
void tcp_send_keepalive(struct tcb *tcb);
void tcp_send_reset(struct tcb *tcb); /* <SEQ=SND.NXT><CTL=RST,ACK> */
/* RFC 5961 §7: at most tcp.challenge_ack_limit an interval a connection. */
bool tcp_allowed(const struct stack *stack, struct tcp_allowance *allowance);
/* Whether some have been taken in an interval that is not over. */
bool tcp_allowance_runs(const struct stack *stack, const struct tcp_allowance *allowance);
void tcp_send_challenge(struct tcb *tcb);
/* The ACK for a segment that is not acceptable (RFC 9293 §3.10.7.4, first); if it brings nothing,
 * no more often than that. */
void tcp_answer_unacceptable(struct tcb *tcb, const struct segment *segment);

/* Sends a segment that belongs to no connection block (half-open, reset): its options are in
 * `segment`, whose checksum is filled in. */
int tcp_emit_segment(struct stack *stack, const struct ip_path *path, const struct endpoint *local,
                     const struct endpoint *remote, struct segment *segment, uint8_t traffic_class,
                     enum tcp_why why);
/* Answers a segment for which there is no connection with a reset (RFC 9293 §3.10.7.1); never a
 * reset with a reset. */
void tcp_reject(struct stack *stack, const struct packet_in *packet, const struct segment *segment);

#endif
