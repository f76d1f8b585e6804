#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "wire/ipv4.h"

/* 10.0.0.2 to 10.0.0.3, DF, TTL 64, UDP, 24 bytes in all; the checksum worked out apart from the
 * code, by RFC 1071. */
static const uint8_t sample[] = {0x45, 0xb9, 0x00, 0x18, 0x12, 0x34, 0x40, 0x00,
                                 0x40, 0x11, 0x13, 0xe4, 10,   0,    0,    2,
                                 10,   0,    0,    3,    1,    2,    3,    4};

/* Copies `length` bytes into an allocation of exactly that size, so that ASan sees
 * any over-read. */
static uint8_t *exactly(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return copy;
}

static enum ipv4_parse_error parse(const uint8_t *bytes, size_t length, struct ipv4_header *out)
{
    uint8_t *copy = exactly(bytes, length);
    enum ipv4_parse_error error = ipv4_parse(copy, length, false, out);
    free(copy);
    return error;
}

/* Writes the right checksum into a header of `header_length` bytes. */
static void fix_checksum(uint8_t *header, size_t header_length)
{
    header[10] = header[11] = 0;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, header, header_length);
    uint16_t value = checksum_finish(&sum);
    header[10] = (uint8_t)(value >> 8);
    header[11] = (uint8_t)value;
}

static void header_is_decoded(void **state)
{
    (void)state;
    struct ipv4_header h;
    assert_int_equal(ipv4_parse(sample, sizeof sample, false, &h), IPV4_OK);
    assert_int_equal(address_to_ipv4(&h.source), 0x0a000002);
    assert_int_equal(address_to_ipv4(&h.destination), 0x0a000003);
    assert_int_equal(h.total_length, 24);
    assert_int_equal(h.identification, 0x1234);
    assert_int_equal(h.header_length, 20);
    assert_int_equal(h.traffic_class, 0xb9);
    assert_int_equal(h.time_to_live, 64);
    assert_int_equal(h.protocol, IP_PROTOCOL_UDP);
    assert_int_equal(h.fragment_offset, 0);
    assert_true(h.dont_fragment);
    assert_false(h.more_fragments);
}

static void protocol_is_told_of_what_need_not_be_sound(void **state)
{
    (void)state;
    enum { BEHIND_PROTOCOL = 10 };
    uint8_t other[sizeof sample];
    memcpy(other, sample, sizeof other);
    assert_int_equal(ipv4_protocol(sample, BEHIND_PROTOCOL), IP_PROTOCOL_UDP);
    for (size_t length = 0; length < BEHIND_PROTOCOL; length++)
        assert_int_equal(ipv4_protocol(sample, length), -1);
    other[0] = 6 << 4;
    assert_int_equal(ipv4_protocol(other, sizeof other), -1);
}

static void built_header_is_the_sample(void **state)
{
    (void)state;
    struct ipv4_header h;
    uint8_t out[IPV4_HEADER_MIN];
    assert_int_equal(ipv4_parse(sample, sizeof sample, false, &h), IPV4_OK);
    ipv4_build(&h, out);
    assert_memory_equal(out, sample, sizeof out);
}

static void fragment_fields_survive_the_round_trip(void **state)
{
    (void)state;
    struct ipv4_header in = {.source = address_from_ipv4(1),
                             .destination = address_from_ipv4(2),
                             .total_length = 20,
                             .fragment_offset = 65528,
                             .more_fragments = true};
    struct ipv4_header out;
    uint8_t bytes[IPV4_HEADER_MIN];
    ipv4_build(&in, bytes);
    assert_int_equal(ipv4_parse(bytes, sizeof bytes, false, &out), IPV4_OK);
    assert_int_equal(out.fragment_offset, 65528);
    assert_true(out.more_fragments);
    assert_false(out.dont_fragment);
}

static void padding_behind_the_packet_is_no_error(void **state)
{
    (void)state;
    uint8_t frame[46] = {0};
    struct ipv4_header h;
    memcpy(frame, sample, sizeof sample);
    assert_int_equal(parse(frame, sizeof frame, &h), IPV4_OK);
    assert_int_equal(h.total_length, 24);
}

static void truncation_at_every_byte_is_noticed(void **state)
{
    (void)state;
    struct ipv4_header h;
    for (size_t length = 0; length < sizeof sample; length++)
        assert_int_equal(parse(sample, length, &h), IPV4_TRUNCATED);
}

static void every_damaged_bit_of_the_header_is_noticed(void **state)
{
    (void)state;
    struct ipv4_header h;
    for (size_t bit = 0; bit < 8 * (size_t)IPV4_HEADER_MIN; bit++) {
        uint8_t damaged[sizeof sample];
        memcpy(damaged, sample, sizeof sample);
        damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(parse(damaged, sizeof damaged, &h), IPV4_OK);
    }
}

