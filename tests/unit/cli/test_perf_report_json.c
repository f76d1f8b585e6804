/* A measurement as JSON, for figures that are given. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "cli/perf_json.h"
#include "cli/perf_report.h"
#include "common/pair.h"
#include "printed.h"

#define TEXT(number)    #number
#define DOTTED(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)
#define VERSION         DOTTED(TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH)

static struct trial t;

static void trial_begin(struct perf_test test)
{
    memset(&t, 0, sizeof t);
    t.test = test;
    t.test.streams = test.streams ? test.streams : 1;
    t.elapsed_ns = TIME_S(2);
    t.begun = t.counted = true;
}

static struct perf_stream *stream_add(bool sends, struct perf_count count)
{
    t.streams[t.count] = (struct perf_stream){
        .socket = -1, .id = perf_stream_id(t.count), .sends = sends, .count = count};
    return &t.streams[t.count++];
}

static const char *interval_of(uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    print_begin();
    perf_show_json.interval(&t, from_ns, to_ns, omitted);
    return print_end();
}

static const char *end_of(void)
{
    print_begin();
    perf_show_json.end(&t);
    return print_end();
}

static const char *broken_of(const char *why)
{
    print_begin();
    perf_show_json.broken(&t, why);
    return print_end();
}

/* ── Its beginning ── */

/* What stands around the time of day. */
static void assert_begins(const char *before, const char *after)
{
    time_t earliest = time(NULL);
    print_begin();
    perf_show_json.begin(&t);
    print_end();
    assert_memory_equal(printed, before, strlen(before));
    char *end;
    long long said = strtoll(printed + strlen(before), &end, 10);
    assert_in_range(said, earliest, time(NULL));
    assert_string_equal(end, after);
}

static void the_beginning_tells_who_measures_what(void **state)
{
    (void)state;
    struct pair pair;
    struct session session = {0};
    pair_open(&pair, NULL);
    session.stack = pair.ends[0].t;
    trial_begin((struct perf_test){.streams = 2,
                                   .seconds = 10,
                                   .omit_s = 3,
                                   .length = 131072,
                                   .reverse = true,
                                   .rate = 8000000});
    t.session = &session;
    t.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5201)};
    inet_pton(AF_INET, PAIR_ADDRESS_1, &t.to.sin_addr);
    strcpy(t.cookie, "abc");
    for (unsigned i = 0; i < 2; i++) {
        const struct sockaddr_in local = {.sin_family = AF_INET,
                                          .sin_port = htons((uint16_t)(6000 + i))};
        int socket = tern_socket(session.stack, AF_INET, SOCK_DGRAM, 0);
        assert_int_equal(tern_bind(session.stack, socket, (const void *)&local, sizeof local), 0);
        assert_int_equal(tern_connect(session.stack, socket, (const void *)&t.to, sizeof t.to), 0);
        stream_add(false, (struct perf_count){0})->socket = socket;
    }
    assert_begins("{\"start\":{\"connected\":[\n"
                  "  {\"socket\":1,\"local_host\":\"10.0.0.1\",\"local_port\":6000,"
                  "\"remote_host\":\"10.0.0.2\",\"remote_port\":5201},\n"
                  "  {\"socket\":3,\"local_host\":\"10.0.0.1\",\"local_port\":6001,"
                  "\"remote_host\":\"10.0.0.2\",\"remote_port\":5201}],\n"
                  " \"version\":\"tern " VERSION "\",\"timestamp\":{\"timesecs\":",
                  "},\n \"connecting_to\":{\"host\":\"10.0.0.2\",\"port\":5201},"
                  "\"cookie\":\"abc\",\n"
                  " \"test_start\":{\"protocol\":\"TCP\",\"num_streams\":2,\"blksize\":131072,"
                  "\"omit\":3,\"duration\":10,\"bytes\":0,\"blocks\":0,\"reverse\":1,\"bidir\":0,"
                  "\"target_bitrate\":8000000}},\n\"intervals\":[");
    pair_close(&pair);
}

