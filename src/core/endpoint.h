/* One end of a conversation: an address and a port (for echo sockets, the identifier). */
#ifndef TERN_CORE_ENDPOINT_H
#define TERN_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/hash.h"

struct endpoint {
    struct address address;
    uint16_t port;
};

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address);
}

/* Of both ends of a conversation, by hash_bytes(): twelve bytes where both are of IPv4, whose
 * addresses differ in four bytes only, and 36 else. */
uint64_t endpoint_pair_hash(const struct hash_key *key, const struct endpoint *local,
                            const struct endpoint *remote);

#endif
