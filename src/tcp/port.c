#include "tcp/port.h"

#include <errno.h>
#include <stdlib.h>

#include "tcp/demux.h"
#include "tcp/listener.h"
#include "tcp/preferences.h"
#include "wire/ipv4.h"

static uint32_t port_hash(const struct tcp *tcp, uint16_t number)
{
    return (uint32_t)hash_bytes(&tcp->stack->hash_key, &number, sizeof number);
}

static struct tcp_port *find_hashed(const struct tcp *tcp, uint16_t number, uint32_t hash)
{
    struct table_node *node = table_first(&tcp->ports, hash);
    for (; node; node = table_next(node)) {
        struct tcp_port *port = container_of(node, struct tcp_port, node);
        if (port->number == number)
            return port;
    }
    return NULL;
}

struct tcp_port *port_find(const struct tcp *tcp, uint16_t number)
{
    return find_hashed(tcp, number, port_hash(tcp, number));
}

static struct tcp_connection *find_alone(const struct tcp *tcp, uint16_t number, uint32_t hash)
{
    struct table_node *node = table_first(&tcp->lone_ports, hash);
    for (; node; node = table_next(node)) {
        struct tcp_connection *connection = container_of(node, struct tcp_connection, lone_port);
        if (connection->local.port == number)
            return connection;
    }
    return NULL;
}

/* A number, and who has it: a port, or one that has opened from it and has it to himself, or
 * nobody. */
struct place {
    uint16_t number;
    uint32_t hash;
    struct tcp_port *port;
    struct tcp_connection *alone;
};

static struct place find_place(const struct tcp *tcp, uint16_t number)
{
    struct place place = {.number = number, .hash = port_hash(tcp, number)};
    place.port = find_hashed(tcp, number, place.hash);
    if (!place.port)
        place.alone = find_alone(tcp, number, place.hash);
    return place;
}

/* From now on others have to do with its port, too. */
static void no_more_alone(struct tcp *tcp, struct tcp_connection *connection, struct tcp_port *port)
{
    table_remove(&tcp->lone_ports, &connection->lone_port);
    connection->alone = false;
    list_init(&connection->port_link);
    list_append(&port->bound, &connection->port_link);
}

static struct tcp_port *port_at(struct tcp *tcp, const struct place *place)
{
    if (place->port)
        return place->port;
    struct tcp_port *port = calloc(1, sizeof *port);
    if (!port)
        return NULL;
    port->number = place->number;
    list_init(&port->bound);
    list_init(&port->listeners);
    table_insert(&tcp->ports, &port->node, place->hash);
    if (place->alone)
        no_more_alone(tcp, place->alone, port);
    return port;
}

struct tcp_port *port_find_or_add(struct tcp *tcp, uint16_t number)
{
    struct place place = find_place(tcp, number);
    return port_at(tcp, &place);
}

void port_release(struct tcp *tcp, struct tcp_port *port)
{
    if (port->connections || !list_empty(&port->bound) || !list_empty(&port->listeners))
        return;
    table_remove(&tcp->ports, &port->node);
    free(port);
}

static bool addresses_clash(const struct address *a, const struct address *b)
{
    return address_is_unspecified(a) || address_is_unspecified(b) || address_equal(a, b);
}

static const struct tcp_preferences *preferences_of(const struct tcp_connection *connection)
{
    return connection->tcb ? &connection->tcb->preferences
                           : &connection->rest.preferences->preferences;
}

static bool in_time_wait(const struct tcp_connection *connection)
{
    return (connection->tcb ? connection->tcb->state : connection->rest.state) == TCP_TIME_WAIT;
}

/* Whether two that want the same may share it: both ask for the same kind of sharing, or the other
 * is only what is left of a connection. */
static bool both_share(const struct tcb *tcb, bool reuse, const struct tcp_connection *other)
{
    const struct tcp_preferences *theirs = preferences_of(other);
    if (in_time_wait(other) && (reuse || tcb->preferences.reuse_port))
        return true;
    return (reuse && theirs->reuse_address) || (tcb->preferences.reuse_port && theirs->reuse_port);
}

