/* A connection in CLOSED in the place of another, or of a listener: what connect(2) with AF_UNSPEC
 * asks for, what shutdown(2) makes of a listener, and what is left of an OPEN that has failed.
 * Options, and the name that its user gave it, stay: whoever else uses the port by now. */
#include <errno.h>
#include <stdlib.h>

#include "tcp/connection.h"
#include "tcp/listener.h"
#include "tcp/port.h"
#include "tcp/tcp.h"

/* Gives the name to `fresh` while it is still another's: so nobody can come between. An address
 * that only the way to the peer had chosen is none any more. Without memory `fresh` is freed. */
static int hand_over(struct tcb *fresh, struct endpoint local, bool bound_address)
{
    fresh->bound_address = bound_address;
    if (!bound_address)
        local.address = address_from_ipv4(0);
    int error = port_take_over(fresh, &local);
    if (error < 0)
        tcp_abort(fresh);
    return error;
}

int tcp_renew(struct tcb *tcb, int error, struct tcb **out)
{
    struct tcb *fresh;
    if (tcp_create(tcb->stack, tcb->connection->owner, &fresh) < 0)
        return -ENOMEM;
    fresh->preferences = tcb->preferences;
    if (tcb->bound && hand_over(fresh, tcb->connection->local, tcb->bound_address) < 0)
        return -ENOMEM;
    fresh->fast_open.keys = tcb->fast_open.keys;
    tcb->fast_open.keys = NULL;
    tcp_abort(tcb);
    fresh->error = error;
    *out = fresh;
    return 0;
}

int tcp_renew_listener(struct tcp_listener *listener, struct tcb **out)
{
    struct tcb *fresh;
    struct fast_open_keys *keys = NULL;
    if (tcp_create(listener->stack, listener->owner, &fresh) < 0)
        return -ENOMEM;
    if (listener->fast_open_keys.count > 0 && !(keys = malloc(sizeof *keys))) {
        tcp_abort(fresh);
        return -ENOMEM;
    }
    fresh->preferences = listener->preferences;
    fresh->fast_open.keys = keys;
    if (keys)
        *keys = listener->fast_open_keys;
    if (hand_over(fresh, listener->local, !address_is_unspecified(&listener->local.address)) < 0)
        return -ENOMEM;
    tcp_listener_close(listener);
    *out = fresh;
    return 0;
}
