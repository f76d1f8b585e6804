/* What a trace remembers of TCP connections, so that it can print what people read: sequence
 * numbers relative to each side's first, windows in bytes.
 *
 * The table has a fixed size: a connection that hashes to a full set displaces the one of that set
 * seen longest ago, which then starts afresh. */
#ifndef TERN_CLI_FLOWS_H
#define TERN_CLI_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/hash.h"
#include "wire/tcp.h"

enum {
    FLOW_SETS = 256,
    FLOW_WAYS = 4,
    FLOW_KEY_SIZE = 36, /* both addresses and both ports, the smaller end first */
};

/* One side of a connection. */
struct flow_side {
    bool has_base;
    uint32_t base; /* its initial sequence number, or what stands for it */
    bool syn_seen; /* and with it whether and how it scales */
    bool scales;
    uint8_t shift;
};

struct flow {
    uint8_t key[FLOW_KEY_SIZE];
    uint64_t seen;             /* 0: free */
    struct flow_side sides[2]; /* in the key's order */
};

struct flows {
    struct hash_key hash_key;
    uint64_t clock;
    struct flow sets[FLOW_SETS][FLOW_WAYS];
};

/* A segment as people read it. */
struct flow_view {
    uint32_t seq;
    uint32_t ack; /* meaningful with ACK */
    uint32_t window;
    bool window_known; /* scaled, or known not to need it */
    struct range sack[TCP_SACK_BLOCKS_MAX];
};

void flows_init(struct flows *flows, const struct hash_key *key);

/* Translates a segment, and takes `note` of it; not of a damaged one, which must not spoil what its
 * connection's next lines say. */
void flow_observe(struct flows *flows, const struct address *source,
                  const struct address *destination, const struct segment *segment, bool note,
                  struct flow_view *view);

#endif
