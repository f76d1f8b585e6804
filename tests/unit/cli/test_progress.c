#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/progress.h"

static char line[256];

static const char *shown(unsigned columns, uint64_t done, uint64_t total, uint64_t elapsed_ns)
{
    progress_line(line, sizeof line, columns, done, total, elapsed_ns);
    return line;
}

static void the_bar_shows_share_rate_and_what_is_left(void **state)
{
    (void)state;
    assert_string_equal(shown(79, 25000000, 100000000, TIME_S(10)),
                        " 25%  [=========                           ]    25.0 MB    2.5 MB/s"
                        "  ETA 0:30");
}

static void at_the_end_the_bar_is_full_and_nothing_is_left(void **state)
{
    (void)state;
    shown(79, 100, 100, TIME_S(1));
    assert_non_null(strstr(line, "100%  [====================================]"));
    assert_null(strstr(line, "ETA"));
}

static void a_file_that_grew_does_not_overflow_the_bar(void **state)
{
    (void)state;
    assert_non_null(strstr(shown(79, 500, 100, TIME_S(1)), "100%  [===="));
}

static void without_a_total_there_are_only_figures(void **state)
{
    (void)state;
    assert_string_equal(shown(79, 5000, 0, TIME_S(1)), "   5.0 kB    5.0 kB/s");
}

static void no_line_is_wider_than_its_terminal(void **state)
{
    (void)state;
    for (unsigned columns = 0; columns < 200; columns++)
        for (uint64_t done = 0; done <= 1000; done += 50)
            assert_true(strlen(shown(columns, done, 1000, TIME_S(1))) <= columns);
}

static void what_takes_hours_or_has_not_begun_has_no_time_left(void **state)
{
    (void)state;
    assert_non_null(strstr(shown(99, 1, 6000, TIME_S(1)), "  ETA 99:59"));
    assert_null(strstr(shown(99, 1, 6001, TIME_S(1)), "ETA"));
    assert_null(strstr(shown(99, 0, 6001, TIME_S(1)), "ETA"));
    assert_null(strstr(shown(99, 1, UINT64_MAX, 1), "ETA"));
    assert_non_null(strstr(shown(99, 0, 100, 0), "  0%  [ ")); /* and no rate */
    assert_non_null(strstr(line, " -"));
}

static void what_is_left_to_the_last_byte_is_not_all(void **state)
{
    (void)state;
    assert_non_null(strstr(shown(99, 999999, 1000000, TIME_S(1)), " 99%  ["));
    assert_non_null(strstr(line, "= ]"));
    assert_non_null(strstr(shown(99, 0, 1, TIME_S(1)), "  0%  [ "));
}

static void a_narrow_terminal_has_no_bar(void **state)
{
    (void)state;
    assert_string_equal(shown(40, 500, 1000, TIME_S(1)), " 50%      500 B     500 B/s  ETA 0:01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_shows_share_rate_and_what_is_left),
        cmocka_unit_test(at_the_end_the_bar_is_full_and_nothing_is_left),
        cmocka_unit_test(a_file_that_grew_does_not_overflow_the_bar),
        cmocka_unit_test(without_a_total_there_are_only_figures),
        cmocka_unit_test(no_line_is_wider_than_its_terminal),
        cmocka_unit_test(what_takes_hours_or_has_not_begun_has_no_time_left),
        cmocka_unit_test(what_is_left_to_the_last_byte_is_not_all),
        cmocka_unit_test(a_narrow_terminal_has_no_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
