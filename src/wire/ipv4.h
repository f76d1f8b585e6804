/* The IPv4 header (RFC 791): bytes to values and back. */
#ifndef TERN_WIRE_IPV4_H
#define TERN_WIRE_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

enum {
    IPV4_HEADER_MIN = 20,
    IPV4_HEADER_MAX = 60,
    IPV4_CHECKSUM_OFFSET = 10,
};

/* Protocol numbers (IANA), of both IP families. */
enum {
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
};

/* The two ECN bits of the traffic class (RFC 3168 §5). */
enum {
    ECN_NOT_ECT = 0,
    ECN_ECT1 = 1,
    ECN_ECT0 = 2,
    ECN_CE = 3,
    ECN_MASK = 3,
};

struct ipv4_header {
    struct address source;
    struct address destination;
    uint32_t total_length; /* of header and payload; the frame's length where the field says 0
                              (super-packet) */
    uint16_t identification;
    uint16_t fragment_offset; /* bytes */
    uint8_t header_length;    /* bytes, options included */
    uint8_t traffic_class;    /* DSCP and ECN */
    uint8_t time_to_live;
    uint8_t protocol;
    bool dont_fragment;
    bool more_fragments;
    const uint8_t *options; /* header_length - 20 bytes */
};

enum ipv4_parse_error {
    IPV4_OK,
    IPV4_TRUNCATED,   /* shorter than its header or its total length */
    IPV4_BAD_VERSION, /* not 4 */
    IPV4_BAD_LENGTH,  /* IHL below 5 or total length below the header's */
    IPV4_BAD_CHECKSUM,
    IPV4_BAD_OPTION, /* an option of length < 2 or running past the header */
};

/* Decodes and verifies the header at `packet`, a frame of `length` bytes that may have padding
 * behind. `super` allows a total length of 0, which then means all of `length` (Linux BIG TCP). */
enum ipv4_parse_error ipv4_parse(const void *packet, size_t length, bool super,
                                 struct ipv4_header *out);

/* The protocol of a packet of which `length` bytes, of the header at least, are at hand: -1 where
 * it is no IPv4 packet, or too short to tell. Nothing else of it is looked at. */
int ipv4_protocol(const void *packet, size_t length);

/* Decodes the header of a packet that an ICMP error quotes, cut anywhere behind the header: its
 * total length may be beyond `length`, and the checksum is not looked at, as routers on the way may
 * not have kept it right. The same errors otherwise. */
enum ipv4_parse_error ipv4_parse_quoted(const void *packet, size_t length, struct ipv4_header *out);

/* Whether the options, of a header that was parsed, ask for a route of the sender's choice: loose
 * or strict source routing. */
bool ipv4_has_source_route(const struct ipv4_header *header);

/* Writes a header without options, checksum included, at `out` (20 bytes). total_length above
 * 65,535 is written as 0. */
void ipv4_build(const struct ipv4_header *header, uint8_t out[IPV4_HEADER_MIN]);

/* Marks a packet as a congested router does (RFC 3168 §5): false where it is none that can be
 * marked. */
bool ipv4_mark(uint8_t *packet, size_t length);

/* Puts another identification into a header, and leaves its checksum to who cuts it next. */
void ipv4_header_identify(uint8_t header[IPV4_HEADER_MIN], uint16_t identification);
/* Makes the header of a super-packet that of its index-th part, whose length is `total_length`, and
 * whose identification is so many behind the one that stands there. */
void ipv4_header_cut(uint8_t *header, uint32_t total_length, uint16_t index);
/* Makes the header of a packet that of a fragment of it, whose length is `total_length`. */
void ipv4_header_fragment(uint8_t header[IPV4_HEADER_MIN], uint32_t total_length, uint16_t offset,
                          bool more);
/* Makes the header of a fragment, of a packet that was parsed, that of the whole datagram. */
void ipv4_header_whole(uint8_t *header, uint32_t total_length);

#endif
