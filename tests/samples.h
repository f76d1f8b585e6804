/* One good packet of each kind that a stack at 10.0.0.3 receives, to be cut and damaged, and what
 * makes the checksums of a damaged packet right again, so that it is not stopped at the door. */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum {
    SAMPLE_MAX = 512,
    SAMPLE_OURS = 0x0a000003,
    SAMPLE_PEER = 0x0a000002,
    SAMPLE_PORT = 7000,      /* where the stack listens, TCP and UDP */
    SAMPLE_PEER_PORT = 9000, /* whom its UDP socket of SAMPLE_PORT + 1 is connected to */
    SAMPLE_IDENTIFIER = 77,  /* of its echo socket, connected to the peer */
};

static inline void sample_put_checksum(uint8_t *at, struct checksum sum)
{
    struct writer w = writer_over(at, 2);
    writer_u16(&w, checksum_finish(&sum));
}

/* Where the transport keeps its checksum; 0 for a protocol that has none we know. */
static inline size_t sample_checksum_offset(uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTOCOL_ICMP:
        return ICMP_CHECKSUM_OFFSET;
    case IP_PROTOCOL_TCP:
        return TCP_CHECKSUM_OFFSET;
    case IP_PROTOCOL_UDP:
        return UDP_CHECKSUM_OFFSET;
    default:
        return 0;
    }
}

/* Makes the transport's checksum right, over what the frame holds. */
static inline void sample_fix_transport(uint8_t *packet, size_t header, size_t length)
{
    uint8_t protocol = packet[9], *payload = packet + header;
    size_t size = length - header, offset = sample_checksum_offset(protocol);
    if (offset == 0 || size < offset + 2)
        return;
    struct checksum sum = CHECKSUM_START;
    if (protocol != IP_PROTOCOL_ICMP) {
        checksum_add(&sum, packet + 12, 8);
        checksum_add_u16(&sum, protocol);
        checksum_add_u16(&sum, (uint16_t)size);
    }
    payload[offset] = payload[offset + 1] = 0;
    checksum_add(&sum, payload, size);
    sample_put_checksum(payload + offset, sum);
}

static inline void sample_fix_header(uint8_t *packet, size_t header)
{
    struct checksum sum = CHECKSUM_START;
    packet[IPV4_CHECKSUM_OFFSET] = packet[IPV4_CHECKSUM_OFFSET + 1] = 0;
    checksum_add(&sum, packet, header);
    sample_put_checksum(packet + IPV4_CHECKSUM_OFFSET, sum);
}

/* Makes both checksums right, wherever the packet is whole enough to have them. */
static inline void sample_fix_checksums(uint8_t *packet, size_t length)
{
    size_t header = length ? (packet[0] & 0xfu) * 4 : 0;
    if (header < IPV4_HEADER_MIN || header > length)
        return;
    sample_fix_transport(packet, header, length);
    sample_fix_header(packet, header);
}

/* Makes the total length that of the frame. */
static inline void sample_fix_length(uint8_t *packet, size_t length)
{
    if (length < 4)
        return;
    struct writer w = writer_over(packet + 2, 2);
    writer_u16(&w, (uint16_t)length);
}

/* A packet from the peer with IP `options` (a multiple of four bytes) and a payload. */
static inline size_t sample_ipv4(uint8_t *out, uint8_t protocol, const void *options,
                                 size_t options_length, const void *payload, size_t length)
{
    struct ipv4_header header = {.source = address_from_ipv4(SAMPLE_PEER),
                                 .destination = address_from_ipv4(SAMPLE_OURS),
                                 .protocol = protocol,
                                 .time_to_live = 64,
                                 .identification = 0x4242};
    size_t total = IPV4_HEADER_MIN + options_length + length;
    ipv4_build(&header, out);
    out[0] = (uint8_t)(0x45 + options_length / 4);
    if (options_length)
        memcpy(out + IPV4_HEADER_MIN, options, options_length);
    memcpy(out + IPV4_HEADER_MIN + options_length, payload, length);
    sample_fix_length(out, total);
    sample_fix_checksums(out, total);
    return total;
}

static inline size_t sample_tcp(uint8_t *out, struct segment segment)
{
    uint8_t bytes[TCP_HEADER_MAX + 12];
    segment.source_port = SAMPLE_PEER_PORT;
    segment.destination_port = SAMPLE_PORT;
    segment.window = 1000;
    size_t length = tcp_build(&segment, bytes);
    memcpy(bytes + length, "segment text", segment.length);
    return sample_ipv4(out, IP_PROTOCOL_TCP, NULL, 0, bytes, length + segment.length);
}

static inline size_t sample_udp(uint8_t *out, uint16_t port, const void *options,
                                size_t options_length)
{
    uint8_t bytes[UDP_HEADER_SIZE + 8];
    struct udp_header header = {SAMPLE_PEER_PORT, port, sizeof bytes, 0};
    udp_build(&header, bytes);
    memcpy(bytes + UDP_HEADER_SIZE, "datagram", 8);
    return sample_ipv4(out, IP_PROTOCOL_UDP, options, options_length, bytes, sizeof bytes);
}

static inline size_t sample_icmp(uint8_t *out, struct icmp_message message)
{
    uint8_t bytes[SAMPLE_MAX / 2];
    icmp_build(&message, bytes);
    memcpy(bytes + ICMP_HEADER_SIZE, message.body, message.body_length);
    return sample_ipv4(out, IP_PROTOCOL_ICMP, NULL, 0, bytes,
                       ICMP_HEADER_SIZE + message.body_length);
}

