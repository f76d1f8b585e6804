#include "cli/describe.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

/* The parts of one description, handed down from protocol to protocol. */
struct description {
    const struct describe_packet *packet;
    struct ipv4_header ip;
    const uint8_t *payload; /* what IP carries */
    size_t payload_length;
    struct flows *flows;
    struct line *brief;
    struct line *rest;
};

static const char *protocol_name(uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTOCOL_ICMP:
        return "ICMP";
    case IP_PROTOCOL_TCP:
        return "TCP";
    case IP_PROTOCOL_UDP:
        return "UDP";
    default:
        return NULL;
    }
}

static void protocol_add(struct line *line, uint8_t protocol)
{
    const char *name = protocol_name(protocol);
    if (name)
        line_add(line, " %s", name);
    else
        line_add(line, " protocol %u", protocol);
}

/* "10.0.0.3:40000 > 10.0.0.2:8000 TCP"; ports of 0 are left out. */
static void parties_add(struct line *line, const struct ipv4_header *ip, uint16_t source_port,
                        uint16_t destination_port)
{
    char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
    bool ports = source_port || destination_port;
    line_add(line, "%s", address_format(&ip->source, source));
    if (ports)
        line_add(line, ":%u", source_port);
    line_add(line, " > %s", address_format(&ip->destination, destination));
    if (ports)
        line_add(line, ":%u", destination_port);
    protocol_add(line, ip->protocol);
}

/* Whether the checksum of a TCP segment or UDP datagram with its pseudo-header is right. */
static bool transport_is_sound(const struct description *d)
{
    struct checksum sum = CHECKSUM_START;
    if (!d->packet->verify)
        return true;
    checksum_add_u32(&sum, address_to_ipv4(&d->ip.source));
    checksum_add_u32(&sum, address_to_ipv4(&d->ip.destination));
    checksum_add_u16(&sum, d->ip.protocol);
    checksum_add_u16(&sum, (uint16_t)d->payload_length);
    checksum_add(&sum, d->payload, d->payload_length);
    return checksum_finish(&sum) == 0;
}

static void sack_add(struct line *line, const struct tcp_options *options,
                     const struct flow_view *view)
{
    for (unsigned i = 0; i < options->sack_count; i++)
        line_add(line, "%s%u:%u", i ? " " : "sack ", view->sack[i].start, view->sack[i].end);
}

static void cookie_add(struct line *line, const struct tcp_options *options)
{
    line_add(line, options->cookie_length ? "tfo cookie " : "tfo cookie request");
    for (unsigned i = 0; i < options->cookie_length; i++)
        line_add(line, "%02x", options->cookie[i]);
}

static void tcp_options_add(struct line *line, const struct tcp_options *options,
                            const struct flow_view *view)
{
    const char *next = ", options [", *comma = ", ";
    if (options->has_mss)
        line_add(line, "%smss %u", next, options->mss), next = comma;
    if (options->has_sack_permitted)
        line_add(line, "%ssackOK", next), next = comma;
    if (options->has_timestamps)
        line_add(line, "%sTS val %u ecr %u", next, options->timestamp_value,
                 options->timestamp_echo),
            next = comma;
    if (options->has_window_scale)
        line_add(line, "%swscale %u", next, options->window_scale), next = comma;
    if (options->sack_count)
        line_add(line, "%s", next), sack_add(line, options, view), next = comma;
    if (options->has_fast_open)
        line_add(line, "%s", next), cookie_add(line, options), next = comma;
    if (options->has_accecn)
        line_add(line, "%saccecn", next), next = comma;
    if (next == comma)
        line_add(line, "]");
}

/* tcpdump's letters: S. is a SYN with an ACK. */
static void flags_add(struct line *line, uint16_t flags)
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = {{TCP_FIN, 'F'}, {TCP_SYN, 'S'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'}, {TCP_ACK, '.'},
                   {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_AE, 'e'}};
    line_add(line, " [");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (flags & letters[i].flag)
            line_add(line, "%c", letters[i].letter);
    line_add(line, "%s]", flags ? "" : "none");
}

