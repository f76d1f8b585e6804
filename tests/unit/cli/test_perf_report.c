/* The lines of a measurement, for figures that are given. */
#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/perf_report.h"
#include "printed.h"

static struct trial t;

static void trial_begin(struct perf_test test)
{
    memset(&t, 0, sizeof t);
    t.test = test;
    t.test.streams = test.streams ? test.streams : 1;
    strcpy(t.peer, "10.0.0.2:5201");
    t.elapsed_ns = TIME_S(2);
}

static struct perf_stream *stream_add(bool sends, struct perf_count count)
{
    t.streams[t.count] = (struct perf_stream){.socket = -1, .sends = sends, .count = count};
    return &t.streams[t.count++];
}

static const char *begin_of(void)
{
    print_begin();
    perf_show_lines.begin(&t);
    return print_end();
}

static const char *interval_of(uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    print_begin();
    perf_show_lines.interval(&t, from_ns, to_ns, omitted);
    return print_end();
}

static const char *end_of(void)
{
    print_begin();
    perf_show_lines.end(&t);
    return print_end();
}

static const char *broken_of(void)
{
    print_begin();
    perf_show_lines.broken(&t, "the reason");
    return print_end();
}

/* ── Sums ── */

static void a_sum_is_of_one_way_and_its_jitter_is_the_mean(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true});
    stream_add(false, (struct perf_count){10, 1, 100, 7, 3, 0.002})->there =
        (struct perf_count){1, 2, 3, 4, 5, 6};
    stream_add(false, (struct perf_count){20, 2, 200, 8, 4, 0.004})->there =
        (struct perf_count){10, 20, 30, 40, 50, 60};
    stream_add(true, (struct perf_count){1000, 1000, 1000, 1000, 1000, 1000});
    struct perf_count sum = perf_sum(&t, false, PERF_HERE);
    assert_true(sum.bytes == 30 && sum.retransmits == 3 && sum.datagrams == 300);
    assert_true(sum.lost == 15 && sum.reordered == 7);
    assert_true(sum.jitter_s > 0.00299 && sum.jitter_s < 0.00301);
    sum = perf_sum(&t, false, PERF_THERE);
    assert_true(sum.bytes == 11 && sum.retransmits == 22 && sum.datagrams == 33);
    assert_true(sum.lost == 44 && sum.reordered == 55 && sum.jitter_s == 33);
    assert_true(perf_sum(&t, true, PERF_HERE).bytes == 1000);
}

static void a_sum_of_no_streams_is_nothing(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    struct perf_count sum = perf_sum(&t, true, PERF_HERE);
    assert_true(sum.bytes == 0 && sum.jitter_s == 0);
}

static void an_interval_is_what_is_new_in_it(void **state)
{
    (void)state;
    struct perf_stream stream = {.count = {100, 90, 80, 70, 60, 0.5},
                                 .before = {1, 2, 3, 4, 5, 0.25}};
    struct perf_count part = perf_part_of(&stream, PERF_INTERVAL);
    assert_true(part.bytes == 99 && part.retransmits == 88 && part.datagrams == 77);
    assert_true(part.lost == 66 && part.reordered == 55);
    assert_true(part.jitter_s == 0.5); /* is no count: as it is now */
}

/* What was lost in an earlier interval came late in this one. */
static void no_interval_has_less_than_no_losses(void **state)
{
    (void)state;
    struct perf_stream stream = {.count = {.lost = 3}, .before = {.lost = 5}};
    assert_true(perf_part_of(&stream, PERF_INTERVAL).lost == 0);
}

static void nothing_lost_of_nothing_is_no_share(void **state)
{
    (void)state;
    assert_true(perf_lost_percent(&(struct perf_count){.lost = 0, .datagrams = 0}) == 0);
    assert_true(perf_lost_percent(&(struct perf_count){.lost = 1, .datagrams = 8}) == 12.5);
}

/* ── Its beginning ── */

