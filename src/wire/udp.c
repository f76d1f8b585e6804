#include "wire/udp.h"

#include "base/bytes.h"

enum { LENGTH_OFFSET = 4 }; /* and the checksum behind it */

bool udp_parse_quoted(const void *bytes, size_t length, struct udp_header *out)
{
    struct cursor c = cursor_over(bytes, length);
    out->source_port = cursor_u16(&c);
    out->destination_port = cursor_u16(&c);
    out->length = cursor_u16(&c);
    out->checksum = cursor_u16(&c);
    return !c.short_read;
}

bool udp_parse(const void *bytes, size_t length, struct udp_header *out)
{
    return udp_parse_quoted(bytes, length, out) && out->length >= UDP_HEADER_SIZE &&
           out->length <= length;
}

void udp_build(const struct udp_header *header, uint8_t out[UDP_HEADER_SIZE])
{
    struct writer w = writer_over(out, UDP_HEADER_SIZE);
    writer_u16(&w, header->source_port);
    writer_u16(&w, header->destination_port);
    writer_u16(&w, header->length);
    writer_u16(&w, header->checksum);
}

uint16_t udp_checksum_finish(const struct checksum *sum)
{
    uint16_t finished = checksum_finish(sum);
    return finished == 0 ? UINT16_MAX : finished;
}

/* Of the length that stands in the header itself nothing is summed yet. */
void udp_header_cut(uint8_t header[UDP_HEADER_SIZE], uint16_t length)
{
    struct cursor c = cursor_over(header + LENGTH_OFFSET, UDP_HEADER_SIZE - LENGTH_OFFSET);
    uint16_t whole = cursor_u16(&c);
    uint16_t sum = cursor_u16(&c);
    struct writer w = writer_over(header + LENGTH_OFFSET, UDP_HEADER_SIZE - LENGTH_OFFSET);
    writer_u16(&w, length);
    writer_u16(&w, checksum_replace(sum, whole, length));
}
