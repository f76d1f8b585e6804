/* The trace's words for packets. The first byte says what kind of event the packet is and what its
 * link vouches for, the rest is the packet, which comes twice, so that what is remembered of the
 * first is used for the second. Whatever comes in, a line is one line of printable characters:
 * nothing from the wire reaches a terminal as it is. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "cli/trace.h"
#include "fuzz/fuzz.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { EVENT_KINDS = 4, EVENT_SUPER = 4, EVENT_UNVERIFIED = 8 };

static void check_line(const char *line)
{
    size_t length = strnlen(line, TRACE_LINE_MAX);
    FUZZ_CHECK(length < TRACE_LINE_MAX);
    for (size_t i = 0; i < length; i++)
        FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
}

static void fix_header_checksum(uint8_t *packet, size_t length)
{
    size_t header_length = length ? (packet[0] & 0xfu) * 4 : 0;
    if (header_length < IPV4_HEADER_MIN || header_length > length)
        return;
    struct checksum sum = CHECKSUM_START;
    memset(packet + IPV4_CHECKSUM_OFFSET, 0, 2);
    checksum_add(&sum, packet, header_length);
    struct writer w = writer_over(packet + IPV4_CHECKSUM_OFFSET, 2);
    writer_u16(&w, checksum_finish(&sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char line[TRACE_LINE_MAX];
    if (length == 0)
        return 0;
    struct trace_printer *printer = trace_printer_new(stderr);
    uint8_t *packet = malloc(length); /* of the exact size, so that ASan sees every step beyond */
    FUZZ_CHECK(printer && packet);
    memcpy(packet, bytes + 1, length - 1);
    fix_header_checksum(packet, length - 1);

    struct iovec span = {packet, length - 1};
    struct tern_offload offload = {
        .segment_size = bytes[0] & EVENT_SUPER ? 100 : 0,
        .flags = bytes[0] & EVENT_UNVERIFIED ? TERN_OFFLOAD_CHECKSUM : 0,
    };
    struct tern_trace_event event = {.kind = (enum tern_trace_kind)(bytes[0] % EVENT_KINDS),
                                     .count = 1,
                                     .packet = &span,
                                     .offload = &offload};
    for (int i = 0; i < 2; i++) {
        trace_line(printer, &event, line);
        check_line(line);
    }
    free(packet);
    trace_printer_free(printer);
    return 0;
}

/* An IPv4 packet around `length` bytes that stand behind its header already. */
static size_t packet_seed(uint8_t *packet, uint8_t protocol, size_t length)
{
    struct ipv4_header header = {.source = address_from_ipv4(0x0a000002),
                                 .destination = address_from_ipv4(0x0a000003),
                                 .total_length = (uint32_t)(IPV4_HEADER_MIN + length),
                                 .time_to_live = 64,
                                 .protocol = protocol};
    ipv4_build(&header, packet);
    return header.total_length;
}

static size_t tcp_seed(uint8_t *packet, uint16_t flags, const struct tcp_options *options)
{
    struct segment segment = {.source_port = 40000,
                              .destination_port = 80,
                              .seq = 0xfffffff0,
                              .ack = 1,
                              .flags = flags,
                              .window = 65535,
                              .options = *options};
    size_t header = tcp_build(&segment, packet + IPV4_HEADER_MIN);
    return packet_seed(packet, IP_PROTOCOL_TCP, header + 16);
}

/* A port unreachable that quotes a datagram. */
static size_t unreachable_seed(uint8_t *packet)
{
    uint8_t quoted[IPV4_HEADER_MIN + UDP_HEADER_SIZE];
    struct udp_header udp = {.source_port = 9, .destination_port = 4242, .length = 8};
    udp_build(&udp, quoted + IPV4_HEADER_MIN);
    packet_seed(quoted, IP_PROTOCOL_UDP, UDP_HEADER_SIZE);
    struct icmp_message message = {.type = ICMP_UNREACHABLE,
                                   .code = ICMP_UNREACHABLE_PORT,
                                   .body = quoted,
                                   .body_length = sizeof quoted};
    icmp_build(&message, packet + IPV4_HEADER_MIN);
    memcpy(packet + IPV4_HEADER_MIN + ICMP_HEADER_SIZE, quoted, sizeof quoted);
    return packet_seed(packet, IP_PROTOCOL_ICMP, ICMP_HEADER_SIZE + sizeof quoted);
}

size_t fuzz_seed(unsigned index, uint8_t out[FUZZ_INPUT_MAX])
{
    static const struct tcp_options on_syn = {.has_mss = true,
                                              .mss = 1460,
                                              .has_sack_permitted = true,
                                              .has_timestamps = true,
                                              .timestamp_value = 1,
                                              .has_window_scale = true,
                                              .window_scale = 7};
    static const struct tcp_options on_sack = {
        .has_timestamps = true, .sack_count = 3, .sack = {{100, 200}, {300, 400}, {500, 600}}};
    static const struct tcp_options on_cookie = {.has_fast_open = true, .cookie_length = 16};
    struct udp_header udp = {.source_port = 5000, .destination_port = 7, .length = 12};
    struct icmp_message ping = {.type = ICMP_ECHO_REQUEST, .identifier = 1, .sequence = 2};
    uint8_t *packet = out + 1;

    memset(out, 0, 256);
    switch (index) {
    case 0:
        out[0] = TERN_TRACE_OUT | EVENT_UNVERIFIED;
        return 1 + tcp_seed(packet, TCP_SYN, &on_syn);
    case 1:
        out[0] = TERN_TRACE_OUT | EVENT_UNVERIFIED | EVENT_SUPER;
        return 1 + tcp_seed(packet, TCP_ACK, &on_sack);
    case 2:
        out[0] = TERN_TRACE_DROP;
        return 1 + tcp_seed(packet, TCP_SYN, &on_cookie);
    case 3:
        out[0] = TERN_TRACE_IN;
        udp_build(&udp, packet + IPV4_HEADER_MIN);
        return 1 + packet_seed(packet, IP_PROTOCOL_UDP, udp.length);
    case 4:
        out[0] = TERN_TRACE_IN;
        icmp_build(&ping, packet + IPV4_HEADER_MIN);
        return 1 + packet_seed(packet, IP_PROTOCOL_ICMP, ICMP_HEADER_SIZE);
    case 5:
        out[0] = TERN_TRACE_IN;
        return 1 + unreachable_seed(packet);
    default:
        return 0;
    }
}
