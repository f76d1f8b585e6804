#include "wire/ipv4.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    TRAFFIC_CLASS_OFFSET = 1, /* of the fields: DSCP and ECN */
    LENGTH_OFFSET = 2,        /* total length, and identification behind it */
    IDENTIFICATION_OFFSET = 4,
    FRAGMENT_OFFSET = 6, /* flags and fragment offset */
    PROTOCOL_OFFSET = 9,

    FLAG_DONT_FRAGMENT = 0x4000,
    FLAG_MORE_FRAGMENTS = 0x2000,
    FRAGMENT_OFFSET_MASK = 0x1fff,

    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_LOOSE_SOURCE_ROUTE = 131,
    OPTION_STRICT_SOURCE_ROUTE = 137,
};

/* Takes the next option: its type, OPTION_END behind the last, or -1 where a length does not say
 * where the next one starts (RFC 791 §3.1, security rule 2). */
static int take_option(struct cursor *c)
{
    uint8_t type = OPTION_NOP;
    while (type == OPTION_NOP && cursor_left(c) > 0)
        type = cursor_u8(c);
    if (type == OPTION_NOP || type == OPTION_END)
        return OPTION_END;
    uint8_t length = cursor_u8(c);
    if (length < 2 || !cursor_take(c, length - (size_t)2))
        return -1;
    return type;
}

static struct cursor over_options(const struct ipv4_header *header)
{
    return cursor_over(header->options, header->header_length - (size_t)IPV4_HEADER_MIN);
}

static bool options_are_sound(const struct ipv4_header *header)
{
    struct cursor c = over_options(header);
    int type;
    while ((type = take_option(&c)) > OPTION_END)
        ;
    return type == OPTION_END;
}

static bool header_checksum_is_right(const uint8_t *header, size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_header(&sum, header, length);
    return checksum_finish(&sum) == 0;
}

/* The header itself, without a look at its checksum or at what it says about its surroundings. */
static enum ipv4_parse_error parse_header(const void *packet, size_t length,
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
    cursor_u16(&c);
    out->source = address_from_ipv4(cursor_u32(&c));
    out->destination = address_from_ipv4(cursor_u32(&c));
    out->dont_fragment = fragment & FLAG_DONT_FRAGMENT;
    out->more_fragments = fragment & FLAG_MORE_FRAGMENTS;
    out->fragment_offset = (uint16_t)((fragment & FRAGMENT_OFFSET_MASK) * 8);

    if (length > 0 && version_and_ihl >> 4 != 4)
        return IPV4_BAD_VERSION;
    if (c.short_read)
        return IPV4_TRUNCATED;
    out->header_length = (uint8_t)((version_and_ihl & 0xf) * 4);
    if (out->header_length < IPV4_HEADER_MIN)
        return IPV4_BAD_LENGTH;
    out->options = cursor_take(&c, out->header_length - (size_t)IPV4_HEADER_MIN);
    return out->options ? IPV4_OK : IPV4_TRUNCATED;
}

enum ipv4_parse_error ipv4_parse(const void *packet, size_t length, bool super,
                                 struct ipv4_header *out)
{
    enum ipv4_parse_error error = parse_header(packet, length, out);
    if (error != IPV4_OK)
        return error;
    if (!header_checksum_is_right(packet, out->header_length))
        return IPV4_BAD_CHECKSUM;
    if (out->total_length == 0 && super)
        out->total_length = (uint32_t)length;
    if (out->total_length < out->header_length)
        return IPV4_BAD_LENGTH;
    if (out->total_length > length)
        return IPV4_TRUNCATED;
    return options_are_sound(out) ? IPV4_OK : IPV4_BAD_OPTION;
}

int ipv4_protocol(const void *packet, size_t length)
{
    struct cursor c = cursor_over(packet, length);
    unsigned version = cursor_u8(&c) >> 4;
    cursor_take(&c, PROTOCOL_OFFSET - 1);
    int protocol = cursor_u8(&c);
    return version == 4 && !c.short_read ? protocol : -1;
}

enum ipv4_parse_error ipv4_parse_quoted(const void *packet, size_t length, struct ipv4_header *out)
{
    enum ipv4_parse_error error = parse_header(packet, length, out);
    if (error != IPV4_OK)
        return error;
    if (out->total_length < out->header_length)
        return IPV4_BAD_LENGTH;
    return options_are_sound(out) ? IPV4_OK : IPV4_BAD_OPTION;
}

bool ipv4_has_source_route(const struct ipv4_header *header)
{
    struct cursor c = over_options(header);
    int type;
    while ((type = take_option(&c)) > OPTION_END)
        if (type == OPTION_LOOSE_SOURCE_ROUTE || type == OPTION_STRICT_SOURCE_ROUTE)
            return true;
    return false;
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

static void write_checksum(uint8_t *header, size_t length)
{
    struct writer w = writer_over(header + IPV4_CHECKSUM_OFFSET, 2);
    writer_u16(&w, 0);
    struct checksum sum = CHECKSUM_START;
    checksum_add_header(&sum, header, length);
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
    write_checksum(out, IPV4_HEADER_MIN);
}

void ipv4_header_identify(uint8_t header[IPV4_HEADER_MIN], uint16_t identification)
{
    struct writer w = writer_over(header + IDENTIFICATION_OFFSET, 2);
    writer_u16(&w, identification);
}

void ipv4_header_cut(uint8_t *header, uint32_t total_length, uint16_t index)
{
    struct cursor c = cursor_over(header + LENGTH_OFFSET, 4);
    cursor_u16(&c);
    uint16_t identification = cursor_u16(&c);
    struct writer w = writer_over(header + LENGTH_OFFSET, 4);
    writer_u16(&w, length_field(total_length));
    writer_u16(&w, (uint16_t)(identification + index));
    write_checksum(header, (header[0] & 0xfu) * 4);
}

bool ipv4_mark(uint8_t *packet, size_t length)
{
    if (length < IPV4_HEADER_MIN || packet[0] >> 4 != 4)
        return false;
    size_t header_length = (packet[0] & 0xfu) * (size_t)4;
    uint8_t ecn = packet[TRAFFIC_CLASS_OFFSET] & ECN_MASK;
    if (header_length < IPV4_HEADER_MIN || header_length > length || ecn == ECN_NOT_ECT)
        return false;
    packet[TRAFFIC_CLASS_OFFSET] |= ECN_CE;
    write_checksum(packet, header_length);
    return true;
}

static void write_length_and_fragment(uint8_t *header, uint32_t total_length, uint16_t fragment)
{
    struct writer w = writer_over(header + LENGTH_OFFSET, 2);
    writer_u16(&w, length_field(total_length));
    w = writer_over(header + FRAGMENT_OFFSET, 2);
    writer_u16(&w, fragment);
    write_checksum(header, (header[0] & 0xfu) * 4);
}

void ipv4_header_fragment(uint8_t header[IPV4_HEADER_MIN], uint32_t total_length, uint16_t offset,
                          bool more)
{
    struct ipv4_header fields = {.fragment_offset = offset, .more_fragments = more};
    write_length_and_fragment(header, total_length, fragment_field(&fields));
}

void ipv4_header_whole(uint8_t *header, uint32_t total_length)
{
    write_length_and_fragment(header, total_length, 0);
}
