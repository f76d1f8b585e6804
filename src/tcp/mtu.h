/* The path's MTU, as ICMP tells it (RFC 1191). What is learnt is kept by ip/, for all that goes to
 * the same destination; here it becomes the segment size. */
#ifndef TERN_TCP_MTU_H
#define TERN_TCP_MTU_H

#include "tcp/tcb.h"

/* A router could not forward a segment of ours: `mtu` is what it can, 0 when it did not say. */
void mtu_too_big(struct tcb *tcb, uint32_t mtu);
/* Takes note of what others have learnt of the path, or of what has grown too old to be believed
 * (§3, §6.3). */
void mtu_refresh(struct tcb *tcb);

/* What is out and larger than a segment is now counts as the segments it will be sent again in. */
void mtu_recut(struct tcb *tcb);

#endif
