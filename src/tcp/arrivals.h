/* When the text in the receive ring arrived (SO_TIMESTAMP and its kin), for who has asked to be
 * told. What waits behind a hole arrives, in this sense, when the hole is filled. Of more than
 * LIMIT_ARRIVALS pieces that nobody reads the later ones count as one, which has the time of the
 * last. */
#ifndef TERN_TCP_ARRIVALS_H
#define TERN_TCP_ARRIVALS_H

struct tcb;

/* RCV.NXT has moved over text. */
void arrivals_note(struct tcb *tcb);
void arrivals_release(struct tcb *tcb);

#endif
