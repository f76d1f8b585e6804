/* ICMP errors: those that we send about what arrived, and those that arrive about what we sent. */
#include <string.h>

#include "base/bytes.h"
#include "ip/internal.h"
#include "wire/udp.h"

/* ── Sent ── */

/* A token bucket for all destinations together. What a message costs is drawn from 0 to 2, 1 on
 * average: were it exactly 1, who empties the bucket with probes of his own could tell from what
 * is left of it whether a spoofed probe was answered (CVE-2020-25705, security rule 8). */
static bool limiter_allows(struct stack *stack)
{
    struct icmp_limiter *limiter = &ip_of(stack)->icmp_limiter;
    uint64_t interval_ns = TIME_S(1) / LIMIT_ICMP_PER_SECOND;
    uint64_t earned = (stack->now_ns - limiter->filled_ns) / interval_ns;
    if (earned >= (uint64_t)(LIMIT_ICMP_BURST - limiter->credit)) {
        limiter->credit = LIMIT_ICMP_BURST;
        limiter->filled_ns = stack->now_ns;
    } else {
        limiter->credit += (int32_t)earned;
        limiter->filled_ns += earned * interval_ns;
    }
    if (limiter->credit <= 0)
        return false;
    limiter->credit -= (int32_t)random_below(&stack->random, 3);
    return true;
}

/* RFC 1122 §3.2.2: never about an ICMP error, a packet to more than one host, or a fragment other
 * than the first. Sources that are no single host do not come this far, nor do other fragments. */
static bool may_be_reported(const struct packet_in *packet)
{
    if (!packet->to_unicast)
        return false;
    return packet->protocol != IP_PROTOCOL_ICMP ||
           (packet->payload_length > 0 && !icmp_is_error(packet->payload[0]));
}

static void count_sent(struct stack *stack, enum icmp_type type)
{
    stack_count(stack, COUNTER_IcmpOutMsgs);
    stack_count(stack,
                type == ICMP_UNREACHABLE ? COUNTER_IcmpOutDestUnreachs : COUNTER_IcmpOutTimeExcds);
}

/* Bytes of the payload, as it would have been on a wire: of a super-datagram those of the first of
 * its datagrams, headers included. */
static uint32_t payload_on_wire(const struct packet_in *packet)
{
    uint32_t first = UDP_HEADER_SIZE + (uint32_t)packet->segment_size;
    bool super = packet->protocol == IP_PROTOCOL_UDP && packet->segment_size > 0;
    return super && first < packet->payload_length ? first : packet->payload_length;
}

/* A checksum that was left to a link to finish is finished, of the payload of `length` bytes of
 * which the `quoted` first are in the quotation. */
static void finish_checksum(const struct packet_in *packet, uint8_t *payload, uint32_t quoted,
                            uint32_t length)
{
    uint32_t field = packet->checksum_unfinished;
    if (field == 0 || field + 2 > quoted)
        return;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, payload, quoted);
    checksum_add(&sum, packet->payload + quoted, length - quoted);
    bool udp = packet->protocol == IP_PROTOCOL_UDP;
    struct writer w = writer_over(payload + field, 2);
    writer_u16(&w, udp ? udp_checksum_finish(&sum) : checksum_finish(&sum));
}

/* Copies the beginning of a packet for quotation, as it would have been on a wire: how many bytes
 * that are. */
static uint32_t quote_packet(const struct packet_in *packet, uint8_t to[LIMIT_ICMP_QUOTE])
{
    uint32_t payload = payload_on_wire(packet);
    uint32_t length = packet->header_length + payload;
    uint32_t quoted = length < LIMIT_ICMP_QUOTE ? length : LIMIT_ICMP_QUOTE;
    memcpy(to, packet->header, quoted);
    if (payload < packet->payload_length) {
        ipv4_header_cut(to, length, 0);
        udp_header_cut(to + packet->header_length, (uint16_t)payload);
    }
    finish_checksum(packet, to + packet->header_length, quoted - packet->header_length, payload);
    return quoted;
}

void icmp_send_error(struct stack *stack, const struct packet_in *packet, enum icmp_type type,
                     uint8_t code)
{
    if (!may_be_reported(packet))
        return;
    if (!limiter_allows(stack)) {
        stack_count(stack, COUNTER_IcmpOutRateLimited);
        return;
    }
    uint8_t bytes[LIMIT_ICMP_QUOTE];
    uint32_t quote = quote_packet(packet, bytes);
    struct icmp_message message = {
        .type = (uint8_t)type, .code = code, .body = bytes, .body_length = quote};
    struct packet_out out;
    icmp_build(&message, packet_out_begin(&out, IP_PROTOCOL_ICMP, ICMP_HEADER_SIZE));
    packet_out_payload(&out, bytes, quote);
    out.source = packet->destination;
    out.destination = packet->source;
    out.traffic_class = 6 << 5; /* precedence 6, internetwork control: RFC 1812 §4.3.2.5 */
    out.why = type == ICMP_UNREACHABLE ? "unreachable" : "time exceeded";
    count_sent(stack, type);
    ip_output(stack, NULL, &out); /* an error message that cannot leave is lost */
}

