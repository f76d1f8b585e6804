/* What TCP keeps for a stack, beside its connections; inside TCP. */
#ifndef TERN_TCP_PROTOCOL_H
#define TERN_TCP_PROTOCOL_H

#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/ring_spares.h"
#include "base/slab.h"
#include "base/table.h"
#include "core/stack.h"
#include "tcp/cookie_keys.h"
#include "tcp/peers.h"
#include "wire/ipv4.h"

struct preferences_share;
struct tcb;
struct tcp_connection;

/* Blocks of connections that peers woke though memory.high was reached; memory.c. */
struct tcp_woken {
    unsigned all;
    uint8_t by_peer[64]; /* of these, by a keyed hash of the peer's address */
    uint32_t shortage;   /* all since memory.high was last not reached: a count of such times */
};

/* The protocol's own state in a stack. */
struct tcp {
    /* What every segment needs. */
    struct stack *stack;
    struct table connections;       /* by local and remote endpoint */
    struct tcp_connection *latest;  /* of them, whom the last segment was for; or NULL: nobody */
    struct tcp_connection *settled; /* may rest when the segment in hand is done with */
    struct list record_spares; /* struct sent_record by its `order`, the latest first; records.c */
    uint32_t record_spare_count;
    struct list batch;      /* connections whose ACK waits for the end of the batch */
    struct list late_batch; /* those of them that do so for long */
    struct tcb *awaits;     /* whose rest waits, between two calls, for the next write; or NULL */
    struct ring_spares spares;

    struct table half_open;  /* the same key as `connections`; half_open.c */
    struct table ports;      /* by local port; port.c */
    struct table lone_ports; /* connections that have one to themselves, by local port */
    struct list all;         /* every tcb: connections that do not rest */
    struct list time_wait;   /* connections, oldest first */
    uint64_t relieved_ns;    /* when all connections were last looked through for memory */
    uint32_t time_wait_count;
    struct list orphans; /* detached tcbs not in TIME-WAIT, closed longest ago first; orphans.c */
    uint32_t orphan_count;
    struct slab tcb_slab, connection_slab;
    struct tcp_woken woken;
    struct tcb *reserve;      /* for a resting connection that is about to end */
    struct table preferences; /* those of resting connections; preferences.c */
    struct preferences_share *latest_preferences;
    struct hash_key isn_key, timestamp_key, port_key;
    struct cookie_secret cookie_secret;
    struct peer_memory fast_open_peers; /* fastopen_client.c */
    struct peer_memory accecn_peers;    /* accecn_peers.c */
    uint32_t port_steps[64]; /* RFC 6056 §3.3.4: counters of the double-hash algorithm */
};

static inline struct tcp *tcp_of(const struct stack *stack)
{
    return (struct tcp *)stack->protocols[IP_PROTOCOL_TCP].state;
}

#endif
