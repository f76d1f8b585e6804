/* Opening a Linux TUN device, and the links over its queues (tun.h). */
#ifndef TERN_LINK_TUN_OPEN_H
#define TERN_LINK_TUN_OPEN_H

#include <stdbool.h>

#include "link/link.h"

struct tun_config {
    const char *device;  /* "tern0" */
    const char *address; /* ours with its prefix, "10.0.0.3/24" */
    const char *peer;    /* the kernel's, "10.0.0.2" */
    uint32_t mtu;        /* 0: 1500 */
    bool no_offload; /* neither side leaves the other a checksum to finish, nor packets to cut */
    bool gro; /* the kernel may join what it is sent without offloads, if it can: every packet
                 must pass as soon as it is sent, and PSH be on the last of each burst */
};

/* Creates or attaches to the device, gives the kernel's side its address (with the prefix of ours)
 * and MTU, and brings it up. 0, or a negative errno with a sentence in `error` that says what
 * failed and what to do about it: no /dev/net/tun, no permission, device busy, name too long, an
 * address that this host already uses elsewhere, a bad MTU. On failure nothing is left behind. */
int tun_link_open(const struct tun_config *config, struct link **out, char *error,
                  size_t error_size);
/* The same with `count` queues, of which each is a link. What the kernel sends comes by the queue
 * from which it has last seen a packet of that flow, or by any. An existing device must have been
 * made for several (or, with a count of 1, for one). */
int tun_links_open(const struct tun_config *config, unsigned count, struct link **out, char *error,
                   size_t error_size);

#endif
