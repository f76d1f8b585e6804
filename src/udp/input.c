/* Datagrams arrive, and errors about those that were sent. */
#include <errno.h>
#include <string.h>

#include "ip/ip.h"
#include "udp/internal.h"
#include "wire/udp.h"

/* What has come: a datagram, or several as one packet, a super-datagram. */
struct udp_arrival {
    const struct packet_in *packet;
    struct endpoint local, remote;
    const uint8_t *bytes;
    uint32_t length;       /* of the data */
    uint16_t segment_size; /* of a super-datagram: the bytes of each; else 0 */
    uint16_t checksum;
};

static void count_lost(struct stack *stack, uint32_t datagrams)
{
    stack_count_many(stack, COUNTER_UdpInErrors, datagrams);
    stack_count_many(stack, COUNTER_UdpRcvbufErrors, datagrams);
}

/* The packet is not dropped, but of its datagrams only the first ones have found room. */
static void note_lost(struct stack *stack, const struct udp_arrival *arrival, uint32_t datagrams)
{
    const struct packet_in *packet = arrival->packet;
    struct iovec span = {.iov_len = packet->header_length + packet->payload_length};
    memcpy(&span.iov_base, &packet->header, sizeof packet->header); /* tracers only read */
    count_lost(stack, datagrams);
    stack_count_many(stack, (enum counter)(COUNTER_DROPS + DROP_UDP_QUEUE_FULL), datagrams);
    stack_trace(stack, TERN_TRACE_NOTE, &span, 1, NULL, "its last datagrams found no room",
                drop_clause(DROP_UDP_QUEUE_FULL));
}

static enum drop_reason take(struct udp *udp, const struct udp_arrival *arrival)
{
    struct stack *stack = udp->stack;
    const struct packet_in *packet = arrival->packet;
    const uint32_t count = udp_count(arrival->length, arrival->segment_size);
    struct datagram_info info = {.source = arrival->remote,
                                 .destination = packet->destination,
                                 .hop_limit = packet->hop_limit,
                                 .traffic_class = packet->traffic_class,
                                 .segment_size = arrival->segment_size};
    ssize_t bytes =
        datagrams_append(stack, &udp->datagrams, &info, arrival->bytes, arrival->length);
    if (bytes < 0) {
        count_lost(stack, count);
        return bytes == -ENOMEM ? DROP_NO_MEMORY : DROP_UDP_QUEUE_FULL;
    }
    const uint32_t taken = udp_count((size_t)bytes, arrival->segment_size);
    if (taken < count)
        note_lost(stack, arrival, count - taken);
    stack_count_many(stack, COUNTER_UdpInDatagrams, taken);
    if (count > 1 && datagrams_are_many(&udp->datagrams))
        stack->batch_enough = true; /* a few more such packets, and there is no room */
    stack_notify(stack, udp->owner, POLLIN);
    return DROP_NONE;
}

static bool wants_broadcast(const struct udp *udp, const struct udp_arrival *arrival)
{
    const struct address *own = &udp->local.address;
    bool hears = address_is_unspecified(own) || address_equal(own, &arrival->local.address);
    return hears && udp->local.port == arrival->local.port &&
           (udp->remote.port == 0 || endpoint_equal(&udp->remote, &arrival->remote));
}

/* A broadcast reaches every endpoint on its port that is bound to no address, or to its own (RFC
 * 1122 §4.1.3.5: whoever wants less binds to an address). */
static enum drop_reason take_broadcast(struct stack *stack, const struct udp_arrival *arrival)
{
    enum drop_reason reason = DROP_UDP_NO_PORT;
    struct table_node *node =
        table_first(&udp_of(stack)->ports, udp_port_hash(stack, arrival->local.port));
    for (; node; node = table_next(node)) {
        struct udp *udp = udp_of_port_node(node);
        if (!wants_broadcast(udp, arrival))
            continue;
        enum drop_reason one = take(udp, arrival);
        if (reason != DROP_NONE)
            reason = one;
    }
    return reason;
}

