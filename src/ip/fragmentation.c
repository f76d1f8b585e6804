#include "ip/fragmentation.h"

#include <errno.h>
#include <string.h>

#include "wire/ipv4.h"

/* Makes `part` the fragment of `length` bytes from `offset` on, counted from the transport's header
 * on, which goes with the first. */
static void make_fragment(struct packet_out *part, const struct packet_out *packet, uint32_t offset,
                          uint32_t length, bool more)
{
    uint32_t transport_header = packet->header_length - packet->transport_offset;
    uint32_t headers = offset == 0 ? packet->header_length : packet->transport_offset;
    memcpy(packet_out_begin(part, packet->protocol, headers), packet->header, headers);
    part->source = packet->source;
    part->destination = packet->destination;
    part->transport_offset = packet->transport_offset;
    part->why = packet->why;
    if (offset == 0)
        packet_out_slice(part, packet, 0, length - transport_header);
    else
        packet_out_slice(part, packet, offset - transport_header, length);
    ipv4_header_fragment(part->header, packet->transport_offset + length, (uint16_t)offset, more);
}

int fragmentation_output(struct stack *stack, struct interface *interface, uint32_t mtu,
                         struct packet_out *packet)
{
    uint32_t transport_header = packet->header_length - packet->transport_offset;
    uint32_t total = transport_header + packet->payload_length;
    uint32_t room = mtu > packet->transport_offset ? (mtu - packet->transport_offset) & ~7u : 0;
    if (room == 0 || room < transport_header)
        return -EMSGSIZE;
    if (packet->checksum_offset != NO_CHECKSUM)
        packet_out_finish_checksum(packet);
    for (uint32_t offset = 0; offset < total; offset += room) {
        uint32_t left = total - offset;
        struct packet_out part;
        make_fragment(&part, packet, offset, left < room ? left : room, left > room);
        /* Its checksum stands: no flag may be set for the link's sake any more. */
        int error = interface_transmit(interface, &part);
        if (error)
            return error;
        stack_count(stack, COUNTER_IpFragCreates);
    }
    stack_count(stack, COUNTER_IpFragOKs);
    return 0;
}
