#include <string.h>

#include "script/packet.h"
#include "script/pattern.h"
#include "script/wire.h"

enum { QUOTED_TRANSPORT = 8 };

static void build_ip(uint8_t *at, const struct packet_spec *spec, uint32_t source,
                     uint32_t destination, size_t length, uint8_t protocol)
{
    memset(at, 0, WIRE_IP_HEADER);
    at[0] = 0x45;
    at[1] = spec ? spec->tos : 0;
    wire_put_u16(at + 2, (uint32_t)length);
    at[8] = spec && spec->ttl ? spec->ttl : 255;
    at[9] = protocol;
    wire_put_u32(at + 12, source);
    wire_put_u32(at + 16, destination);
    wire_put_u16(at + 10, (uint16_t)~wire_sum(0, at, WIRE_IP_HEADER));
}

/* Moves the script's numbers in the options to the wire's. */
static void map_options(const struct packet_spec *spec, const struct connection *c,
                        const struct config *config, uint8_t *options, struct problem *problem)
{
    uint32_t offset = connection_local_offset(c, spec->flags & WIRE_SYN);
    uint8_t at = 0;
    bool broken = false;
    struct option_view option;
    while (option_next(options, spec->options_length, &at, &option, &broken))
        for (uint8_t i = 0; option.kind == 5 && i + 4 <= option.length; i += 4)
            wire_put_u32(option.value + i, wire_u32(option.value + i) + offset);
    uint8_t *timestamps = option_timestamps(options, spec->options_length);
    if (timestamps == NULL || !(spec->flags & WIRE_ACK))
        return;
    uint32_t echo = wire_u32(timestamps + 4);
    uint32_t live = 0;
    if (!connection_echo(c, config->timestamp_echo_scaled, echo, &live))
        problem_set(problem, 0, "TS ecr %u: no timestamp of that value was expected before", echo);
    wire_put_u32(timestamps + 4, live);
}

static size_t build_tcp(const struct packet_spec *spec, const struct connection *c,
                        const struct config *config, uint8_t *at, struct problem *problem)
{
    bool syn = spec->flags & WIRE_SYN;
    uint32_t seq = spec->seq + connection_remote_offset(c, syn);
    uint32_t ack = spec->flags & WIRE_ACK ? spec->ack + connection_local_offset(c, syn) : spec->ack;
    size_t header = WIRE_TCP_HEADER + (size_t)spec->options_length;
    memset(at, 0, WIRE_TCP_HEADER);
    wire_put_u16(at, spec->source_port ? spec->source_port : c->remote_port);
    wire_put_u16(at + 2, spec->destination_port ? spec->destination_port : c->local_port);
    wire_put_u32(at + 4, seq);
    wire_put_u32(at + 8, ack);
    wire_put_u16(at + 12, (uint32_t)(header / 4 << 12) | spec->flags);
    wire_put_u16(at + 14, (uint32_t)spec->window);
    wire_put_u16(at + 18, spec->urgent);
    memcpy(at + WIRE_TCP_HEADER, spec->options, spec->options_length);
    map_options(spec, c, config, at + WIRE_TCP_HEADER, problem);
    pattern_fill(at + header, spec->length, seq - c->remote_isn + syn);
    return header + spec->length;
}

static size_t build_udp(const struct packet_spec *spec, const struct connection *c, uint8_t *at)
{
    memset(at, 0, WIRE_UDP_HEADER);
    wire_put_u16(at, spec->source_port ? spec->source_port : c->remote_port);
    wire_put_u16(at + 2, spec->destination_port ? spec->destination_port : c->local_port);
    wire_put_u16(at + 4, WIRE_UDP_HEADER + spec->length);
    pattern_fill(at + WIRE_UDP_HEADER, spec->length, 0);
    return WIRE_UDP_HEADER + spec->length;
}

/* The packet that the message is about: its IP header and eight bytes more (RFC 792). */
static size_t build_quote(const struct packet_spec *spec, const struct connection *c, uint8_t *at)
{
    bool tcp = spec->quote == QUOTE_TCP;
    size_t transport = tcp ? WIRE_TCP_HEADER : WIRE_UDP_HEADER;
    build_ip(at, NULL, c->local, c->remote, WIRE_IP_HEADER + transport + spec->quote_length,
             tcp ? WIRE_TCP : WIRE_UDP);
    uint8_t *quoted = at + WIRE_IP_HEADER;
    memset(quoted, 0, QUOTED_TRANSPORT);
    wire_put_u16(quoted, c->local_port);
    wire_put_u16(quoted + 2, c->remote_port);
    if (tcp)
        wire_put_u32(quoted + 4, spec->quote_seq + connection_local_offset(c, false));
    else
        wire_put_u16(quoted + 4, WIRE_UDP_HEADER + spec->quote_length);
    return WIRE_IP_HEADER + QUOTED_TRANSPORT;
}

static size_t build_icmp(const struct packet_spec *spec, const struct connection *c, uint8_t *at)
{
    memset(at, 0, WIRE_ICMP_HEADER);
    at[0] = spec->icmp_type;
    at[1] = spec->icmp_code;
    if (spec->icmp_id)
        wire_put_u16(at + 4, spec->icmp_id);
    if (spec->icmp_mtu)
        wire_put_u16(at + 6, spec->icmp_mtu);
    if (spec->quote != QUOTE_NONE)
        return WIRE_ICMP_HEADER + build_quote(spec, c, at + WIRE_ICMP_HEADER);
    pattern_fill(at + WIRE_ICMP_HEADER, spec->quote_length - WIRE_ICMP_HEADER, 0);
    return spec->quote_length;
}

size_t packet_build(const struct packet_spec *spec, const struct connection *c,
                    const struct config *config, uint8_t bytes[65535], struct problem *problem)
{
    static const uint8_t protocols[] = {
        [PACKET_TCP] = WIRE_TCP, [PACKET_UDP] = WIRE_UDP, [PACKET_ICMP] = WIRE_ICMP};
    static const uint8_t sum_at[] = {[PACKET_TCP] = 16, [PACKET_UDP] = 6, [PACKET_ICMP] = 2};
    uint8_t *at = bytes + WIRE_IP_HEADER;
    size_t length = WIRE_IP_HEADER;
    if (spec->length > 65535u - WIRE_IP_HEADER - WIRE_TCP_HEADER - OPTIONS_MAX) {
        problem_set(problem, 0, "%u bytes do not fit into a packet", spec->length);
        return 0;
    }
    if (spec->protocol == PACKET_TCP)
        length += build_tcp(spec, c, config, at, problem);
    else if (spec->protocol == PACKET_UDP)
        length += build_udp(spec, c, at);
    else
        length += build_icmp(spec, c, at);
    uint8_t protocol = protocols[spec->protocol];
    build_ip(bytes, spec, c->remote, c->local, length, protocol);
    uint16_t sum = wire_transport_sum(bytes, length);
    wire_put_u16(at + sum_at[spec->protocol], sum == 0 && protocol == WIRE_UDP ? 0xffff : sum);
    return problem->text ? 0 : length;
}
