/* Having the kernel join the packets of a burst again before its TCP looks at them, as it does with
 * those of a network card (GRO): all that it does per segment is done once for up to 64 KB. */
#ifndef TERN_LINK_TUN_GRO_H
#define TERN_LINK_TUN_GRO_H

#include <stdbool.h>
#include <sys/uio.h>

/* What it is turned on with, to be closed by the caller; -1 where it may not be had: for want of
 * the right to (CAP_SYS_ADMIN and CAP_NET_ADMIN, not just of a user namespace), or of a kernel that
 * can (Linux 5.2). A queue had better be opened without IFF_NAPI then, which costs each packet
 * something and joins nothing by itself. */
int tun_gro_prepare(void);

/* Turns it on for a device whose queues have been opened with IFF_NAPI: false if that failed. From
 * then on a segment may have to wait for one that follows it, for 10 ms, unless it has PSH, or
 * another flag that is no ordinary segment's; and so may a datagram that is not padded. */
bool tun_gro_turn_on(int prepared, const char *device);

/* What to write behind a packet that begins with `first`, so that one which has no such mark need
 * not wait: a byte, or nothing. */
void tun_gro_pad(const struct iovec *first, struct iovec *padding);

#endif
