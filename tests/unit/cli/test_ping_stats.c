#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/ping_stats.h"

static char text[512];

static const char *closing(const struct ping_stats *stats)
{
    ping_stats_format(stats, "10.0.0.2", TIME_MS(4005), text, sizeof text);
    return text;
}

/* The deviation of 1, 2, 3 and 6 ms: the mean is 3, the squares sum to 14, their mean is 3.5. */
static void the_closing_lines_are_those_of_ping(void **state)
{
    (void)state;
    struct ping_stats stats = {.sent = 5};
    ping_stats_add(&stats, TIME_MS(2));
    ping_stats_add(&stats, TIME_MS(1));
    ping_stats_add(&stats, TIME_MS(6));
    ping_stats_add(&stats, TIME_MS(3));
    assert_string_equal(closing(&stats),
                        "--- 10.0.0.2 ping statistics ---\n"
                        "5 packets transmitted, 4 received, 20% packet loss, time 4005ms\n"
                        "rtt min/avg/max/mdev = 1.000/3.000/6.000/1.871 ms\n");
}

static void without_replies_there_are_no_times(void **state)
{
    (void)state;
    struct ping_stats stats = {.sent = 3, .errors = 2};
    assert_string_equal(
        closing(&stats),
        "--- 10.0.0.2 ping statistics ---\n"
        "3 packets transmitted, 0 received, +2 errors, 100% packet loss, time 4005ms\n");
}

static void duplicates_are_told_apart(void **state)
{
    (void)state;
    struct ping_stats stats = {.sent = 1, .duplicates = 1};
    ping_stats_add(&stats, TIME_MS(2));
    assert_string_equal(closing(&stats),
                        "--- 10.0.0.2 ping statistics ---\n"
                        "1 packets transmitted, 1 received, +1 duplicates, 0% packet loss, "
                        "time 4005ms\n"
                        "rtt min/avg/max/mdev = 2.000/2.000/2.000/0.000 ms\n");
}

/* Times that differ by less than a double's last place of their sum of squares: the spread keeps
 * to what was measured, and never falls below 0. */
static void long_times_that_hardly_differ_have_a_spread(void **state)
{
    (void)state;
    struct ping_stats stats = {.sent = 2000000};
    for (unsigned i = 0; i < 1000000; i++) {
        ping_stats_add(&stats, TIME_S(3600));
        ping_stats_add(&stats, TIME_S(3600) + 2000);
    }
    assert_non_null(strstr(closing(&stats),
                           "rtt min/avg/max/mdev = 3600000.000/3600000.001/3600000.002/0.001 ms"));
}

static void more_replies_than_requests_are_no_loss(void **state)
{
    (void)state;
    struct ping_stats stats = {.sent = 1};
    ping_stats_add(&stats, 0);
    ping_stats_add(&stats, UINT64_MAX);
    assert_non_null(strstr(closing(&stats), "1 packets transmitted, 2 received, 0% packet loss"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_closing_lines_are_those_of_ping),
        cmocka_unit_test(without_replies_there_are_no_times),
        cmocka_unit_test(duplicates_are_told_apart),
        cmocka_unit_test(long_times_that_hardly_differ_have_a_spread),
        cmocka_unit_test(more_replies_than_requests_are_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