/* Whether a listener of the port's keeps `local` for itself: not from others who listen, as it
 * does, with SO_REUSEPORT. */
static bool listener_keeps(const struct tcb *tcb, const struct tcp_port *port,
                           const struct address *local)
{
    for (const struct list *l = port->listeners.next; l != &port->listeners; l = l->next) {
        const struct tcp_listener *listener = container_of(l, struct tcp_listener, port_link);
        bool share = tcb->preferences.reuse_port && listener->preferences.reuse_port;
        if (!share && addresses_clash(&listener->local.address, local))
            return true;
    }
    return false;
}

/* Whether connections that were accepted at the port bar the way to it. */
static bool accepted_keep(const struct tcb *tcb, const struct tcp_port *port, bool reuse)
{
    return port->connections && !reuse && !tcb->preferences.reuse_port;
}

bool port_may_listen(const struct tcb *tcb, const struct tcp_port *port)
{
    return !accepted_keep(tcb, port, tcb->preferences.reuse_address) &&
           !listener_keeps(tcb, port, &tcb->connection->local.address);
}

static bool both_may(const struct tcb *tcb, const struct address *local, bool reuse,
                     const struct tcp_connection *other)
{
    return both_share(tcb, reuse, other) || !addresses_clash(&other->local.address, local);
}

static bool is_free_beside(const struct tcb *tcb, const struct tcp_port *port,
                           const struct address *local, bool reuse)
{
    if (accepted_keep(tcb, port, reuse) || listener_keeps(tcb, port, local))
        return false;
    for (const struct list *l = port->bound.next; l != &port->bound; l = l->next) {
        const struct tcp_connection *other = container_of(l, struct tcp_connection, port_link);
        if (!both_may(tcb, local, reuse, other))
            return false;
    }
    return true;
}

/* Whether a user may bind to `local` beside those already there: as Linux, all must have asked for
 * it, and with a listener by SO_REUSEPORT. */
static bool port_free_for(const struct tcb *tcb, const struct place *place,
                          const struct address *local, bool reuse)
{
    if (place->port)
        return is_free_beside(tcb, place->port, local, reuse);
    return !place->alone || both_may(tcb, local, reuse, place->alone);
}

static void has_port(struct tcb *tcb, uint16_t number, const struct address *local)
{
    tcb->connection->holds_port = true;
    tcb->connection->local = (struct endpoint){*local, number};
    tcb->bound = true;
}

/* Who may yet listen stands first among those bound, who has opened last. */
static int take_to_bind(struct tcb *tcb, const struct place *place, const struct address *local)
{
    struct tcp_port *port = port_at(tcb->tcp, place);
    if (!port)
        return -ENOMEM;
    list_insert(port->bound.next, &tcb->connection->port_link);
    has_port(tcb, place->number, local);
    return 0;
}

int port_take_over(struct tcb *tcb, const struct endpoint *local)
{
    struct place place = find_place(tcb->tcp, local->port);
    return take_to_bind(tcb, &place, &local->address);
}

static int take_to_open(struct tcb *tcb, const struct place *place, const struct address *local)
{
    struct tcp_connection *connection = tcb->connection;
    if (place->port || place->alone) {
        struct tcp_port *port = port_at(tcb->tcp, place);
        if (!port)
            return -ENOMEM;
        list_append(&port->bound, &connection->port_link);
    } else {
        connection->alone = true;
        table_insert(&tcb->tcp->lone_ports, &connection->lone_port, place->hash);
    }
    has_port(tcb, place->number, local);
    return 0;
}

struct port_span {
    uint32_t first, count;
};

static struct port_span ephemeral_span(const struct stack *stack)
{
    uint32_t first = (uint32_t)stack->settings.port_first;
    uint32_t last = (uint32_t)stack->settings.port_last;
    if (last < first)
        last = first;
    return (struct port_span){first, last - first + 1};
}

