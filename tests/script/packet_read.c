#include <string.h>

#include "script/packet.h"
#include "script/wire.h"

bool option_next(uint8_t *options, uint8_t length, uint8_t *at, struct option_view *option,
                 bool *broken)
{
    if (*at >= length)
        return false;
    *option = (struct option_view){options[*at], 0, NULL};
    if (option->kind <= 1) {
        ++*at;
        return true;
    }
    uint8_t whole = *at + 1 < length ? options[*at + 1] : 0;
    if (whole < 2 || *at + whole > length) {
        *broken = true;
        return false;
    }
    option->length = (uint8_t)(whole - 2);
    option->value = options + *at + 2;
    *at = (uint8_t)(*at + whole);
    return true;
}

uint8_t *option_timestamps(uint8_t *options, uint8_t length)
{
    uint8_t at = 0;
    bool broken = false;
    struct option_view option;
    while (option_next(options, length, &at, &option, &broken))
        if (option.kind == 8 && option.length == 8)
            return option.value;
    return NULL;
}

static const char *read_ip(const uint8_t *at, size_t length, struct packet_view *view)
{
    if (length < WIRE_IP_HEADER)
        return "shorter than an IP header";
    if (at[0] != 0x45)
        return "not IPv4 without options";
    if (wire_u16(at + 2) != length)
        return "not as long as its IP header says";
    if ((uint16_t)~wire_sum(0, at, WIRE_IP_HEADER) != 0)
        return "the sum of the IP header is wrong";
    if (wire_u16(at + 6) & 0xbfff)
        return "a fragment, or with a reserved bit set";
    view->tos = at[1];
    view->dont_fragment = at[6] & 0x40;
    view->ttl = at[8];
    view->protocol = at[9];
    view->source = wire_u32(at + 12);
    view->destination = wire_u32(at + 16);
    return view->ttl ? NULL : "its time to live is 0";
}

static const char *read_tcp(const uint8_t *at, size_t length, struct packet_view *view)
{
    if (length < WIRE_TCP_HEADER)
        return "shorter than a TCP header";
    size_t header = (size_t)(at[12] >> 4) * 4;
    if (header < WIRE_TCP_HEADER || header > length)
        return "its data offset is wrong";
    view->source_port = wire_u16(at);
    view->destination_port = wire_u16(at + 2);
    view->seq = wire_u32(at + 4);
    view->ack = wire_u32(at + 8);
    view->flags = wire_u16(at + 12) & 0x1ff;
    view->reserved = at[12] >> 1 & 7;
    view->window = wire_u16(at + 14);
    view->urgent = wire_u16(at + 18);
    view->options_length = (uint8_t)(header - WIRE_TCP_HEADER);
    memcpy(view->options, at + WIRE_TCP_HEADER, view->options_length);
    view->payload = at + header;
    view->length = (uint32_t)(length - header);
    return view->reserved ? "a reserved bit of the TCP header is set" : NULL;
}

static const char *read_udp(const uint8_t *at, size_t length, struct packet_view *view)
{
    if (length < WIRE_UDP_HEADER || wire_u16(at + 4) != length)
        return "not as long as its UDP header says";
    view->source_port = wire_u16(at);
    view->destination_port = wire_u16(at + 2);
    view->payload = at + WIRE_UDP_HEADER;
    view->length = (uint32_t)(length - WIRE_UDP_HEADER);
    return NULL;
}

static const char *read_icmp(const uint8_t *at, size_t length, struct packet_view *view)
{
    if (length < WIRE_ICMP_HEADER)
        return "shorter than an ICMP header";
    view->icmp_type = at[0];
    view->icmp_code = at[1];
    view->icmp_id = wire_u16(at + 4);
    view->icmp_mtu = wire_u16(at + 6);
    view->payload = at + WIRE_ICMP_HEADER;
    view->length = (uint32_t)(length - WIRE_ICMP_HEADER);
    return NULL;
}

const char *packet_read(const uint8_t *bytes, size_t length, struct packet_view *view)
{
    *view = (struct packet_view){0};
    const char *wrong = read_ip(bytes, length, view);
    if (wrong)
        return wrong;
    const uint8_t *at = bytes + WIRE_IP_HEADER;
    if (view->protocol == WIRE_TCP)
        wrong = read_tcp(at, length - WIRE_IP_HEADER, view);
    else if (view->protocol == WIRE_UDP)
        wrong = read_udp(at, length - WIRE_IP_HEADER, view);
    else if (view->protocol == WIRE_ICMP)
        wrong = read_icmp(at, length - WIRE_IP_HEADER, view);
    else
        wrong = "neither TCP nor UDP nor ICMP";
    bool unsummed = view->protocol == WIRE_UDP && wire_u16(at + 6) == 0;
    if (!wrong && !unsummed && wire_transport_sum(bytes, length) != 0)
        wrong = "the sum over header and payload is wrong";
    return wrong;
}
