#include "core/packet.h"

#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

uint8_t *packet_out_begin(struct packet_out *packet, uint8_t protocol, uint32_t header_length)
{
    /* Headers are written before they are read; clearing their room would cost more
     * than they do. */
    memset(packet, 0, offsetof(struct packet_out, room));
    packet->protocol = protocol;
    packet->checksum_offset = NO_CHECKSUM;
    packet->header = packet->room + sizeof packet->room;
    return packet_out_prepend(packet, header_length);
}

void packet_out_payload(struct packet_out *packet, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    struct iovec *span = &packet->spans[1 + packet->payload_spans++];
    memcpy(&span->iov_base, &bytes, sizeof bytes); /* iovec has no const; nobody writes there */
    span->iov_len = length;
    packet->payload_length += (uint32_t)length;
}

uint8_t *packet_out_prepend(struct packet_out *packet, uint32_t length)
{
    packet->header -= length;
    packet->header_length += length;
    return packet->header;
}

void packet_out_slice(struct packet_out *part, const struct packet_out *whole, uint32_t offset,
                      uint32_t length)
{
    for (int i = 1; i <= whole->payload_spans && length > 0; i++) {
        const struct iovec *span = &whole->spans[i];
        if (offset >= span->iov_len) {
            offset -= (uint32_t)span->iov_len;
            continue;
        }
        uint32_t left = (uint32_t)span->iov_len - offset;
        uint32_t taken = left < length ? left : length;
        packet_out_payload(part, (const uint8_t *)span->iov_base + offset, taken);
        offset = 0;
        length -= taken;
    }
}

/* The field already holds the pseudo-header's sum, and so counts itself in. */
void packet_out_finish_checksum(struct packet_out *packet)
{
    uint8_t *transport = packet->header + packet->transport_offset;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, transport, packet->header_length - packet->transport_offset);
    for (int i = 1; i <= packet->payload_spans; i++)
        checksum_add(&sum, packet->spans[i].iov_base, packet->spans[i].iov_len);
    bool udp = packet->protocol == IP_PROTOCOL_UDP;
    struct writer w = writer_over(transport + packet->checksum_offset, 2);
    writer_u16(&w, udp ? udp_checksum_finish(&sum) : checksum_finish(&sum));
}
