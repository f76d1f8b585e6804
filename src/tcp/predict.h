/* Header prediction: whether an arriving segment is the usual one, of which it is known beforehand
 * what the steps of RFC 9293 §3.10.7.4 come to. */
#ifndef TERN_TCP_PREDICT_H
#define TERN_TCP_PREDICT_H

#include "tcp/tcb.h"

/* Whether `segment` brings the next text in order, or acknowledges more of ours, or both, and
 * nothing else, to a connection that is open and has no trouble. */
bool predict_holds(const struct tcb *tcb, const struct segment *segment);

#endif