static void a_server_tells_what_its_client_measures(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    t.server = true;
    assert_string_equal(begin_of(), "10.0.0.2:5201 measures TCP, 1 stream, to here\n");
    trial_begin((struct perf_test){.udp = true, .reverse = true, .streams = 2});
    t.server = true;
    assert_string_equal(begin_of(), "10.0.0.2:5201 measures UDP, 2 streams, from here\n");
    trial_begin((struct perf_test){.bidirectional = true});
    t.server = true;
    assert_string_equal(begin_of(), "10.0.0.2:5201 measures TCP, 1 stream, both ways\n");
}

static void a_client_knows_what_it_asked_for(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    assert_string_equal(begin_of(), "");
}

/* ── Intervals ── */

static void an_interval_tells_what_went_through_and_how_fast(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.streams = 2});
    stream_add(true, (struct perf_count){.bytes = 11000000, .retransmits = 4})->before.bytes =
        1000000;
    stream_add(true, (struct perf_count){.bytes = 2500000});
    assert_string_equal(interval_of(TIME_S(1), TIME_S(2), false),
                        "   1.00 to    2.00 s      12.5 MB    100.00 Mbit/s\n");
    assert_string_equal(interval_of(0, TIME_MS(500), true),
                        "   0.00 to    0.50 s      12.5 MB    200.00 Mbit/s, omitted\n");
}

static void an_interval_of_nothing_is_zero(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    stream_add(true, (struct perf_count){0});
    assert_string_equal(interval_of(TIME_S(1), TIME_S(2), false),
                        "   1.00 to    2.00 s          0 B      0.00 kbit/s\n");
    t.streams[0].count.bytes = 1000; /* in no time at all: there is no rate */
    assert_string_equal(interval_of(TIME_S(1), TIME_S(1), false),
                        "   1.00 to    1.00 s       1.0 kB      0.00 kbit/s\n");
}

static void each_way_has_its_line(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.bidirectional = true});
    stream_add(true, (struct perf_count){.bytes = 125000000});
    stream_add(false, (struct perf_count){.bytes = 1000});
    assert_string_equal(interval_of(0, TIME_S(1), false),
                        "   0.00 to    1.00 s     125.0 MB      1.00 Gbit/s sent\n"
                        "   0.00 to    1.00 s       1.0 kB      8.00 kbit/s received\n");
}

/* A server sends when its client wishes the reverse. */
static void the_one_way_that_there_is_has_the_only_line(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.reverse = true});
    stream_add(false, (struct perf_count){.bytes = 1000});
    const char *line = "   0.00 to    1.00 s       1.0 kB      8.00 kbit/s\n";
    assert_string_equal(interval_of(0, TIME_S(1), false), line);
    t.server = true;
    t.streams[0].sends = true;
    assert_string_equal(interval_of(0, TIME_S(1), false), line);
}

static void a_sender_of_datagrams_counts_them(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true});
    stream_add(true, (struct perf_count){.bytes = 1460, .datagrams = 1});
    assert_string_equal(interval_of(0, TIME_S(1), false),
                        "   0.00 to    1.00 s       1.5 kB     11.68 kbit/s, 1 datagram\n");
    t.streams[0].count.datagrams = 0;
    assert_string_equal(interval_of(0, TIME_S(1), true),
                        "   0.00 to    1.00 s       1.5 kB     11.68 kbit/s, 0 datagrams, "
                        "omitted\n");
}

static void a_receiver_of_datagrams_tells_what_became_of_them(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .reverse = true});
    stream_add(false, (struct perf_count){
                          .bytes = 1000, .datagrams = 8, .lost = 1, .jitter_s = 0.0012345});
    assert_string_equal(interval_of(0, TIME_S(1), false),
                        "   0.00 to    1.00 s       1.0 kB      8.00 kbit/s, jitter 1.234 ms, "
                        "lost 1 of 8 (12.5 %)\n");
    t.streams[0].count.reordered = 2;
    assert_non_null(strstr(interval_of(0, TIME_S(1), false), "(12.5 %), 2 out of order\n"));
    t.streams[0].count = (struct perf_count){0};
    assert_non_null(
        strstr(interval_of(0, TIME_S(1), false), ", jitter 0.000 ms, lost 0 of 0 (0.0 %)\n"));
}

