/* The link over one queue of a Linux TUN device, which tun_open.h opens: the machine's wire to the
 * kernel of this host (or its namespace). */
#ifndef TERN_LINK_TUN_H
#define TERN_LINK_TUN_H

#include "link/link.h"
#include "link/tun_big.h"
#include "link/tun_peer.h"

/* Makes the link of a queue, whose descriptor it closes with itself; NULL without memory, and then
 * the descriptor is open still. What the link can do is what the kernel agrees to, or nothing where
 * the peer is to leave us small packets. */
struct link *tun_link_new(int descriptor, const struct tun_peer *peer);

/* Its queue, before the first poll: what is read from it meanwhile the link delivers. */
struct tun_big_queue tun_link_queue(struct link *link);

#endif
