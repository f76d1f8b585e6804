#include "base/address.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct address address_from_ipv4(uint32_t host_order)
{
    struct address a;
    struct writer w = writer_over(a.bytes, sizeof a.bytes);
    writer_bytes(&w, mapped_prefix, sizeof mapped_prefix);
    writer_u32(&w, host_order);
    return a;
}

uint32_t address_to_ipv4(const struct address *a)
{
    struct cursor c = cursor_over(a->bytes + sizeof mapped_prefix, 4);
    return cursor_u32(&c);
}

bool address_is_ipv4(const struct address *a)
{
    return memcmp(a->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool address_is_unspecified(const struct address *a)
{
    static const struct address unspecified;
    if (address_is_ipv4(a))
        return address_to_ipv4(a) == 0;
    return address_equal(a, &unspecified);
}

bool address_is_multicast(const struct address *a)
{
    if (address_is_ipv4(a))
        return (a->bytes[12] & 0xf0) == 0xe0; /* 224.0.0.0/4, RFC 5771 */
    return a->bytes[0] == 0xff;               /* ff00::/8, RFC 4291 §2.7 */
}

bool address_is_loopback(const struct address *a)
{
    static const struct address loopback = {{[15] = 1}};
    if (address_is_ipv4(a))
        return a->bytes[12] == 127; /* 127.0.0.0/8, RFC 1122 §3.2.1.3 */
    return address_equal(a, &loopback);
}

bool address_is_limited_broadcast(const struct address *a)
{
    return address_is_ipv4(a) && address_to_ipv4(a) == 0xffffffff;
}

bool address_in_prefix(const struct address *a, const struct address *prefix, unsigned prefix_bits)
{
    bool ipv4 = address_is_ipv4(prefix);
    /* An IPv4 address is in no IPv6 prefix, not even in ::/0: the families route apart. */
    if (address_is_ipv4(a) != ipv4)
        return false;
    unsigned bits = ipv4 ? prefix_bits + 96 : prefix_bits;
    if (bits > 128)
        return false;
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a->bytes, prefix->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0;
}

/* One decimal number of at most `max` without leading zeros, which some would read as octal. Moves
 * `*text` past it: the number, or -1. */
static int parse_decimal(const char **text, int max)
{
    const char *p = *text;
    int value = 0;
    if (*p < '0' || *p > '9')
        return -1;
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (*p - '0');
        if (value > max)
            return -1;
    }
    *text = p;
    return value;
}

/* a.b.c.d up to the end of the text. */
static bool parse_ipv4(const char *text, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && *text++ != '.')
            return false;
        int value = parse_decimal(&text, 255);
        if (value < 0)
            return false;
        out[i] = (uint8_t)value;
    }
    return *text == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One to four hexadecimal digits. Moves `*text` past them: the value, or -1. */
static int parse_group(const char **text)
{
    int value = 0, digits = 0;
    for (int digit; (digit = hex_digit(**text)) >= 0; (*text)++) {
        if (++digits > 4)
            return -1;
        value = value << 4 | digit;
    }
    return digits ? value : -1;
}

/* RFC 4291 §2.2: eight groups, of which "::" may stand for one or more zero groups once, and an
 * IPv4 address may stand for the last two. */
static bool parse_ipv6(const char *text, uint8_t out[16])
{
    uint8_t bytes[16] = {0};
    size_t length = 0;
    size_t gap = SIZE_MAX; /* where "::" stood */

    if (text[0] == ':' && text[1] == ':') {
        gap = 0;
        text += 2;
    }
    while (*text && length < 16) {
        if (length <= 12 && strchr(text, ':') == NULL && strchr(text, '.') != NULL) {
            if (!parse_ipv4(text, bytes + length))
                return false;
            length += 4;
            text += strlen(text);
            break;
        }
        int group = parse_group(&text);
        if (group < 0)
            return false;
        bytes[length++] = (uint8_t)(group >> 8);
        bytes[length++] = (uint8_t)group;
        if (*text == '\0')
            break;
        if (*text++ != ':')
            return false;
        if (*text == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = length;
            text++;
        } else if (*text == '\0') {
            return false; /* a single colon at the end */
        }
    }
    if (*text != '\0' || (gap == SIZE_MAX) != (length == 16))
        return false;

    size_t head = gap == SIZE_MAX ? length : gap;
    memset(out, 0, 16);
    memcpy(out, bytes, head);
    memcpy(out + 16 - (length - head), bytes + head, length - head);
    return true;
}

int address_parse(const char *text, struct address *out)
{
    struct address a = address_from_ipv4(0);
    bool valid = strchr(text, ':') ? parse_ipv6(text, a.bytes) : parse_ipv4(text, a.bytes + 12);
    if (!valid)
        return -EINVAL;
    *out = a;
    return 0;
}

int address_parse_prefix(const char *text, struct address *out, unsigned *prefix_bits)
{
    char address[ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof address)
        return -EINVAL;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';

    struct address a;
    const char *p = slash + 1;
    int bits = parse_decimal(&p, 128);
    if (bits < 0 || *p != '\0' || address_parse(address, &a) < 0)
        return -EINVAL;
    if (address_is_ipv4(&a)) {
        if (strchr(address, ':'))
            bits -= 96; /* an IPv4-mapped prefix written as IPv6 */
        if (bits < 0 || bits > 32)
            return -EINVAL;
    }
    *out = a;
    *prefix_bits = (unsigned)bits;
    return 0;
}

/* RFC 5952 §4.2: "::" stands for the longest run of two or more zero groups, the
 * first of equals. */
static void longest_zero_run(const unsigned groups[8], int *start, int *length)
{
    *start = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0)
            run++;
        if (run > *length) {
            *start = i;
            *length = run;
        }
        i += run;
    }
}

char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
    const uint8_t *b = a->bytes;
    if (address_is_ipv4(a)) {
        snprintf(text, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
        return text;
    }

    unsigned groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)b[2 * i] << 8 | b[2 * i + 1];
    int gap, gap_length;
    longest_zero_run(groups, &gap, &gap_length);

    char *p = text;
    const char *end = text + ADDRESS_TEXT_MAX;
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            p += snprintf(p, (size_t)(end - p), "::");
            i += gap_length - 1;
        } else {
            const char *colon = i == 0 || i == gap + gap_length ? "" : ":";
            p += snprintf(p, (size_t)(end - p), "%s%x", colon, groups[i]);
        }
    }
    return text;
}
