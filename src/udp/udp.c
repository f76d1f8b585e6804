/* Two tables find an endpoint: `ports`, by local port alone, holds every bound one; `peers`, by the
 * local port and the peer, those that are connected. */
#include "udp/udp.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/table.h"
#include "ip/ip.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

/* All of UDP in one stack. */
struct udp_state {
    struct list all; /* every endpoint, to be freed at the stack's end */
    struct table ports;
    struct table peers;
};

struct udp {
    struct stack *stack;
    void *owner;
    struct list link;
    struct table_node port_node; /* in ports while local.port is not 0 */
    struct table_node peer_node; /* in peers while remote.port is not 0 */
    struct endpoint local;
    struct endpoint remote;
    bool port_chosen; /* by bind, and so kept when the association is dissolved */
    bool address_chosen;
    struct datagrams datagrams;
};

static struct udp_state *udp_of(const struct stack *stack)
{
    return stack->protocols[IP_PROTOCOL_UDP].state;
}

/* ── Finding ── */

static uint32_t port_hash(const struct stack *stack, uint16_t port)
{
    return (uint32_t)hash_bytes(&stack->hash_key, &port, sizeof port);
}

static uint32_t peer_hash(const struct stack *stack, uint16_t port, const struct endpoint *peer)
{
    struct {
        struct address address;
        uint16_t peer_port, port;
    } key = {peer->address, peer->port, port};
    return (uint32_t)hash_bytes(&stack->hash_key, &key, sizeof key);
}

static struct udp *of_port_node(struct table_node *node)
{
    return container_of(node, struct udp, port_node);
}

static struct udp *find_connected(const struct stack *stack, const struct endpoint *local,
                                  const struct endpoint *remote)
{
    const struct table *peers = &udp_of(stack)->peers;
    struct table_node *node = table_first(peers, peer_hash(stack, local->port, remote));
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
    const uint32_t hash = port_hash(stack, local->port);
    struct udp *first = NULL;
    uint32_t sharing = 0;
    struct table_node *node;
    for (node = table_first(ports, hash); node; node = table_next(node)) {
        struct udp *udp = of_port_node(node);
        if (!takes(udp, local, exactly))
            continue;
        first = first ? first : udp;
        sharing += udp->datagrams.options.reuse_port;
    }
    if (sharing < 2)
        return first;
    uint32_t skip = peer_hash(stack, local->port, remote) % sharing;
    for (node = table_first(ports, hash); node; node = table_next(node)) {
        struct udp *udp = of_port_node(node);
        if (takes(udp, local, exactly) && udp->datagrams.options.reuse_port && skip-- == 0)
            return udp;
    }
    return first;
}

/* The endpoint without a peer on this port: one bound to the very address before one bound to all.
 */
static struct udp *find_bound(const struct stack *stack, const struct endpoint *local,
                              const struct endpoint *remote)
{
    struct udp *udp = choose_bound(stack, local, remote, true);
    return udp ? udp : choose_bound(stack, local, remote, false);
}

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
        table_first(&udp_of(udp->stack)->ports, port_hash(udp->stack, local->port));
    for (; node; node = table_next(node)) {
        const struct udp *other = of_port_node(node);
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
    table_insert(&udp_of(udp->stack)->ports, &udp->port_node, port_hash(udp->stack, port));
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
        if (table_first(&udp_of(stack)->ports, port_hash(stack, port)))
            continue;
        take_port(udp, port);
        return 0;
    }
    return -EADDRINUSE;
}

int udp_bind(struct udp *udp, const struct endpoint *local)
{
    bool chosen = !address_is_unspecified(&local->address);
    if (chosen && !ip_is_ours(udp->stack, &local->address))
        return -EADDRNOTAVAIL;
    if (udp->local.port != 0)
        return -EINVAL;
    if (local->port != 0 && is_taken(udp, local))
        return -EADDRINUSE;
    udp->local.address = local->address;
    if (local->port == 0) {
        int error = take_ephemeral_port(udp);
        if (error)
            return error;
    } else {
        take_port(udp, local->port);
    }
    udp->port_chosen = true;
    udp->address_chosen = chosen;
    return 0;
}

