#include "core/segmentation.h"

#include <string.h>

#include "core/interface.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

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

static void cut_ip(struct interface *interface, const struct packet_out *packet,
                   struct packet_out *part, uint32_t offset)
{
    uint16_t ahead = (uint16_t)(offset / packet->segment_size);
    if (packet->identify && offset > 0) {
        ipv4_header_identify(part->header, packet->identify(interface->stack));
        ahead = 0;
    }
    ipv4_header_cut(part->header, part->header_length + part->payload_length, ahead);
}

static void cut_transport(const struct packet_out *packet, struct packet_out *part, uint32_t offset)
{
    uint8_t *header = part->header + part->transport_offset;
    uint32_t header_length = part->header_length - part->transport_offset;
    bool last = offset + part->payload_length == packet->payload_length;
    if (packet->protocol == IP_PROTOCOL_UDP)
        udp_header_cut(header, (uint16_t)(header_length + part->payload_length));
    else
        tcp_header_cut(header, offset, flags_to_clear(packet, offset == 0, last),
                       header_length + packet->payload_length,
                       header_length + part->payload_length);
}

/* Makes `part` the one that starts `offset` bytes into the payload. */
static void cut(struct interface *interface, const struct packet_out *packet, uint32_t offset,
                struct packet_out *part)
{
    uint32_t left = packet->payload_length - offset;
    packet_out_begin(part, packet->protocol, packet->header_length);
    memcpy(part->header, packet->header, packet->header_length);
    part->source = packet->source;
    part->destination = packet->destination;
    part->checksum_offset = packet->checksum_offset;
    part->transport_offset = packet->transport_offset;
    part->why = packet->why;
    packet_out_slice(part, packet, offset,
                     left < packet->segment_size ? left : packet->segment_size);
    cut_ip(interface, packet, part, offset);
    cut_transport(packet, part, offset);
}

int segmentation_output(struct interface *interface, struct packet_out *packet)
{
    bool taken = false;
    int refused = 0;
    for (uint32_t offset = 0; offset < packet->payload_length; offset += packet->segment_size) {
        struct packet_out part;
        cut(interface, packet, offset, &part);
        int error = interface_transmit(interface, &part);
        if (!error) {
            taken = true;
            continue;
        }
        if (!refused)
            refused = error;
        if (packet->protocol == IP_PROTOCOL_TCP)
            packet->payload_length = offset;
    }
    return taken ? 0 : refused;
}