static void another_version_is_refused(void **state)
{
    (void)state;
    uint8_t packet[sizeof sample];
    struct ipv4_header h;
    memcpy(packet, sample, sizeof sample);
    packet[0] = 0x65;
    fix_checksum(packet, 20);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_BAD_VERSION);
}

static void header_length_below_twenty_is_refused(void **state)
{
    (void)state;
    for (unsigned ihl = 0; ihl < 5; ihl++) {
        uint8_t packet[sizeof sample];
        struct ipv4_header h;
        memcpy(packet, sample, sizeof sample);
        packet[0] = (uint8_t)(0x40 | ihl);
        fix_checksum(packet, 20);
        assert_int_equal(parse(packet, sizeof packet, &h), IPV4_BAD_LENGTH);
    }
}

static void total_length_below_the_header_is_refused(void **state)
{
    (void)state;
    for (unsigned total = 0; total < 20; total++) {
        uint8_t packet[sizeof sample];
        struct ipv4_header h;
        memcpy(packet, sample, sizeof sample);
        packet[3] = (uint8_t)total;
        fix_checksum(packet, 20);
        assert_int_equal(parse(packet, sizeof packet, &h), IPV4_BAD_LENGTH);
    }
}

static void total_length_beyond_the_frame_is_truncation(void **state)
{
    (void)state;
    uint8_t packet[sizeof sample];
    struct ipv4_header h;
    memcpy(packet, sample, sizeof sample);
    packet[3] = sizeof sample + 1;
    fix_checksum(packet, 20);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_TRUNCATED);
}

static void total_length_zero_is_a_super_packet_where_allowed(void **state)
{
    (void)state;
    struct ipv4_header h = {
        .source = address_from_ipv4(1), .destination = address_from_ipv4(2), .total_length = 70000};
    uint8_t *packet = calloc(1, 70000);
    assert_non_null(packet);
    ipv4_build(&h, packet);
    assert_int_equal(packet[2] << 8 | packet[3], 0);
    assert_int_equal(ipv4_parse(packet, 70000, false, &h), IPV4_BAD_LENGTH);
    assert_int_equal(ipv4_parse(packet, 70000, true, &h), IPV4_OK);
    assert_int_equal(h.total_length, 70000);
    free(packet);
}

/* Builds a packet with the given options, padded with END, and parses it. */
static enum ipv4_parse_error parse_with_options(const uint8_t *options, size_t length,
                                                struct ipv4_header *h)
{
    uint8_t packet[IPV4_HEADER_MAX] = {0};
    size_t padded = (length + 3) / 4 * 4;
    memcpy(packet, sample, 20);
    memcpy(packet + 20, options, length);
    packet[0] = (uint8_t)(0x40 | (20 + padded) / 4);
    packet[3] = (uint8_t)(20 + padded);
    fix_checksum(packet, 20 + padded);
    return parse(packet, 20 + padded, h);
}

static void sound_options_are_accepted(void **state)
{
    (void)state;
    static const uint8_t record_route[] = {1, 7, 7, 4, 0, 0, 0, 0};
    static const uint8_t router_alert[] = {148, 4, 0, 0};
    struct ipv4_header h;
    assert_int_equal(parse_with_options(record_route, sizeof record_route, &h), IPV4_OK);
    assert_int_equal(h.header_length, 28);
    assert_int_equal(parse_with_options(router_alert, sizeof router_alert, &h), IPV4_OK);
}

/* Security rule 2. */
static void option_of_bad_length_is_refused(void **state)
{
    (void)state;
    static const uint8_t zero[] = {7, 0, 0, 0}, one[] = {7, 1, 0, 0}, beyond[] = {7, 5, 0, 0},
                         no_length[] = {1, 1, 1, 7};
    struct ipv4_header h;
    assert_int_equal(parse_with_options(zero, sizeof zero, &h), IPV4_BAD_OPTION);
    assert_int_equal(parse_with_options(one, sizeof one, &h), IPV4_BAD_OPTION);
    assert_int_equal(parse_with_options(beyond, sizeof beyond, &h), IPV4_BAD_OPTION);
    assert_int_equal(parse_with_options(no_length, sizeof no_length, &h), IPV4_BAD_OPTION);
}

static void nothing_counts_behind_the_end_of_options(void **state)
{
    (void)state;
    static const uint8_t options[] = {0, 7, 0, 0};
    struct ipv4_header h;
    assert_int_equal(parse_with_options(options, sizeof options, &h), IPV4_OK);
}

static void part_of_a_super_packet_has_its_own_length_and_identification(void **state)
{
    (void)state;
    struct ipv4_header h;
    uint8_t packet[sizeof sample];
    memcpy(packet, sample, sizeof sample);
    packet[4] = packet[5] = 0xff;
    ipv4_header_cut(packet, 22, 3);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_OK);
    assert_int_equal(h.total_length, 22);
    assert_int_equal(h.identification, 2);
    assert_int_equal(h.traffic_class, 0xb9);
    assert_true(h.dont_fragment);
}