static int port_bind_ephemeral(struct tcb *tcb, const struct address *local, bool reuse)
{
    struct port_span span = ephemeral_span(tcb->stack);
    uint32_t offset = random_below(&tcb->stack->random, span.count);
    for (uint32_t i = 0; i < span.count; i++) {
        uint16_t number = (uint16_t)(span.first + (offset + i) % span.count);
        if (!share_owns_port(&tcb->stack->share, number))
            continue;
        struct place place = find_place(tcb->tcp, number);
        if (port_free_for(tcb, &place, local, reuse))
            return take_to_bind(tcb, &place, local);
    }
    return -EADDRINUSE;
}

int port_bind(struct tcb *tcb, const struct endpoint *local, bool reuse)
{
    if (local->port == 0)
        return port_bind_ephemeral(tcb, &local->address, reuse);
    struct place place = find_place(tcb->tcp, local->port);
    if (!port_free_for(tcb, &place, &local->address, reuse))
        return -EADDRINUSE;
    return take_to_bind(tcb, &place, &local->address);
}

/* RFC 6056 §3.1: whether somebody listens there, or has bound to it and may do so yet. Who could
 * make us open from such a port, could have what is meant for the listener. */
static bool kept_for_a_listener(const struct place *place)
{
    const struct tcp_connection *first = place->alone;
    if (place->port && !list_empty(&place->port->listeners))
        return true;
    if (place->port && !list_empty(&place->port->bound))
        first = container_of(place->port->bound.next, struct tcp_connection, port_link);
    return first && first->tcb && first->tcb->state == TCP_CLOSED;
}

void port_opens(struct tcb *tcb)
{
    if (tcb->connection->alone)
        return;
    struct tcp_port *port = port_find(tcb->tcp, tcb->connection->local.port);
    list_remove(&tcb->connection->port_link);
    list_append(&port->bound, &tcb->connection->port_link);
}

/* RFC 6056 §3.3.4, the double-hash algorithm: where the search starts is a keyed hash of the remote
 * endpoint and our address, and moves on by a counter that only similar destinations share. Both
 * hashes are halves of one, which tell nothing of each other. */
int port_bind_for(struct tcb *tcb, const struct address *local, const struct endpoint *remote)
{
    struct tcp *tcp = tcb->tcp;
    const struct endpoint no_port = {*local, 0};
    struct port_span span = ephemeral_span(tcb->stack);
    uint64_t hash = endpoint_pair_hash(&tcp->port_key, &no_port, remote);
    uint32_t offset = (uint32_t)hash;
    uint32_t *step = &tcp->port_steps[(hash >> 32) % 64];
    for (uint32_t i = 0; i < span.count; i++) {
        struct endpoint candidate = {*local,
                                     (uint16_t)(span.first + (offset + *step) % span.count)};
        *step += 1;
        if (!ip_flow_is_ours(tcp->stack, IP_PROTOCOL_TCP, &candidate, remote))
            continue;
        struct place place = find_place(tcp, candidate.port);
        if (kept_for_a_listener(&place))
            continue;
        bool others = place.port || place.alone;
        if (others && demux_find(tcp, &candidate, remote))
            continue;
        return take_to_open(tcb, &place, local);
    }
    return -EADDRNOTAVAIL;
}

int port_join(struct tcb *tcb)
{
    struct tcp_port *port = port_find_or_add(tcb->tcp, tcb->connection->local.port);
    if (!port)
        return -ENOMEM;
    port->connections++;
    tcb->connection->holds_port = true;
    return 0;
}

static void leave_shared(struct tcp *tcp, struct tcp_connection *connection)
{
    struct tcp_port *port = port_find(tcp, connection->local.port);
    if (list_empty(&connection->port_link))
        port->connections--;
    list_remove(&connection->port_link);
    port_release(tcp, port);
}

void port_give_back(struct tcp_connection *connection)
{
    struct tcp *tcp = tcp_of(connection->stack);
    if (!connection->holds_port)
        return;
    connection->holds_port = false;
    if (connection->alone) {
        table_remove(&tcp->lone_ports, &connection->lone_port);
        connection->alone = false;
        list_init(&connection->port_link);
    } else {
        leave_shared(tcp, connection);
    }
}

void port_leave(struct tcb *tcb)
{
    tcb->bound = false;
    port_give_back(tcb->connection);
}
