/* Datagrams arrive, and errors about those that were sent. */
#include <errno.h>

#include "ip/ip.h"
#include "udp/internal.h"
#include "wire/udp.h"

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
    const struct address *own = &udp->local.address;
    bool hears = address_is_unspecified(own) || address_equal(own, &local->address);
    return hears && udp->local.port == local->port &&
           (udp->remote.port == 0 || endpoint_equal(&udp->remote, remote));
}

/* A broadcast reaches every endpoint on its port that is bound to no address, or to its own (RFC
 * 1122 §4.1.3.5: whoever wants less binds to an address). */
static enum drop_reason take_broadcast(struct stack *stack, const struct packet_in *packet,
                                       const struct udp_header *header,
                                       const struct endpoint *local, const struct endpoint *remote)
{
    enum drop_reason reason = DROP_UDP_NO_PORT;
    struct table_node *node = table_first(&udp_of(stack)->ports, udp_port_hash(stack, local->port));
    for (; node; node = table_next(node)) {
        struct udp *udp = udp_of_port_node(node);
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
    struct udp *udp = udp_find_connected(stack, local, remote);
    if (!udp)
        udp = udp_find_bound(stack, local, remote);
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

enum drop_reason udp_input(struct stack *stack, const struct packet_in *packet)
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
    if (error->kind == PATH_ERROR_TOO_BIG && error->mtu && udp->datagrams.options.dont_fragment)
        ip_path_too_big(stack, &error->destination, error->mtu);
    datagrams_path_error(stack, &udp->datagrams, error, &remote, error->payload + UDP_HEADER_SIZE,
                         error->payload_length - UDP_HEADER_SIZE);
    if (udp->datagrams.error)
        stack_notify(stack, udp->owner, POLLERR);
    return DROP_NONE;
}
