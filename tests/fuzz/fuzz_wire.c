/* The parsers of the wire floor. The first byte chooses the parser, the rest is the packet.
 * Whatever comes in, what a parser accepts lies within the packet, and what is built from it is
 * parsed back to the same. */
#include <string.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "fuzz/fuzz.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { PARSE_IPV4, PARSE_IPV4_SUPER, PARSE_ICMP, PARSE_UDP, PARSE_TCP, PARSE_ADDRESS, PARSERS };

/* A random packet would seldom have a right checksum: makes the one in the first `length` bytes
 * right. */
static void fix_checksum(uint8_t *bytes, size_t length, size_t offset)
{
    struct checksum sum = CHECKSUM_START;
    bytes[offset] = bytes[offset + 1] = 0;
    checksum_add(&sum, bytes, length);
    struct writer w = writer_over(bytes + offset, 2);
    writer_u16(&w, checksum_finish(&sum));
}

static void check_ipv4(uint8_t *bytes, size_t length, bool super)
{
    size_t header_length = length ? (bytes[0] & 0xfu) * 4 : 0;
    if (header_length >= IPV4_HEADER_MIN && header_length <= length)
        fix_checksum(bytes, header_length, IPV4_CHECKSUM_OFFSET);

    struct ipv4_header header, again;
    if (ipv4_parse(bytes, length, super, &header) != IPV4_OK)
        return;
    FUZZ_CHECK(header.header_length >= IPV4_HEADER_MIN && header.header_length <= IPV4_HEADER_MAX);
    FUZZ_CHECK(header.header_length <= header.total_length && header.total_length <= length);
    FUZZ_CHECK(header.options == bytes + IPV4_HEADER_MIN);

    if (header.header_length == IPV4_HEADER_MIN) {
        uint8_t built[IPV4_HEADER_MIN];
        ipv4_build(&header, built);
        memcpy(bytes, built, sizeof built);
        FUZZ_CHECK(ipv4_parse(bytes, length, super, &again) == IPV4_OK);
        FUZZ_CHECK(again.total_length == header.total_length);
        FUZZ_CHECK(again.fragment_offset == header.fragment_offset);
        FUZZ_CHECK(again.protocol == header.protocol);
        FUZZ_CHECK(address_equal(&again.source, &header.source));
        FUZZ_CHECK(address_equal(&again.destination, &header.destination));
    }
}

static void check_icmp(uint8_t *bytes, size_t length)
{
    if (length >= ICMP_HEADER_SIZE)
        fix_checksum(bytes, length, ICMP_CHECKSUM_OFFSET);
    struct icmp_message message, again;
    if (!icmp_parse(bytes, length, &message))
        return;
    FUZZ_CHECK(message.body == bytes + ICMP_HEADER_SIZE);
    FUZZ_CHECK(message.body_length == length - ICMP_HEADER_SIZE);

    uint8_t built[ICMP_HEADER_SIZE];
    icmp_build(&message, built);
    memcpy(bytes, built, sizeof built);
    FUZZ_CHECK(icmp_parse(bytes, length, &again));
    FUZZ_CHECK(again.type == message.type && again.code == message.code);
}

static void check_udp(const uint8_t *bytes, size_t length)
{
    struct udp_header header;
    if (!udp_parse(bytes, length, &header))
        return;
    FUZZ_CHECK(header.length >= UDP_HEADER_SIZE && header.length <= length);

    uint8_t built[UDP_HEADER_SIZE];
    udp_build(&header, built);
    FUZZ_CHECK(memcmp(built, bytes, sizeof built) == 0);
}

static void check_tcp(const uint8_t *bytes, size_t length)
{
    struct segment segment, again;
    if (!tcp_parse(bytes, length, &segment))
        return;
    FUZZ_CHECK(segment.header_length >= TCP_HEADER_MIN && segment.header_length <= TCP_HEADER_MAX);
    FUZZ_CHECK(segment.text == bytes + segment.header_length);
    FUZZ_CHECK(segment.length == length - segment.header_length);
    FUZZ_CHECK(segment.options.sack_count <= TCP_SACK_BLOCKS_MAX);
    FUZZ_CHECK(segment.options.cookie_length <= TCP_COOKIE_MAX);
    FUZZ_CHECK(segment.options.accecn_count <= 3);

    uint8_t built[TCP_HEADER_MAX], apart[TCP_OPTIONS_MAX];
    size_t size = tcp_build(&segment, built);
    FUZZ_CHECK(size % 4 == 0 && size >= TCP_HEADER_MIN && size <= TCP_HEADER_MAX);
    FUZZ_CHECK(size == TCP_HEADER_MIN + tcp_build_options(&segment.options, apart));
    FUZZ_CHECK(tcp_parse(built, size, &again));
    FUZZ_CHECK(again.seq == segment.seq && again.ack == segment.ack);
    FUZZ_CHECK(again.flags == segment.flags && again.window == segment.window);
    FUZZ_CHECK(again.length == 0 && again.header_length == size);
}

