/* One end of a conversation: an address and a port (for echo sockets, the identifier). */
#ifndef TERN_CORE_ENDPOINT_H
#define TERN_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct endpoint {
    struct address address;
    uint16_t port;
};

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address);
}

#endif
