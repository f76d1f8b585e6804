/* Datagrams that arrive in fragments (RFC 791 §3.2, RFC 815, RFC 1122 §3.3.2).
 *
 * Each has one buffer that grows with the highest byte seen; the bytes of a fragment are copied to
 * their place at once, and a set of ranges knows the holes. What overlaps condemns the datagram
 * (RFC 5722, which we apply to IPv4 too), unless it says the same again.
 *
 * Number, memory and time are limited (security rule 4). Where a limit is reached, what gives way
 * is the oldest datagram of the sources that hold most: who floods us with fragments displaces his
 * own. */
#ifndef TERN_IP_REASSEMBLY_H
#define TERN_IP_REASSEMBLY_H

#include "base/table.h"
#include "core/stack.h"
#include "wire/ipv4.h"

enum { REASSEMBLY_SHARES = 64 };

struct reassembly {
    struct table table; /* of struct assembly, by what identifies a datagram */
    struct list oldest; /* all of them, in the order in which they began */
    uint32_t count;
    uint32_t bytes;                     /* that all hold, as charged */
    uint32_t shares[REASSEMBLY_SHARES]; /* how `bytes` divides among the sources, by keyed hash */
};

int reassembly_init(struct reassembly *reassembly); /* 0 or -ENOMEM */
void reassembly_release(struct stack *stack, struct reassembly *reassembly);

/* Takes a fragment; passes the datagram on once it is whole. DROP_NONE when it was kept, else what
 * became of it or of the whole. */
enum drop_reason reassembly_add(struct stack *stack, const struct packet_in *fragment,
                                const struct ipv4_header *header);

#endif
