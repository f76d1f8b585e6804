#include "tcp/demux.h"

#include "tcp/half_open.h"
#include "tcp/port.h"

uint32_t demux_hash(const struct tcp *tcp, const struct endpoint *local,
                    const struct endpoint *remote)
{
    return (uint32_t)endpoint_pair_hash(&tcp->stack->hash_key, local, remote);
}

void demux_insert(struct tcb *tcb)
{
    struct tcp_connection *connection = tcb->connection;
    table_insert(&tcb->tcp->connections, &connection->node,
                 demux_hash(tcb->tcp, &connection->local, &connection->remote));
    tcb->in_demux = true;
}

void demux_remove(struct tcb *tcb)
{
    if (tcb->in_demux)
        demux_remove_connection(tcb->tcp, tcb->connection);
    tcb->in_demux = false;
}

void demux_remove_connection(struct tcp *tcp, struct tcp_connection *connection)
{
    table_remove(&tcp->connections, &connection->node);
    if (tcp->latest == connection)
        tcp->latest = NULL;
}

static bool is_between(const struct tcp_connection *connection, const struct endpoint *local,
                       const struct endpoint *remote)
{
    return endpoint_equal(&connection->local, local) && endpoint_equal(&connection->remote, remote);
}

struct tcp_connection *demux_find(const struct tcp *tcp, const struct endpoint *local,
                                  const struct endpoint *remote)
{
    struct table_node *node = table_first(&tcp->connections, demux_hash(tcp, local, remote));
    for (; node; node = table_next(node)) {
        struct tcp_connection *connection = container_of(node, struct tcp_connection, node);
        if (is_between(connection, local, remote))
            return connection;
    }
    return NULL;
}

struct tcp_connection *demux_arrival(struct tcp *tcp, const struct endpoint *local,
                                     const struct endpoint *remote)
{
    if (tcp->latest && is_between(tcp->latest, local, remote))
        return tcp->latest;
    struct tcp_connection *connection = demux_find(tcp, local, remote);
    if (connection)
        tcp->latest = connection;
    return connection;
}

struct half_open *demux_find_half_open(const struct tcp *tcp, const struct endpoint *local,
                                       const struct endpoint *remote)
{
    struct table_node *node = table_first(&tcp->half_open, demux_hash(tcp, local, remote));
    for (; node; node = table_next(node)) {
        struct half_open *half = container_of(node, struct half_open, node);
        if (endpoint_equal(&half->local, local) && endpoint_equal(&half->remote, remote))
            return half;
    }
    return NULL;
}

/* At this very address; NULL: at any. */
static bool listens_at(const struct tcp_listener *listener, const struct address *address)
{
    const struct address *own = &listener->local.address;
    return address ? address_equal(own, address) : address_is_unspecified(own);
}

/* Of several (SO_REUSEPORT) each has its share of the peers: which, only the key tells. */
static struct tcp_listener *choose_listener(const struct tcp *tcp, const struct tcp_port *port,
                                            const struct address *address,
                                            const struct endpoint *local,
                                            const struct endpoint *remote)
{
    const struct list *head = &port->listeners, *l;
    uint32_t count = 0;
    for (l = head->next; l != head; l = l->next)
        count += listens_at(container_of(l, struct tcp_listener, port_link), address);
    uint32_t skip = count > 1 ? demux_hash(tcp, local, remote) % count : 0;
    for (l = head->next; l != head && count > 0; l = l->next) {
        struct tcp_listener *listener = container_of(l, struct tcp_listener, port_link);
        if (listens_at(listener, address) && skip-- == 0)
            return listener;
    }
    return NULL;
}

struct tcp_listener *demux_find_listener(const struct tcp *tcp, const struct endpoint *local,
                                         const struct endpoint *remote)
{
    const struct tcp_port *port = port_find(tcp, local->port);
    if (!port)
        return NULL;
    struct tcp_listener *listener = choose_listener(tcp, port, &local->address, local, remote);
    return listener ? listener : choose_listener(tcp, port, NULL, local, remote);
}
