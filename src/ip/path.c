#include <errno.h>

#include "base/time.h"
#include "ip/internal.h"

/* The MTU of the path to `destination` over its interface, as it is known now. */
static void find_mtu(struct stack *stack, const struct address *destination, struct ip_path *path)
{
    uint32_t link = path->interface->mtu, own = (uint32_t)stack->settings.ip_mtu;
    if (own && own < LIMIT_MTU_MIN)
        own = LIMIT_MTU_MIN;
    bool loopback = ip_is_looped(stack, path->interface);
    const struct pmtu_entry *known =
        loopback ? NULL : pmtu_find(stack, &ip_of(stack)->pmtu, destination);
    path->version = stack->path_version;
    path->link_mtu = own && own < link && !loopback ? own : link;
    path->mtu = known && known->mtu < path->link_mtu ? known->mtu : path->link_mtu;
    path->mtu_until_ns = known ? known->expires_ns : TIME_NEVER;
}

void ip_path_too_big(struct stack *stack, const struct address *destination, uint32_t mtu)
{
    uint32_t least = (uint32_t)stack->settings.ip_min_pmtu;
    if (mtu < least)
        mtu = least; /* no forged error makes us send crumbs (CVE-2004-1060) */
    if (!pmtu_lower(stack, &ip_of(stack)->pmtu, destination, mtu))
        return;
    stack->path_version++;
    stack_count(stack, COUNTER_IpPathMtuLowered);
    stack_trace(stack, TERN_TRACE_NOTE, NULL, 0, NULL, "path MTU lowered", "RFC 1191 §3");
}

bool ip_path_refresh(struct stack *stack, const struct address *destination, struct ip_path *path)
{
    if (path->version == stack->path_version && stack->now_ns < path->mtu_until_ns)
        return false;
    uint32_t before = path->mtu;
    find_mtu(stack, destination, path);
    return path->mtu != before;
}

/* The address to use towards ourselves: the caller's choice, else the very one we talk to. */
static void take_loopback(struct stack *stack, const struct address *source,
                          const struct address *destination, struct ip_path *path)
{
    path->interface = &ip_of(stack)->loopback.interface;
    path->source = source ? *source : *destination;
    find_mtu(stack, destination, path);
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
    if (address_is_loopback(own)) /* never outside a host: RFC 1122 §3.2.1.3 (g) */
        return -EINVAL;
    if (interface_is_broadcast(route->interface, destination))
        path->kind = PATH_TO_ALL;
    path->interface = route->interface;
    path->source = *own;
    find_mtu(stack, destination, path);
    return 0;
}

int ip_path_find(struct stack *stack, const struct address *source,
                 const struct address *destination, struct ip_path *path)
{
    if (source && address_is_unspecified(source))
        source = NULL;
    if (source && !ip_is_ours(stack, source))
        return -EADDRNOTAVAIL;
    bool to_group = address_is_multicast(destination),
         to_all = address_is_limited_broadcast(destination);
    path->header_bytes = IPV4_HEADER_MIN;
    path->kind = to_group ? PATH_TO_GROUP : to_all ? PATH_TO_ALL : PATH_TO_ONE;
    /* What belongs to no subnet goes where its source is. */
    bool stays = (to_group || to_all) && source && address_is_loopback(source);
    if (stays || ip_is_ours(stack, destination)) {
        take_loopback(stack, source, destination, path);
        return 0;
    }
    return take_route(stack, source, destination, path);
}

enum { LOOPBACK_NUMBER = LIMIT_INTERFACES };
_Static_assert(LOOPBACK_NUMBER <= UINT8_MAX, "an interface's number has eight bits");

uint8_t ip_interface_number(const struct stack *stack, const struct interface *interface)
{
    if (ip_is_looped(stack, interface))
        return LOOPBACK_NUMBER;
    return (uint8_t)(interface - stack->interfaces);
}

struct interface *ip_interface(struct stack *stack, uint8_t number)
{
    return number == LOOPBACK_NUMBER ? &ip_of(stack)->loopback.interface : &stack->interfaces[number];
}
