#include "unit.h"

#include <string.h>

#include "base/checksum.h"
#include "wire/udp.h"

static const uint8_t sample[] = {0x82, 0x35, 0, 53, 0, 10, 0xbe, 0xef, 'h', 'i', 'p', 'a', 'd'};

static void header_is_decoded(void **state)
{
    (void)state;
    struct udp_header h;
    assert_true(udp_parse(sample, sizeof sample, &h));
    assert_int_equal(h.source_port, 0x8235);
    assert_int_equal(h.destination_port, 53);
    assert_int_equal(h.length, 10);
    assert_int_equal(h.checksum, 0xbeef);
}

static void built_header_is_the_sample(void **state)
{
    (void)state;
    struct udp_header h;
    uint8_t out[UDP_HEADER_SIZE];
    assert_true(udp_parse(sample, sizeof sample, &h));
    udp_build(&h, out);
    assert_memory_equal(out, sample, sizeof out);
}

static void length_below_the_header_is_refused(void **state)
{
    (void)state;
    uint8_t datagram[sizeof sample];
    struct udp_header h;
    memcpy(datagram, sample, sizeof sample);
    for (uint8_t length = 0; length < UDP_HEADER_SIZE; length++) {
        datagram[5] = length;
        assert_false(udp_parse(datagram, sizeof datagram, &h));
    }
}

/* RFC 768: the length is of this datagram, which cannot be longer than what carries it. */
static void length_beyond_the_packet_is_refused(void **state)
{
    (void)state;
    struct udp_header h;
    assert_true(udp_parse(sample, 10, &h));
    for (size_t length = 0; length < 10; length++)
        assert_false(udp_parse(sample, length, &h));
}

static void quoted_header_is_taken_without_its_datagram(void **state)
{
    (void)state;
    struct udp_header h;
    assert_true(udp_parse_quoted(sample, 8, &h));
    assert_int_equal(h.source_port, 0x8235);
    assert_int_equal(h.length, 10);
    for (size_t length = 0; length < 8; length++)
        assert_false(udp_parse_quoted(sample, length, &h));
}

/* All ones is the same sum, where 0 would say that there is none. */
static void checksum_is_never_zero(void **state)
{
    (void)state;
    struct checksum sum = CHECKSUM_START;
    checksum_add_u16(&sum, 0x1234);
    assert_int_equal(udp_checksum_finish(&sum), 0xedcb);
    checksum_add_u16(&sum, 0xedcb);
    assert_int_equal(udp_checksum_finish(&sum), 0xffff);
}

static uint16_t sum_with(uint16_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, 0x0a000003);
    checksum_add_u16(&sum, 17);
    checksum_add_u16(&sum, length);
    return checksum_fold(&sum);
}

static void header_of_a_part_has_its_length_and_the_sum_of_it(void **state)
{
    (void)state;
    static const uint16_t lengths[] = {8, 9, 1480, 65515};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct udp_header h = {.source_port = 5, .destination_port = 6, .length = 65515};
        uint8_t header[UDP_HEADER_SIZE];
        h.checksum = sum_with(h.length);
        udp_build(&h, header);
        udp_header_cut(header, lengths[i]);
        assert_true(udp_parse_quoted(header, sizeof header, &h));
        assert_int_equal(h.source_port, 5);
        assert_int_equal(h.destination_port, 6);
        assert_int_equal(h.length, lengths[i]);
        assert_int_equal(h.checksum, sum_with(lengths[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_decoded),
        cmocka_unit_test(built_header_is_the_sample),
        cmocka_unit_test(length_below_the_header_is_refused),
        cmocka_unit_test(length_beyond_the_packet_is_refused),
        cmocka_unit_test(quoted_header_is_taken_without_its_datagram),
        cmocka_unit_test(checksum_is_never_zero),
        cmocka_unit_test(header_of_a_part_has_its_length_and_the_sum_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
