/* A packet in words, where it is odd. What is usual, test_trace.c shows. */
#include "unit.h"

#include <string.h>

#include "cli/describe.h"
#include "packets.h"
#include "wire/icmp.h"

static struct packet packet;
static struct address ours, theirs;
static char brief_text[128], rest_text[256];

static int addresses_make(void **state)
{
    (void)state;
    ours = packet_address("10.0.0.3");
    theirs = packet_address("10.0.0.2");
    return 0;
}

/* The packet in lines of these sizes; the rest of it. */
static const char *described_in(size_t brief_size, size_t rest_size, uint16_t segment_size,
                                bool verify)
{
    static struct flows flows;
    flows_init(&flows, &(struct hash_key){{1, 2}});
    memset(brief_text, '?', sizeof brief_text);
    memset(rest_text, '?', sizeof rest_text);
    struct line brief = line_over(brief_text, brief_size), rest = line_over(rest_text, rest_size);
    struct describe_packet whole = {.bytes = packet.bytes,
                                    .length = packet.length,
                                    .segment_size = segment_size,
                                    .verify = verify};
    describe(&whole, &flows, &brief, &rest);
    return rest_text;
}

static const char *described(void)
{
    return described_in(sizeof brief_text, sizeof rest_text, 0, true);
}

/* Something of `length` bytes in an IPv4 packet from theirs to ours. */
static void packet_make(struct packet *out, uint8_t protocol, const void *bytes, size_t length,
                        uint16_t fragment_offset)
{
    struct ipv4_header ip = {.source = theirs,
                             .destination = ours,
                             .total_length = (uint32_t)(IPV4_HEADER_MIN + length),
                             .header_length = IPV4_HEADER_MIN,
                             .fragment_offset = fragment_offset,
                             .time_to_live = 64,
                             .protocol = protocol};
    ipv4_build(&ip, out->bytes);
    memcpy(out->bytes + IPV4_HEADER_MIN, bytes, length);
    out->length = IPV4_HEADER_MIN + length;
}

static void icmp_make(uint8_t type, uint8_t code, const void *body, size_t length)
{
    static uint8_t icmp[PACKET_MAX];
    struct icmp_message message = {.type = type, .code = code, .body = body, .body_length = length};
    icmp_build(&message, icmp);
    memcpy(icmp + ICMP_HEADER_SIZE, body, length);
    packet_make(&packet, IP_PROTOCOL_ICMP, icmp, ICMP_HEADER_SIZE + length, 0);
}

static void a_protocol_without_a_name_has_its_number(void **state)
{
    (void)state;
    packet_make(&packet, 132, "something", 9, 0);
    assert_string_equal(described(), " length 9");
    assert_string_equal(brief_text, "10.0.0.2 > 10.0.0.3 protocol 132");
}

static void headers_that_are_none_are_malformed(void **state)
{
    (void)state;
    uint8_t bytes[20] = {0}; /* a data offset of 0, a UDP length of 0 */
    packet_make(&packet, IP_PROTOCOL_TCP, bytes, sizeof bytes, 0);
    assert_string_equal(described(), " malformed, length 20");
    assert_string_equal(brief_text, "10.0.0.2 > 10.0.0.3 TCP");
    packet_make(&packet, IP_PROTOCOL_UDP, bytes, 7, 0);
    assert_string_equal(described(), " malformed, length 7");
    assert_string_equal(brief_text, "10.0.0.2 > 10.0.0.3 UDP");
    packet_make(&packet, IP_PROTOCOL_ICMP, bytes, 7, 0);
    assert_string_equal(described(), " malformed or bad checksum, length 7");
}

static void a_checksum_is_told_only_where_it_stands(void **state)
{
    (void)state;
    packet_udp(&packet, &theirs, 9, &ours, 7, "hello", 5, true);
    assert_string_equal(described(), " length 5");
    packet.bytes[packet.length - 1] ^= 1;
    assert_string_equal(described(), " length 5, bad checksum");
    assert_string_equal(described_in(sizeof brief_text, sizeof rest_text, 0, false), " length 5");
    /* RFC 768: none was made */
    packet.bytes[IPV4_HEADER_MIN + UDP_CHECKSUM_OFFSET] = 0;
    packet.bytes[IPV4_HEADER_MIN + UDP_CHECKSUM_OFFSET + 1] = 0;
    assert_string_equal(described(), " length 5");
}

static void a_segment_without_flags_says_so(void **state)
{
    (void)state;
    struct segment none = {.source_port = 1, .destination_port = 2, .seq = 10, .window = 5};
    packet_tcp(&packet, &theirs, &ours, &none, true);
    assert_string_equal(described(), " [none] seq 1, win 5 unscaled, length 0");
}

