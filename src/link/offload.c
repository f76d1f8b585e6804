#include "link/offload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

void offload_finish_checksum(uint8_t *packet, size_t length, const struct tern_offload *offload)
{
    size_t start = offload->checksum_start;
    size_t field = start + offload->checksum_offset;
    if (length < 2 || field > length - 2)
        return;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, packet + start, length - start);
    bool udp = offload->checksum_offset == UDP_CHECKSUM_OFFSET;
    uint16_t finished = udp ? udp_checksum_finish(&sum) : checksum_finish(&sum);
    packet[field] = (uint8_t)(finished >> 8);
    packet[field + 1] = (uint8_t)finished;
}

/* A super-packet and where its parts are cut. */
struct super {
    const uint8_t *bytes;
    size_t length;
    const struct tern_offload *offload;
    size_t header; /* bytes of all headers */
    size_t transport;
    bool datagram; /* of UDP, else of TCP */
};

/* Whether its offload says how to cut what it holds. */
static bool super_is_sound(const struct super *super, const struct ipv4_header *ip)
{
    bool fits = ip->header_length == super->transport && super->header < super->length;
    if (!fits || ip->more_fragments || ip->fragment_offset > 0)
        return false;
    return super->datagram ? super->header == super->transport + UDP_HEADER_SIZE
                           : ip->protocol == IP_PROTOCOL_TCP &&
                                 super->header >= super->transport + TCP_HEADER_MIN;
}

/* Whether the packet is a super-packet: there are such of TCP and UDP, over IPv4. */
static bool super_read(const struct held_packet *packet, const struct tern_offload *offload,
                       struct super *out)
{
    struct ipv4_header ip;
    if (offload->segment_size == 0 || !(offload->flags & TERN_OFFLOAD_CHECKSUM) ||
        ipv4_parse_quoted(packet->bytes, packet->length, &ip) != IPV4_OK)
        return false;
    *out = (struct super){.bytes = packet->bytes,
                          .length = packet->length,
                          .offload = offload,
                          .header = offload->header_length,
                          .transport = offload->checksum_start,
                          .datagram = ip.protocol == IP_PROTOCOL_UDP};
    return super_is_sound(out, &ip);
}

/* FIN and PSH belong to the last part, CWR to the first, unless all are to have it. */
static uint16_t flags_cleared(const struct super *super, bool first, bool last)
{
    uint16_t cleared = last ? 0 : TCP_FIN | TCP_PSH;
    return !first && (super->offload->flags & TERN_OFFLOAD_ECN) ? cleared | TCP_CWR : cleared;
}

static void cut_transport(const struct super *super, size_t offset, struct held_packet *part)
{
    uint8_t *header = part->bytes + super->transport;
    size_t length = part->length - super->transport;
    bool last = offset + part->length == super->length;
    if (super->datagram)
        udp_header_cut(header, (uint16_t)length);
    else
        tcp_header_cut(header, (uint32_t)offset, flags_cleared(super, offset == 0, last),
                       (uint32_t)(super->length - super->transport), (uint32_t)length);
}

static struct held_packet *super_part(const struct super *super, size_t offset, uint16_t index)
{
    size_t left = super->length - super->header - offset;
    size_t payload = left < super->offload->segment_size ? left : super->offload->segment_size;
    struct iovec spans[2] = {
        {.iov_base = (void *)(uintptr_t)super->bytes, .iov_len = super->header},
        {.iov_base = (void *)(uintptr_t)(super->bytes + super->header + offset),
         .iov_len = payload},
    };
    struct held_packet *part = held_packet_new(spans, 2, NULL);
    if (!part)
        return NULL;
    ipv4_header_cut(part->bytes, (uint32_t)part->length, index);
    cut_transport(super, offset, part);
    offload_finish_checksum(part->bytes, part->length, super->offload);
    return part;
}

static int super_cut(const struct super *super, struct held_queue *out)
{
    struct held_queue parts = {0};
    uint16_t index = 0;
    for (size_t offset = 0; offset < super->length - super->header;
         offset += super->offload->segment_size) {
        struct held_packet *part = super_part(super, offset, index++);
        if (!part) {
            held_queue_release(&parts);
            return -ENOMEM;
        }
        held_queue_append(&parts, part);
    }
    for (struct held_packet *part; (part = held_queue_take(&parts));)
        held_queue_append(out, part);
    return 0;
}

bool offload_is_super_datagram(const struct iovec *first, const struct tern_offload *offload)
{
    return offload && offload->segment_size > 0 &&
           ipv4_protocol(first->iov_base, first->iov_len) == IP_PROTOCOL_UDP;
}

int offload_to_wire(const struct iovec *spans, int count, const struct tern_offload *offload,
                    struct held_queue *out)
{
    struct held_packet *packet = held_packet_new(spans, count, NULL);
    if (!packet)
        return -ENOMEM;
    struct super super;
    if (offload && super_read(packet, offload, &super)) {
        int error = super_cut(&super, out);
        free(packet);
        return error;
    }
    if (offload && (offload->flags & TERN_OFFLOAD_CHECKSUM))
        offload_finish_checksum(packet->bytes, packet->length, offload);
    else if (offload)
        packet->offload.flags = offload->flags & TERN_OFFLOAD_VERIFIED;
    held_queue_append(out, packet);
    return 0;
}