/* ── Its end ── */

static void the_end_tells_what_both_sides_counted(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    t.told = true;
    t.here.cpu = (struct cpu_share){.total = 150, .user = 50.4, .system = 99.6};
    t.there.cpu = (struct cpu_share){.total = 75, .user = 25, .system = 50};
    stream_add(true, (struct perf_count){.bytes = 2000000000, .retransmits = 1})->there.bytes =
        1500000000;
    assert_string_equal(end_of(), "tern sent 2000000000 bytes, 8.00 Gbit/s, 1 retransmission; "
                                  "10.0.0.2:5201 received 1500000000 bytes, 6.00 Gbit/s\n"
                                  "CPU: tern 150 % (50 user, 100 system), 1.500 s a GB; "
                                  "10.0.0.2:5201 75 % (25 user, 50 system), 0.750 s a GB\n");
}

static void who_sent_stands_first(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.reverse = true});
    t.told = true;
    stream_add(false, (struct perf_count){.bytes = 1000})->there =
        (struct perf_count){.bytes = 2000, .retransmits = 3};
    assert_string_equal(end_of(), "10.0.0.2:5201 sent 2000 bytes, 8.00 kbit/s, 3 retransmissions; "
                                  "tern received 1000 bytes, 4.00 kbit/s\n"
                                  "CPU: tern 0 % (0 user, 0 system), 0.000 s a GB; "
                                  "10.0.0.2:5201 0 % (0 user, 0 system), 0.000 s a GB\n");
}

static void both_ways_count_for_the_cpu(void **state)
{
    (void)state;
    trial_begin((struct perf_test){.udp = true, .bidirectional = true});
    t.told = true;
    t.here.cpu.total = t.here.cpu.user = 100;
    stream_add(true, (struct perf_count){.bytes = 500000000, .datagrams = 2})->there =
        (struct perf_count){.bytes = 250000000, .datagrams = 2, .lost = 1, .jitter_s = 0.001};
    stream_add(false, (struct perf_count){.bytes = 500000000, .datagrams = 9, .reordered = 1})
        ->there = (struct perf_count){.bytes = 500000000, .datagrams = 10};
    assert_string_equal(
        end_of(),
        "tern sent 500000000 bytes, 2.00 Gbit/s, 2 datagrams; 10.0.0.2:5201 received 250000000 "
        "bytes, 1.00 Gbit/s, jitter 1.000 ms, lost 1 of 2 (50.0 %)\n"
        "10.0.0.2:5201 sent 500000000 bytes, 2.00 Gbit/s, 10 datagrams; tern received 500000000 "
        "bytes, 2.00 Gbit/s, jitter 0.000 ms, lost 0 of 9 (0.0 %), 1 out of order\n"
        "CPU: tern 100 % (100 user, 0 system), 2.000 s a GB; "
        "10.0.0.2:5201 0 % (0 user, 0 system), 0.000 s a GB\n");
}

/* Nothing went through, so that no price of it can be told. */
static void a_test_of_nothing_has_no_price(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    t.elapsed_ns = 0;
    t.here.cpu.total = t.here.cpu.system = 12;
    stream_add(true, (struct perf_count){0});
    assert_string_equal(end_of(), "tern sent 0 bytes, 0.00 kbit/s, 0 retransmissions\n"
                                  "CPU: tern 12 % (0 user, 12 system)\n");
}

/* ── What is broken off ── */