static void describe_tcp(struct description *d)
{
    struct segment segment;
    struct flow_view view;
    if (!tcp_parse(d->payload, d->payload_length, &segment)) {
        parties_add(d->brief, &d->ip, 0, 0);
        line_add(d->rest, " malformed, length %zu", d->payload_length);
        return;
    }
    bool sound = transport_is_sound(d);
    flow_observe(d->flows, &d->ip.source, &d->ip.destination, &segment,
                 sound && !d->packet->seen_before, &view);
    parties_add(d->brief, &d->ip, segment.source_port, segment.destination_port);

    flags_add(d->rest, segment.flags);
    line_add(d->rest, " seq %u", view.seq);
    if (segment.length > 0)
        line_add(d->rest, ":%u", view.seq + segment.length);
    if (segment.flags & TCP_ACK)
        line_add(d->rest, ", ack %u", view.ack);
    line_add(d->rest, ", win %u%s", view.window, view.window_known ? "" : " unscaled");
    if (segment.flags & TCP_URG)
        line_add(d->rest, ", urg %u", segment.urgent);
    line_add(d->rest, ", length %u", segment.length);
    if (d->packet->segment_size && segment.length > d->packet->segment_size)
        line_add(d->rest, " in segments of %u", d->packet->segment_size);
    tcp_options_add(d->rest, &segment.options, &view);
    if (!sound)
        line_add(d->rest, ", bad checksum");
}

static void describe_udp(struct description *d)
{
    struct udp_header udp;
    if (!udp_parse(d->payload, d->payload_length, &udp)) {
        parties_add(d->brief, &d->ip, 0, 0);
        line_add(d->rest, " malformed, length %zu", d->payload_length);
        return;
    }
    parties_add(d->brief, &d->ip, udp.source_port, udp.destination_port);
    unsigned length = udp.length - (unsigned)UDP_HEADER_SIZE;
    line_add(d->rest, " length %u", length);
    if (d->packet->segment_size && length > d->packet->segment_size)
        line_add(d->rest, " in datagrams of %u", d->packet->segment_size);
    if (udp.checksum != 0 && !transport_is_sound(d))
        line_add(d->rest, ", bad checksum");
}

static const char *unreachable_text(uint8_t code)
{
    static const char *const texts[] = {
        [ICMP_UNREACHABLE_NET] = "network unreachable",
        [ICMP_UNREACHABLE_HOST] = "host unreachable",
        [ICMP_UNREACHABLE_PROTOCOL] = "protocol unreachable",
        [ICMP_UNREACHABLE_PORT] = "port unreachable",
        [ICMP_UNREACHABLE_FRAGMENTATION] = "fragmentation needed",
        [ICMP_UNREACHABLE_SOURCE_ROUTE] = "source route failed",
        [ICMP_UNREACHABLE_ADMIN_NET] = "network prohibited",
        [ICMP_UNREACHABLE_ADMIN_HOST] = "host prohibited",
        [ICMP_UNREACHABLE_ADMIN] = "administratively prohibited",
    };
    const char *text = code < sizeof texts / sizeof *texts ? texts[code] : NULL;
    return text ? text : "unreachable";
}

static void icmp_type_add(struct line *line, const struct icmp_message *message)
{
    switch (message->type) {
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
        line_add(line, " echo %s, id %u, seq %u",
                 message->type == ICMP_ECHO_REQUEST ? "request" : "reply", message->identifier,
                 message->sequence);
        return;
    case ICMP_UNREACHABLE:
        line_add(line, " %s", unreachable_text(message->code));
        if (message->code == ICMP_UNREACHABLE_FRAGMENTATION)
            line_add(line, ", mtu %u", message->mtu);
        return;
    case ICMP_TIME_EXCEEDED:
        line_add(line, message->code == ICMP_TIME_EXCEEDED_REASSEMBLY ? " reassembly time exceeded"
                                                                      : " time to live exceeded");
        return;
    case ICMP_PARAMETER_PROBLEM:
        line_add(line, " parameter problem at byte %u", message->pointer);
        return;
    default:
        line_add(line, " type %u code %u", message->type, message->code);
    }
}