static enum drop_reason take_unicast(struct stack *stack, const struct udp_arrival *arrival)
{
    struct udp *udp = udp_find_connected(stack, &arrival->local, &arrival->remote);
    if (!udp)
        udp = udp_find_bound(stack, &arrival->local, &arrival->remote);
    if (udp)
        return take(udp, arrival);
    stack_count_many(stack, COUNTER_UdpNoPorts, udp_count(arrival->length, arrival->segment_size));
    ip_report_unreachable(stack, arrival->packet, PATH_ERROR_PORT);
    return DROP_UDP_NO_PORT;
}

/* RFC 768: 0 says that the sender computed none. What the IP packet has behind the datagram does
 * not count. */
static bool checksum_is_right(const struct udp_arrival *arrival)
{
    struct packet_in datagram = *arrival->packet;
    datagram.payload_length = UDP_HEADER_SIZE + arrival->length;
    return arrival->checksum == 0 || ip_checksum_ok(&datagram);
}

/* Several datagrams are all that their packet has: where one ended behind the last of them, nobody
 * could tell. */
static bool is_unsound(const struct udp_arrival *arrival)
{
    const struct packet_in *packet = arrival->packet;
    return packet->segment_size > 0 && UDP_HEADER_SIZE + arrival->length != packet->payload_length;
}

static enum drop_reason udp_read(const struct packet_in *packet, struct udp_arrival *out)
{
    struct udp_header header;
    if (!udp_parse(packet->payload, packet->payload_length, &header))
        return DROP_UDP_TRUNCATED;
    *out = (struct udp_arrival){.packet = packet,
                                .local = {packet->destination, header.destination_port},
                                .remote = {packet->source, header.source_port},
                                .bytes = packet->payload + UDP_HEADER_SIZE,
                                .length = header.length - (uint32_t)UDP_HEADER_SIZE,
                                .checksum = header.checksum};
    if (out->length > packet->segment_size)
        out->segment_size = packet->segment_size;
    if (is_unsound(out))
        return DROP_UDP_SUPER_LENGTH;
    return checksum_is_right(out) ? DROP_NONE : DROP_UDP_CHECKSUM;
}

enum drop_reason udp_input(struct stack *stack, const struct packet_in *packet)
{
    struct udp_arrival arrival;
    enum drop_reason reason = udp_read(packet, &arrival);
    if (reason != DROP_NONE) {
        stack_count(stack, COUNTER_UdpInErrors);
        return reason;
    }
    reason = packet->to_unicast ? take_unicast(stack, &arrival) : take_broadcast(stack, &arrival);
    if (reason != DROP_NONE) /* one is counted as the packet is */
        stack_count_many(stack, (enum counter)(COUNTER_DROPS + reason),
                         udp_count(arrival.length, arrival.segment_size) - 1);
    return reason;
}

/* RFC 1122 §4.1.3.3. Who has no peer can be told whom the error is about in the
 * error queue only. */
static struct udp *find_concerned(const struct stack *stack, const struct endpoint *local,
                                  const struct endpoint *remote)
{
    struct udp *udp = udp_find_connected(stack, local, remote);
    if (udp)
        return udp;
    udp = udp_find_bound(stack, local, remote);
    return udp && udp->datagrams.options.receive_errors ? udp : NULL;
}

enum drop_reason udp_path_error(struct stack *stack, const struct path_error *error)
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
     * fragments. */
    if (error->kind == PATH_ERROR_TOO_BIG && error->mtu && datagrams_mind_size(&udp->datagrams))
        ip_path_too_big(stack, &error->destination, error->mtu);
    datagrams_path_error(stack, &udp->datagrams, error, &remote, error->payload + UDP_HEADER_SIZE,
                         error->payload_length - UDP_HEADER_SIZE);
    if (udp->datagrams.error)
        stack_notify(stack, udp->owner, POLLERR);
    return DROP_NONE;
}
