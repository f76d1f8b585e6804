/* Numbers and sums on the wire, apart from tern's own so that neither hides the
 * other's mistakes. */
#ifndef SCRIPT_WIRE_H
#define SCRIPT_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_IP_HEADER = 20,
    WIRE_TCP_HEADER = 20,
    WIRE_UDP_HEADER = 8,
    WIRE_ICMP_HEADER = 8,
    WIRE_ICMP = 1,
    WIRE_TCP = 6,
    WIRE_UDP = 17,
};

enum {
    WIRE_FIN = 1,
    WIRE_SYN = 2,
    WIRE_RST = 4,
    WIRE_PSH = 8,
    WIRE_ACK = 0x10,
    WIRE_CWR = 0x80,
};

static inline uint16_t wire_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t wire_u32(const uint8_t *at)
{
    return (uint32_t)wire_u16(at) << 16 | wire_u16(at + 2);
}

static inline void wire_put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void wire_put_u32(uint8_t *at, uint32_t value)
{
    wire_put_u16(at, value >> 16);
    wire_put_u16(at + 2, value);
}

/* RFC 1071, of big-endian words; an odd byte is the high half of the last. */
static inline uint32_t wire_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Over the transport's header and payload, and the pseudo-header where there is one; 0 when the sum
 * that stands in it is good. */
static inline uint16_t wire_transport_sum(const uint8_t *packet, size_t length)
{
    uint8_t pseudo[4] = {0, packet[9]};
    uint32_t sum = 0;
    wire_put_u16(pseudo + 2, (uint32_t)(length - WIRE_IP_HEADER));
    if (packet[9] != WIRE_ICMP)
        sum = wire_sum(wire_sum(0, packet + 12, 8), pseudo, sizeof pseudo);
    return (uint16_t)~wire_sum(sum, packet + WIRE_IP_HEADER, length - WIRE_IP_HEADER);
}

#endif
