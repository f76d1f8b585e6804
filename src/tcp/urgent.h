/* Urgent data (RFC 9293 §3.8.5, RFC 6093). */
#ifndef TERN_TCP_URGENT_H
#define TERN_TCP_URGENT_H

#include "tcp/step.h"
#include "tcp/tcb.h"

/* §3.10.7.4, sixth: check the URG bit. */
enum tcp_step tcp_process_urgent(struct tcb *tcb, const struct segment *segment);

#endif