/* The cookie is the client's to tell. */
static void a_server_tells_who_called(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .bytes = 5000000000, .bidirectional = true});
    t.server = true;
    t.to.sin_port = htons(40000);
    inet_pton(AF_INET, "192.0.2.7", &t.to.sin_addr);
    strcpy(t.cookie, "abc");
    assert_begins("{\"start\":{\"connected\":[],\n"
                  " \"version\":\"tern " VERSION "\",\"timestamp\":{\"timesecs\":",
                  "},\n \"accepted_connection\":{\"host\":\"192.0.2.7\",\"port\":40000},"
                  "\"cookie\":\"\",\n"
                  " \"test_start\":{\"protocol\":\"UDP\",\"num_streams\":1,\"blksize\":0,"
                  "\"omit\":0,\"duration\":0,\"bytes\":5000000000,\"blocks\":0,\"reverse\":0,"
                  "\"bidir\":1,\"target_bitrate\":0}},\n\"intervals\":[");
}

/* ── Intervals ── */

static void an_interval_tells_of_each_stream_and_of_all(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.streams = 2});
    stream_add(true, (struct perf_count){.bytes = 3000, .retransmits = 4})->before =
        (struct perf_count){.bytes = 1000, .retransmits = 1};
    stream_add(true, (struct perf_count){.bytes = 500});
    assert_string_equal(
        interval_of(TIME_MS(500), TIME_MS(1500), false),
        "\n {\"streams\":[{\"socket\":1,\"start\":0.500000,\"end\":1.500000,\"seconds\":1.000000,"
        "\"bytes\":2000,\"bits_per_second\":16000,\"retransmits\":3,\"omitted\":false,"
        "\"sender\":true},\n   "
        "{\"socket\":3,\"start\":0.500000,\"end\":1.500000,\"seconds\":1.000000,"
        "\"bytes\":500,\"bits_per_second\":4000,\"retransmits\":0,\"omitted\":false,"
        "\"sender\":true}],"
        "\"sum\":{\"start\":0.500000,\"end\":1.500000,\"seconds\":1.000000,"
        "\"bytes\":2500,\"bits_per_second\":20000,\"retransmits\":3,\"omitted\":false,"
        "\"sender\":true}}");
}

static void the_next_interval_stands_behind_a_comma(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.reverse = true});
    stream_add(false, (struct perf_count){.bytes = 1000, .retransmits = 9});
    t.intervals = 1;
    assert_string_equal(
        interval_of(0, TIME_S(2), true),
        ",\n {\"streams\":[{\"socket\":1,\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,"
        "\"bytes\":1000,\"bits_per_second\":4000,\"omitted\":true,\"sender\":false}],"
        "\"sum\":{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,"
        "\"bytes\":1000,\"bits_per_second\":4000,\"omitted\":true,\"sender\":false}}");
}

static void each_way_has_its_sum(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .bidirectional = true});
    stream_add(true, (struct perf_count){.bytes = 3000, .datagrams = 3, .lost = 1, .jitter_s = 1});
    stream_add(false,
               (struct perf_count){.bytes = 7000, .datagrams = 8, .lost = 1, .jitter_s = 0.0005});
    const char *text = interval_of(0, TIME_S(1), false);
    assert_non_null(strstr(text, "],\"sum\":{\"start\":0.000000,\"end\":1.000000,"
                                 "\"seconds\":1.000000,\"bytes\":3000,\"bits_per_second\":24000,"
                                 "\"packets\":3,\"omitted\":false,\"sender\":true},"
                                 "\"sum_bidir_reverse\":{\"start\":0.000000,\"end\":1.000000,"
                                 "\"seconds\":1.000000,\"bytes\":7000,\"bits_per_second\":56000,"
                                 "\"packets\":8,\"jitter_ms\":0.500000,\"lost_packets\":1,"
                                 "\"lost_percent\":12.5000,\"omitted\":false,\"sender\":false}}"));
}

/* JSON knows neither infinity nor what is no number. */
static void in_no_time_there_is_no_rate(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .reverse = true});
    stream_add(false, (struct perf_count){.bytes = 1000});
    const char *sum = json_member(interval_of(TIME_S(1), TIME_S(1), false) + 2, "sum");
    assert_true(json_number(sum, "seconds", -1) == 0);
    assert_true(json_number(sum, "bits_per_second", -1) == 0);
    assert_true(json_number(sum, "lost_percent", -1) == 0);
    assert_true(json_number(sum, "bytes", -1) == 1000);
}

