/* The path's MTU, as ICMP tells it (RFC 1191). */
#ifndef TERN_TCP_MTU_H
#define TERN_TCP_MTU_H

#include "tcp/tcb.h"

/* A router could not forward a segment of ours: `mtu` is what it can, 0 when it did not say. */
void mtu_too_big(struct tcb *tcb, uint32_t mtu);

#endif
