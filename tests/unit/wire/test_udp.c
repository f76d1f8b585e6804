#include "unit.h"

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_decoded),
        cmocka_unit_test(built_header_is_the_sample),
        cmocka_unit_test(length_below_the_header_is_refused),
        cmocka_unit_test(length_beyond_the_packet_is_refused),
        cmocka_unit_test(quoted_header_is_taken_without_its_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