/* ── Its end ── */

static void the_end_tells_what_both_sides_counted(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    t.told = true;
    t.here = (struct perf_side){.congestion = "cubic",
                                .cpu = {.total = 150, .user = 50.25, .system = 99.75}};
    t.there = (struct perf_side){.congestion = "bbr", .cpu = {.total = 3, .user = 1, .system = 2}};
    stream_add(true, (struct perf_count){.bytes = 4000, .retransmits = 2})->there.bytes = 3000;
    assert_string_equal(
        end_of(),
        "],\n\"end\":{\"streams\":[\n"
        "  {\"sender\":{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,\"bytes\":4000,"
        "\"bits_per_second\":16000,\"retransmits\":2,\"sender\":true},"
        "\"receiver\":{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,\"bytes\":3000,"
        "\"bits_per_second\":12000,\"sender\":true}}],\n"
        " \"sum_sent\":{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,\"bytes\":4000,"
        "\"bits_per_second\":16000,\"retransmits\":2,\"sender\":true},"
        "\"sum_received\":{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,"
        "\"bytes\":3000,\"bits_per_second\":12000,\"sender\":true},\n"
        " \"cpu_utilization_percent\":{\"host_total\":150.000000,\"host_user\":50.250000,"
        "\"host_system\":99.750000,\"remote_total\":3.000000,\"remote_user\":1.000000,"
        "\"remote_system\":2.000000},\n"
        " \"sender_tcp_congestion\":\"cubic\",\n"
        " \"receiver_tcp_congestion\":\"bbr\"}}\n");
}

/* In a member's name the sender is who sent, and "sender" whether that was this side. */
static void who_sent_is_told_from_who_tells(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.reverse = true, .streams = 2});
    t.told = true;
    strcpy(t.here.congestion, "cubic");
    for (int i = 0; i < 2; i++)
        stream_add(false, (struct perf_count){.bytes = 3000})->there =
            (struct perf_count){.bytes = 4000, .retransmits = 7};
    const char *end = strstr(end_of(), "{\"streams\"");
    const char *stream = json_next(json_first(json_member(end, "streams")));
    assert_true(json_count(json_member(stream, "sender"), "bytes", 0) == 4000);
    assert_true(json_count(json_member(stream, "sender"), "retransmits", 0) == 7);
    assert_true(json_count(json_member(stream, "receiver"), "bytes", 0) == 3000);
    assert_false(json_true(json_member(stream, "sender"), "sender"));
    assert_true(json_count(json_member(end, "sum_sent"), "bytes", 0) == 8000);
    assert_true(json_count(json_member(end, "sum_received"), "bytes", 0) == 6000);
    assert_null(json_member(end, "sum_sent_bidir_reverse"));
    assert_null(json_member(end, "sender_tcp_congestion")); /* not told */
    assert_non_null(strstr(end, "\"receiver_tcp_congestion\":\"cubic\"}}\n"));
}

static void both_ways_have_their_sums(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .bidirectional = true});
    t.told = true;
    stream_add(true, (struct perf_count){.bytes = 4000, .datagrams = 4})->there =
        (struct perf_count){.bytes = 3000, .datagrams = 4, .lost = 1, .jitter_s = 0.25};
    stream_add(false, (struct perf_count){.bytes = 100, .datagrams = 2, .lost = 1})->there =
        (struct perf_count){.bytes = 200, .datagrams = 2};
    const char *end = strstr(end_of(), "{\"streams\"");
    const char *sum = json_member(end, "sum_received");
    assert_true(json_count(json_member(end, "sum_sent"), "bytes", 0) == 4000);
    assert_true(json_count(sum, "bytes", 0) == 3000 && json_count(sum, "packets", 0) == 4);
    assert_true(json_count(sum, "lost_packets", 0) == 1);
    assert_true(json_number(sum, "jitter_ms", 0) == 250);
    assert_true(json_true(sum, "sender"));
    sum = json_member(end, "sum_received_bidir_reverse");
    assert_true(json_count(sum, "bytes", 0) == 100 && json_number(sum, "lost_percent", 0) == 50);
    sum = json_member(end, "sum_sent_bidir_reverse");
    assert_true(json_count(sum, "bytes", 0) == 200);
    assert_null(json_member(sum, "lost_packets")); /* who sends knows of none */
    assert_false(json_true(sum, "sender"));
}

