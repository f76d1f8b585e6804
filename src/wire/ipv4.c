#include "wire/ipv4.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    LENGTH_OFFSET = 2, /* and of the identification behind it */

    FLAG_DONT_FRAGMENT = 0x4000,
    FLAG_MORE_FRAGMENTS = 0x2000,
    FRAGMENT_OFFSET_MASK = 0x1fff,

    OPTION_END = 0,
    OPTION_NOP = 1,
};

/* Whether every option has a length that says where the next one starts (RFC 791 §3.1, security
 * rule 2). */
static bool options_are_sound(const uint8_t *options, size_t length)
{
    struct cursor c = cursor_over(options, length);
    while (cursor_left(&c) > 0) {
        uint8_t type = cursor_u8(&c);
        if (type == OPTION_END)
            return true;
        if (type == OPTION_NOP)
            continue;
        uint8_t option_length = cursor_u8(&c);
        if (c.short_read || option_length < 2)
            return false;
        if (!cursor_take(&c, option_length - 2u))
            return false;
    }
    return true;
}

static bool header_checksum_is_right(const void *header, size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, header, length);
    return checksum_finish(&sum) == 0;
}

enum ipv4_parse_error ipv4_parse(const void *packet, size_t length, bool super,
                                 struct ipv4_header *out)
{
    struct cursor c = cursor_over(packet, length);
    uint8_t version_and_ihl = cursor_u8(&c);
    out->traffic_class = cursor_u8(&c);
    out->total_length = cursor_u16(&c);
    out->identification = cursor_u16(&c);
    uint16_t fragment = cursor_u16(&c);
    out->time_to_live = cursor_u8(&c);
    out->protocol = cursor_u8(&c);
    cursor_u16(&c); /* the checksum is verified over the whole header */
    out->source = address_from_ipv4(cursor_u32(&c));
    out->destination = address_from_ipv4(cursor_u32(&c));

    if (length > 0 && version_and_ihl >> 4 != 4)
        return IPV4_BAD_VERSION;
    if (c.short_read)
        return IPV4_TRUNCATED;
    out->header_length = (uint8_t)((version_and_ihl & 0xf) * 4);
    if (out->header_length < IPV4_HEADER_MIN)
        return IPV4_BAD_LENGTH;
    out->options = cursor_take(&c, out->header_length - (size_t)IPV4_HEADER_MIN);
    if (!out->options)
        return IPV4_TRUNCATED;
    if (!header_checksum_is_right(packet, out->header_length))
        return IPV4_BAD_CHECKSUM;

    if (out->total_length == 0 && super)
        out->total_length = (uint32_t)length;
    if (out->total_length < out->header_length)
        return IPV4_BAD_LENGTH;
    if (out->total_length > length)
        return IPV4_TRUNCATED;
    if (!options_are_sound(out->options, out->header_length - (size_t)IPV4_HEADER_MIN))
        return IPV4_BAD_OPTION;

    out->dont_fragment = fragment & FLAG_DONT_FRAGMENT;
    out->more_fragments = fragment & FLAG_MORE_FRAGMENTS;
    out->fragment_offset = (uint16_t)((fragment & FRAGMENT_OFFSET_MASK) * 8);
    return IPV4_OK;
}

static uint16_t fragment_field(const struct ipv4_header *header)
{
    unsigned field = header->fragment_offset / 8;
    if (header->dont_fragment)
        field |= FLAG_DONT_FRAGMENT;
    if (header->more_fragments)
        field |= FLAG_MORE_FRAGMENTS;
    return (uint16_t)field;
}

static void write_checksum(uint8_t header[IPV4_HEADER_MIN])
{
    struct writer w = writer_over(header + IPV4_CHECKSUM_OFFSET, 2);
    writer_u16(&w, 0);
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, header, IPV4_HEADER_MIN);
    w = writer_over(header + IPV4_CHECKSUM_OFFSET, 2);
    writer_u16(&w, checksum_finish(&sum));
}

static uint16_t length_field(uint32_t total_length)
{
    return total_length > UINT16_MAX ? 0 : (uint16_t)total_length;
}

void ipv4_build(const struct ipv4_header *header, uint8_t out[IPV4_HEADER_MIN])
{
    struct writer w = writer_over(out, IPV4_HEADER_MIN);
    writer_u8(&w, 4 << 4 | IPV4_HEADER_MIN / 4);
    writer_u8(&w, header->traffic_class);
    writer_u16(&w, length_field(header->total_length));
    writer_u16(&w, header->identification);
    writer_u16(&w, fragment_field(header));
    writer_u8(&w, header->time_to_live);
    writer_u8(&w, header->protocol);
    writer_u16(&w, 0);
    writer_u32(&w, address_to_ipv4(&header->source));
    writer_u32(&w, address_to_ipv4(&header->destination));
    write_checksum(out);
}

void ipv4_header_cut(uint8_t header[IPV4_HEADER_MIN], uint32_t total_length, uint16_t index)
{
    struct cursor c = cursor_over(header + LENGTH_OFFSET, 4);
    cursor_u16(&c);
    uint16_t identification = cursor_u16(&c);
    struct writer w = writer_over(header + LENGTH_OFFSET, 4);
    writer_u16(&w, length_field(total_length));
    writer_u16(&w, (uint16_t)(identification + index));
    write_checksum(header);
}
