/* An internet address of either family, as one value.
 *
 * It is kept as the 16 bytes of an IPv6 address; an IPv4 address is the IPv4-mapped one
 * (::ffff:a.b.c.d, RFC 4291 §2.5.5.2). Only ip/ and what prints addresses ask which family one
 * holds. */
#ifndef TERN_BASE_ADDRESS_H
#define TERN_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct address {
    uint8_t bytes[16];
};

#define ADDRESS_TEXT_MAX 46 /* the longest text form with its terminating zero */

/* a.b.c.d from its 32 bits in host order. */
struct address address_from_ipv4(uint32_t host_order);
/* The 32 bits in host order of an address that address_is_ipv4() accepts. */
uint32_t address_to_ipv4(const struct address *a);

bool address_is_ipv4(const struct address *a);
bool address_is_unspecified(const struct address *a); /* 0.0.0.0, :: */
bool address_is_multicast(const struct address *a);
bool address_is_loopback(const struct address *a);
bool address_is_limited_broadcast(const struct address *a); /* 255.255.255.255 */

/* Whether the first `prefix_bits` bits agree. For IPv4 the count is of the 32-bit address; an
 * address of one family is in no prefix of the other, not even in one of 0 bits. */
bool address_in_prefix(const struct address *a, const struct address *prefix, unsigned prefix_bits);

/* Parses dotted-decimal IPv4 or RFC 4291 text IPv6: 0, or -EINVAL. Accepts only what fills all of
 * `text`. */
int address_parse(const char *text, struct address *out);
/* Parses "address/bits": 0, or -EINVAL. */
int address_parse_prefix(const char *text, struct address *out, unsigned *prefix_bits);
/* Writes the canonical text (RFC 5952 for IPv6) into `text` and returns it. */
char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

#endif
