/* Where packets go: the longest matching prefix decides (RFC 1122 §3.3.1). */
#ifndef TERN_CORE_ROUTE_H
#define TERN_CORE_ROUTE_H

#include "base/address.h"

struct interface;
struct stack;

struct route {
    struct address prefix;
    unsigned prefix_bits;
    struct address gateway; /* unspecified: the destination is on the link */
    struct interface *interface;
};

/* 0, -ENOSPC when the table is full, -EEXIST. */
int route_add(struct stack *stack, const struct route *route);
/* The best route for `destination`, or NULL. Routes of an interface's own subnets are in the table
 * too. */
const struct route *route_find(const struct stack *stack, const struct address *destination);
/* Our address to use towards `destination` over `route` (RFC 1122 §3.3.4.3, RFC 6724 for what
 * applies): the one in the same subnet as the next hop, else the first of that family; NULL when
 * the interface has none. */
const struct address *route_source(const struct route *route, const struct address *destination);

#endif
