/* The time of a measurement: how long it takes, its intervals, and what of it is not counted. */
#include "trial_shown.h"

/* ── Its length ── */

static void a_client_measures_for_as_long_as_it_wishes(void **state)
{
    (void)state;
    client->test.seconds = 3;
    client->test.rate = 8000000; /* a megabyte a second */
    stream_add(0);
    trial_pair.meanwhile = server_reads;
    uint64_t start_ns = trial_pair.now_ns;
    assert_int_equal(trial_run(client), 0);
    assert_int_equal(begun, 1);
    assert_int_equal(intervals, 3);
    assert_true(intervals_join(0, 3, TIME_S(1)) == client->streams[0].count.bytes);
    assert_int_equal(client->elapsed_ns, shown[2].to_ns);
    assert_in_range(trial_pair.now_ns - start_ns, TIME_S(3), TIME_S(3) + TIME_MS(1));
    assert_in_range(client->streams[0].count.bytes, 2990000, 3004000);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(shown[i].sent_bytes, 990000, 1010000);
    assert_true(client->begun && client->counted && !client->told);
    assert_true(client->here.cpu.user > 49.999 && client->here.cpu.user < 50.001);
    assert_true(client->here.cpu.system > 24.999 && client->here.cpu.system < 25.001);
}

/* Blocks are due each 350 ms, and no look for an interruption is due at the end either. */
static void the_end_is_waited_for_to_the_millisecond(void **state)
{
    (void)state;
    client->test.seconds = 1;
    client->test.rate = 22857;
    client->test.length = 1000;
    client->interval_ns = TIME_S(10);
    stream_add(0);
    assert_int_equal(trial_run(client), 0);
    assert_in_range(client->elapsed_ns, TIME_S(1), TIME_S(1) + TIME_MS(1));
}

static void nothing_arrives_for_a_while(struct pair *pair)
{
    const uint64_t *until_ns = pair->user;
    pair->ends[0].cut = pair->now_ns < *until_ns;
    read_all(1);
}

static void what_tcp_sends_again_is_counted(void **state)
{
    (void)state;
    client->test.seconds = 2;
    client->test.rate = 8000000;
    stream_add(0);
    uint64_t until_ns = trial_pair.now_ns + TIME_MS(100);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = nothing_arrives_for_a_while;
    assert_int_equal(trial_run(client), 0);
    assert_in_range(client->streams[0].count.retransmits, 1, 200);
}

static void a_client_may_end_when_so_much_is_through(void **state)
{
    (void)state;
    client->test.bytes = 1000000;
    stream_add(0);
    stream_add(0);
    trial_pair.meanwhile = server_reads;
    assert_int_equal(trial_run(client), 0);
    uint64_t bytes = perf_sum(client, true, PERF_HERE).bytes;
    assert_in_range(bytes, 1000000, 1000000 + 2 * 4 * 1000); /* a turn of each stream more */
}

/* What goes one way is enough, and what goes the other is not added to it. */
static void of_both_ways_the_one_with_more_is_measured(void **state)
{
    (void)state;
    client->test.bytes = 100000;
    client->test.rate = 8000000;
    client->test.bidirectional = true;
    stream_add(0);
    stream_add(1);
    trial_pair.meanwhile = server_reads;
    char some[50000] = "";
    assert_true(tern_send(trial_stack(1), server->streams[1].socket, some, sizeof some, 0) > 0);
    assert_int_equal(trial_run(client), 0);
    assert_in_range(client->streams[0].count.bytes, 100000, 104000);
    assert_int_equal(client->streams[1].count.bytes, sizeof some);
}

static void a_tenth_of_an_interval_is_shown_and_less_is_not(void **state)
{
    (void)state;
    stream_add(0);
    trial_pair.meanwhile = server_reads;
    client->test.rate = 8000000;
    client->test.bytes = 1050000;
    assert_int_equal(trial_run(client), 0);
    assert_int_equal(intervals, 1);
    assert_true(perf_sum(client, true, PERF_HERE).bytes >= 1050000);
    assert_true(client->elapsed_ns > shown[0].to_ns); /* the sum is of all */

    intervals = client->intervals = 0;
    client->test.bytes = 1150000;
    assert_int_equal(trial_run(client), 0);
    assert_int_equal(intervals, 2);
    assert_int_equal(client->intervals, 2);
    assert_int_equal(shown[1].to_ns, client->elapsed_ns);
}

static void what_is_omitted_is_shown_and_not_counted(void **state)
{
    (void)state;
    stream_add(0);
    trial_pair.meanwhile = server_reads;
    client->test.rate = 8000000;
    client->test.omit_s = 4;
    client->test.bytes = 3000000; /* is no measure of what is omitted */
    uint64_t start_ns = trial_pair.now_ns;
    assert_int_equal(trial_run(client), 0);
    assert_in_range(trial_pair.now_ns - start_ns, TIME_MS(6990), TIME_MS(7010));
    assert_int_equal(begun, 1);
    assert_int_equal(intervals, 7);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(shown[i].omitted, i < 4);
    intervals_join(0, 4, TIME_S(1));
    assert_true(intervals_join(4, 7, TIME_S(1)) == client->streams[0].count.bytes);
    assert_in_range(client->elapsed_ns, TIME_MS(2990), TIME_MS(3010));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL_TEST(a_client_measures_for_as_long_as_it_wishes),
        TRIAL_TEST(the_end_is_waited_for_to_the_millisecond),
        TRIAL_TEST(what_tcp_sends_again_is_counted),
        TRIAL_TEST(a_client_may_end_when_so_much_is_through),
        TRIAL_TEST(of_both_ways_the_one_with_more_is_measured),
        TRIAL_TEST(a_tenth_of_an_interval_is_shown_and_less_is_not),
        TRIAL_TEST(what_is_omitted_is_shown_and_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