void ip_report_unreachable(struct stack *stack, const struct packet_in *packet,
                           enum path_error_kind kind)
{
    static const uint8_t codes[] = {
        [PATH_ERROR_NETWORK] = ICMP_UNREACHABLE_NET,
        [PATH_ERROR_HOST] = ICMP_UNREACHABLE_HOST,
        [PATH_ERROR_PROTOCOL] = ICMP_UNREACHABLE_PROTOCOL,
        [PATH_ERROR_PORT] = ICMP_UNREACHABLE_PORT,
        [PATH_ERROR_ADMIN] = ICMP_UNREACHABLE_ADMIN,
    };
    if ((size_t)kind < sizeof codes)
        icmp_send_error(stack, packet, ICMP_UNREACHABLE, codes[kind]);
}

/* ── Arrived ── */

static enum path_error_kind unreachable_kind(uint8_t code)
{
    switch (code) {
    case ICMP_UNREACHABLE_HOST:
    case ICMP_UNREACHABLE_HOST_UNKNOWN:
    case ICMP_UNREACHABLE_HOST_ISOLATED:
    case ICMP_UNREACHABLE_HOST_TOS:
        return PATH_ERROR_HOST;
    case ICMP_UNREACHABLE_PROTOCOL:
        return PATH_ERROR_PROTOCOL;
    case ICMP_UNREACHABLE_PORT:
        return PATH_ERROR_PORT;
    case ICMP_UNREACHABLE_FRAGMENTATION:
        return PATH_ERROR_TOO_BIG;
    case ICMP_UNREACHABLE_ADMIN_NET:
    case ICMP_UNREACHABLE_ADMIN_HOST:
    case ICMP_UNREACHABLE_ADMIN:
    case ICMP_UNREACHABLE_PRECEDENCE:
    case ICMP_UNREACHABLE_PRECEDENCE_CUTOFF:
        return PATH_ERROR_ADMIN;
    default:
        return PATH_ERROR_NETWORK;
    }
}

static enum path_error_kind error_kind(const struct icmp_message *message)
{
    switch (message->type) {
    case ICMP_UNREACHABLE:
        return unreachable_kind(message->code);
    case ICMP_TIME_EXCEEDED:
        return PATH_ERROR_TIME_EXCEEDED;
    default:
        return PATH_ERROR_PARAMETER;
    }
}

/* That the quoted packet is one we sent to a single host, that the error came to the address it was
 * sent from, and that its transport header is quoted: the first of its fragments, or all of it. The
 * transport judges further (RFC 5927 §4). */
static bool quotes_our_packet(const struct stack *stack, const struct packet_in *packet,
                              const struct ipv4_header *quoted)
{
    return packet->to_unicast && quoted->fragment_offset == 0 &&
           address_equal(&quoted->source, &packet->destination) &&
           ip_is_ours(stack, &quoted->source) && !address_is_multicast(&quoted->destination) &&
           !interface_is_broadcast(packet->interface, &quoted->destination);
}

enum drop_reason icmp_error_arrives(struct stack *stack, const struct packet_in *packet,
                                    const struct icmp_message *message)
{
    struct ipv4_header quoted;
    if (ipv4_parse_quoted(message->body, message->body_length, &quoted) != IPV4_OK)
        return DROP_ICMP_TRUNCATED;
    if (!quotes_our_packet(stack, packet, &quoted))
        return DROP_ICMP_NO_MATCH;
    const struct protocol *protocol = &stack->protocols[quoted.protocol];
    if (!protocol->error)
        return DROP_ICMP_NO_MATCH;

    enum path_error_kind kind = error_kind(message);
    struct path_error error = {
        .kind = kind,
        .mtu = kind == PATH_ERROR_TOO_BIG ? message->mtu : 0,
        .source = quoted.source,
        .destination = quoted.destination,
        .reporter = packet->source,
        .payload = message->body + quoted.header_length,
        .payload_length = (uint32_t)message->body_length - quoted.header_length,
        .icmp_type = message->type,
        .icmp_code = message->code,
        .hop_limit = packet->hop_limit,
        .traffic_class = packet->traffic_class,
    };
    return protocol->error(stack, &error);
}
