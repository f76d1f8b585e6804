/* SYN-SENT: the answer to our SYN (RFC 9293 §3.10.7.3). */
#ifndef TERN_TCP_SYNSENT_H
#define TERN_TCP_SYNSENT_H

#include "tcp/step.h"
#include "tcp/tcb.h"

enum tcp_step tcp_syn_sent_arrives(struct tcb *tcb, const struct segment *segment);

#endif
