/* Congestion window validation (RFC 7661): what a window is worth that its user does not fill. */
#ifndef TERN_TCP_CWV_H
#define TERN_TCP_CWV_H

#include "tcp/tcb.h"

/* Nothing is known of how well the window is filled. */
void cwv_begin(struct tcb *tcb);
/* Something has been sent, or the window keeps it from being: notes how much of it is used, for
 * cc_is_limited(). */
void cwv_sent(struct tcb *tcb, bool limited);
/* An ACK has come, and nothing is being recovered. */
void cwv_acknowledged(struct tcb *tcb);
/* Congestion: the algorithm is about to say how far the window falls. What was never used is no
 * place to fall from. */
void cwv_reducing(struct tcb *tcb);
/* A recovery is over, with the window at ssthresh: what was sent again comes off a window that had
 * not been validated (§4.4.1). */
void cwv_recovered(struct tcb *tcb);
/* Whether what goes out is to be paced, lest a window that has not been validated becomes a burst
 * (§4.4.2). */
bool cwv_paces(const struct tcb *tcb);
/* Whether the window has been filled well enough to be believed (§4.3). */
bool cwv_is_validated(const struct tcb *tcb);
/* Sending is about to start again after a pause. */
void cwv_resumes(struct tcb *tcb);

#endif