static void check_address(const uint8_t *bytes, size_t length)
{
    char text[FUZZ_INPUT_MAX + 1], formatted[ADDRESS_TEXT_MAX], twice[ADDRESS_TEXT_MAX];
    struct address address, again;
    unsigned bits = 0;
    if (length > FUZZ_INPUT_MAX)
        return;
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (address_parse_prefix(text, &address, &bits) == 0)
        FUZZ_CHECK(bits <= (address_is_ipv4(&address) ? 32 : 128));
    if (address_parse(text, &address) != 0)
        return;
    address_format(&address, formatted);
    FUZZ_CHECK(address_parse(formatted, &again) == 0);
    FUZZ_CHECK(address_equal(&address, &again));
    FUZZ_CHECK(strcmp(formatted, address_format(&again, twice)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0)
        return 0;
    size_t rest = length - 1;
    uint8_t *packet = malloc(rest ? rest : 1);
    FUZZ_CHECK(packet != NULL);
    memcpy(packet, bytes + 1, rest);
    switch (bytes[0] % PARSERS) {
    case PARSE_IPV4:
        check_ipv4(packet, rest, false);
        break;
    case PARSE_IPV4_SUPER:
        check_ipv4(packet, rest, true);
        break;
    case PARSE_ICMP:
        check_icmp(packet, rest);
        break;
    case PARSE_UDP:
        check_udp(packet, rest);
        break;
    case PARSE_TCP:
        check_tcp(packet, rest);
        break;
    default:
        check_address(packet, rest);
        break;
    }
    free(packet);
    return 0;
}

static size_t tcp_seed(uint8_t *out, uint16_t flags, const struct tcp_options *options)
{
    struct segment segment = {.source_port = 40000,
                              .destination_port = 80,
                              .seq = 0xfffffff0,
                              .ack = 1,
                              .flags = flags,
                              .window = 65535,
                              .options = *options};
    return tcp_build(&segment, out) + 16; /* and some text */
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
        .has_timestamps = true, .sack_count = 2, .sack = {{100, 200}, {300, 400}}};
    static const struct tcp_options on_cookie = {.has_fast_open = true, .cookie_length = 8};
    static const char *const addresses[] = {"10.0.0.3/24", "10.0.0.2", "fe80::1:0:0:c",
                                            "::ffff:1.2.3.4"};
    struct ipv4_header header = {.source = address_from_ipv4(0x0a000002),
                                 .destination = address_from_ipv4(0x0a000003),
                                 .total_length = 40,
                                 .time_to_live = 64,
                                 .protocol = IP_PROTOCOL_TCP,
                                 .dont_fragment = true};
    struct udp_header udp = {.source_port = 7, .destination_port = 7, .length = 24};
    struct icmp_message ping = {.type = ICMP_ECHO_REQUEST, .identifier = 1, .sequence = 2};
    uint8_t *packet = out + 1;

    memset(out, 0, 128);
    switch (index) {
    case 0:
        out[0] = PARSE_IPV4;
        ipv4_build(&header, packet);
        return 1 + header.total_length;
    case 1:
        out[0] = PARSE_IPV4_SUPER;
        header.total_length = 70000; /* written as 0 */
        ipv4_build(&header, packet);
        return 1 + 100;
    case 2: /* router alert and record route */
        out[0] = PARSE_IPV4;
        ipv4_build(&header, packet);
        packet[0] = 0x48;
        memcpy(packet + IPV4_HEADER_MIN, "\x94\x04\x00\x00\x07\x07\x04\x00\x00\x00\x00", 12);
        return 1 + header.total_length;
    case 3:
        out[0] = PARSE_ICMP;
        icmp_build(&ping, packet);
        return 1 + ICMP_HEADER_SIZE;
    case 4:
        out[0] = PARSE_UDP;
        udp_build(&udp, packet);
        return 1 + udp.length;
    case 5:
        out[0] = PARSE_TCP;
        return 1 + tcp_seed(packet, TCP_SYN, &on_syn);
    case 6:
        out[0] = PARSE_TCP;
        return 1 + tcp_seed(packet, TCP_ACK, &on_sack);
    case 7:
        out[0] = PARSE_TCP;
        return 1 + tcp_seed(packet, TCP_SYN, &on_cookie);
    default:
        index -= 8;
        if (index >= sizeof addresses / sizeof addresses[0])
            return 0;
        out[0] = PARSE_ADDRESS;
        memcpy(packet, addresses[index], strlen(addresses[index]));
        return 1 + strlen(addresses[index]);
    }
}
