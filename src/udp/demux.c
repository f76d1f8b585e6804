/* Whom a datagram is for. */
#include "base/hash.h"
#include "udp/internal.h"

uint32_t udp_port_hash(const struct stack *stack, uint16_t port)
{
    return (uint32_t)hash_bytes(&stack->hash_key, &port, sizeof port);
}

uint32_t udp_peer_hash(const struct stack *stack, uint16_t port, const struct endpoint *peer)
{
    struct {
        struct address address;
        uint16_t peer_port, port;
    } key = {peer->address, peer->port, port};
    return (uint32_t)hash_bytes(&stack->hash_key, &key, sizeof key);
}

struct udp *udp_find_connected(const struct stack *stack, const struct endpoint *local,
                               const struct endpoint *remote)
{
    const struct table *peers = &udp_of(stack)->peers;
    struct table_node *node = table_first(peers, udp_peer_hash(stack, local->port, remote));
    for (; node; node = table_next(node)) {
        struct udp *udp = container_of(node, struct udp, peer_node);
        if (endpoint_equal(&udp->local, local) && endpoint_equal(&udp->remote, remote))
            return udp;
    }
    return NULL;
}

/* Whether an endpoint without a peer takes what comes to `local`; `exactly`: as bound to the very
 * address, else as bound to all. */
static bool takes(const struct udp *udp, const struct endpoint *local, bool exactly)
{
    const struct address *own = &udp->local.address;
    if (udp->local.port != local->port || udp->remote.port != 0)
        return false;
    return exactly ? address_equal(own, &local->address) : address_is_unspecified(own);
}

/* Of several that share (SO_REUSEPORT) each has its share of the senders: which, only the key
 * tells. Of several that are only bound to the same (SO_REUSEADDR), the last has all. */
static struct udp *choose_bound(const struct stack *stack, const struct endpoint *local,
                                const struct endpoint *remote, bool exactly)
{
    const struct table *ports = &udp_of(stack)->ports;
    const uint32_t hash = udp_port_hash(stack, local->port);
    struct udp *first = NULL;
    uint32_t sharing = 0;
    struct table_node *node;
    for (node = table_first(ports, hash); node; node = table_next(node)) {
        struct udp *udp = udp_of_port_node(node);
        if (!takes(udp, local, exactly))
            continue;
        first = first ? first : udp;
        sharing += udp->datagrams.options.reuse_port;
    }
    if (sharing < 2)
        return first;
    uint32_t skip = udp_peer_hash(stack, local->port, remote) % sharing;
    for (node = table_first(ports, hash); node; node = table_next(node)) {
        struct udp *udp = udp_of_port_node(node);
        if (takes(udp, local, exactly) && udp->datagrams.options.reuse_port && skip-- == 0)
            return udp;
    }
    return first;
}

/* The endpoint without a peer on this port: one bound to the very address before one
 * bound to all. */
struct udp *udp_find_bound(const struct stack *stack, const struct endpoint *local,
                           const struct endpoint *remote)
{
    struct udp *udp = choose_bound(stack, local, remote, true);
    return udp ? udp : choose_bound(stack, local, remote, false);
}
