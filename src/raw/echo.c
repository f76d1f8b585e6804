#include "raw/echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/table.h"
#include "ip/ip.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

/* All echo endpoints of one stack. */
struct echo_state {
    struct list all;          /* to be freed at the stack's end */
    struct table identifiers; /* those that are bound */
};

struct echo {
    struct stack *stack;
    void *owner;
    struct list link;
    struct table_node node; /* in identifiers while local.port is not 0 */
    struct endpoint local;
    struct endpoint remote;
    bool port_chosen; /* by bind, and so kept when the association is dissolved */
    bool address_chosen;
    bool connected;
    struct datagrams datagrams;
};

static struct echo_state *echo_of(const struct stack *stack)
{
    return stack->protocols[IP_PROTOCOL_ICMP].state;
}

/* ── Identifiers ── */

static uint32_t identifier_hash(const struct stack *stack, uint16_t identifier)
{
    return (uint32_t)hash_bytes(&stack->hash_key, &identifier, sizeof identifier);
}

static struct echo *find(const struct stack *stack, uint16_t identifier)
{
    struct table_node *node =
        table_first(&echo_of(stack)->identifiers, identifier_hash(stack, identifier));
    for (; node; node = table_next(node)) {
        struct echo *echo = container_of(node, struct echo, node);
        if (echo->local.port == identifier)
            return echo;
    }
    return NULL;
}

static void take_identifier(struct echo *echo, uint16_t identifier)
{
    echo->local.port = identifier;
    table_insert(&echo_of(echo->stack)->identifiers, &echo->node,
                 identifier_hash(echo->stack, identifier));
}

static void leave_identifier(struct echo *echo)
{
    if (echo->local.port == 0)
        return;
    table_remove(&echo_of(echo->stack)->identifiers, &echo->node);
    echo->local.port = 0;
}

/* A random place to start, then the next free one (security rule 7). */
static int take_free_identifier(struct echo *echo)
{
    uint32_t offset = random_below(&echo->stack->random, UINT16_MAX);
    for (uint32_t i = 0; i < UINT16_MAX; i++) {
        uint16_t identifier = (uint16_t)(1 + (offset + i) % UINT16_MAX);
        if (find(echo->stack, identifier) ||
            !share_owns_identifier(&echo->stack->share, identifier))
            continue;
        take_identifier(echo, identifier);
        return 0;
    }
    return -EADDRINUSE;
}

int echo_autobind(struct echo *echo)
{
    return echo->local.port == 0 ? take_free_identifier(echo) : 0;
}

int echo_bind(struct echo *echo, const struct endpoint *local)
{
    bool chosen = !address_is_unspecified(&local->address);
    if (chosen && !ip_is_ours(echo->stack, &local->address))
        return -EADDRNOTAVAIL;
    if (echo->local.port != 0)
        return -EINVAL;
    if (local->port != 0 && find(echo->stack, local->port))
        return -EADDRINUSE;
    if (local->port != 0 && !share_owns_identifier(&echo->stack->share, local->port))
        return -EADDRNOTAVAIL;
    if (local->port == 0) {
        int error = take_free_identifier(echo);
        if (error)
            return error;
    } else {
        take_identifier(echo, local->port);
    }
    echo->local.address = local->address;
    echo->port_chosen = true;
    echo->address_chosen = chosen;
    return 0;
}

/* ── Connecting ── */

static void forget_peer(struct echo *echo)
{
    echo->connected = false;
    echo->remote = (struct endpoint){0};
    if (!echo->address_chosen)
        echo->local.address = (struct address){{0}};
}

int echo_connect(struct echo *echo, const struct endpoint *remote)
{
    if (!remote || address_is_unspecified(&remote->address)) {
        forget_peer(echo);
        if (!echo->port_chosen)
            leave_identifier(echo);
        return 0;
    }
    struct ip_path path;
    int error = ip_path_find(echo->stack, echo->address_chosen ? &echo->local.address : NULL,
                             &remote->address, &path);
    if (!error && path.kind == PATH_TO_ALL && !echo->datagrams.options.broadcast)
        error = -EACCES;
    if (!error)
        error = echo_autobind(echo);
    if (error)
        return error;
    echo->local.address = path.source;
    echo->remote = *remote;
    echo->connected = true;
    return 0;
}

/* ── Sending ── */