static void icmp_that_is_not_known_has_its_numbers(void **state)
{
    (void)state;
    icmp_make(13, 0, "123456789012", 12);
    assert_string_equal(described(), " type 13 code 0, length 20");
    icmp_make(ICMP_UNREACHABLE, 6, "", 0); /* a code between those with a text */
    assert_string_equal(described(), " unreachable, length 8");
    icmp_make(ICMP_UNREACHABLE, 255, "", 0);
    assert_string_equal(described(), " unreachable, length 8");
    icmp_make(ICMP_PARAMETER_PROBLEM, 0, "", 0);
    assert_string_equal(described(), " parameter problem at byte 0, length 8");
    icmp_make(ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY, "", 0);
    assert_string_equal(described(), " reassembly time exceeded, length 8");
    icmp_make(ICMP_TIME_EXCEEDED, 0, "", 0);
    assert_string_equal(described(), " time to live exceeded, length 8");
}

/* RFC 1122 §3.2.2: no error is about another fragment than the first; should one come, its quote
 * holds data where ports would be. */
static void only_a_first_fragment_has_ports(void **state)
{
    (void)state;
    static struct packet quoted;
    packet_make(&quoted, IP_PROTOCOL_UDP, "dataDATA", 8, 0);
    icmp_make(ICMP_TIME_EXCEEDED, 0, quoted.bytes, quoted.length);
    assert_string_equal(described(), " time to live exceeded, about 10.0.0.2:25697 > "
                                     "10.0.0.3:29793 UDP, length 36");
    packet_make(&quoted, IP_PROTOCOL_UDP, "dataDATA", 8, 1480);
    icmp_make(ICMP_TIME_EXCEEDED, 0, quoted.bytes, quoted.length);
    assert_string_equal(described(),
                        " time to live exceeded, about 10.0.0.2 > 10.0.0.3 UDP, length 36");
}

static void of_a_cut_quote_as_much_is_said_as_there_is(void **state)
{
    (void)state;
    static struct packet quoted;
    packet_udp(&quoted, &ours, 9, &theirs, 4242, "a long datagram", 15, true);
    icmp_make(ICMP_TIME_EXCEEDED, 0, quoted.bytes, IPV4_HEADER_MIN - 1);
    assert_string_equal(described(), " time to live exceeded, length 27");
    icmp_make(ICMP_TIME_EXCEEDED, 0, quoted.bytes, IPV4_HEADER_MIN + 3);
    assert_string_equal(described(),
                        " time to live exceeded, about 10.0.0.3 > 10.0.0.2 UDP, length 31");
    icmp_make(ICMP_TIME_EXCEEDED, 0, quoted.bytes, IPV4_HEADER_MIN + 4);
    assert_string_equal(described(), " time to live exceeded, about 10.0.0.3:9 > 10.0.0.2:4242 "
                                     "UDP, length 32");
}

/* However little room a line has, it is a beginning of the whole, and nothing beyond it is
 * touched. */
static void a_line_is_cut_where_its_room_ends(void **state)
{
    (void)state;
    struct segment syn = {.source_port = 40000, .destination_port = 80, .flags = TCP_SYN};
    syn.options = (struct tcp_options){
        .has_mss = true, .mss = 1460, .has_fast_open = true, .cookie_length = 16, .cookie = {0xab}};
    packet_tcp(&packet, &theirs, &ours, &syn, true);
    char whole[2][sizeof rest_text];
    described();
    strcpy(whole[0], brief_text);
    strcpy(whole[1], rest_text);
    assert_non_null(strstr(whole[1], "tfo cookie ab00"));
    for (size_t size = 1; size <= strlen(whole[1]) + 1; size++) {
        size_t brief_size = size < sizeof brief_text ? size : sizeof brief_text - 1;
        described_in(brief_size, size, 0, true);
        assert_int_equal(strncmp(whole[0], brief_text, strlen(brief_text)), 0);
        assert_int_equal(strncmp(whole[1], rest_text, strlen(rest_text)), 0);
        assert_int_equal(strlen(rest_text), size - 1);
        assert_int_equal(brief_text[brief_size], '?');
        assert_int_equal(rest_text[size], '?');
    }
}

#define DESCRIBE_TEST(name) cmocka_unit_test_setup(name, addresses_make)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESCRIBE_TEST(a_protocol_without_a_name_has_its_number),
        DESCRIBE_TEST(headers_that_are_none_are_malformed),
        DESCRIBE_TEST(a_checksum_is_told_only_where_it_stands),
        DESCRIBE_TEST(a_segment_without_flags_says_so),
        DESCRIBE_TEST(icmp_that_is_not_known_has_its_numbers),
        DESCRIBE_TEST(only_a_first_fragment_has_ports),
        DESCRIBE_TEST(of_a_cut_quote_as_much_is_said_as_there_is),
        DESCRIBE_TEST(a_line_is_cut_where_its_room_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
