/* Who holds which local port: binding, and the choice of ephemeral ports (RFC 6056). */
#ifndef TERN_TCP_PORT_H
#define TERN_TCP_PORT_H

#include "tcp/tcb.h"

/* A local port in use. One that a single connection has opened from, and nobody else has to do
 * with, has none: clients have as many of those as connections. */
struct tcp_port {
    struct table_node node; /* in tcp->ports */
    uint16_t number;
    uint32_t connections;  /* that use it without having been bound to it: accepted ones */
    struct list bound;     /* port_link of those bound to it, who may yet listen first */
    struct list listeners; /* tcp_listener.port_link */
};

/* Claims `local` for a tcb: 0, -EADDRINUSE, -ENOMEM. Port 0 takes an ephemeral port. `reuse`:
 * SO_REUSEADDR; SO_REUSEPORT is among its preferences. */
int port_bind(struct tcb *tcb, const struct endpoint *local, bool reuse);
/* Takes a name over from another that has it, and is about to give it back: 0 or -ENOMEM. */
int port_take_over(struct tcb *tcb, const struct endpoint *local);
/* Claims an ephemeral port whose connection to `remote` is not taken yet (RFC 6056 §3.3.4): 0,
 * -EADDRNOTAVAIL, -ENOMEM. */
int port_bind_for(struct tcb *tcb, const struct address *local, const struct endpoint *remote);
/* One that its user has bound opens, and will not listen. */
void port_opens(struct tcb *tcb);
/* Whether who is bound to `port` may listen there, beside those that do and those that were
 * accepted there, by others or by itself in a former life. */
bool port_may_listen(const struct tcb *tcb, const struct tcp_port *port);
/* Counts an accepted connection in. 0 or -ENOMEM. */
int port_join(struct tcb *tcb);
/* Lets go of whichever of the above; port_give_back(), for a connection at rest. */
void port_leave(struct tcb *tcb);
void port_give_back(struct tcp_connection *connection);

struct tcp_port *port_find(const struct tcp *tcp, uint16_t number);
struct tcp_port *port_find_or_add(struct tcp *tcp, uint16_t number);
/* Frees a port that nobody uses any more. */
void port_release(struct tcp *tcp, struct tcp_port *port);

#endif
