#include "tcp/listener.h"

#include <errno.h>
#include <stdlib.h>

#include "tcp/connection.h"
#include "tcp/half_open.h"
#include "tcp/port.h"

/* Linux's meaning of a backlog: one more may wait than was asked for. */
bool tcp_listener_is_full(const struct tcp_listener *listener)
{
    return listener->accept_count > listener->backlog;
}

/* A listener in the place of `tcb`, which stays its caller's: NULL without memory. */
static struct tcp_listener *listener_new(const struct tcb *tcb, struct tcp_port *port, void *owner)
{
    struct tcp_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return NULL;
    listener->stack = tcb->stack;
    listener->tcp = tcb->tcp;
    listener->owner = owner;
    listener->port = port;
    listener->local = tcb->connection->local;
    listener->preferences = tcb->preferences;
    if (tcb->fast_open.keys)
        listener->fast_open_keys = *tcb->fast_open.keys;
    list_init(&listener->accept_queue);
    list_init(&listener->half_open);
    list_init(&listener->early);
    list_append(&port->listeners, &listener->port_link);
    return listener;
}

int tcp_listen(struct tcb *tcb, unsigned backlog, void *owner, struct tcp_listener **out)
{
    if (tcb->state != TCP_CLOSED)
        return -EINVAL;
    if (!tcb->bound) {
        struct endpoint any = {.port = 0, .address = address_from_ipv4(0)};
        int error = port_bind(tcb, &any, false);
        if (error < 0)
            return error;
    }
    struct tcp_port *port = port_find_or_add(tcb->tcp, tcb->connection->local.port);
    if (!port)
        return -ENOMEM;
    if (!port_may_listen(tcb, port))
        return -EADDRINUSE;
    struct tcp_listener *listener = listener_new(tcb, port, owner);
    if (!listener)
        return -ENOMEM;
    tcp_listener_backlog(listener, backlog);
    tcb->connection->owner = NULL;
    tcp_connection_free(tcb);
    *out = listener;
    return 0;
}

int tcp_listener_backlog(struct tcp_listener *listener, unsigned backlog)
{
    listener->backlog = backlog < LIMIT_BACKLOG ? backlog : LIMIT_BACKLOG;
    return 0;
}

int tcp_accept(struct tcp_listener *listener, void *owner, struct tcb **out)
{
    /* One that has been reset meanwhile is given out all the same: its reader learns
     * (as on Linux). */
    if (list_empty(&listener->accept_queue))
        return -EAGAIN;
    struct tcb *tcb = container_of(listener->accept_queue.next, struct tcb, queue);
    list_remove(&tcb->queue);
    listener->accept_count--;
    tcb->listener = NULL;
    tcb->connection->owner = owner;
    *out = tcb;
    return 0;
}

void tcp_listener_close(struct tcp_listener *listener)
{
    struct tcp *tcp = listener->tcp;
    while (!list_empty(&listener->half_open))
        half_open_free(container_of(listener->half_open.next, struct half_open, link));
    while (!list_empty(&listener->accept_queue)) {
        struct tcb *tcb = container_of(listener->accept_queue.next, struct tcb, queue);
        list_remove(&tcb->queue);
        tcb->listener = NULL;
        tcp_abort(tcb);
    }
    /* Those accepted already go on without their listener. */
    for (struct list *l = listener->early.next; l != &listener->early; l = l->next)
        container_of(l, struct tcb, fast_open.early_link)->fast_open.early_of = NULL;
    list_remove(&listener->early);
    list_remove(&listener->port_link);
    port_release(tcp, listener->port);
    free(listener);
}

void tcp_listener_note_arrivals(struct tcp_listener *listener, bool on)
{
    listener->preferences.note_arrivals = on;
}

const struct endpoint *tcp_listener_local(const struct tcp_listener *listener)
{
    return &listener->local;
}

unsigned tcp_listener_readiness(const struct tcp_listener *listener)
{
    return list_empty(&listener->accept_queue) ? 0 : POLLIN | POLLRDNORM;
}
