/* The UDP header (RFC 768): bytes to values and back. */
#ifndef TERN_WIRE_UDP_H
#define TERN_WIRE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/checksum.h"

enum { UDP_HEADER_SIZE = 8, UDP_CHECKSUM_OFFSET = 6 };

struct udp_header {
    uint16_t source_port;
    uint16_t destination_port;
    uint16_t length;   /* header and data */
    uint16_t checksum; /* 0: the sender computed none */
};

/* Decodes the header of a datagram of `length` bytes: false when truncated, or when its length
 * field is below 8 or above `length`. The checksum is the caller's to verify. */
bool udp_parse(const void *bytes, size_t length, struct udp_header *out);

/* Decodes the header of a datagram of which only the beginning is there, as an ICMP error quotes
 * it: false when the header itself is truncated. */
bool udp_parse_quoted(const void *bytes, size_t length, struct udp_header *out);

/* Writes the header as it stands at `out`. */
void udp_build(const struct udp_header *header, uint8_t out[UDP_HEADER_SIZE]);

/* What goes to the checksum field for this sum: as checksum_finish, but all ones for 0, which would
 * say that there is none. */
uint16_t udp_checksum_finish(const struct checksum *sum);

/* Makes the header of a super-datagram that of a part whose length is `length`: changes the length,
 * and the sum over the pseudo-header that stands in the checksum field. */
void udp_header_cut(uint8_t header[UDP_HEADER_SIZE], uint16_t length);

#endif
