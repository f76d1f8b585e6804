/* The time of a measurement: its intervals, its end, and when it is given up. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/perf_report.h"
#include "cli/perf_talk.h"
#include "common/allocation.h"
#include "trial_pair.h"

static struct trial *const client = &trials[0], *const server = &trials[1];

/* ── What is shown ── */

struct shown {
    uint64_t from_ns, to_ns, sent_bytes, received_bytes;
    bool omitted;
};

static struct shown shown[64];
static unsigned begun; /* how often */
static unsigned intervals;

static void note_begin(const struct trial *t)
{
    assert_int_equal(t->intervals, 0);
    begun++;
}

static void note_interval(const struct trial *t, uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    assert_int_equal(t->intervals, intervals);
    assert_in_range(intervals, 0, sizeof shown / sizeof *shown - 1);
    shown[intervals++] = (struct shown){
        .from_ns = from_ns,
        .to_ns = to_ns,
        .sent_bytes = perf_sum(t, true, PERF_INTERVAL).bytes,
        .received_bytes = perf_sum(t, false, PERF_INTERVAL).bytes,
        .omitted = omitted,
    };
}

/* A trial leaves it to its command to show how it ended. */
static const struct perf_show show_notes = {.begin = note_begin, .interval = note_interval};

/* Intervals from `first` to before `end` follow each other from 0 on, each but the last as long as
 * it should be; a wait ends on a millisecond. The bytes that they tell of. */
static uint64_t intervals_join(unsigned first, unsigned end, uint64_t length_ns)
{
    uint64_t from_ns = 0, bytes = 0;
    for (unsigned i = first; i < end; i++) {
        assert_int_equal(shown[i].from_ns, from_ns);
        from_ns = shown[i].to_ns;
        if (i + 1 < end)
            assert_in_range(from_ns - shown[i].from_ns, length_ns, length_ns + TIME_MS(1));
        bytes += shown[i].sent_bytes + shown[i].received_bytes;
    }
    return bytes;
}

/* ── The two sides ── */

static int sides_open(void **state)
{
    trials_open(state);
    begun = intervals = 0;
    for (int end = 0; end < 2; end++) {
        struct trial *t = &trials[end];
        t->show = &show_notes;
        t->interval_ns = TIME_S(1);
        t->test.length = 1000;
        t->block = allocation_certain(t->test.length);
        memset(t->block, 0, t->test.length);
    }
    return 0;
}

static int sides_close(void **state)
{
    for (int end = 0; end < 2; end++)
        trial_close(&trials[end]);
    return trials_close(state);
}

/* One more connection, of which `sender` sends. */
static void stream_add(int sender)
{
    static uint16_t port = 6000;
    int sockets[2];
    pair_connect(&trial_pair, ++port, &sockets[0], &sockets[1]);
    for (int end = 0; end < 2; end++)
        trial_add_stream(&trials[end], sockets[end], end == sender);
}

static void controls_add(void)
{
    pair_connect(&trial_pair, TRIAL_PORT, &client->control, &server->control);
}

/* All that has come to one end is read there. */
static void read_all(int end)
{
    static char bytes[65536];
    for (unsigned i = 0; i < trials[end].count; i++)
        while (tern_recv(trial_stack(end), trials[end].streams[i].socket, bytes, sizeof bytes,
                         MSG_DONTWAIT) > 0)
            ;
}

static void server_reads(struct pair *pair)
{
    (void)pair;
    read_all(1);
}

/* ── Who sends, and by what ── */