static void of_what_is_broken_off_only_what_is_known_is_shown(void **state)
{
    (void)state;
    trial_begin((struct perf_test){0});
    stream_add(true, (struct perf_count){.bytes = 1000000});
    assert_string_equal(broken_of(), ""); /* it had not begun */
    t.begun = true;
    assert_string_equal(broken_of(), ""); /* nor come to what counts */
    t.counted = true;
    assert_string_equal(broken_of(), "tern sent 1000000 bytes, 4.00 Mbit/s, 0 retransmissions\n"
                                     "CPU: tern 0 % (0 user, 0 system), 0.000 s a GB\n");
    trial_begin((struct perf_test){.reverse = true});
    t.begun = t.counted = true;
    stream_add(false, (struct perf_count){.bytes = 1000000});
    assert_string_equal(broken_of(), "tern received 1000000 bytes, 4.00 Mbit/s\n"
                                     "CPU: tern 0 % (0 user, 0 system), 0.000 s a GB\n");
}

/* ── The most that can be ── */

/* The most that either side believes, in all streams that there can be and in a moment. */
static void no_figure_is_too_great_for_its_line(void **state)
{
    (void)state;
    const struct perf_count most = {
        .bytes = UINT64_C(9007199254740991),
        .retransmits = UINT32_MAX / PERF_STREAMS_MAX,
        .datagrams = UINT64_C(9007199254740991),
        .lost = UINT64_C(9007199254740991),
        .reordered = UINT64_C(9007199254740991),
        .jitter_s = 1e9,
    };
    /* What stands last in a line is there whole. */
    static const char *const ends[2] = {"Gbit/s\n",
                                        "(100.0 %), 1152921504606846848 out of order\n"};
    for (int udp = 0; udp < 2; udp++) {
        trial_begin((struct perf_test){.udp = udp, .bidirectional = true, .streams = 128});
        strcpy(t.peer, "255.255.255.255:65535");
        t.told = true;
        t.elapsed_ns = 1;
        t.here.cpu = t.there.cpu = (struct cpu_share){1e6, 1e6, 1e6};
        for (unsigned i = 0; i < PERF_STREAMS_MAX; i++)
            stream_add(i % 2 == 0, most)->there = most;
        interval_of(TIME_S(86399), TIME_S(86400), true);
        assert_non_null(strstr(printed, "s       1.2 EB   9223372036.85 Gbit/s sent"));
        assert_non_null(strstr(printed, udp ? "8 out of order, omitted\n" : "received, omitted\n"));
        end_of();
        assert_non_null(strstr(printed, ends[udp]));
        assert_non_null(strstr(printed, "255.255.255.255:65535 1000000 % (1000000 user, 1000000 "
                                        "system), 0.000 s a GB\n"));
        assert_null(strstr(printed, "nan"));
        assert_null(strstr(printed, "inf"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_of_one_way_and_its_jitter_is_the_mean),
        cmocka_unit_test(a_sum_of_no_streams_is_nothing),
        cmocka_unit_test(an_interval_is_what_is_new_in_it),
        cmocka_unit_test(no_interval_has_less_than_no_losses),
        cmocka_unit_test(nothing_lost_of_nothing_is_no_share),
        cmocka_unit_test(a_server_tells_what_its_client_measures),
        cmocka_unit_test(a_client_knows_what_it_asked_for),
        cmocka_unit_test(an_interval_tells_what_went_through_and_how_fast),
        cmocka_unit_test(an_interval_of_nothing_is_zero),
        cmocka_unit_test(each_way_has_its_line),
        cmocka_unit_test(the_one_way_that_there_is_has_the_only_line),
        cmocka_unit_test(a_sender_of_datagrams_counts_them),
        cmocka_unit_test(a_receiver_of_datagrams_tells_what_became_of_them),
        cmocka_unit_test(the_end_tells_what_both_sides_counted),
        cmocka_unit_test(who_sent_stands_first),
        cmocka_unit_test(both_ways_count_for_the_cpu),
        cmocka_unit_test(a_test_of_nothing_has_no_price),
        cmocka_unit_test(of_what_is_broken_off_only_what_is_known_is_shown),
        cmocka_unit_test(no_figure_is_too_great_for_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