/* Which of our packets an error is about: as much of its headers as it quotes. */
static void quote_add(struct line *line, const struct icmp_message *message)
{
    struct ipv4_header ip = {0};
    enum ipv4_parse_error error = ipv4_parse(message->body, message->body_length, false, &ip);
    bool readable = error == IPV4_OK || (error == IPV4_TRUNCATED && ip.header_length > 0 &&
                                         ip.header_length <= message->body_length);
    if (!readable)
        return;
    struct cursor c =
        cursor_over(message->body + ip.header_length, message->body_length - ip.header_length);
    uint16_t source_port = cursor_u16(&c), destination_port = cursor_u16(&c);
    bool ports = !c.short_read && ip.fragment_offset == 0 && /* else there are data */
                 (ip.protocol == IP_PROTOCOL_TCP || ip.protocol == IP_PROTOCOL_UDP);
    line_add(line, ", about ");
    parties_add(line, &ip, ports ? source_port : 0, ports ? destination_port : 0);
}

static void describe_icmp(struct description *d)
{
    struct icmp_message message;
    parties_add(d->brief, &d->ip, 0, 0);
    if (!icmp_parse(d->payload, d->payload_length, &message)) {
        line_add(d->rest, " malformed or bad checksum, length %zu", d->payload_length);
        return;
    }
    icmp_type_add(d->rest, &message);
    if (icmp_is_error(message.type))
        quote_add(d->rest, &message);
    line_add(d->rest, ", length %zu", d->payload_length);
}

/* A packet whose IP header cannot be trusted. */
static void describe_unreadable(const struct description *d, enum ipv4_parse_error error)
{
    static const char *const texts[] = {
        [IPV4_TRUNCATED] = "truncated",         [IPV4_BAD_VERSION] = "not version 4",
        [IPV4_BAD_LENGTH] = "bad length",       [IPV4_BAD_CHECKSUM] = "bad header checksum",
        [IPV4_BAD_OPTION] = "malformed option",
    };
    line_add(d->brief, "IP");
    line_add(d->rest, " %s, length %zu", texts[error], d->packet->length);
}

void describe(const struct describe_packet *packet, struct flows *flows, struct line *brief,
              struct line *rest)
{
    struct description d = {.packet = packet, .flows = flows, .brief = brief, .rest = rest};
    enum ipv4_parse_error error =
        ipv4_parse(packet->bytes, packet->length, packet->segment_size > 0, &d.ip);
    if (error != IPV4_OK) {
        describe_unreadable(&d, error);
        return;
    }
    d.payload = packet->bytes + d.ip.header_length;
    d.payload_length = d.ip.total_length - d.ip.header_length;

    if (d.ip.fragment_offset || d.ip.more_fragments) {
        parties_add(brief, &d.ip, 0, 0);
        line_add(rest, " fragment of %u, bytes %u:%zu%s", d.ip.identification, d.ip.fragment_offset,
                 d.ip.fragment_offset + d.payload_length,
                 d.ip.more_fragments ? ", more follow" : "");
    } else if (d.ip.protocol == IP_PROTOCOL_TCP) {
        describe_tcp(&d);
    } else if (d.ip.protocol == IP_PROTOCOL_UDP) {
        describe_udp(&d);
    } else if (d.ip.protocol == IP_PROTOCOL_ICMP) {
        describe_icmp(&d);
    } else {
        parties_add(brief, &d.ip, 0, 0);
        line_add(rest, " length %zu", d.payload_length);
    }
}
