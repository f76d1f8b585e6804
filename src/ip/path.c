#include <errno.h>

#include "ip/internal.h"

/* The address to use towards ourselves: the caller's choice, else the very one we talk to. */
static void take_loopback(struct stack *stack, const struct address *source,
                          const struct address *destination, struct ip_path *path)
{
    path->interface = &ip_of(stack)->loopback.interface;
    path->source = source ? *source : *destination;
    path->mtu = path->interface->mtu;
}

static int take_route(struct stack *stack, const struct address *source,
                      const struct address *destination, struct ip_path *path)
{
    const struct route *route = route_find(stack, destination);
    const struct address *own = !route ? NULL : source ? source : route_source(route, destination);
    if (!own) {
        stack_count(stack, COUNTER_IpOutNoRoutes);
        return -ENETUNREACH;
    }
    if (interface_is_broadcast(route->interface, destination))
        return -EACCES;
    if (address_is_loopback(own)) /* never outside a host: RFC 1122 §3.2.1.3 (g) */
        return -EADDRNOTAVAIL;
    path->interface = route->interface;
    path->source = *own;
    path->mtu = route->interface->mtu;
    return 0;
}

int ip_path_find(struct stack *stack, const struct address *source,
                 const struct address *destination, struct ip_path *path)
{
    if (source && address_is_unspecified(source))
        source = NULL;
    if (source && !ip_is_ours(stack, source))
        return -EADDRNOTAVAIL;
    if (address_is_multicast(destination) || address_is_limited_broadcast(destination))
        return -EACCES;
    path->header_bytes = IPV4_HEADER_MIN;
    if (ip_is_ours(stack, destination)) {
        take_loopback(stack, source, destination, path);
        return 0;
    }
    return take_route(stack, source, destination, path);
}