static bool is_request(const void *bytes, size_t length, struct icmp_message *message)
{
    return icmp_parse_unverified(bytes, length, message) && message->type == ICMP_ECHO_REQUEST &&
           message->code == 0;
}

int echo_check(const struct iovec *spans, int count)
{
    uint8_t header[ICMP_HEADER_SIZE];
    size_t taken = 0;
    struct icmp_message message;
    for (int i = 0; i < count && taken < sizeof header; i++) {
        size_t left = sizeof header - taken;
        size_t part = spans[i].iov_len < left ? spans[i].iov_len : left;
        if (part > 0)
            memcpy(header + taken, spans[i].iov_base, part);
        taken += part;
    }
    return is_request(header, taken, &message) ? 0 : -EINVAL;
}

int echo_directed(const struct echo *echo, const struct endpoint *to)
{
    return to || echo->connected ? 0 : -EDESTADDRREQ;
}

/* Tells who wants all errors that a message was larger than the path takes in one packet. */
static int too_long(struct echo *echo, const struct address *to, const struct ip_path *path)
{
    struct endpoint destination = {.address = *to};
    if (datagrams_too_long(echo->stack, &echo->datagrams, &destination, path->mtu))
        stack_notify(echo->stack, echo->owner, POLLERR);
    return -EMSGSIZE;
}

/* Finds by which path a message leaves, or why it does not: what is wrong with the way comes before
 * its length, and that before what came of an earlier one and the side that is shut (as on
 * Linux). */
static int settle(struct echo *echo, const struct address *to, size_t length, struct ip_path *path)
{
    const struct datagram_options *options = &echo->datagrams.options;
    int error = ip_path_find(echo->stack, &echo->local.address, to, path);
    if (!error && path->kind == PATH_TO_ALL && !options->broadcast)
        error = -EACCES;
    if (error)
        return error;
    if (length > (options->dont_fragment ? path->mtu - path->header_bytes : ECHO_MESSAGE_MAX))
        return too_long(echo, to, path);
    error = -datagrams_error(&echo->datagrams, true);
    if (!error && echo->datagrams.send_closed)
        error = -EPIPE;
    return error ? error : echo_autobind(echo);
}

static int send_message(struct echo *echo, const struct address *to,
                        const struct datagram_piece *piece)
{
    struct icmp_message message;
    struct ip_path path;
    if (!is_request(piece->bytes, piece->length, &message))
        return -EINVAL;
    int error = settle(echo, to, piece->length, &path);
    if (error)
        return error;
    const struct datagram_options *options = &echo->datagrams.options;
    struct ip_echo request = {.identifier = echo->local.port,
                              .sequence = message.sequence,
                              .data = message.body,
                              .length = message.body_length,
                              .hop_limit = options->hop_limit,
                              .group_hop_limit = options->group_hop_limit,
                              .traffic_class = options->traffic_class,
                              .dont_fragment = options->dont_fragment};
    return ip_send_echo(echo->stack, &path, to, &request);
}

ssize_t echo_send(struct echo *echo, const struct iovec *spans, int count,
                  const struct endpoint *to)
{
    struct datagram_piece piece;
    int error = echo_directed(echo, to);
    if (!error)
        error = datagram_piece_make(spans, count, DATAGRAM_CALL_MAX, &piece);
    if (error)
        return error;
    error = send_message(echo, to ? &to->address : &echo->remote.address, &piece);
    datagram_piece_release(&piece);
    if (!error && datagrams_left(echo->stack, &echo->datagrams, echo->datagrams.options.stamps))
        stack_notify(echo->stack, echo->owner, POLLERR);
    return error ? error : (ssize_t)piece.length;
}

/* ── Arrival ── */

static bool is_between(const struct echo *echo, const struct address *local,
                       const struct address *remote)
{
    bool here =
        address_is_unspecified(&echo->local.address) || address_equal(&echo->local.address, local);
    return here && (!echo->connected || address_equal(&echo->remote.address, remote));
}

static enum drop_reason echo_reply(struct stack *stack, const struct packet_in *packet,
                                   uint16_t identifier)
{
    struct echo *echo = find(stack, identifier);
    if (!echo || !is_between(echo, &packet->destination, &packet->source))
        return DROP_ECHO_NO_MATCH;
    struct datagram_info info = {.source = {.address = packet->source},
                                 .destination = packet->destination,
                                 .hop_limit = packet->hop_limit,
                                 .traffic_class = packet->traffic_class};
    ssize_t taken =
        datagrams_append(stack, &echo->datagrams, &info, packet->payload, packet->payload_length);
    if (taken < 0)
        return taken == -ENOMEM ? DROP_NO_MEMORY : DROP_ECHO_QUEUE_FULL;
    stack_notify(stack, echo->owner, POLLIN);
    return DROP_NONE;
}

