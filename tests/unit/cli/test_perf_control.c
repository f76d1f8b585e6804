/* iperf3's messages: what one side writes the other reads. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/perf_control.h"

static struct perf_side side; /* for those who tell, or hear, nothing of it */

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

static void parameters_are_read_as_they_are_written(void **state)
{
    (void)state;
    char text[512];
    struct perf_test read;
    struct perf_test test = {.udp = true,
                             .bidirectional = true,
                             .wide = true,
                             .streams = 4,
                             .seconds = 7,
                             .omit_s = 2,
                             .rate = 50000000,
                             .length = 1460,
                             .congestion = "westwood"};
    size_t length = perf_write_parameters(&test, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_true(perf_read_parameters(text, &read));
    assert_true(read.udp && read.bidirectional && read.wide && !read.reverse);
    assert_true(read.streams == 4 && read.seconds == 7 && read.omit_s == 2);
    assert_true(read.rate == 50000000 && read.length == 1460 && read.bytes == 0);
    assert_string_equal(read.congestion, "westwood");

    test = (struct perf_test){.reverse = true, .streams = 1, .bytes = 5000000000, .length = 131072};
    assert_true(perf_write_parameters(&test, text, sizeof text) > 0);
    assert_null(strstr(text, "bandwidth"));
    assert_null(strstr(text, "congestion"));
    assert_true(perf_read_parameters(text, &read));
    assert_true(!read.udp && read.reverse && read.bytes == 5000000000 && read.seconds == 0);
}

static void parameters_that_cannot_be_met_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{}",
        "{\"sctp\":true,\"parallel\":1,\"len\":1000}",
        "{\"tcp\":true,\"parallel\":0,\"len\":1000}",
        "{\"tcp\":true,\"parallel\":129,\"len\":1000}",
        "{\"tcp\":true,\"parallel\":1,\"len\":0}",
        "{\"tcp\":true,\"parallel\":1,\"len\":2000000}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"time\":86401}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"omit\":601}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"num\":1e400}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"bandwidth\":1e30}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"congestion\":7}",
        "{\"tcp\":true,\"parallel\":1,\"len\":1000,\"congestion\":\"a_name_of_16_byte\"}",
        "{\"udp\":true,\"parallel\":1,\"len\":15}",
        "{\"udp\":true,\"parallel\":1,\"len\":65508}",
    };
    struct perf_test test;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(perf_read_parameters(wrong[i], &test));
    assert_true(perf_read_parameters("{\"tcp\":true,\"parallel\":128,\"len\":1000}", &test));
}

static void results_are_read_as_they_are_written(void **state)
{
    (void)state;
    char text[1024];
    struct perf_result told[2] = {
        {.id = 1, .sends = true, .count = {.bytes = 5000000000, .retransmits = 3}, .seconds = 1},
        {.id = 3,
         .count = {.bytes = 7, .retransmits = 9, .datagrams = 50, .lost = 4, .jitter_s = 0.25},
         .omitted_datagrams = 20,
         .omitted_lost = 2,
         .seconds = 1}};
    struct perf_result heard[2] = {{.id = 3}, {.id = 1}}; /* found by their names */
    size_t length = perf_write_results(&side, told, 2, true, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "\"packets\":70,\"omitted_packets\":20,"));
    assert_int_equal(perf_read_results(text, &side, heard, 2), 0);
    assert_true(heard[1].count.bytes == 5000000000 && heard[1].count.retransmits == 3);
    assert_true(heard[0].count.bytes == 7 && heard[0].count.datagrams == 50);
    assert_true(heard[0].count.lost == 4 && heard[0].count.jitter_s == 0.25);
    assert_int_equal(heard[0].count.retransmits, 0); /* who does not send has none to tell of */
}

static void a_side_tells_of_itself(void **state)
{
    (void)state;
    char text[1024];
    struct perf_result result = {.id = 1};
    struct perf_side heard = {0};
    struct perf_side told = {.congestion = "bbr",
                             .cpu = {.total = 162.5, .user = 12.5, .system = 150}};
    assert_true(perf_write_results(&told, &result, 1, true, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"congestion_used\":\"bbr\""));
    assert_int_equal(perf_read_results(text, &heard, &result, 1), 0);
    assert_string_equal(heard.congestion, "bbr");
    assert_true(heard.cpu.total == 162.5 && heard.cpu.user == 12.5 && heard.cpu.system == 150);
    assert_true(perf_write_results(&side, &result, 1, true, text, sizeof text) > 0);
    assert_int_equal(perf_read_results(text, &heard, &result, 1), 0);
    assert_string_equal(heard.congestion, "");
    assert_true(heard.cpu.total == 0);
}

