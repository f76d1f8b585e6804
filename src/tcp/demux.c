#include "tcp/demux.h"

#include "tcp/listen.h"
#include "tcp/port.h"

uint32_t demux_hash(const struct tcp *tcp, const struct endpoint *local,
                    const struct endpoint *remote)
{
    struct {
        struct address local, remote;
        uint16_t local_port, remote_port;
    } key = {local->address, remote->address, local->port, remote->port};
    return (uint32_t)hash_bytes(&tcp->stack->hash_key, &key, sizeof key);
}

void demux_insert(struct tcb *tcb)
{
    table_insert(&tcb->tcp->connections, &tcb->node,
                 demux_hash(tcb->tcp, &tcb->local, &tcb->remote));
    tcb->in_demux = true;
}

void demux_remove(struct tcb *tcb)
{
    if (tcb->in_demux)
        table_remove(&tcb->tcp->connections, &tcb->node);
    tcb->in_demux = false;
}

struct tcb *demux_find(const struct tcp *tcp, const struct endpoint *local,
                       const struct endpoint *remote)
{
    struct table_node *node = table_first(&tcp->connections, demux_hash(tcp, local, remote));
    for (; node; node = table_next(node)) {
        struct tcb *tcb = container_of(node, struct tcb, node);
        if (endpoint_equal(&tcb->local, local) && endpoint_equal(&tcb->remote, remote))
            return tcb;
    }
    return NULL;
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

struct tcp_listener *demux_find_listener(const struct tcp *tcp, const struct endpoint *local)
{
    const struct tcp_port *port = port_find(tcp, local->port);
    struct tcp_listener *any = NULL;
    if (!port)
        return NULL;
    for (const struct list *l = port->listeners.next; l != &port->listeners; l = l->next) {
        struct tcp_listener *listener = container_of(l, struct tcp_listener, port_link);
        if (address_equal(&listener->local.address, &local->address))
            return listener;
        if (address_is_unspecified(&listener->local.address))
            any = listener;
    }
    return any;
}
