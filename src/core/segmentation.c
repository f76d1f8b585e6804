#include "core/segmentation.h"

#include <string.h>

#include "core/interface.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

/* What stands on one part of the super-segment only: FIN and PSH belong to its last byte, CWR to
 * its first (RFC 3168 §6.1.2). */
static uint16_t flags_to_clear(const struct packet_out *packet, bool first, bool last)
{
    uint16_t cleared = 0;
    if (!last)
        cleared |= TCP_FIN | TCP_PSH;
    if (!first && !packet->cwr_on_all)
        cleared |= TCP_CWR;
    return cleared;
}

int segmentation_output(struct interface *interface, struct packet_out *packet)
{
    uint32_t transport_length = packet->header_length - packet->transport_offset;
    uint16_t index = 0;
    for (uint32_t offset = 0; offset < packet->payload_length; index++) {
        uint32_t left = packet->payload_length - offset;
        uint32_t length = left < packet->segment_size ? left : packet->segment_size;
        struct packet_out part;
        packet_out_begin(&part, packet->protocol, packet->header_length);
        memcpy(part.header, packet->header, packet->header_length);
        part.source = packet->source;
        part.destination = packet->destination;
        part.checksum_offset = packet->checksum_offset;
        part.transport_offset = packet->transport_offset;
        part.why = packet->why;
        packet_out_slice(&part, packet, offset, length);

        ipv4_header_cut(part.header, packet->header_length + length, index);
        tcp_header_cut(part.header + part.transport_offset, offset,
                       flags_to_clear(packet, offset == 0, length == left),
                       transport_length + packet->payload_length, transport_length + length);
        int error = interface_transmit(interface, &part);
        if (error && offset == 0)
            return error;
        if (error)
            packet->payload_length = offset;
        offset += length;
    }
    return 0;
}
