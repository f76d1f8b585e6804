/* The TCP header and its options: bytes to values and back.
 *
 * After tcp_parse nothing in tern looks at the raw header again: the steps of segment arrival see
 * this decoded, host-order `struct segment`. */
#ifndef TERN_WIRE_TCP_H
#define TERN_WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ranges.h"

enum {
    TCP_HEADER_MIN = 20,
    TCP_HEADER_MAX = 60,
    TCP_OPTIONS_MAX = 40,
    TCP_CHECKSUM_OFFSET = 16,
    TCP_SACK_BLOCKS_MAX = 4,
    TCP_COOKIE_MIN = 4, /* RFC 7413 §4.1.1 */
    TCP_COOKIE_MAX = 16,
};

/* The control bits (RFC 9293 §3.1; AE: RFC 9768 §3.1). */
enum tcp_flag {
    TCP_FIN = 0x001,
    TCP_SYN = 0x002,
    TCP_RST = 0x004,
    TCP_PSH = 0x008,
    TCP_ACK = 0x010,
    TCP_URG = 0x020,
    TCP_ECE = 0x040,
    TCP_CWR = 0x080,
    TCP_AE = 0x100,
};

/* Option kinds (IANA). */
enum tcp_option_kind {
    TCP_OPTION_END = 0,
    TCP_OPTION_NOP = 1,
    TCP_OPTION_MSS = 2,
    TCP_OPTION_WINDOW_SCALE = 3,
    TCP_OPTION_SACK_PERMITTED = 4,
    TCP_OPTION_SACK = 5,
    TCP_OPTION_TIMESTAMPS = 8,
    TCP_OPTION_USER_TIMEOUT = 28,
    TCP_OPTION_FAST_OPEN = 34,
    TCP_OPTION_ACCECN0 = 172,
    TCP_OPTION_ACCECN1 = 174,
    TCP_OPTION_EXPERIMENT = 254, /* RFC 6994; 0xF989 is the old Fast Open */
};

/* What a segment's options say. Absent options leave their `has_` false. */
struct tcp_options {
    bool has_mss;
    bool has_window_scale;
    bool has_sack_permitted;
    bool has_timestamps;
    bool has_fast_open;          /* a cookie, or with cookie_length 0 the request for one */
    bool fast_open_experimental; /* came, or goes, as option 254 */
    bool has_user_timeout;
    bool has_accecn;
    uint8_t accecn_order; /* which of the two option kinds: 0 or 1 */
    uint8_t accecn_count; /* counters present: 0 to 3 */
    uint8_t window_scale; /* shift as received; RFC 7323 §2.3 limits it at use */
    uint8_t sack_count;   /* blocks in `sack` */
    uint8_t cookie_length;
    uint16_t mss;
    uint32_t user_timeout_s; /* seconds; beyond 32767 it goes in whole minutes, rounded up */
    uint32_t timestamp_value;
    uint32_t timestamp_echo;
    uint32_t accecn[3];                     /* 24-bit byte counters in option order */
    struct range sack[TCP_SACK_BLOCKS_MAX]; /* as received, not validated */
    uint8_t cookie[TCP_COOKIE_MAX];
};

struct segment {
    uint16_t source_port;
    uint16_t destination_port;
    uint32_t seq;    /* SEG.SEQ */
    uint32_t ack;    /* SEG.ACK */
    uint16_t flags;  /* enum tcp_flag */
    uint16_t window; /* SEG.WND as on the wire, unscaled */
    uint16_t urgent; /* SEG.UP */
    uint16_t checksum;
    uint8_t header_length;
    struct tcp_options options;
    const uint8_t *text; /* the payload: a view into the packet */
    uint32_t length;     /* of the text, without SYN and FIN */
    uint8_t ecn;         /* of the IP header that brought it: the ECN field; not parsed here */
    uint16_t packets;    /* on the wire, as which it came: more than one for a super-segment */
    uint32_t largest;    /* bytes of text in the largest of them */
};

/* SEG.LEN: the sequence space that the segment occupies (RFC 9293 §3.4). */
static inline uint32_t segment_length(const struct segment *s)
{
    return s->length + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

/* Decodes a segment of `length` bytes: false when truncated or when the data offset is below 5 or
 * past the end. An option with a bad length ends option parsing; what was read before it stands
 * (security rule 2). The checksum is the caller's to verify. */
bool tcp_parse(const void *bytes, size_t length, struct segment *out);

/* Writes header and options, padded with NOP to a multiple of four, in the order that Linux uses:
 * on a SYN MSS, SACK-permitted, timestamps, NOP, window scale (without timestamps MSS, NOP, NOP,
 * SACK-permitted, NOP, window scale), Fast Open last; otherwise NOP, NOP, timestamps, NOP, NOP,
 * SACK. AccECN stands behind MSS and timestamps, and its end fills the NOPs of what follows. The
 * checksum field is written as it stands in `segment`. Returns the header's length, at most 60; as
 * many SACK blocks as fit are written. */
size_t tcp_build(const struct segment *segment, uint8_t out[TCP_HEADER_MAX]);
/* The two parts of that, for who has to know the length first: the options, whose length (at most
 * 40) is returned, and the header in front of them, which is `length` bytes with them. */
size_t tcp_build_options(const struct tcp_options *options, uint8_t out[TCP_OPTIONS_MAX]);
void tcp_build_fixed(const struct segment *segment, size_t length, uint8_t out[TCP_HEADER_MIN]);
/* The control bits of a header that tcp_build wrote. */
uint16_t tcp_header_flags(const uint8_t *header);
/* Sets PSH in such a header. */
void tcp_header_push(uint8_t *header);
/* Makes the header of a super-segment that of the part that starts `advance` bytes in: moves the
 * sequence number and the urgent pointer, clears the flags in `cleared`, and changes the sum over
 * the pseudo-header that stands in the checksum field from one TCP length to another. */
void tcp_header_cut(uint8_t *header, uint32_t advance, uint16_t cleared, uint32_t old_length,
                    uint32_t new_length);

#endif
