/* Whether the kernel at a TUN device takes packets longer than IPv4's length field can say. */
#ifndef TERN_LINK_TUN_BIG_H
#define TERN_LINK_TUN_BIG_H

#include <stdbool.h>

#include "base/address.h"
#include "link/held.h"

/* Asks it. What else arrives meanwhile is put into `others`. */
bool tun_big_ask(int descriptor, const struct address *ours, const struct address *kernel,
                 struct held_queue *others);

#endif
