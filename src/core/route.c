#include "core/route.h"

#include <errno.h>

#include "core/stack.h"

static bool same_prefix(const struct route *a, const struct route *b)
{
    return a->prefix_bits == b->prefix_bits &&
           address_in_prefix(&a->prefix, &b->prefix, b->prefix_bits);
}

int route_add(struct stack *stack, const struct route *route)
{
    for (unsigned i = 0; i < stack->route_count; i++)
        if (same_prefix(&stack->routes[i], route))
            return -EEXIST;
    if (stack->route_count == LIMIT_ROUTES)
        return -ENOSPC;
    stack->routes[stack->route_count++] = *route;
    return 0;
}

const struct route *route_find(const struct stack *stack, const struct address *destination)
{
    const struct route *best = NULL;
    for (unsigned i = 0; i < stack->route_count; i++) {
        const struct route *route = &stack->routes[i];
        if (!address_in_prefix(destination, &route->prefix, route->prefix_bits))
            continue;
        if (!best || route->prefix_bits > best->prefix_bits)
            best = route;
    }
    return best;
}

const struct address *route_source(const struct route *route, const struct address *destination)
{
    const struct interface *interface = route->interface;
    const struct address *next_hop =
        address_is_unspecified(&route->gateway) ? destination : &route->gateway;
    const struct address *first = NULL;
    for (unsigned i = 0; i < interface->address_count; i++) {
        const struct interface_address *own = &interface->addresses[i];
        if (address_in_prefix(next_hop, &own->address, own->prefix_bits))
            return &own->address;
        if (!first && address_is_ipv4(&own->address) == address_is_ipv4(destination))
            first = &own->address;
    }
    return first;
}