/* An ICMP error about a packet of ours with this payload. */
static inline size_t sample_error(uint8_t *out, uint8_t type, uint8_t code, uint8_t protocol,
                                  const void *payload, size_t length)
{
    uint8_t quoted[SAMPLE_MAX / 4];
    struct ipv4_header header = {.source = address_from_ipv4(SAMPLE_OURS),
                                 .destination = address_from_ipv4(SAMPLE_PEER),
                                 .total_length = (uint32_t)(IPV4_HEADER_MIN + length),
                                 .protocol = protocol,
                                 .time_to_live = 1};
    ipv4_build(&header, quoted);
    memcpy(quoted + IPV4_HEADER_MIN, payload, length);
    return sample_icmp(out, (struct icmp_message){.type = type,
                                                  .code = code,
                                                  .mtu = 1400,
                                                  .body = quoted,
                                                  .body_length = IPV4_HEADER_MIN + length});
}

/* A fragment of a UDP datagram. */
static inline size_t sample_fragment(uint8_t *out, uint16_t offset, bool more)
{
    size_t length = sample_udp(out, SAMPLE_PORT, NULL, 0);
    ipv4_header_fragment(out, (uint32_t)length, offset, more);
    return length;
}

static inline size_t sample_of_tcp(unsigned which, uint8_t *out)
{
    static const struct tcp_options on_syn = {.has_mss = true,
                                              .mss = 1460,
                                              .has_sack_permitted = true,
                                              .has_timestamps = true,
                                              .timestamp_value = 1,
                                              .has_window_scale = true,
                                              .window_scale = 7,
                                              .has_fast_open = true,
                                              .cookie_length = 8};
    static const struct tcp_options on_ack = {
        .has_timestamps = true, .sack_count = 2, .sack = {{100, 200}, {300, 400}}};
    static const struct tcp_options on_accecn = {.has_accecn = true, .accecn_count = 3};
    switch (which) {
    case 0:
        return sample_tcp(out, (struct segment){.flags = TCP_SYN, .options = on_syn});
    case 1:
        return sample_tcp(
            out, (struct segment){
                     .seq = 1, .ack = 5, .flags = TCP_ACK, .options = on_ack, .length = 12});
    case 2:
        return sample_tcp(out, (struct segment){.flags = TCP_SYN | TCP_ECE | TCP_CWR | TCP_AE,
                                                .options = on_accecn});
    case 3:
        return sample_tcp(out, (struct segment){.seq = 1,
                                                .ack = 1,
                                                .flags = TCP_FIN | TCP_ACK | TCP_URG | TCP_PSH,
                                                .urgent = 5,
                                                .length = 12});
    default:
        return sample_tcp(out, (struct segment){.seq = 1, .flags = TCP_RST});
    }
}

static inline size_t sample_of_error(unsigned which, uint8_t *out)
{
    uint8_t tcp[TCP_HEADER_MAX], udp[UDP_HEADER_SIZE], echo[ICMP_HEADER_SIZE];
    struct segment segment = {.source_port = SAMPLE_PORT, .destination_port = SAMPLE_PEER_PORT};
    struct udp_header header = {SAMPLE_PORT + 1, SAMPLE_PEER_PORT, 8, 0};
    struct icmp_message request = {.type = ICMP_ECHO_REQUEST, .identifier = SAMPLE_IDENTIFIER};
    size_t length = tcp_build(&segment, tcp);
    udp_build(&header, udp);
    icmp_build(&request, echo);
    switch (which) {
    case 0:
        return sample_error(out, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, IP_PROTOCOL_TCP,
                            tcp, length);
    case 1:
        return sample_error(out, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, IP_PROTOCOL_UDP, udp,
                            sizeof udp);
    case 2:
        return sample_error(out, ICMP_TIME_EXCEEDED, 0, IP_PROTOCOL_ICMP, echo, sizeof echo);
    default:
        return sample_error(out, ICMP_PARAMETER_PROBLEM, 0, IP_PROTOCOL_UDP, udp, sizeof udp);
    }
}

/* Writes the index-th sample: its length, or 0 past the last. */
static inline size_t sample_packet(unsigned index, uint8_t out[SAMPLE_MAX])
{
    static const uint8_t data[] = "echo data";
    switch (index) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return sample_of_tcp(index, out);
    case 5:
    case 6:
    case 7:
    case 8:
        return sample_of_error(index - 5, out);
    case 9:
        return sample_udp(out, SAMPLE_PORT, NULL, 0);
    case 10:
        return sample_udp(out, SAMPLE_PORT + 1, NULL, 0);
    case 11: /* nobody listens there */
        return sample_udp(out, 1, NULL, 0);
    case 12: /* router alert, record route, NOP, end */
        return sample_udp(out, SAMPLE_PORT, "\x94\4\0\0\7\7\4\0\0\0\0\1", 12);
    case 13: /* time stamp */
        return sample_udp(out, SAMPLE_PORT, "\x44\14\5\0\0\0\0\0\0\0\0\0", 12);
    case 14: /* loose source route */
        return sample_udp(out, SAMPLE_PORT, "\x83\7\4\12\0\0\2\0", 8);
    case 15:
        return sample_icmp(out, (struct icmp_message){.type = ICMP_ECHO_REQUEST,
                                                      .body = data,
                                                      .body_length = sizeof data});
    case 16:
        return sample_icmp(out, (struct icmp_message){.type = ICMP_ECHO_REPLY,
                                                      .identifier = SAMPLE_IDENTIFIER,
                                                      .body = data,
                                                      .body_length = sizeof data});
    case 17:
        return sample_fragment(out, 0, true);
    case 18:
        return sample_fragment(out, 16, false);
    case 19:
        return sample_ipv4(out, 253, NULL, 0, "unknown protocol", 16);
    default:
        return 0;
    }
}

#endif
