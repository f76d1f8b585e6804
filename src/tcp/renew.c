/* A connection in CLOSED in the place of another: what connect(2) with AF_UNSPEC asks for, and what
 * is left of an OPEN that has failed. Options, and the name that its user gave it, stay. */
#include <errno.h>

#include "tcp/connection.h"
#include "tcp/port.h"
#include "tcp/tcp.h"

int tcp_renew(struct tcb *tcb, int error, struct tcb **out)
{
    struct tcb *fresh;
    if (tcp_create(tcb->stack, tcb->connection->owner, &fresh) < 0)
        return -ENOMEM;
    struct endpoint local = tcb->connection->local;
    bool bound = tcb->bound;
    fresh->preferences = tcb->preferences;
    fresh->fast_open.keys = tcb->fast_open.keys;
    tcb->fast_open.keys = NULL;
    tcp_abort(tcb);
    /* Its port has just become free, so this fails only without memory. */
    if (bound)
        port_bind(fresh, &local, fresh->preferences.reuse_address);
    fresh->error = error;
    *out = fresh;
    return 0;
}
