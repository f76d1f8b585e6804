#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/random.h"

/* A copy on the heap of exactly this length, so that an over-read is an error the
 * sanitizer sees. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return length ? copy : copy + 1; /* no byte may be read even when there is none */
}

static void exact_free(uint8_t *copy, size_t length)
{
    free(length ? copy : copy - 1);
}

static void values_are_read_in_network_order(void **state)
{
    (void)state;
    static const uint8_t wire[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x80};
    struct cursor c = cursor_over(wire, sizeof wire);
    assert_int_equal(cursor_u8(&c), 0x01);
    assert_int_equal(cursor_u16(&c), 0x2345);
    assert_int_equal(cursor_u32(&c), 0x6789abcd);
    assert_int_equal(cursor_left(&c), 2);
    assert_ptr_equal(cursor_take(&c, 2), wire + 7);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(c.short_read);
}

static void the_highest_bit_does_not_sign_extend(void **state)
{
    (void)state;
    static const uint8_t wire[] = {0xff, 0xff, 0xff, 0xff};
    struct cursor c = cursor_over(wire, sizeof wire);
    assert_true(cursor_u32(&c) == UINT32_MAX);
    c = cursor_over(wire, sizeof wire);
    assert_int_equal(cursor_u16(&c), UINT16_MAX);
}

/* Reads by a script of sizes from every truncation of the bytes. */
static void a_read_past_the_end_yields_zero_and_is_remembered(void **state)
{
    (void)state;
    struct random random;
    uint8_t wire[24];
    random_seed_number(&random, 1);
    random_bytes(&random, wire, sizeof wire);
    for (unsigned round = 0; round < 2000; round++) {
        size_t length = random_below(&random, sizeof wire + 1);
        uint8_t *copy = exact_copy(wire, length);
        struct cursor c = cursor_over(copy, length);
        size_t at = 0;
        bool failed = false;
        for (unsigned step = 0; step < 8; step++) {
            static const unsigned widths[] = {1, 2, 4};
            unsigned width = widths[random_below(&random, 3)];
            uint32_t expected = 0;
            if (at + width > length)
                failed = true;
            for (unsigned i = 0; i < width && !failed; i++)
                expected = expected << 8 | wire[at++];
            uint32_t value = width == 1   ? cursor_u8(&c)
                             : width == 2 ? cursor_u16(&c)
                                          : cursor_u32(&c);
            assert_int_equal(value, expected);
            assert_int_equal(c.short_read, failed);
            assert_int_equal(cursor_left(&c), failed ? 0 : length - at);
        }
        exact_free(copy, length);
    }
}

static void taking_more_than_is_left_yields_null(void **state)
{
    (void)state;
    static const uint8_t wire[4];
    struct cursor c = cursor_over(wire, sizeof wire);
    assert_null(cursor_take(&c, 5));
    assert_true(c.short_read);
    c = cursor_over(wire, sizeof wire);
    assert_null(cursor_take(&c, SIZE_MAX));
    assert_true(c.short_read);
    assert_int_equal(cursor_left(&c), 0);
}

static void nothing_can_be_read_from_or_written_to_nothing(void **state)
{
    (void)state;
    struct cursor c = cursor_over(NULL, 0);
    assert_int_equal(cursor_left(&c), 0);
    (void)cursor_take(&c, 0);
    assert_false(c.short_read);
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.short_read);

    struct writer w = writer_over(NULL, 0);
    writer_bytes(&w, NULL, 0);
    assert_false(w.overflow);
    assert_int_equal(writer_length(&w), 0);
    writer_u8(&w, 1);
    assert_true(w.overflow);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    uint8_t wire[11];
    struct writer w = writer_over(wire, sizeof wire);
    writer_u8(&w, 0xfe);
    writer_u16(&w, 0xdcba);
    writer_u32(&w, 0x98765432);
    writer_bytes(&w, "tern", 4);
    assert_false(w.overflow);
    assert_int_equal(writer_length(&w), sizeof wire);
    static const uint8_t expected[] = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54,
                                       0x32, 't',  'e',  'r',  'n'};
    assert_memory_equal(wire, expected, sizeof wire);
}

static void a_write_past_the_end_writes_nothing_and_is_remembered(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 12; length++) {
        uint8_t *room = malloc(length + 1);
        assert_non_null(room);
        room[length] = 0x5a;
        struct writer w = writer_over(room, length);
        size_t expected = 0;
        bool overflow = false;
        for (unsigned i = 0; i < 3; i++) {
            writer_u32(&w, 0);
            overflow |= length - expected < 4;
            expected += length - expected < 4 ? 0 : 4;
            assert_int_equal(w.overflow, overflow);
            assert_int_equal(writer_length(&w), expected);
        }
        writer_bytes(&w, NULL, 0);
        assert_int_equal(writer_length(&w), expected);
        assert_int_equal(room[length], 0x5a);
        free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_in_network_order),
        cmocka_unit_test(the_highest_bit_does_not_sign_extend),
        cmocka_unit_test(a_read_past_the_end_yields_zero_and_is_remembered),
        cmocka_unit_test(taking_more_than_is_left_yields_null),
        cmocka_unit_test(nothing_can_be_read_from_or_written_to_nothing),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_write_past_the_end_writes_nothing_and_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