/* ── Connecting ── */

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
    int error = ip_path_find(udp->stack, udp->address_chosen ? &udp->local.address : NULL,
                             &remote->address, &path);
    if (!error && udp->local.port == 0)
        error = take_ephemeral_port(udp);
    if (error)
        return error;
    forget_peer(udp);
    udp->local.address = path.source;
    udp->remote = *remote;
    table_insert(&udp_of(udp->stack)->peers, &udp->peer_node,
                 peer_hash(udp->stack, udp->local.port, remote));
    return 0;
}

/* ── Sending ── */

static int transmit(struct udp *udp, const struct endpoint *to, const struct ip_path *path,
                    const struct datagram_piece *piece)
{
    const struct datagram_options *options = &udp->datagrams.options;
    uint16_t length = (uint16_t)(UDP_HEADER_SIZE + piece->length);
    struct checksum sum = ip_pseudo_header(&path->source, &to->address, IP_PROTOCOL_UDP, length);
    struct udp_header header = {.source_port = udp->local.port,
                                .destination_port = to->port,
                                .length = length,
                                .checksum = checksum_fold(&sum)};
    struct packet_out packet;
    udp_build(&header, packet_out_begin(&packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet_out_payload(&packet, piece->bytes, piece->length);
    packet.source = path->source;
    packet.destination = to->address;
    packet.checksum_offset = UDP_CHECKSUM_OFFSET;
    packet.hop_limit = options->hop_limit;
    packet.traffic_class = options->traffic_class;
    packet.dont_fragment = options->dont_fragment;
    packet.why = "datagram";
    return ip_output(udp->stack, path, &packet);
}

static int send_piece(struct udp *udp, const struct endpoint *to,
                      const struct datagram_piece *piece)
{
    struct ip_path path;
    const struct address *source = &udp->datagrams.options.source;
    if (address_is_unspecified(source))
        source = &udp->local.address;
    int error = ip_path_find(udp->stack, source, &to->address, &path);
    if (!error)
        error = -datagrams_error(&udp->datagrams, true);
    if (!error && udp->datagrams.send_closed)
        error = -EPIPE;
    if (!error && udp->local.port == 0)
        error = take_ephemeral_port(udp);
    if (!error && udp->datagrams.options.ignore_path_mtu)
        path.mtu = path.link_mtu;
    if (!error)
        error = transmit(udp, to, &path, piece);
    if (error == -EMSGSIZE && datagrams_too_long(udp->stack, &udp->datagrams, to, path.mtu))
        stack_notify(udp->stack, udp->owner, POLLERR);
    if (!error)
        stack_count(udp->stack, COUNTER_UdpOutDatagrams);
    return error;
}

ssize_t udp_send(struct udp *udp, const struct iovec *spans, int count, const struct endpoint *to)
{
    if (!to)
        to = &udp->remote;
    if (to->port == 0)
        return to == &udp->remote ? -EDESTADDRREQ : -EINVAL;
    struct datagram_piece piece;
    int error = datagram_piece_make(spans, count, UDP_PAYLOAD_MAX, &piece);
    if (error)
        return error;
    error = send_piece(udp, to, &piece);
    datagram_piece_release(&piece);
    return error ? error : (ssize_t)piece.length;
}

/* ── Arrival ── */

static enum drop_reason take(struct udp *udp, const struct packet_in *packet,
                             const struct udp_header *header)
{
    struct stack *stack = udp->stack;
    struct datagram_info info = {.source = {packet->source, header->source_port},
                                 .destination = packet->destination,
                                 .hop_limit = packet->hop_limit,
                                 .traffic_class = packet->traffic_class};
    int error = datagrams_append(stack, &udp->datagrams, &info, packet->payload + UDP_HEADER_SIZE,
                                 header->length - (size_t)UDP_HEADER_SIZE);
    if (error) {
        stack_count(stack, COUNTER_UdpInErrors);
        stack_count(stack, COUNTER_UdpRcvbufErrors);
        return error == -ENOMEM ? DROP_NO_MEMORY : DROP_UDP_QUEUE_FULL;
    }
    stack_count(stack, COUNTER_UdpInDatagrams);
    stack_notify(stack, udp->owner, POLLIN);
    return DROP_NONE;
}

static bool wants_broadcast(const struct udp *udp, const struct endpoint *local,
                            const struct endpoint *remote)
{
    return udp->local.port == local->port && address_is_unspecified(&udp->local.address) &&
           (udp->remote.port == 0 || endpoint_equal(&udp->remote, remote));
}

/* A broadcast reaches every endpoint on its port that is bound to no address (RFC 1122 §4.1.3.5:
 * whoever wants less binds to an address). */
static enum drop_reason take_broadcast(struct stack *stack, const struct packet_in *packet,
                                       const struct udp_header *header,
                                       const struct endpoint *local, const struct endpoint *remote)
{
    enum drop_reason reason = DROP_UDP_NO_PORT;
    struct table_node *node = table_first(&udp_of(stack)->ports, port_hash(stack, local->port));
    for (; node; node = table_next(node)) {
        struct udp *udp = of_port_node(node);
        if (!wants_broadcast(udp, local, remote))
            continue;
        enum drop_reason one = take(udp, packet, header);
        if (reason != DROP_NONE)
            reason = one;
    }
    return reason;
}

static enum drop_reason take_unicast(struct stack *stack, const struct packet_in *packet,
                                     const struct udp_header *header, const struct endpoint *local,
                                     const struct endpoint *remote)
{
    struct udp *udp = find_connected(stack, local, remote);
    if (!udp)
        udp = find_bound(stack, local, remote);
    if (udp)
        return take(udp, packet, header);
    stack_count(stack, COUNTER_UdpNoPorts);
    ip_report_unreachable(stack, packet, PATH_ERROR_PORT);
    return DROP_UDP_NO_PORT;
}

/* RFC 768: 0 says that the sender computed none. What the IP packet has behind the datagram does
 * not count. */
static bool checksum_is_right(const struct packet_in *packet, const struct udp_header *header)
{
    struct packet_in datagram = *packet;
    datagram.payload_length = header->length;
    return header->checksum == 0 || ip_checksum_ok(&datagram);
}

static enum drop_reason udp_input(struct stack *stack, const struct packet_in *packet)
{
    struct udp_header header;
    if (!udp_parse(packet->payload, packet->payload_length, &header)) {
        stack_count(stack, COUNTER_UdpInErrors);
        return DROP_UDP_TRUNCATED;
    }
    if (!checksum_is_right(packet, &header)) {
        stack_count(stack, COUNTER_UdpInErrors);
        return DROP_UDP_CHECKSUM;
    }
    struct endpoint local = {packet->destination, header.destination_port};
    struct endpoint remote = {packet->source, header.source_port};
    return packet->to_unicast ? take_unicast(stack, packet, &header, &local, &remote)
                              : take_broadcast(stack, packet, &header, &local, &remote);
}

/* RFC 1122 §4.1.3.3. Who has no peer can be told whom the error is about in the error queue only.
 */
static struct udp *find_concerned(const struct stack *stack, const struct endpoint *local,
                                  const struct endpoint *remote)
{
    struct udp *udp = find_connected(stack, local, remote);
    if (udp)
        return udp;
    udp = find_bound(stack, local, remote);
    return udp && udp->datagrams.options.receive_errors ? udp : NULL;
}

static enum drop_reason udp_path_error(struct stack *stack, const struct path_error *error)
{
    struct udp_header header;
    if (!udp_parse_quoted(error->payload, error->payload_length, &header))
        return DROP_ICMP_TRUNCATED;
    struct endpoint local = {error->source, header.source_port};
    struct endpoint remote = {error->destination, header.destination_port};
    struct udp *udp = find_concerned(stack, &local, &remote);
    if (!udp)
        return DROP_ICMP_NO_MATCH;
    /* Whose datagrams may be cut is not told by any router, but by who would have us send
     * fragments.
     */
    if (error->kind == PATH_ERROR_TOO_BIG && error->mtu && udp->datagrams.options.dont_fragment)
        ip_path_too_big(stack, &error->destination, error->mtu);
    datagrams_path_error(stack, &udp->datagrams, error, &remote, error->payload + UDP_HEADER_SIZE,
                         error->payload_length - UDP_HEADER_SIZE);
    if (udp->datagrams.error)
        stack_notify(stack, udp->owner, POLLERR);
    return DROP_NONE;
}

/* ── The rest of an endpoint's life ── */

static void udp_release(struct stack *stack)
{
    struct udp_state *state = udp_of(stack);
    while (!list_empty(&state->all))
        udp_close(container_of(state->all.next, struct udp, link));
    table_release(&state->ports);
    table_release(&state->peers);
    free(state);
    stack->protocols[IP_PROTOCOL_UDP].state = NULL;
}

int udp_attach(struct stack *stack)
{
    struct udp_state *state = calloc(1, sizeof *state);
    if (!state)
        return -ENOMEM;
    list_init(&state->all);
    if (table_init(&state->ports, 16) || table_init(&state->peers, 16)) {
        table_release(&state->ports);
        free(state);
        return -ENOMEM;
    }
    stack->protocols[IP_PROTOCOL_UDP] = (struct protocol){
        .input = udp_input, .error = udp_path_error, .release = udp_release, .state = state};
    return 0;
}

int udp_open(struct stack *stack, void *owner, struct udp **out)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (!udp)
        return -ENOMEM;
    udp->stack = stack;
    udp->owner = owner;
    datagrams_init(&udp->datagrams, (uint32_t)stack->settings.udp_rcvbuf);
    list_append(&udp_of(stack)->all, &udp->link);
    *out = udp;
    return 0;
}

void udp_close(struct udp *udp)
{
    forget_peer(udp);
    leave_port(udp);
    datagrams_release(udp->stack, &udp->datagrams);
    list_remove(&udp->link);
    free(udp);
}

ssize_t udp_receive(struct udp *udp, const struct iovec *spans, int count, int flags,
                    struct datagram_info *info)
{
    return datagrams_receive(udp->stack, &udp->datagrams, spans, count, flags, info);
}

int udp_shutdown(struct udp *udp, bool receive, bool send)
{
    udp->datagrams.receive_closed |= receive;
    udp->datagrams.send_closed |= send;
    stack_notify(udp->stack, udp->owner, datagrams_readiness(&udp->datagrams));
    return udp->remote.port == 0 ? -ENOTCONN : 0;
}

unsigned udp_readiness(const struct udp *udp)
{
    return datagrams_readiness(&udp->datagrams);
}

int udp_error(struct udp *udp, bool clear)
{
    return datagrams_error(&udp->datagrams, clear);
}

uint32_t udp_next_length(const struct udp *udp)
{
    return datagrams_next_length(&udp->datagrams);
}

void udp_stamps_begin(struct udp *udp)
{
    datagrams_stamps_begin(&udp->datagrams);
}

void udp_sent(struct udp *udp, struct error_note *completion, uint32_t stamps)
{
    datagrams_sent(udp->stack, &udp->datagrams, completion, stamps);
    stack_notify(udp->stack, udp->owner, POLLERR);
}

struct error_note *udp_take_note(struct udp *udp)
{
    return datagrams_take_note(&udp->datagrams);
}

struct datagram_options *udp_options(struct udp *udp)
{
    return &udp->datagrams.options;
}

const struct endpoint *udp_local(const struct udp *udp)
{
    return &udp->local;
}

const struct endpoint *udp_remote(const struct udp *udp)
{
    return &udp->remote;
}
