#include "core/interface.h"

#include <errno.h>

#include "core/segmentation.h"
#include "core/stack.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

int interface_add_address(struct interface *interface, const struct address *address,
                          unsigned prefix_bits)
{
    if (prefix_bits > (address_is_ipv4(address) ? 32u : 128u))
        return -EINVAL;
    if (interface_owns(interface, address))
        return -EEXIST;
    if (interface->address_count == LIMIT_INTERFACE_ADDRESSES)
        return -ENOSPC;
    struct route route = {.prefix = *address, .prefix_bits = prefix_bits, .interface = interface};
    int error = route_add(interface->stack, &route);
    if (error && error != -EEXIST) /* a second address in the same subnet */
        return error;
    interface->addresses[interface->address_count++] =
        (struct interface_address){*address, prefix_bits};
    return 0;
}

bool interface_owns(const struct interface *interface, const struct address *address)
{
    for (unsigned i = 0; i < interface->address_count; i++)
        if (address_equal(&interface->addresses[i].address, address))
            return true;
    return false;
}

/* Subnets of 31 and 32 bits have no broadcast address (RFC 3021 §2.2). */
static bool is_directed_broadcast(const struct interface_address *own, uint32_t address)
{
    if (!address_is_ipv4(&own->address) || own->prefix_bits > 30)
        return false;
    uint32_t host_mask = UINT32_MAX >> own->prefix_bits;
    return address == (address_to_ipv4(&own->address) | host_mask);
}

bool interface_is_broadcast(const struct interface *interface, const struct address *address)
{
    if (!address_is_ipv4(address))
        return false;
    if (address_is_limited_broadcast(address))
        return true;
    for (unsigned i = 0; i < interface->address_count; i++)
        if (is_directed_broadcast(&interface->addresses[i], address_to_ipv4(address)))
            return true;
    return false;
}

/* ── Sending ── */

static bool is_super_packet(const struct packet_out *packet)
{
    return packet->segment_size > 0 && packet->payload_length > packet->segment_size;
}

static bool has_cwr(const struct packet_out *packet)
{
    return packet->protocol == IP_PROTOCOL_TCP &&
           (tcp_header_flags(packet->header + packet->transport_offset) & TCP_CWR);
}

static bool first_part_alone_has_cwr(const struct packet_out *packet)
{
    return !packet->cwr_on_all && has_cwr(packet);
}

uint32_t interface_super_packet_max(const struct interface *interface,
                                    const struct address *destination)
{
    if (interface->big_packet_max > interface->super_packet_max &&
        interface->stack->settings.ip_big_packets && address_equal(destination, &interface->kernel))
        return interface->big_packet_max;
    return interface->super_packet_max;
}

/* RFC 9768 §3.3.4: what cuts as RFC 3168 has it would spoil the counter that CWR is a part of. */
static bool link_cuts_segments(const struct interface *interface, const struct packet_out *packet)
{
    return (interface->features & TERN_LINK_TSO) &&
           packet->header_length + packet->payload_length <=
               interface_super_packet_max(interface, &packet->destination) &&
           (interface->features & TERN_LINK_TSO_CWR || !packet->cwr_on_all || !has_cwr(packet));
}

static bool link_cuts_datagrams(const struct interface *interface, const struct packet_out *packet)
{
    return (interface->features & TERN_LINK_USO) &&
           packet->header_length + packet->payload_length <= interface->super_packet_max;
}

/* Whether somebody may fragment it: on the way to the link's other end, and to ourselves, there is
 * nobody. */
static bool may_be_fragmented(const struct interface *interface, const struct packet_out *packet)
{
    return packet->identify && !interface->keeps_whole &&
           !address_equal(&packet->destination, &interface->kernel);
}

/* Links number the parts from the first's identification on; those that need others (RFC 6864 §4.2)
 * are cut here. */
static bool link_cuts(const struct interface *interface, const struct packet_out *packet)
{
    if (may_be_fragmented(interface, packet))
        return false;
    return packet->protocol == IP_PROTOCOL_UDP ? link_cuts_datagrams(interface, packet)
                                               : link_cuts_segments(interface, packet);
}

/* Says what the link has left to do to this packet, and does the rest. */
static struct tern_offload prepare(const struct interface *interface, struct packet_out *packet)
{
    struct tern_offload offload = {0};
    bool super = is_super_packet(packet);
    if (super) {
        offload.segment_size = packet->segment_size;
        offload.header_length = (uint16_t)packet->header_length;
        if (first_part_alone_has_cwr(packet))
            offload.flags |= TERN_OFFLOAD_ECN;
    }
    if (packet->checksum_offset == NO_CHECKSUM)
        return offload;
    if (super || (interface->features & TERN_LINK_CHECKSUM)) {
        offload.flags |= TERN_OFFLOAD_CHECKSUM;
        offload.checksum_start = packet->transport_offset;
        offload.checksum_offset = packet->checksum_offset;
    } else {
        packet_out_finish_checksum(packet);
    }
    return offload;
}

int interface_transmit(struct interface *interface, struct packet_out *packet)
{
    struct stack *stack = interface->stack;
    struct tern_offload offload = prepare(interface, packet);
    packet->spans[0] = (struct iovec){packet->header, packet->header_length};
    int count = 1 + packet->payload_spans;
    stack_trace(stack, TERN_TRACE_OUT, packet->spans, count, &offload, packet->why, NULL);
    int error = interface->transmit(interface->link, packet->spans, count, &offload);
    if (error)
        stack_drop(stack, DROP_LINK, packet->spans, count, &offload);
    return error;
}

/* Who joins segments hands up what it has with the first that has PSH (Linux's tcp_gro_receive).
 * RFC 9293 §3.9.1.2 says where PSH must be, and nothing against more of them. */
static void end_burst(struct packet_out *packet)
{
    if (packet->protocol == IP_PROTOCOL_TCP && packet->payload_length > 0)
        tcp_header_push(packet->header + packet->transport_offset);
}

int interface_output(struct interface *interface, struct packet_out *packet)
{
    if (interface->gro)
        end_burst(packet);
    if (is_super_packet(packet) && !link_cuts(interface, packet))
        return segmentation_output(interface, packet);
    return interface_transmit(interface, packet);
}