static void fragment_and_whole_undo_each_other(void **state)
{
    (void)state;
    struct ipv4_header h;
    uint8_t packet[sizeof sample];
    memcpy(packet, sample, sizeof sample);
    packet[6] = 0;
    fix_checksum(packet, 20);
    ipv4_header_fragment(packet, 21, 1480, true);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_OK);
    assert_int_equal(h.total_length, 21);
    assert_int_equal(h.fragment_offset, 1480);
    assert_true(h.more_fragments);
    assert_int_equal(h.identification, 0x1234);
    ipv4_header_whole(packet, 24);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_OK);
    assert_int_equal(h.total_length, 24);
    assert_int_equal(h.fragment_offset, 0);
    assert_false(h.more_fragments);
}

/* As RFC 792 quotes it, and with what routers may have done to it. */
static void quoted_header_is_taken_without_its_packet_and_checksum(void **state)
{
    (void)state;
    struct ipv4_header h;
    uint8_t packet[sizeof sample];
    memcpy(packet, sample, sizeof sample);
    packet[8] = 0;
    assert_int_equal(ipv4_parse_quoted(packet, 20, &h), IPV4_OK);
    assert_int_equal(h.total_length, 24);
    assert_int_equal(h.protocol, IP_PROTOCOL_UDP);
    for (size_t length = 0; length < 20; length++)
        assert_int_equal(ipv4_parse_quoted(packet, length, &h), IPV4_TRUNCATED);
    packet[3] = 19;
    assert_int_equal(ipv4_parse_quoted(packet, 20, &h), IPV4_BAD_LENGTH);
    packet[0] = 0x65;
    assert_int_equal(ipv4_parse_quoted(packet, 20, &h), IPV4_BAD_VERSION);
}

static void source_routes_are_found_among_other_options(void **state)
{
    (void)state;
    static const uint8_t loose[] = {1, 7, 3, 4, 131, 3, 4, 0},
                         strict[] = {137, 7, 4, 1, 2, 3, 4, 0},
                         none[] = {7, 7, 4, 131, 137, 0, 0, 0}, behind_the_end[] = {0, 131, 3, 4};
    struct ipv4_header h;
    uint8_t packet[IPV4_HEADER_MAX];
    static const struct {
        const uint8_t *options;
        size_t length;
        bool found;
    } cases[] = {{loose, sizeof loose, true},
                 {strict, sizeof strict, true},
                 {none, sizeof none, false},
                 {behind_the_end, sizeof behind_the_end, false}};
    for (size_t i = 0; i < 4; i++) {
        memcpy(packet, sample, 20);
        memcpy(packet + 20, cases[i].options, cases[i].length);
        packet[0] = (uint8_t)(0x45 + cases[i].length / 4);
        packet[3] = (uint8_t)(20 + cases[i].length);
        fix_checksum(packet, 20 + cases[i].length);
        assert_int_equal(ipv4_parse(packet, 20 + cases[i].length, false, &h), IPV4_OK);
        assert_int_equal(ipv4_has_source_route(&h), cases[i].found);
    }
}

static void part_can_have_another_identification(void **state)
{
    (void)state;
    struct ipv4_header h;
    uint8_t packet[sizeof sample];
    memcpy(packet, sample, sizeof sample);
    ipv4_header_identify(packet, 0xabcd);
    ipv4_header_cut(packet, 22, 0);
    assert_int_equal(parse(packet, sizeof packet, &h), IPV4_OK);
    assert_int_equal(h.identification, 0xabcd);
    assert_int_equal(h.total_length, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_decoded),
        cmocka_unit_test(protocol_is_told_of_what_need_not_be_sound),
        cmocka_unit_test(built_header_is_the_sample),
        cmocka_unit_test(fragment_fields_survive_the_round_trip),
        cmocka_unit_test(padding_behind_the_packet_is_no_error),
        cmocka_unit_test(truncation_at_every_byte_is_noticed),
        cmocka_unit_test(every_damaged_bit_of_the_header_is_noticed),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(header_length_below_twenty_is_refused),
        cmocka_unit_test(total_length_below_the_header_is_refused),
        cmocka_unit_test(total_length_beyond_the_frame_is_truncation),
        cmocka_unit_test(total_length_zero_is_a_super_packet_where_allowed),
        cmocka_unit_test(sound_options_are_accepted),
        cmocka_unit_test(option_of_bad_length_is_refused),
        cmocka_unit_test(nothing_counts_behind_the_end_of_options),
        cmocka_unit_test(part_of_a_super_packet_has_its_own_length_and_identification),
        cmocka_unit_test(fragment_and_whole_undo_each_other),
        cmocka_unit_test(quoted_header_is_taken_without_its_packet_and_checksum),
        cmocka_unit_test(source_routes_are_found_among_other_options),
        cmocka_unit_test(part_can_have_another_identification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
