/* ICMP for IPv4 (RFC 792, RFC 1191, RFC 1812): bytes to values and back. */
#ifndef TERN_WIRE_ICMP_H
#define TERN_WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ICMP_HEADER_SIZE = 8, ICMP_CHECKSUM_OFFSET = 2 };

enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_REDIRECT = 5,
    ICMP_ECHO_REQUEST = 8,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
};

enum icmp_unreachable_code {
    ICMP_UNREACHABLE_NET = 0,
    ICMP_UNREACHABLE_HOST = 1,
    ICMP_UNREACHABLE_PROTOCOL = 2,
    ICMP_UNREACHABLE_PORT = 3,
    ICMP_UNREACHABLE_FRAGMENTATION = 4,
    ICMP_UNREACHABLE_SOURCE_ROUTE = 5,
    ICMP_UNREACHABLE_NET_UNKNOWN = 6,
    ICMP_UNREACHABLE_HOST_UNKNOWN = 7,
    ICMP_UNREACHABLE_HOST_ISOLATED = 8,
    ICMP_UNREACHABLE_ADMIN_NET = 9,
    ICMP_UNREACHABLE_ADMIN_HOST = 10,
    ICMP_UNREACHABLE_NET_TOS = 11,
    ICMP_UNREACHABLE_HOST_TOS = 12,
    ICMP_UNREACHABLE_ADMIN = 13,
    ICMP_UNREACHABLE_PRECEDENCE = 14,
    ICMP_UNREACHABLE_PRECEDENCE_CUTOFF = 15,
};

enum icmp_time_exceeded_code {
    ICMP_TIME_EXCEEDED_TRANSIT = 0,
    ICMP_TIME_EXCEEDED_REASSEMBLY = 1,
};

struct icmp_message {
    uint8_t type;
    uint8_t code;
    uint8_t pointer;     /* parameter problem: the offset of what is wrong */
    uint16_t identifier; /* echo */
    uint16_t sequence;   /* echo */
    uint16_t mtu;        /* fragmentation needed (RFC 1191) */
    const uint8_t *body; /* echo data, or the quoted packet */
    size_t body_length;
};

/* Whether the type reports an error about another packet, which may never cause an error in turn
 * (RFC 1122 §3.2.2). Types unknown to us count as errors: only the queries are known
 * for certain. */
bool icmp_is_error(uint8_t type);

/* Decodes a message and verifies its checksum: false when truncated or damaged. Of the fields only
 * those that the type has mean anything. */
bool icmp_parse(const void *bytes, size_t length, struct icmp_message *out);

/* The same without a look at the checksum: for a message that an ICMP error quotes the beginning
 * of, or that a user has written. */
bool icmp_parse_unverified(const void *bytes, size_t length, struct icmp_message *out);

/* Writes the eight bytes of header, with the checksum over them and over the body, at `out`. */
void icmp_build(const struct icmp_message *message, uint8_t out[ICMP_HEADER_SIZE]);

#endif
