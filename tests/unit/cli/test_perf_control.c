/* The two messages of iperf3's client, and what is read of its server's. */
#include "unit.h"

#include <string.h>

#include "cli/perf_control.h"

static void cookie_is_text_of_its_size(void **state)
{
    (void)state;
    uint8_t random[PERF_COOKIE_SIZE];
    char cookie[PERF_COOKIE_SIZE];
    for (int i = 0; i < PERF_COOKIE_SIZE; i++)
        random[i] = (uint8_t)(i * 37);
    perf_cookie_make(random, cookie);
    assert_int_equal(strlen(cookie), PERF_COOKIE_SIZE - 1);
    assert_int_equal(strspn(cookie, "abcdefghijklmnopqrstuvwxyz234567"), PERF_COOKIE_SIZE - 1);
}

static void streams_are_numbered_as_iperf3_numbers_them(void **state)
{
    (void)state;
    assert_int_equal(perf_stream_id(0), 1);
    assert_int_equal(perf_stream_id(1), 3);
    assert_int_equal(perf_stream_id(2), 4);
}

static void parameters_say_what_is_asked_for(void **state)
{
    (void)state;
    char text[512];
    struct perf_test test = {.streams = 4, .seconds = 7};
    size_t length = perf_write_parameters(&test, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "\"time\":7,"));
    assert_non_null(strstr(text, "\"parallel\":4,"));
    assert_null(strstr(text, "reverse"));
    test.reverse = true;
    assert_true(perf_write_parameters(&test, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"reverse\":true,"));
}

static void results_are_read_as_they_are_written(void **state)
{
    (void)state;
    char text[1024];
    struct perf_test test = {.streams = 2, .seconds = 1};
    struct perf_count counts[2] = {{5000000000, 3}, {7, 1}}, sum;
    size_t length = perf_write_results(&test, counts, 1, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_true(perf_read_results(text, &sum));
    assert_true(sum.bytes == 5000000007);
    assert_int_equal(sum.retransmits, 4);
    test.reverse = true; /* who does not send has no retransmissions to tell of */
    assert_true(perf_write_results(&test, counts, 1, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"sender_has_retransmits\":-1,"));
    assert_true(perf_read_results(text, &sum));
    assert_int_equal(sum.retransmits, 0);
}

static void what_has_no_room_is_not_half_written(void **state)
{
    (void)state;
    char text[64];
    struct perf_test test = {.streams = 1, .seconds = 1};
    struct perf_count count = {1, 0};
    assert_int_equal(perf_write_parameters(&test, text, sizeof text), 0);
    assert_int_equal(perf_write_results(&test, &count, 1, text, sizeof text), 0);
}

static void other_json_is_no_result(void **state)
{
    (void)state;
    struct perf_count sum;
    assert_false(perf_read_results("", &sum));
    assert_false(perf_read_results("{\"bytes\": 5}", &sum));
    assert_false(perf_read_results("{\"streams\": [{\"bytes\": -5}]}", &sum));
    assert_true(perf_read_results("{\n\"streams\":\t[{\n\"bytes\":\t12\n}]}", &sum));
    assert_true(sum.bytes == 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_is_text_of_its_size),
        cmocka_unit_test(streams_are_numbered_as_iperf3_numbers_them),
        cmocka_unit_test(parameters_say_what_is_asked_for),
        cmocka_unit_test(results_are_read_as_they_are_written),
        cmocka_unit_test(what_has_no_room_is_not_half_written),
        cmocka_unit_test(other_json_is_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