static void what_cannot_be_used_of_cpus_is_not_told(void **state)
{
    (void)state;
    struct perf_result result = {.id = 1};
    struct perf_side heard;
    assert_int_equal(perf_read_results("{\"cpu_util_total\":1e999,\"cpu_util_user\":-3,"
                                       "\"cpu_util_system\":null,"
                                       "\"streams\":[{\"id\":1,\"bytes\":5}]}",
                                       &heard, &result, 1),
                     0);
    assert_true(heard.cpu.total == 0 && heard.cpu.user == 0 && heard.cpu.system == 0);
}

/* iperf before 3.14 tells all that it counted: what was omitted is what we omitted. */
static void what_is_not_told_as_omitted_is_what_we_omitted(void **state)
{
    (void)state;
    struct perf_result heard = {.id = 1, .omitted_datagrams = 30};
    assert_int_equal(perf_read_results("{\"streams\":[{\"id\":1,\"bytes\":5,\"packets\":100}]}",
                                       &side, &heard, 1),
                     0);
    assert_true(heard.count.datagrams == 70);
}

static void what_has_no_room_is_not_half_written(void **state)
{
    (void)state;
    char text[64];
    struct perf_test test = {.streams = 1, .seconds = 1};
    struct perf_result result = {.id = 1};
    assert_int_equal(perf_write_parameters(&test, text, sizeof text), 0);
    assert_int_equal(perf_write_results(&side, &result, 1, true, text, sizeof text), 0);
}

/* The most that can have to be told. */
static void a_message_holds_all_streams(void **state)
{
    (void)state;
    static struct perf_result results[PERF_STREAMS_MAX];
    static char text[PERF_MESSAGE_MAX];
    for (unsigned i = 0; i < PERF_STREAMS_MAX; i++)
        results[i] = (struct perf_result){
            .id = perf_stream_id(i),
            .sends = true,
            .count = {UINT64_MAX, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX / 2, 1, 1e9},
            .omitted_datagrams = UINT64_MAX / 2,
            .omitted_lost = UINT64_MAX / 2,
            .seconds = 1e9};
    assert_true(perf_write_results(&side, results, PERF_STREAMS_MAX, true, text, sizeof text) > 0);
}

static void other_json_is_no_result(void **state)
{
    (void)state;
    struct perf_result heard = {.id = 1};
    assert_int_equal(perf_read_results("", &side, &heard, 1), -EPROTO);
    assert_int_equal(perf_read_results("{\"bytes\": 5}", &side, &heard, 1), -EPROTO);
    assert_int_equal(perf_read_results("{\"streams\": [{\"id\": 1}]}", &side, &heard, 1), -EPROTO);
    assert_int_equal(
        perf_read_results("{\"streams\": [{\"id\": 2, \"bytes\": 5}]}", &side, &heard, 1), -EPROTO);
    assert_int_equal(
        perf_read_results("{\n\"streams\":\t[{\"id\":1,\n\"bytes\":\t12\n}]}", &side, &heard, 1),
        0);
    assert_true(heard.count.bytes == 12);
}

/* What a peer says is printed again, as JSON too, which has no infinity. */
static void results_that_cannot_have_been_counted_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\"bytes\":1e400",
        "\"bytes\":9007199254740992",
        "\"bytes\":1,\"jitter\":1e999",
        "\"bytes\":1,\"jitter\":-1e999",
        "\"bytes\":1,\"jitter\":1e10",
        "\"bytes\":1,\"packets\":1e30",
        "\"bytes\":1,\"errors\":1e30",
        "\"bytes\":1,\"omitted_errors\":1e30",
        "\"bytes\":1,\"omitted_packets\":1e30",
    };
    struct perf_result heard = {.id = 1};
    char text[128];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "{\"streams\":[{\"id\":1,%s}]}", wrong[i]);
        assert_int_equal(perf_read_results(text, &side, &heard, 1), -EBADMSG);
    }
    snprintf(text, sizeof text,
             "{\"streams\":[{\"id\":1,\"bytes\":9007199254740991,"
             "\"retransmits\":18446744073709551615,\"jitter\":1e9}]}");
    assert_int_equal(perf_read_results(text, &side, &heard, 1), 0);
    assert_true(heard.count.bytes == 9007199254740991 && heard.count.jitter_s == 1e9);
    assert_int_equal(heard.count.retransmits, 0); /* iperf3's -1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_is_text_of_its_size),
        cmocka_unit_test(streams_are_numbered_as_iperf3_numbers_them),
        cmocka_unit_test(parameters_are_read_as_they_are_written),
        cmocka_unit_test(parameters_that_cannot_be_met_are_refused),
        cmocka_unit_test(results_are_read_as_they_are_written),
        cmocka_unit_test(a_side_tells_of_itself),
        cmocka_unit_test(what_cannot_be_used_of_cpus_is_not_told),
        cmocka_unit_test(what_is_not_told_as_omitted_is_what_we_omitted),
        cmocka_unit_test(what_has_no_room_is_not_half_written),
        cmocka_unit_test(a_message_holds_all_streams),
        cmocka_unit_test(other_json_is_no_result),
        cmocka_unit_test(results_that_cannot_have_been_counted_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
