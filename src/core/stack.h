/* The stack object: a pure machine. Packets, calls and the time go in; packets, events and the next
 * deadline come out. It makes no system call, reads no clock, owns no thread and keeps no global.
 * Not thread-safe: its owner serialises.
 *
 * The protocols above register themselves here, so that this floor calls up without
 * knowing them. */
#ifndef TERN_CORE_STACK_H
#define TERN_CORE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tern/tern.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "core/counter.h"
#include "core/drop.h"
#include "core/interface.h"
#include "core/packet.h"
#include "core/route.h"
#include "core/setting.h"
#include "core/share.h"

/* What an ICMP error says of a packet we sent, whichever family's ICMP said it. */
enum path_error_kind {
    PATH_ERROR_NETWORK, /* net, host, unreachable: soft for TCP (RFC 9293 §3.9.2.2) */
    PATH_ERROR_HOST,
    PATH_ERROR_PROTOCOL, /* hard */
    PATH_ERROR_PORT,     /* hard */
    PATH_ERROR_ADMIN,
    PATH_ERROR_TOO_BIG, /* `mtu` says the next hop's (RFC 1191) */
    PATH_ERROR_TIME_EXCEEDED,
    PATH_ERROR_PARAMETER,
};

struct path_error {
    enum path_error_kind kind;
    uint32_t mtu;               /* PATH_ERROR_TOO_BIG; 0 when unknown */
    struct address source;      /* of our packet: ours */
    struct address destination; /* of our packet: the peer's */
    struct address reporter;    /* who sent the error */
    const uint8_t *payload;     /* as much as was quoted of what our IP packet carried */
    uint32_t payload_length;
    uint8_t icmp_type, icmp_code;     /* as received, for SO_ERROR queues */
    uint8_t hop_limit, traffic_class; /* of the packet that told it, which came to `source` */
};

/* A transport protocol, as ip/ sees it. */
struct protocol {
    enum drop_reason (*input)(struct stack *stack, const struct packet_in *packet);
    enum drop_reason (*error)(struct stack *stack,
                              const struct path_error *error); /* may be NULL */
    void (*configure)(struct stack *stack); /* a setting has changed; may be NULL */
    void (*release)(struct stack *stack);   /* at the stack's end */
    void *state;                            /* the protocol's own */
};

/* An IP version: IPv4 now. Registered under the version number in the packet's first four bits. */
struct network {
    enum drop_reason (*input)(struct stack *stack, struct interface *interface,
                              const uint8_t *packet, size_t length,
                              const struct tern_offload *offload);
    void (*release)(struct stack *stack); /* at the stack's end, after the protocols */
    void *state;                          /* the network's own */
};

/* What a timer does when it is due: each timer of the machine is inside one of these. */
struct stack_timer {
    struct timer timer;
    void (*expired)(struct stack *stack, struct stack_timer *timer);
};

struct trace {
    tern_trace_function *function; /* NULL: nobody looks */
    void *user;
};

struct stack {
    uint64_t now_ns; /* as of the call in progress */
    struct wheel wheel;
    struct random random;
    struct hash_key hash_key; /* of the tables */
    struct settings settings;
    struct counters counters;
    struct trace trace;
    struct share share; /* of what comes to its address, among stacks that have it in common */

    /* Where the memory of connections and the like is from (base/slab.h); NULL: malloc. */
    const struct slab_source *pages;

    struct interface interfaces[LIMIT_INTERFACES];
    unsigned interface_count;
    struct route routes[LIMIT_ROUTES];
    unsigned route_count;

    uint32_t path_version; /* moves on with what is known of paths, for who remembers some of it */

    struct network networks[16];    /* by IP version */
    struct protocol protocols[256]; /* by protocol number */

    /* Tells a socket that what `owner` may be asked has changed: POLLIN and so on, or 0 for what
     * poll does not show. Owner NULL: nothing without an owner is left to do. NULL while there is
     * no socket floor. */
    void (*notify)(struct stack *stack, void *owner, unsigned events);

