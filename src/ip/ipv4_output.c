/* An IPv4 packet departs: its header, its way, and whether it fits (RFC 791 §3.2,
 * RFC 1122 §3.3). */
#include <errno.h>

#include "ip/fragmentation.h"
#include "ip/internal.h"

/* The bytes of the largest packet on the wire that this one becomes. */
static uint32_t wire_length(const struct packet_out *packet)
{
    bool cut = packet->segment_size > 0 && packet->payload_length > packet->segment_size;
    return packet->header_length + (cut ? packet->segment_size : packet->payload_length);
}

static bool may_be_cut(const struct packet_out *packet)
{
    return !packet->dont_fragment && packet->segment_size == 0 &&
           IPV4_HEADER_MIN + wire_length(packet) <= UINT16_MAX;
}

/* Stacks that have an address in common each take their own, so that no two datagrams on their way
 * are taken for one (RFC 6864 §4). */
static uint16_t next_identification(struct stack *stack)
{
    uint16_t identification;
    do
        identification = identification_next(&ip_of(stack)->identification, &stack->random);
    while (!share_owns_identifier(&stack->share, identification));
    return identification;
}

/* A packet that is never fragmented may carry any identification (RFC 6864 §4.1): always 0 tells
 * nothing. */
static void prepend_header(struct stack *stack, struct packet_out *packet)
{
    uint8_t hop_limit = packet->hop_limit ? packet->hop_limit : (uint8_t)stack->settings.ip_ttl;
    struct ipv4_header header = {
        .source = packet->source,
        .destination = packet->destination,
        .total_length = IPV4_HEADER_MIN + packet->header_length + packet->payload_length,
        .traffic_class = packet->traffic_class,
        .time_to_live = hop_limit,
        .protocol = packet->protocol,
        .dont_fragment = packet->dont_fragment,
    };
    if (!packet->dont_fragment) {
        header.identification = next_identification(stack);
        packet->identify = next_identification;
    }
    ipv4_build(&header, packet_out_prepend(packet, IPV4_HEADER_MIN));
    packet->transport_offset = IPV4_HEADER_MIN;
}

int ip_output(struct stack *stack, const struct ip_path *path, struct packet_out *packet)
{
    struct ip_path found;
    if (!path) {
        int error = ip_path_find(stack, &packet->source, &packet->destination, &found);
        if (error)
            return error;
        path = &found;
    }
    struct interface *loopback = &ip_of(stack)->loopback.interface;
    bool fits = IPV4_HEADER_MIN + wire_length(packet) <= path->mtu;
    if (!fits && !may_be_cut(packet)) {
        stack_count(stack, COUNTER_IpFragFails);
        return -EMSGSIZE;
    }
    prepend_header(stack, packet);
    stack_count(stack, COUNTER_IpOutRequests);
    if (path->kind == PATH_TO_ALL && path->interface != loopback)
        interface_output(loopback, packet); /* we are of all; whether we hear it is our business */
    return fits ? interface_output(path->interface, packet)
                : fragmentation_output(stack, path->interface, path->mtu, packet);
}
