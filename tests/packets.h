/* Whole packets, built by hand from wire/, for tests that stand below the machine. */
#ifndef TESTS_PACKETS_H
#define TESTS_PACKETS_H

#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/checksum.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { PACKET_MAX = 65535 };

struct packet {
    size_t length;
    uint8_t bytes[PACKET_MAX];
};

static inline struct address packet_address(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, &address), 0);
    return address;
}

static inline struct checksum packet_pseudo_header(const struct address *source,
                                                   const struct address *destination,
                                                   uint8_t protocol, size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, address_to_ipv4(source));
    checksum_add_u32(&sum, address_to_ipv4(destination));
    checksum_add_u16(&sum, protocol);
    checksum_add_u16(&sum, (uint16_t)length);
    return sum;
}

/* Puts the IPv4 header in front of a transport header and payload that stand at bytes[20] on, and
 * the sum into the transport's checksum field: the whole, or only the pseudo-header's. */
static inline void packet_finish(struct packet *packet, const struct address *source,
                                 const struct address *destination, uint8_t protocol,
                                 size_t transport_length, size_t checksum_offset, bool whole)
{
    uint8_t *transport = packet->bytes + IPV4_HEADER_MIN;
    struct checksum sum = packet_pseudo_header(source, destination, protocol, transport_length);
    uint16_t value = checksum_fold(&sum);
    if (whole) {
        checksum_add(&sum, transport, transport_length);
        value = checksum_finish(&sum);
    }
    transport[checksum_offset] = (uint8_t)(value >> 8);
    transport[checksum_offset + 1] = (uint8_t)value;

    struct ipv4_header ip = {.source = *source,
                             .destination = *destination,
                             .total_length = (uint32_t)(IPV4_HEADER_MIN + transport_length),
                             .header_length = IPV4_HEADER_MIN,
                             .time_to_live = 64,
                             .protocol = protocol,
                             .dont_fragment = true};
    ipv4_build(&ip, packet->bytes);
    packet->length = IPV4_HEADER_MIN + transport_length;
}

static inline void packet_udp(struct packet *packet, const struct address *source,
                              uint16_t source_port, const struct address *destination,
                              uint16_t destination_port, const void *payload, size_t length,
                              bool whole_checksum)
{
    struct udp_header udp = {.source_port = source_port,
                             .destination_port = destination_port,
                             .length = (uint16_t)(UDP_HEADER_SIZE + length)};
    udp_build(&udp, packet->bytes + IPV4_HEADER_MIN);
    if (length > 0)
        memcpy(packet->bytes + IPV4_HEADER_MIN + UDP_HEADER_SIZE, payload, length);
    packet_finish(packet, source, destination, IP_PROTOCOL_UDP, UDP_HEADER_SIZE + length,
                  UDP_CHECKSUM_OFFSET, whole_checksum);
}

/* The segment's text may be anywhere. */
static inline void packet_tcp(struct packet *packet, const struct address *source,
                              const struct address *destination, const struct segment *segment,
                              bool whole_checksum)
{
    uint8_t *transport = packet->bytes + IPV4_HEADER_MIN;
    size_t header = tcp_build(segment, transport);
    if (segment->length > 0)
        memcpy(transport + header, segment->text, segment->length);
    packet_finish(packet, source, destination, IP_PROTOCOL_TCP, header + segment->length,
                  TCP_CHECKSUM_OFFSET, whole_checksum);
}

/* Whether the IPv4 header's and the transport's checksum of a UDP or TCP packet are right. */
static inline bool packet_is_sound(const uint8_t *bytes, size_t length)
{
    struct ipv4_header ip;
    if (ipv4_parse(bytes, length, false, &ip) != IPV4_OK)
        return false;
    size_t transport_length = ip.total_length - ip.header_length;
    struct checksum sum =
        packet_pseudo_header(&ip.source, &ip.destination, ip.protocol, transport_length);
    checksum_add(&sum, bytes + ip.header_length, transport_length);
    return checksum_finish(&sum) == 0;
}

#endif
