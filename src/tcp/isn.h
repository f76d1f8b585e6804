/* Initial sequence numbers (RFC 6528). */
#ifndef TERN_TCP_ISN_H
#define TERN_TCP_ISN_H

#include "tcp/tcb.h"

/* ISN = M + F(local, remote, secret), M ticking every 4 µs (RFC 9293 §3.4.1, MUST-8 and SHLD-1). */
uint32_t tcp_initial_sequence(const struct tcp *tcp, const struct endpoint *local,
                              const struct endpoint *remote);

#endif