/* As with UDP, only who has a peer, or reads the error queue, can be told whom the
 * error is about. */
static enum drop_reason echo_path_error(struct stack *stack, const struct path_error *error)
{
    struct icmp_message message;
    if (!icmp_parse_unverified(error->payload, error->payload_length, &message))
        return DROP_ICMP_TRUNCATED;
    struct echo *echo = message.type == ICMP_ECHO_REQUEST ? find(stack, message.identifier) : NULL;
    if (!echo || !(echo->connected || echo->datagrams.options.receive_errors) ||
        !is_between(echo, &error->source, &error->destination))
        return DROP_ICMP_NO_MATCH;
    struct endpoint destination = {.address = error->destination};
    datagrams_path_error(stack, &echo->datagrams, error, &destination, error->payload,
                         error->payload_length);
    if (echo->datagrams.error)
        stack_notify(stack, echo->owner, POLLERR);
    return DROP_NONE;
}

/* ── The rest of an endpoint's life ── */

static void echo_release(struct stack *stack)
{
    struct echo_state *state = echo_of(stack);
    while (!list_empty(&state->all))
        echo_close(container_of(state->all.next, struct echo, link));
    table_release(&state->identifiers);
    free(state);
    stack->protocols[IP_PROTOCOL_ICMP].state = NULL;
}

int echo_attach(struct stack *stack)
{
    struct echo_state *state = calloc(1, sizeof *state);
    if (!state)
        return -ENOMEM;
    list_init(&state->all);
    if (table_init(&state->identifiers, 16)) {
        free(state);
        return -ENOMEM;
    }
    struct protocol *protocol = &stack->protocols[IP_PROTOCOL_ICMP];
    protocol->error = echo_path_error;
    protocol->release = echo_release;
    protocol->state = state;
    ip_on_echo_reply(stack, echo_reply);
    return 0;
}

int echo_open(struct stack *stack, void *owner, struct echo **out)
{
    struct echo *echo = calloc(1, sizeof *echo);
    if (!echo)
        return -ENOMEM;
    echo->stack = stack;
    echo->owner = owner;
    datagrams_init(&echo->datagrams, (uint32_t)stack->settings.udp_rcvbuf);
    list_append(&echo_of(stack)->all, &echo->link);
    *out = echo;
    return 0;
}

void echo_close(struct echo *echo)
{
    leave_identifier(echo);
    datagrams_release(echo->stack, &echo->datagrams);
    list_remove(&echo->link);
    free(echo);
}

ssize_t echo_receive(struct echo *echo, const struct iovec *spans, int count, int flags,
                     struct datagram_info *info)
{
    if (flags & MSG_OOB)
        return -EOPNOTSUPP; /* as Linux's says */
    return datagrams_receive(echo->stack, &echo->datagrams, spans, count, flags, info);
}

int echo_shutdown(struct echo *echo, bool receive, bool send)
{
    echo->datagrams.receive_closed |= receive;
    echo->datagrams.send_closed |= send;
    stack_notify(echo->stack, echo->owner, datagrams_readiness(&echo->datagrams));
    return echo->connected ? 0 : -ENOTCONN;
}

unsigned echo_readiness(const struct echo *echo)
{
    return datagrams_readiness(&echo->datagrams);
}

int echo_error(struct echo *echo, bool clear)
{
    return datagrams_error(&echo->datagrams, clear);
}

void echo_stamps_begin(struct echo *echo)
{
    datagrams_stamps_begin(&echo->datagrams);
}

void echo_complete(struct echo *echo, struct error_note *completion)
{
    datagrams_complete(echo->stack, &echo->datagrams, completion);
    stack_notify(echo->stack, echo->owner, POLLERR);
}

struct error_note *echo_take_note(struct echo *echo)
{
    return datagrams_take_note(&echo->datagrams);
}

struct datagram_options *echo_options(struct echo *echo)
{
    return &echo->datagrams.options;
}

const struct endpoint *echo_local(const struct echo *echo)
{
    return &echo->local;
}

const struct endpoint *echo_remote(const struct echo *echo)
{
    return &echo->remote;
}
