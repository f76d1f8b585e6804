/* Local ports and peers: claiming them and giving them back. */
#include <errno.h>

#include "ip/ip.h"
#include "udp/internal.h"

/* ── Binding ── */

static bool addresses_clash(const struct address *a, const struct address *b)
{
    return address_is_unspecified(a) || address_is_unspecified(b) || address_equal(a, b);
}

/* Both ask for the same kind of sharing. */
static bool both_share(const struct datagram_options *one, const struct datagram_options *other)
{
    return (one->reuse_address && other->reuse_address) || (one->reuse_port && other->reuse_port);
}

static bool is_taken(const struct udp *udp, const struct endpoint *local)
{
    struct table_node *node =
        table_first(&udp_of(udp->stack)->ports, udp_port_hash(udp->stack, local->port));
    for (; node; node = table_next(node)) {
        const struct udp *other = udp_of_port_node(node);
        if (other->local.port != local->port ||
            !addresses_clash(&other->local.address, &local->address))
            continue;
        if (!both_share(&udp->datagrams.options, &other->datagrams.options))
            return true;
    }
    return false;
}

static void take_port(struct udp *udp, uint16_t port)
{
    udp->local.port = port;
    table_insert(&udp_of(udp->stack)->ports, &udp->port_node, udp_port_hash(udp->stack, port));
}

static void leave_port(struct udp *udp)
{
    if (udp->local.port == 0)
        return;
    table_remove(&udp_of(udp->stack)->ports, &udp->port_node);
    udp->local.port = 0;
}

/* RFC 6056 §3.3.1: a random place to start, then the next free one. An ephemeral port is never
 * shared. */
static int take_ephemeral_port(struct udp *udp)
{
    struct stack *stack = udp->stack;
    uint32_t first = (uint32_t)stack->settings.port_first;
    uint32_t last = (uint32_t)stack->settings.port_last;
    uint32_t count = last >= first ? last - first + 1 : 1;
    uint32_t offset = random_below(&stack->random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(first + (offset + i) % count);
        if (table_first(&udp_of(stack)->ports, udp_port_hash(stack, port)) ||
            !share_owns_port(&stack->share, port))
            continue;
        take_port(udp, port);
        return 0;
    }
    return -EADDRINUSE;
}

int udp_autobind(struct udp *udp)
{
    return udp->local.port == 0 ? take_ephemeral_port(udp) : 0;
}

/* Many hosts have it, and so none sends from it. */
static bool is_of_many(const struct udp *udp, const struct address *address)
{
    return address_is_multicast(address) || ip_is_broadcast(udp->stack, address);
}

const struct address *udp_source(const struct udp *udp)
{
    return ip_is_ours(udp->stack, &udp->local.address) ? &udp->local.address : NULL;
}

int udp_bind(struct udp *udp, const struct endpoint *local)
{
    bool chosen = !address_is_unspecified(&local->address);
    if (chosen && !ip_is_ours(udp->stack, &local->address) && !is_of_many(udp, &local->address) &&
        !udp->datagrams.options.free_bind)
        return -EADDRNOTAVAIL;
    if (udp->local.port != 0)
        return -EINVAL;
    if (local->port != 0 && is_taken(udp, local))
        return -EADDRINUSE;
    if (local->port == 0) {
        int error = take_ephemeral_port(udp);
        if (error)
            return error;
    } else {
        take_port(udp, local->port);
    }
    udp->local.address = local->address;
    udp->port_chosen = true;
    udp->address_chosen = chosen;
    return 0;
}

/* ── Connecting ── */

/* Stacks that have an address in common (core/share.h): whether the answers come to this one. */
static bool is_answered_here(const struct udp *udp, const struct ip_path *path,
                             const struct endpoint *remote)
{
    struct endpoint local = {path->source, udp->local.port};
    return path->kind != PATH_TO_ONE ||
           ip_flow_is_ours(udp->stack, IP_PROTOCOL_UDP, &local, remote);
}

static void forget_peer(struct udp *udp)
{
    if (udp->remote.port == 0)
        return;
    table_remove(&udp_of(udp->stack)->peers, &udp->peer_node);
    udp->remote = (struct endpoint){0};
    if (!udp->address_chosen)
        udp->local.address = (struct address){{0}};
}

static void dissolve(struct udp *udp)
{
    forget_peer(udp);
    if (!udp->port_chosen)
        leave_port(udp);
}

int udp_connect(struct udp *udp, const struct endpoint *remote)
{
    if (!remote || (address_is_unspecified(&remote->address) && remote->port == 0)) {
        dissolve(udp);
        return 0;
    }
    if (remote->port == 0)
        return -EINVAL;
    struct ip_path path;
    int error = ip_path_find(udp->stack, udp->address_chosen ? udp_source(udp) : NULL,
                             &remote->address, &path);
    if (!error && path.kind == PATH_TO_ALL && !udp->datagrams.options.broadcast)
        error = -EACCES;
    if (!error)
        error = udp_autobind(udp);
    if (!error && !is_answered_here(udp, &path, remote))
        error = -EADDRNOTAVAIL;
    if (error)
        return error;
    forget_peer(udp);
    if (!udp->address_chosen)
        udp->local.address = path.source;
    udp->remote = *remote;
    table_insert(&udp_of(udp->stack)->peers, &udp->peer_node,
                 udp_peer_hash(udp->stack, udp->local.port, remote));
    udp_cork_redirect(udp, &path);
    return 0;
}

void udp_leave(struct udp *udp)
{
    forget_peer(udp);
    leave_port(udp);
}
