/* Whether the kernel at a TUN device takes packets longer than IPv4's length field can say. */
#ifndef TERN_LINK_TUN_BIG_H
#define TERN_LINK_TUN_BIG_H

#include <stdbool.h>

#include "base/address.h"
#include "link/held.h"

/* One of the device's queues. What else arrives in it meanwhile is put into `others`. */
struct tun_big_queue {
    int descriptor;
    struct held_queue *others;
};

/* Asks it, by the first of `count` queues; the answer comes by any of them. */
bool tun_big_ask(const struct tun_big_queue *queues, unsigned count, const struct address *ours,
                 const struct address *kernel);

#endif
