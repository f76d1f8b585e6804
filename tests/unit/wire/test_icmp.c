#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "wire/icmp.h"

/* Echo request, identifier 0x1234, sequence 7, data "abc". */
static const uint8_t echo[] = {8, 0, 0x21, 0x62, 0x12, 0x34, 0, 7, 'a', 'b', 'c'};
/* Fragmentation needed, next hop's MTU 1400, "quote". */
static const uint8_t too_big[] = {3, 4, 0xb1, 0x99, 0, 0, 5, 0x78, 'q', 'u', 'o', 't', 'e'};

static bool parse(const uint8_t *bytes, size_t length, struct icmp_message *out)
{
    uint8_t *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    bool ok = icmp_parse(copy, length, out);
    free(copy);
    return ok;
}

static void echo_is_decoded(void **state)
{
    (void)state;
    struct icmp_message m;
    assert_true(icmp_parse(echo, sizeof echo, &m));
    assert_int_equal(m.type, ICMP_ECHO_REQUEST);
    assert_int_equal(m.code, 0);
    assert_int_equal(m.identifier, 0x1234);
    assert_int_equal(m.sequence, 7);
    assert_ptr_equal(m.body, echo + 8);
    assert_int_equal(m.body_length, 3);
}

static void fragmentation_needed_is_decoded(void **state)
{
    (void)state;
    struct icmp_message m;
    assert_true(icmp_parse(too_big, sizeof too_big, &m));
    assert_int_equal(m.type, ICMP_UNREACHABLE);
    assert_int_equal(m.code, ICMP_UNREACHABLE_FRAGMENTATION);
    assert_int_equal(m.mtu, 1400);
    assert_int_equal(m.body_length, 5);
}

static void built_headers_are_the_samples(void **state)
{
    (void)state;
    struct icmp_message m;
    uint8_t out[ICMP_HEADER_SIZE];
    assert_true(icmp_parse(echo, sizeof echo, &m));
    icmp_build(&m, out);
    assert_memory_equal(out, echo, sizeof out);
    assert_true(icmp_parse(too_big, sizeof too_big, &m));
    icmp_build(&m, out);
    assert_memory_equal(out, too_big, sizeof out);
}

/* RFC 792: the unused fields of an error are zero. */
static void unused_fields_are_zero(void **state)
{
    (void)state;
    struct icmp_message m = {.type = ICMP_UNREACHABLE,
                             .code = ICMP_UNREACHABLE_PORT,
                             .identifier = 1,
                             .sequence = 2,
                             .mtu = 3,
                             .pointer = 4};
    uint8_t out[ICMP_HEADER_SIZE];
    static const uint8_t zero[4];
    icmp_build(&m, out);
    assert_memory_equal(out + 4, zero, 4);
    m.type = ICMP_PARAMETER_PROBLEM;
    icmp_build(&m, out);
    assert_int_equal(out[4], 4);
    assert_memory_equal(out + 5, zero, 3);
}

static void truncation_below_the_header_is_refused(void **state)
{
    (void)state;
    struct icmp_message m;
    for (size_t length = 0; length < ICMP_HEADER_SIZE; length++)
        assert_false(parse(echo, length, &m));
}

static void every_damaged_bit_is_noticed(void **state)
{
    (void)state;
    struct icmp_message m;
    for (size_t bit = 0; bit < 8 * sizeof echo; bit++) {
        uint8_t damaged[sizeof echo];
        memcpy(damaged, echo, sizeof echo);
        damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(parse(damaged, sizeof damaged, &m));
    }
}

/* RFC 1122 §3.2.2: no error about an error. What is not known to be a query may be one. */
static void only_queries_are_no_errors(void **state)
{
    (void)state;
    assert_false(icmp_is_error(ICMP_ECHO_REQUEST));
    assert_false(icmp_is_error(ICMP_ECHO_REPLY));
    assert_true(icmp_is_error(ICMP_UNREACHABLE));
    assert_true(icmp_is_error(ICMP_TIME_EXCEEDED));
    assert_true(icmp_is_error(ICMP_PARAMETER_PROBLEM));
    assert_true(icmp_is_error(4));
    assert_true(icmp_is_error(200));
}

static void unverified_message_may_have_any_checksum(void **state)
{
    (void)state;
    struct icmp_message m;
    uint8_t damaged[sizeof echo];
    memcpy(damaged, echo, sizeof echo);
    damaged[2] ^= 1;
    assert_false(parse(damaged, sizeof damaged, &m));
    assert_true(icmp_parse_unverified(damaged, sizeof damaged, &m));
    assert_int_equal(m.identifier, 0x1234);
    assert_int_equal(m.body_length, 3);
    for (size_t length = 0; length < ICMP_HEADER_SIZE; length++)
        assert_false(icmp_parse_unverified(damaged, length, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_is_decoded),
        cmocka_unit_test(fragmentation_needed_is_decoded),
        cmocka_unit_test(built_headers_are_the_samples),
        cmocka_unit_test(unused_fields_are_zero),
        cmocka_unit_test(truncation_below_the_header_is_refused),
        cmocka_unit_test(every_damaged_bit_is_noticed),
        cmocka_unit_test(only_queries_are_no_errors),
        cmocka_unit_test(unverified_message_may_have_any_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
