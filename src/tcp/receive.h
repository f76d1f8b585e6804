/* Receiving: text into the ring, the window, and when to acknowledge. */
#ifndef TERN_TCP_RECEIVE_H
#define TERN_TCP_RECEIVE_H

#include "tcp/step.h"
#include "tcp/tcb.h"

/* RFC 9293 §3.10.7.4, seventh and eighth. */
enum tcp_step tcp_process_text(struct tcb *tcb, const struct segment *segment);
enum tcp_step tcp_process_fin(struct tcb *tcb, const struct segment *segment);
/* The seventh where header prediction holds (predict.h): the text is in order, and fits. */
enum tcp_step receive_predicted(struct tcb *tcb, const struct segment *segment);

/* receive_window.c: what is offered, and how it grows. */
/* The window of a SYN, and the shift for all that follow. */
/* Takes note of how large the peer's packets are (TCP_INFO's tcpi_rcv_mss). */
void receive_measure(struct tcb *tcb, const struct segment *segment);
uint32_t receive_initial_window(const struct stack *stack,
                                const struct tcp_preferences *preferences, uint32_t mss,
                                uint8_t *scale);
/* The handshake is done, or SO_RCVBUF has been set. */
void receive_window_begin(struct tcb *tcb);
void receive_window_resized(struct tcb *tcb);
/* Chooses RCV.WND for the segment about to be sent: never takes back what was offered (§3.8.6,
 * SHLD-14), and opens no sliver (§3.8.6.2.2, MUST-39). */
void receive_update_window(struct tcb *tcb);
/* Whether the window has opened by so much that the sender should hear of it without
 * being asked. */
bool receive_window_is_news(const struct tcb *tcb);
void receive_window_arrived(struct tcb *tcb,
                            const struct segment *segment); /* text has been taken, in order */
void receive_window_held_up(struct tcb *tcb,
                            uint32_t length); /* text has been taken, out of order */
void receive_window_consumed(struct tcb *tcb, uint32_t bytes); /* the user has read */

/* landing.c: as much of in-order text at RCV.NXT as goes straight to a reader's memory. RCV.NXT
 * moves over it. */
uint32_t receive_land(struct tcb *tcb, const uint8_t *text, uint32_t length);
/* Nothing lands any more; what has stays where it is. */
void receive_landing_over(struct tcb *tcb);

/* The duplicate to report in the next ACK's first SACK block (RFC 2883 §4). */
void receive_duplicate(struct tcb *tcb, uint32_t start, uint32_t end);

/* delayed_ack.c: when an acknowledgment goes (RFC 9293 §3.8.6.3, RFC 5681 §4.2). */
void receive_data_arrived(struct tcb *tcb,
                          const struct segment *segment); /* in-order text has been taken */
void receive_fin_arrived(struct tcb *tcb);                /* RCV.NXT has moved over the FIN */
void receive_answer_expected(struct tcb *tcb); /* text is about to be sent: let it carry the ACK */
void receive_data_sent(struct tcb *tcb);       /* data leaves, and carries an acknowledgment */
void receive_ack_sent(struct tcb *tcb);        /* RCV.NXT has been acknowledged */
void receive_decide_ack(struct tcb *tcb);      /* at the end of segment arrival: now or later */
void receive_handshake_over(struct tcb *tcb);  /* our SYN is acknowledged, and theirs is to be */
/* ACKs that wait for the batch's end go; `late`: those that waited when this was last called. */
void receive_batch_over(struct stack *stack, bool late);
void receive_ack_expired(struct tcb *tcb); /* the delayed ACK's timer */
void receive_consumed(struct tcb *tcb,
                      uint32_t bytes); /* the user has read: perhaps the window's opening is news */
void receive_quick(struct tcb *tcb, uint8_t count); /* no delay for the next `count` */

#endif