static void who_sends_follows_from_what_the_client_wishes(void **state)
{
    (void)state;
    static const struct {
        bool server, reverse, bidirectional, sends, receives;
    } cases[] = {
        {false, false, false, true, false}, {false, true, false, false, true},
        {true, false, false, false, true},  {true, true, false, true, false},
        {false, false, true, true, true},   {true, false, true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        client->server = cases[i].server;
        client->test.reverse = cases[i].reverse;
        client->test.bidirectional = cases[i].bidirectional;
        assert_int_equal(trial_sends(client), cases[i].sends);
        assert_int_equal(trial_receives(client), cases[i].receives);
    }
}

static void streams_have_the_names_that_iperf3_gives_them(void **state)
{
    (void)state;
    trial_add_stream(client, -1, true);
    trial_add_stream(client, -1, false);
    assert_int_equal(client->count, 2);
    assert_true(client->streams[0].id == 1 && client->streams[0].sends);
    assert_true(client->streams[1].id == 3 && !client->streams[1].sends);
}

static void only_who_sends_tcp_needs_the_congestion_control(void **state)
{
    (void)state;
    int next = tern_socket(trial_stack(0), AF_INET, SOCK_STREAM, 0);
    tern_close(trial_stack(0), next);
    assert_int_equal(trial_check_congestion(client), 0); /* as it likes */
    strcpy(client->test.congestion, "reno");
    assert_int_equal(trial_check_congestion(client), 0);
    strcpy(client->test.congestion, "westwould");
    assert_int_equal(trial_check_congestion(client), -ENOENT);
    client->test.reverse = true;
    assert_int_equal(trial_check_congestion(client), 0);
    client->test.reverse = false;
    client->test.udp = true;
    assert_int_equal(trial_check_congestion(client), 0);
    int after = tern_socket(trial_stack(0), AF_INET, SOCK_STREAM, 0);
    assert_int_equal(after, next); /* to ask takes no descriptor for good */
    tern_close(trial_stack(0), after);
}

static const char *congestion_of(int socket)
{
    static char name[PERF_CONGESTION_SIZE];
    socklen_t length = sizeof name;
    assert_int_equal(
        tern_getsockopt(trial_stack(0), socket, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
    return name;
}

static void streams_send_by_what_the_test_wishes(void **state)
{
    (void)state;
    client->test.bidirectional = true;
    client->test.bytes = 1;
    stream_add(0);
    stream_add(1);
    stream_add(0);
    strcpy(client->test.congestion, "reno");
    assert_int_equal(trial_run(client), 0);
    assert_string_equal(congestion_of(client->streams[0].socket), "reno");
    assert_string_equal(congestion_of(client->streams[2].socket), "reno");
    assert_string_not_equal(congestion_of(client->streams[1].socket), "reno");
    assert_string_equal(client->here.congestion, "reno");
    strcpy(client->test.congestion, "westwould");
    assert_int_equal(trial_run(client), -ENOENT);
    assert_int_equal(begun, 1);
}

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

/* ── The other side's word ── */

static void client_ends_the_test(struct pair *pair)
{
    if (pair->now_ns >= *(uint64_t *)pair->user)
        talk_say_state(client, PERF_TEST_END);
}

static void a_server_measures_until_its_client_says_so(void **state)
{
    (void)state;
    stream_add(0);
    controls_add();
    uint64_t until_ns = trial_pair.now_ns + TIME_MS(2500);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = client_ends_the_test;
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
    stream_add(0);
    controls_add();
    uint64_t until_ns = trial_pair.now_ns + TIME_S(22);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = client_ends_the_test;
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

static void a_client_that_goes_on_is_left_ten_seconds_later(void **state)
{
    (void)state;
    stream_add(0);
    trial_pair.meanwhile = a_byte_now_and_then;
    server->interval_ns = TIME_S(100);
    server->test.seconds = 300;
    next_byte_ns = 0;
    assert_int_equal(trial_run(server), -ETIME);
    assert_in_range(server->elapsed_ns, TIME_S(310), TIME_S(310) + TIME_MS(201));
}

/* As long as anybody may ask for: a day. */
static void a_client_that_counts_bytes_has_its_time(void **state)
{
    (void)state;
    stream_add(0);
    trial_pair.meanwhile = a_byte_now_and_then;
    server->interval_ns = TIME_S(20000);
    server->test.bytes = 1000;
    next_byte_ns = 0;
    assert_int_equal(trial_run(server), -ETIME);
    assert_in_range(server->elapsed_ns, TIME_S(86410), TIME_S(86410) + TIME_MS(201));
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

/* ── Beside it ── */

static void who_calls_meanwhile_is_told_that_the_server_is_busy(void **state)
{
    (void)state;
    stream_add(0);
    controls_add();
    trial_listen();
    int caller = trial_call();
    uint64_t until_ns = trial_pair.now_ns + TIME_S(1);
    trial_pair.user = &until_ns;
    trial_pair.meanwhile = client_ends_the_test;
    assert_int_equal(trial_run(server), 0);
    assert_denied(caller);
}

static void at_the_end_all_is_closed(void **state)
{
    (void)state;
    stream_add(0);
    stream_add(0);
    controls_add();
    int sockets[3] = {client->streams[0].socket, client->streams[1].socket, client->control};
    trial_end_streams(client);
    assert_fails(tern_fcntl(trial_stack(0), sockets[0], F_GETFL, 0), EBADF);
    assert_fails(tern_fcntl(trial_stack(0), sockets[1], F_GETFL, 0), EBADF);
    assert_true(tern_fcntl(trial_stack(0), sockets[2], F_GETFL, 0) >= 0);
    assert_int_equal(client->count, 2); /* what they counted is told yet */
    assert_int_equal(client->streams[1].socket, -1);
    trial_close(client);
    assert_fails(tern_fcntl(trial_stack(0), sockets[2], F_GETFL, 0), EBADF);
    assert_int_equal(client->control, -1);
    assert_int_equal(client->count, 0);
    assert_null(client->block);
    int left = server->streams[0].socket;
    trial_close(server); /* the streams too */
    assert_fails(tern_fcntl(trial_stack(1), left, F_GETFL, 0), EBADF);
}

#define TRIAL_TEST(name) cmocka_unit_test_setup_teardown(name, sides_open, sides_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL_TEST(who_sends_follows_from_what_the_client_wishes),
        TRIAL_TEST(streams_have_the_names_that_iperf3_gives_them),
        TRIAL_TEST(only_who_sends_tcp_needs_the_congestion_control),
        TRIAL_TEST(streams_send_by_what_the_test_wishes),
        TRIAL_TEST(a_client_measures_for_as_long_as_it_wishes),
        TRIAL_TEST(the_end_is_waited_for_to_the_millisecond),
        TRIAL_TEST(what_tcp_sends_again_is_counted),
        TRIAL_TEST(a_client_may_end_when_so_much_is_through),
        TRIAL_TEST(of_both_ways_the_one_with_more_is_measured),
        TRIAL_TEST(a_tenth_of_an_interval_is_shown_and_less_is_not),
        TRIAL_TEST(what_is_omitted_is_shown_and_not_counted),
        TRIAL_TEST(a_server_measures_until_its_client_says_so),
        TRIAL_TEST(a_server_omits_what_its_client_omits),
        TRIAL_TEST(a_client_that_hears_anything_was_left),
        TRIAL_TEST(what_ends_too_early_has_counted_nothing),
        TRIAL_TEST(a_stream_that_ends_ends_the_test),
        TRIAL_TEST(where_nothing_moves_for_two_minutes_there_is_no_test),
        TRIAL_TEST(a_client_that_goes_on_is_left_ten_seconds_later),
        TRIAL_TEST(a_client_that_counts_bytes_has_its_time),
        TRIAL_TEST(of_what_is_interrupted_the_part_is_counted),
        TRIAL_TEST(who_calls_meanwhile_is_told_that_the_server_is_busy),
        TRIAL_TEST(at_the_end_all_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