/* ── What is broken off ── */

static void what_never_began_is_an_error_alone(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    t.begun = t.counted = false;
    assert_string_equal(broken_of("Connection refused"), "{\"error\":\"Connection refused\"}\n");
}

static void what_did_not_come_to_count_has_an_empty_end(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.omit_s = 3});
    t.counted = false;
    stream_add(true, (struct perf_count){.bytes = 1000});
    assert_string_equal(broken_of("it"), "],\n\"end\":{},\n\"error\":\"it\"}\n");
}

/* The other side has not told what it counted, and nothing is made up for it. */
static void of_what_is_broken_off_this_sides_figures_are_shown(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    strcpy(t.here.congestion, "reno");
    stream_add(true, (struct perf_count){.bytes = 4000, .retransmits = 1});
    const char *counted = "{\"start\":0.000000,\"end\":2.000000,\"seconds\":2.000000,"
                          "\"bytes\":4000,\"bits_per_second\":16000,\"retransmits\":1,"
                          "\"sender\":true}";
    char expected[1024];
    snprintf(expected, sizeof expected,
             "],\n\"end\":{\"streams\":[\n  {\"sender\":%s}],\n \"sum_sent\":%s,\n"
             " \"cpu_utilization_percent\":{\"host_total\":0.000000,\"host_user\":0.000000,"
             "\"host_system\":0.000000},\n \"sender_tcp_congestion\":\"reno\"},\n"
             "\"error\":\"it\"}\n",
             counted, counted);
    assert_string_equal(broken_of("it"), expected);
    t.test.reverse = true;
    t.streams[0].sends = false;
    broken_of("it");
    assert_non_null(strstr(printed, "[\n  {\"receiver\":{"));
    assert_non_null(strstr(printed, "],\n \"sum_received\":{"));
    assert_null(strstr(printed, "sum_sent"));
}

/* ── The most that can be ── */

static void the_greatest_figures_are_numbers(void **state)
{
    (void)state;
    const struct perf_count most = {
        .bytes = UINT64_C(9007199254740991),
        .retransmits = UINT32_MAX,
        .datagrams = 1,
        .lost = UINT64_C(9007199254740991),
        .jitter_s = 1e9,
    };
    trial_begin((struct perf_test){.udp = true, .bidirectional = true, .streams = 2});
    t.told = true;
    t.elapsed_ns = 1;
    for (unsigned i = 0; i < 4; i++)
        stream_add(i % 2 == 0, most)->there = most;
    interval_of(0, 1, false);
    for (int i = 0; i < 2; i++) {
        assert_null(strstr(printed, "nan"));
        assert_null(strstr(printed, "inf"));
        assert_non_null(strstr(printed, "\"lost_percent\":900719925474099"));
        assert_non_null(strstr(printed, "\"jitter_ms\":1000000000000.000000"));
        end_of();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beginning_tells_who_measures_what),
        cmocka_unit_test(a_server_tells_who_called),
        cmocka_unit_test(an_interval_tells_of_each_stream_and_of_all),
        cmocka_unit_test(the_next_interval_stands_behind_a_comma),
        cmocka_unit_test(each_way_has_its_sum),
        cmocka_unit_test(in_no_time_there_is_no_rate),
        cmocka_unit_test(the_end_tells_what_both_sides_counted),
        cmocka_unit_test(who_sent_is_told_from_who_tells),
        cmocka_unit_test(both_ways_have_their_sums),
        cmocka_unit_test(what_never_began_is_an_error_alone),
        cmocka_unit_test(what_did_not_come_to_count_has_an_empty_end),
        cmocka_unit_test(of_what_is_broken_off_this_sides_figures_are_shown),
        cmocka_unit_test(the_greatest_figures_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
