/* What is known of the MTUs of paths (RFC 1191): where a router has said that a path takes less
 * than our link does, that is remembered for all that goes to the destination (§6.2), until it has
 * grown old (§6.3). Bounded: what was learnt longest ago is forgotten first. */
#ifndef TERN_IP_PMTU_H
#define TERN_IP_PMTU_H

#include "base/list.h"
#include "base/table.h"
#include "core/stack.h"

struct pmtu {
    struct table known; /* of struct pmtu_entry, by destination */
    struct list age;    /* the same, what was learnt longest ago first */
};

struct pmtu_entry {
    struct table_node node;
    struct list link;
    struct address destination;
    uint32_t mtu; /* bytes of an IP packet */
    uint64_t expires_ns;
};

int pmtu_init(struct pmtu *pmtu); /* 0 or -ENOMEM */
void pmtu_release(struct pmtu *pmtu);
/* What is known of the path to `destination` and not too old; NULL for nothing. */
const struct pmtu_entry *pmtu_find(const struct stack *stack, const struct pmtu *pmtu,
                                   const struct address *destination);
/* The path takes no more than `mtu`: whether that was new. Never raises what is known. */
bool pmtu_lower(struct stack *stack, struct pmtu *pmtu, const struct address *destination,
                uint32_t mtu);

#endif
