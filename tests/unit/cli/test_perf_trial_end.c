/* How a measurement ends otherwise than by its own clock: by a word of the other side, by patience
 * that is at its end, by an interruption. */
#include "trial_shown.h"

#include <errno.h>

#include "cli/perf_talk.h"

/* ── The other side's word ── */

static void client_will_end_after(uint64_t ns)
{
    static uint64_t until_ns;
    stream_add(0);
    controls_add();
    until_ns = trial_pair.now_ns + ns;
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = client_ends_the_test;
}

static void a_server_measures_until_its_client_says_so(void **state)
{
    (void)state;
    client_will_end_after(TIME_MS(2500));
    server->test.seconds = 1; /* a server's clock does not end it */
    server->test.bytes = 1;   /* nor does what it has seen */
    char some[3000] = "";
    assert_int_equal(tern_send(trial_stack(0), client->streams[0].socket, some, sizeof some, 0),
                     sizeof some);
    assert_int_equal(trial_run(server), 0);
    assert_in_range(server->elapsed_ns, TIME_MS(2500), TIME_MS(2701));
    assert_int_equal(server->streams[0].count.bytes, sizeof some);
    assert_int_equal(intervals, 3);
    assert_int_equal(shown[0].received_bytes, sizeof some);
}

/* How long it may take is counted from there on. */
static void a_server_omits_what_its_client_omits(void **state)
{
    (void)state;
    client_will_end_after(TIME_S(22));
    server->test.omit_s = 20;
    server->test.seconds = 1;
    assert_int_equal(trial_run(server), 0);
    assert_in_range(server->elapsed_ns, TIME_S(2), TIME_MS(2201));
}

static void server_says_something(struct pair *pair)
{
    if (pair->now_ns >= *(uint64_t *)pair->user)
        talk_say_state(server, PERF_SERVER_TERMINATE);
    read_all(1);
}

static void a_client_that_hears_anything_was_left(void **state)
{
    (void)state;
    stream_add(0);
    controls_add();
    client->test.rate = 8000000;
    client->test.seconds = 10;
    uint64_t until_ns = trial_pair.now_ns + TIME_MS(500);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = server_says_something;
    assert_int_equal(trial_run(client), -ECONNRESET);
    assert_true(client->elapsed_ns < TIME_S(1));
    assert_true(client->counted);
}

/* Broken off in what is omitted, there is nothing to count. */
static void what_ends_too_early_has_counted_nothing(void **state)
{
    (void)state;
    stream_add(0);
    controls_add();
    client->test.rate = 8000000;
    client->test.seconds = 10;
    client->test.omit_s = 1;
    client->counted = client->told = true; /* in a trial before this one */
    strcpy(client->there.congestion, "bbr");
    client->there.cpu.total = 1;
    uint64_t until_ns = trial_pair.now_ns;
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = server_says_something;
    assert_int_equal(trial_run(client), -ECONNRESET);
    assert_true(client->begun && !client->counted && !client->told);
    assert_string_equal(client->there.congestion, "");
    assert_true(client->there.cpu.total == 0);
}

static void a_stream_that_ends_ends_the_test(void **state)
{
    (void)state;
    stream_add(1);
    client->test.reverse = true;
    client->test.seconds = 10;
    tern_shutdown(trial_stack(1), server->streams[0].socket, SHUT_WR);
    assert_int_equal(trial_run(client), -ECONNRESET);
}

/* ── What is given up ── */

static uint64_t reads_from_ns;

static void server_reads_later(struct pair *pair)
{
    if (pair->now_ns >= reads_from_ns && reads_from_ns) {
        read_all(1);
        reads_from_ns = 0;
    }
}

static void where_nothing_moves_for_two_minutes_there_is_no_test(void **state)
{
    (void)state;
    stream_add(0);
    client->test.seconds = 1000;
    client->interval_ns = TIME_S(100);
    trial_pair.meanwhile = server_reads_later;
    uint64_t start_ns = trial_pair.now_ns;
    reads_from_ns = start_ns + TIME_S(100); /* once: it goes on from there */
    assert_int_equal(trial_run(client), -ETIMEDOUT);
    assert_in_range(trial_pair.now_ns - start_ns, TIME_S(220), TIME_S(225));
    assert_true(client->counted);
    assert_in_range(client->elapsed_ns, TIME_S(220), TIME_S(225));
}

static uint64_t next_byte_ns;

static void a_byte_now_and_then(struct pair *pair)
{
    if (pair->now_ns < next_byte_ns)
        return;
    next_byte_ns = pair->now_ns + TIME_S(100);
    tern_send(pair->ends[0].t, client->streams[0].socket, "x", 1, MSG_DONTWAIT);
}

/* The server's, which looks each `interval_s`, while its client sends on and on. */
static void expect_left_after(unsigned interval_s, unsigned seconds)
{
    stream_add(0);
    trial_pair.meanwhile = a_byte_now_and_then;
    server->interval_ns = TIME_S(interval_s);
    next_byte_ns = 0;
    assert_int_equal(trial_run(server), -ETIME);
    assert_in_range(server->elapsed_ns, TIME_S(seconds), TIME_S(seconds) + TIME_MS(201));
}

static void a_client_that_goes_on_is_left_ten_seconds_later(void **state)
{
    (void)state;
    server->test.seconds = 300;
    expect_left_after(100, 310);
}

/* As long as anybody may ask for: a day. */
static void a_client_that_counts_bytes_has_its_time(void **state)
{
    (void)state;
    server->test.bytes = 1000;
    expect_left_after(20000, 86410);
}

static void interrupt_soon(struct pair *pair)
{
    read_all(1);
    if (pair->now_ns >= *(uint64_t *)pair->user)
        interrupt_note(2);
}

static void of_what_is_interrupted_the_part_is_counted(void **state)
{
    (void)state;
    stream_add(0);
    client->test.rate = 8000000;
    client->test.seconds = 10;
    uint64_t until_ns = trial_pair.now_ns + TIME_MS(1500);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = interrupt_soon;
    assert_int_equal(trial_run(client), -EINTR);
    assert_int_equal(intervals, 2);
    assert_true(intervals_join(0, 2, TIME_S(1)) == client->streams[0].count.bytes);
    assert_in_range(client->elapsed_ns, TIME_MS(1500), TIME_MS(1502));
    assert_true(client->counted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL_TEST(a_server_measures_until_its_client_says_so),
        TRIAL_TEST(a_server_omits_what_its_client_omits),
        TRIAL_TEST(a_client_that_hears_anything_was_left),
        TRIAL_TEST(what_ends_too_early_has_counted_nothing),
        TRIAL_TEST(a_stream_that_ends_ends_the_test),
        TRIAL_TEST(where_nothing_moves_for_two_minutes_there_is_no_test),
        TRIAL_TEST(a_client_that_goes_on_is_left_ten_seconds_later),
        TRIAL_TEST(a_client_that_counts_bytes_has_its_time),
        TRIAL_TEST(of_what_is_interrupted_the_part_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
