#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/units.h"

static void bytes_are_in_decimal_units(void **state)
{
    (void)state;
    char text[UNITS_TEXT_MAX];
    assert_string_equal(units_bytes(0, text), "0 B");
    assert_string_equal(units_bytes(999, text), "999 B");
    assert_string_equal(units_bytes(1000, text), "1.0 kB");
    assert_string_equal(units_bytes(5242880, text), "5.2 MB");
    assert_string_equal(units_bytes(999949, text), "999.9 kB");
    assert_string_equal(units_bytes(999950, text), "1.0 MB");
    assert_string_equal(units_bytes(UINT64_MAX, text), "18.4 EB");
}

static void rates_are_a_second(void **state)
{
    (void)state;
    char text[UNITS_TEXT_MAX];
    assert_string_equal(units_rate(1000000, TIME_MS(500), text), "2.0 MB/s");
    assert_string_equal(units_rate(10, TIME_S(20), text), "0 B/s");
    assert_string_equal(units_rate(10, 0, text), "-");
}

static void bit_rates_have_two_places(void **state)
{
    (void)state;
    char text[UNITS_TEXT_MAX];
    assert_string_equal(units_bit_rate(0, TIME_S(1), text), "0.00 kbit/s");
    assert_string_equal(units_bit_rate(125000, TIME_S(1), text), "1.00 Mbit/s");
    assert_string_equal(units_bit_rate(124999, TIME_S(1), text), "999.99 kbit/s");
    assert_string_equal(units_bit_rate(5000000000000, TIME_S(1), text), "40000.00 Gbit/s");
    assert_string_equal(units_bit_rate(10, 0, text), "0.00 kbit/s");
}

/* Whatever is measured, there is room for what is said of it. */
static void the_largest_figures_fit(void **state)
{
    (void)state;
    char text[UNITS_TEXT_MAX];
    assert_string_equal(units_rate(UINT64_MAX, 1, text), "18446744073.7 EB/s");
    assert_string_equal(units_rate(0, UINT64_MAX, text), "0 B/s");
    assert_string_equal(units_bit_rate(UINT64_MAX, TIME_S(1), text), "147573952589.68 Gbit/s");
    units_bit_rate(UINT64_MAX, 1, text);
    assert_string_equal(text + strlen(text) - 7, " Gbit/s");
    assert_string_equal(units_seconds(UINT64_MAX, text), "18446744073.710");
}

static void seconds_have_three_places(void **state)
{
    (void)state;
    char text[UNITS_TEXT_MAX];
    assert_string_equal(units_seconds(TIME_MS(412), text), "0.412");
    assert_string_equal(units_seconds(TIME_S(75), text), "75.000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_in_decimal_units), cmocka_unit_test(rates_are_a_second),
        cmocka_unit_test(bit_rates_have_two_places),  cmocka_unit_test(the_largest_figures_fit),
        cmocka_unit_test(seconds_have_three_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
