/* The kernel's side of a TUN device: which address, prefix and MTU it is to have, whether they fit
 * this host, and giving them to it. */
#ifndef TERN_LINK_TUN_PEER_H
#define TERN_LINK_TUN_PEER_H

#include <net/if.h>
#include <stdbool.h>

#include "base/address.h"
#include "link/tun_open.h"

struct tun_peer {
    char device[IF_NAMESIZE];
    bool existed; /* before we came: persistent, and not ours to take down */
    struct address ours;
    struct address kernel;
    unsigned prefix_bits;
    uint32_t mtu;
    bool small_packets; /* the kernel leaves no super-segments to us */
};

/* Reads the configuration, and holds it against the addresses that this host has already: 0,
 * -EINVAL or -EADDRINUSE with a sentence in `error`. Changes nothing. */
int tun_peer_plan(const struct tun_config *config, struct tun_peer *out, char *error,
                  size_t error_size);

/* Gives the device what it lacks of its address, prefix and MTU, and brings it up: 0, or a negative
 * errno with a sentence. What an existing device has already is left alone, so that attaching to
 * one that is set up needs no privilege. On failure it is as it was. */
int tun_peer_configure(const struct tun_peer *peer, char *error, size_t error_size);

/* What to do about a missing permission, to end a sentence with. */
#define TUN_PERMISSION_ADVICE "run as root, or give the program the capability CAP_NET_ADMIN"

#endif
