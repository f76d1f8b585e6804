#include "core/packet.h"

#include <stddef.h>
#include <string.h>

uint8_t *packet_out_begin(struct packet_out *packet, uint8_t protocol, uint32_t header_length)
{
    /* Headers are written before they are read; clearing their room would cost more than they do.
     */
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
