/* An IPv4 packet arrives: is it sound, is it from somebody, is it for us (RFC 1122 §3.2.1). */
#include "ip/internal.h"

static enum drop_reason parse_error_reason(enum ipv4_parse_error error)
{
    switch (error) {
    case IPV4_OK:
        return DROP_NONE;
    case IPV4_TRUNCATED:
        return DROP_IP_TRUNCATED;
    case IPV4_BAD_VERSION:
        return DROP_IP_VERSION;
    case IPV4_BAD_LENGTH:
        return DROP_IP_HEADER_LENGTH;
    case IPV4_BAD_CHECKSUM:
        return DROP_IP_CHECKSUM;
    case IPV4_BAD_OPTION:
        return DROP_IP_OPTION;
    }
    return DROP_IP_TRUNCATED;
}

/* "This host on this network", 0.0.0.0/8, is nobody's address outside configuration (RFC 1122
 * §3.2.1.3 (a), (b)). */
static bool is_this_network(const struct address *address)
{
    return address_to_ipv4(address) >> 24 == 0;
}

/* What we send to all of a subnet comes to ourselves by another interface than the subnet's. */
static bool is_broadcast(const struct stack *stack, const struct interface *interface,
                         const struct address *destination)
{
    return ip_is_looped(stack, interface) ? ip_is_broadcast(stack, destination)
                                          : interface_is_broadcast(interface, destination);
}

/* Whether no packet from outside can truly be from there (RFC 1122 §3.2.1.3, security rule 11). Our
 * own address would make us talk to ourselves (LAND). */
static bool source_is_bad(const struct stack *stack, const struct interface *interface,
                          const struct address *source)
{
    if (address_is_multicast(source) || is_this_network(source) ||
        interface_is_broadcast(interface, source))
        return true;
    return !ip_is_looped(stack, interface) && ip_is_ours(stack, source);
}

enum reach { REACH_NOBODY, REACH_US, REACH_ALL };

/* Whom the packet is addressed to, as far as we are concerned (RFC 1122 §3.2.1.3). */
static enum reach destination_reach(const struct stack *stack, const struct interface *interface,
                                    const struct address *destination)
{
    if (address_is_loopback(destination) && !ip_is_looped(stack, interface))
        return REACH_NOBODY;
    if (interface_owns(interface, destination) || ip_is_ours(stack, destination))
        return REACH_US;
    return is_broadcast(stack, interface, destination) ? REACH_ALL : REACH_NOBODY;
}

enum drop_reason ipv4_deliver(struct stack *stack, const struct packet_in *packet)
{
    const struct protocol *protocol = &stack->protocols[packet->protocol];
    if (!protocol->input) {
        stack_count(stack, COUNTER_IpInUnknownProtos);
        icmp_send_error(stack, packet, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PROTOCOL);
        return DROP_IP_PROTOCOL;
    }
    stack_count(stack, COUNTER_IpInDelivers);
    return protocol->input(stack, packet);
}

static enum drop_reason header_error(struct stack *stack, enum drop_reason reason)
{
    stack_count(stack, COUNTER_IpInHdrErrors);
    return reason;
}

static enum drop_reason address_error(struct stack *stack, enum drop_reason reason)
{
    stack_count(stack, COUNTER_IpInAddrErrors);
    return reason;
}

/* Where in the payload the checksum stands that the sender, on this very host, has
 * left unfinished. */
static uint16_t unfinished_checksum(const struct tern_offload *offload,
                                    const struct ipv4_header *header)
{
    if (!offload || !(offload->flags & TERN_OFFLOAD_CHECKSUM) ||
        offload->checksum_start != header->header_length ||
        offload->checksum_offset + 2u > header->total_length - header->header_length)
        return 0;
    return offload->checksum_offset;
}

enum drop_reason ipv4_input(struct stack *stack, struct interface *interface, const uint8_t *packet,
                            size_t length, const struct tern_offload *offload)
{
    struct ipv4_header header;
    bool super = offload && offload->segment_size > 0;
    stack_count(stack, COUNTER_IpInReceives);

    enum ipv4_parse_error error = ipv4_parse(packet, length, super, &header);
    if (error != IPV4_OK)
        return header_error(stack, parse_error_reason(error));
    if (source_is_bad(stack, interface, &header.source))
        return address_error(stack, DROP_IP_SOURCE);
    enum reach reach = destination_reach(stack, interface, &header.destination);
    if (reach == REACH_NOBODY)
        return address_error(stack, DROP_IP_NOT_OURS);
    if (header.header_length > IPV4_HEADER_MIN && ipv4_has_source_route(&header))
        return header_error(stack, DROP_IP_SOURCE_ROUTE);

    struct packet_in in = {
        .interface = interface,
        .source = header.source,
        .destination = header.destination,
        .header = packet,
        .header_length = header.header_length,
        .payload = packet + header.header_length,
        .text = interface->text,
        .payload_length = header.total_length - header.header_length,
        .segment_size = offload ? offload->segment_size : 0,
        .protocol = header.protocol,
        .hop_limit = header.time_to_live,
        .traffic_class = header.traffic_class,
        .to_unicast = reach == REACH_US,
        .checksum_verified =
            offload && (offload->flags & (TERN_OFFLOAD_CHECKSUM | TERN_OFFLOAD_VERIFIED)),
        .checksum_unfinished = unfinished_checksum(offload, &header),
    };
    if (header.more_fragments || header.fragment_offset > 0)
        return reassembly_add(stack, &in, &header);
    return ipv4_deliver(stack, &in);
}