    /* While packets arrive in a batch, what may wait for the last of them is put off; this does it:
     * all, or (`late`) what was put off already when this was last called. NULL: nothing is ever
     * put off. */
    void (*batch_over)(struct stack *stack, bool late);
    bool in_batch;
    bool batch_enough; /* a reader has enough: it should run before more arrives */

    /* Where the text of the next packet may be put by a link that can, because a reader waits for
     * it there. What becomes of text that turns out not to be his is the same as ever. */
    struct text_place place;

    uint64_t
        memory_used_bytes; /* rings, queues, records: charged by who allocates (stack_charge) */
    bool memory_short;     /* above memory.pressure, and not below memory.low since */
};

/* Prepares a machine at time now_ns. Protocols attach themselves afterwards. 0 or -ENOMEM. */
int stack_init(struct stack *stack, const uint8_t seed[RANDOM_SEED_SIZE], uint64_t now_ns);
/* Releases the protocols, then the networks, and all they own. */
void stack_release(struct stack *stack);

/* setting_set(), and what it may mean for what the protocols and others remember. */
int stack_set(struct stack *stack, const char *name, const char *value);

struct interface *stack_add_interface(
    struct stack *stack); /* NULL when LIMIT_INTERFACES are there */

/* A packet has arrived on `interface`. Returns why it was dropped, or DROP_NONE. */
enum drop_reason stack_input(struct stack *stack, struct interface *interface, const void *packet,
                             size_t length, const struct tern_offload *offload, uint64_t now_ns);
/* Around the packets of one look at the link. What they are answered with may come at the end, or
 * on what is sent before. A pause is for who was woken by them to have a turn: then another begins,
 * or it ends, and soon. */
void stack_batch_begin(struct stack *stack);
void stack_batch_pause(struct stack *stack);
/* The same, and an end for what has been put off since before the last such pause. */
void stack_batch_pause_late(struct stack *stack);
void stack_batch_end(struct stack *stack);
/* Lets time pass: runs all that is due. */
void stack_advance(struct stack *stack, uint64_t now_ns);
/* When stack_advance must be called at the latest; TIME_NEVER when nothing is pending. */
uint64_t stack_deadline(const struct stack *stack);

void stack_arm(struct stack *stack, struct stack_timer *timer, uint64_t deadline_ns);
void stack_cancel(struct stack *stack, struct stack_timer *timer);

static inline void stack_count(struct stack *stack, enum counter counter)
{
    stack->counters.value[counter]++;
}
static inline void stack_count_many(struct stack *stack, enum counter counter, uint64_t n)
{
    stack->counters.value[counter] += n;
}
static inline void stack_charge(struct stack *stack, int64_t bytes)
{
    stack->memory_used_bytes += (uint64_t)bytes;
    if (stack->memory_used_bytes > (uint64_t)stack->settings.memory_pressure)
        stack->memory_short = true;
    else if (stack->memory_used_bytes <= (uint64_t)stack->settings.memory_low)
        stack->memory_short = false;
}
/* Whether `bytes` more may be held. Who asks decides what gives way if not. */
static inline bool stack_memory_allows(const struct stack *stack, uint64_t bytes)
{
    return stack->memory_used_bytes + bytes <= (uint64_t)stack->settings.memory_high;
}

static inline void stack_notify(struct stack *stack, void *owner, unsigned events)
{
    if (stack->notify && owner)
        stack->notify(stack, owner, events);
}

/* Counts a packet as dropped and tells whoever traces, with the reason's text and clause. For
 * arriving packets stack_input does it; others call this for packets that were about to leave or
 * had been kept. Returns `reason`. */
enum drop_reason stack_drop(struct stack *stack, enum drop_reason reason,
                            const struct iovec *packet, int count,
                            const struct tern_offload *offload);

/* Hands an event to whoever traces. `why` and `clause` may be NULL. */
void stack_trace(struct stack *stack, enum tern_trace_kind kind, const struct iovec *packet,
                 int count, const struct tern_offload *offload, const char *why,
                 const char *clause);

#endif
