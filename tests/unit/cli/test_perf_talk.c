/* What the two sides of a measurement say to each other, and how long they listen. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/perf_talk.h"
#include "common/allocation.h"
#include "printed.h"
#include "trial_pair.h"

static struct trial *const client = &trials[0], *const server = &trials[1];

/* Each side has a control connection to the other. */
static int controls_open(void **state)
{
    int sockets[2];
    trials_open(state);
    pair_connect(&trial_pair, TRIAL_PORT, &sockets[0], &sockets[1]);
    for (int end = 0; end < 2; end++)
        assert_int_equal(talk_set_control(&trials[end], sockets[end]), 0);
    return 0;
}

static void send_bytes(const void *bytes, size_t length)
{
    assert_int_equal(tern_send(trial_stack(0), client->control, bytes, length, 0), length);
}

/* What the server says is what the client has to read. */
static void assert_said(const void *expected, size_t length)
{
    uint8_t said[64];
    assert_int_equal(tern_read_full(trial_stack(0), client->control, said, length), length);
    assert_memory_equal(said, expected, length);
}

static void words_of_a_control_connection_do_not_wait_for_each_other(void **state)
{
    (void)state;
    int no_delay = 0;
    socklen_t length = sizeof no_delay;
    assert_int_equal(tern_getsockopt(trial_stack(0), client->control, IPPROTO_TCP, TCP_NODELAY,
                                     &no_delay, &length),
                     0);
    assert_int_equal(no_delay, 1);
    assert_int_equal(talk_set_control(client, -1), -EBADF);
}

static void a_state_has_its_sign(void **state)
{
    (void)state;
    enum perf_state heard = 0;
    assert_int_equal(talk_say_state(client, PERF_ACCESS_DENIED), 0);
    assert_int_equal(talk_hear_state(server, &heard), 0);
    assert_int_equal(heard, PERF_ACCESS_DENIED);
    assert_int_equal(talk_say_state(client, PERF_DONE), 0);
    assert_int_equal(talk_hear_state(server, &heard), 0);
    assert_int_equal(heard, PERF_DONE);
}

/* ── Messages ── */

static void a_message_stands_behind_its_length(void **state)
{
    (void)state;
    static char text[PERF_MESSAGE_MAX];
    uint8_t said[4 + 258];
    memset(text, 'x', 258);
    assert_int_equal(talk_say_message(server, text, 258), 0);
    assert_int_equal(tern_read_full(trial_stack(0), client->control, said, sizeof said),
                     sizeof said);
    assert_memory_equal(said, ((const uint8_t[]){0, 0, 1, 2}), 4);
    assert_memory_equal(said + 4, text, 258);
    const char next[] = "\0\0\0\3{} and what comes next";
    send_bytes(next, sizeof next);
    memset(text, 'x', 258);
    assert_int_equal(talk_hear_message(server, text), 0);
    assert_string_equal(text, "{} ");
}

/* A message that has no room where it is written has no length (perf_write_results). */
static void a_message_without_a_length_is_none(void **state)
{
    (void)state;
    assert_int_equal(talk_say_message(client, "", 0), -EMSGSIZE);
    assert_fails(tern_recv(trial_stack(1), server->control, &(char){0}, 1, MSG_DONTWAIT), EAGAIN);
}

static void a_message_is_as_long_as_there_is_room_for(void **state)
{
    (void)state;
    static char said[PERF_MESSAGE_MAX], heard[PERF_MESSAGE_MAX];
    memset(said, 'm', sizeof said);
    heard[PERF_MESSAGE_MAX - 1] = 'x';
    assert_int_equal(talk_say_message(client, said, PERF_MESSAGE_MAX - 1), 0);
    assert_int_equal(talk_hear_message(server, heard), 0);
    assert_int_equal(strlen(heard), PERF_MESSAGE_MAX - 1);
    send_bytes("\0\2\0\0", 4); /* of 128 KB, to which a zero would have to be added */
    assert_int_equal(talk_hear_message(server, heard), -EPROTO);
    send_bytes("\xff\0\0\0", 4);
    assert_int_equal(talk_hear_message(server, heard), -EPROTO);
}

/* ── Patience ── */

static const char *to_come;

static void more_comes(struct pair *pair)
{
    (void)pair;
    send_bytes(to_come, strlen(to_come));
    to_come = "";
}

static void what_comes_in_pieces_is_heard_whole_and_no_more(void **state)
{
    (void)state;
    char heard[16] = "";
    to_come = "cdefgh";
    send_bytes("ab", 2);
    trial_pair.meanwhile = more_comes;
    assert_int_equal(talk_hear(server, server->control, heard, 7), 0);
    assert_string_equal(heard, "abcdefg");
    assert_int_equal(talk_hear(server, server->control, heard, 1), 0);
    assert_int_equal(heard[0], 'h');
}

enum { MUCH = 64 << 20 }; /* more than there is room for on the way */

static uint8_t *much;
static size_t much_read;
static uint64_t read_from_ns;

/* Reads what has come, and finds it to be what was to come next; at first nothing, so that the
 * first call that sends gives up with a part. */
static void much_is_read(struct pair *pair)
{
    if (pair->now_ns < read_from_ns)
        return;
    static uint8_t bytes[65536];
    ssize_t n = tern_recv(pair->ends[1].t, server->control, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
        return;
    assert_true(much_read + (size_t)n <= MUCH);
    assert_memory_equal(bytes, much + much_read, (size_t)n);
    much_read += (size_t)n;
}

static void what_goes_in_pieces_is_said_whole(void **state)
{
    (void)state;
    read_from_ns = trial_pair.now_ns + TIME_MS(2 * INTERRUPT_TICK_MS);
    trial_pair.meanwhile = much_is_read;
    assert_int_equal(talk_say(client, client->control, much, MUCH), 0);
    for (int i = 0; much_read < MUCH && i < 10000; i++) {
        pair_run(&trial_pair, TIME_MS(1));
        much_is_read(&trial_pair);
    }
    assert_int_equal(much_read, MUCH);
    pair_run(&trial_pair, TIME_S(1));
    much_is_read(&trial_pair); /* there is no more */
}

static void silence_is_borne_for_ten_seconds(void **state)
{
    (void)state;
    char heard[4];
    uint64_t begun_ns = trial_pair.now_ns;
    send_bytes("ab", 2);
    assert_int_equal(talk_hear(server, server->control, heard, 3), -ETIMEDOUT);
    assert_in_range(trial_pair.now_ns - begun_ns, TIME_S(10), TIME_S(10) + TIME_MS(200));
}

/* Nobody reads: in the end there is no room for more. */
/* Once, when it takes longer than one likes to wonder; unless what is printed is for programs. */
static void silence_is_told(void **state)
{
    (void)state;
    uint8_t word;
    strcpy(client->peer, "10.0.0.2:5201");
    print_begin_on(stderr);
    int result = talk_hear(client, client->control, &word, 1);
    assert_string_equal(print_end(), "");
    assert_int_equal(result, -ETIMEDOUT);

    trial_sessions[0].quiet = false;
    print_begin_on(stderr);
    talk_hear(client, client->control, &word, 1);
    assert_string_equal(print_end(), "waiting for 10.0.0.2:5201 to say something\n");
}

static void who_does_not_read_is_not_waited_for_any_longer(void **state)
{
    (void)state;
    uint64_t begun_ns = trial_pair.now_ns;
    assert_int_equal(talk_say(client, client->control, much, MUCH), -ETIMEDOUT);
    assert_in_range(trial_pair.now_ns - begun_ns, TIME_S(10), TIME_S(11));
}

static void an_early_end_is_no_message(void **state)
{
    (void)state;
    char heard[4];
    send_bytes("ab", 2);
    assert_int_equal(tern_shutdown(trial_stack(0), client->control, SHUT_WR), 0);
    assert_int_equal(talk_hear(server, server->control, heard, 3), -ECONNRESET);
}

static void what_is_said_to_nobody_fails(void **state)
{
    (void)state;
    enum perf_state heard;
    tern_close(trial_stack(0), client->control);
    pair_run(&trial_pair, TIME_S(1));
    talk_say_state(server, PERF_DONE); /* it is answered with a reset */
    pair_run(&trial_pair, TIME_S(1));
    assert_int_equal(talk_say_state(server, PERF_DONE), -EPIPE);
    assert_int_equal(talk_hear_state(client, &heard), -EBADF);
}

static void interrupt_soon(struct pair *pair)
{
    (void)pair;
    interrupt_note(2);
}

static void an_interruption_ends_the_wait(void **state)
{
    (void)state;
    char heard[4];
    uint64_t begun_ns = trial_pair.now_ns;
    trial_pair.meanwhile = interrupt_soon;
    assert_int_equal(talk_hear(server, server->control, heard, 3), -EINTR);
    assert_in_range(trial_pair.now_ns - begun_ns, 0, TIME_MS(INTERRUPT_TICK_MS));
}

/* ── Who calls at the wrong time ── */

static void all_who_call_are_told_that_the_server_is_busy(void **state)
{
    (void)state;
    trial_listen();
    int callers[3];
    for (int i = 0; i < 3; i++)
        callers[i] = trial_call();
    pair_run(&trial_pair, TIME_S(1));
    talk_deny_callers(server);
    for (int i = 0; i < 3; i++)
        assert_denied(callers[i]);
}

static void who_is_silent_holds_up_nobody_else(void **state)
{
    (void)state;
    char heard[4];
    trial_listen();
    int caller = trial_call();
    assert_int_equal(talk_hear(server, server->control, heard, 3), -ETIMEDOUT);
    assert_denied(caller);
}

static void a_refusal_tells_why(void **state)
{
    (void)state;
    talk_refuse(server, PERF_ERROR_CONGESTION, ENOENT);
    assert_said("\xfe\0\0\0\x86\0\0\0\2", 9);
}

/* ── Results ── */

static void stream_count(struct trial *t, bool sends, struct perf_count count)
{
    trial_add_stream(t, -1, sends);
    t->streams[t->count - 1].count = count;
}

static void each_side_hears_what_the_other_counted(void **state)
{
    (void)state;
    client->elapsed_ns = server->elapsed_ns = TIME_S(2);
    client->test.bidirectional = server->test.bidirectional = true;
    stream_count(client, true, (struct perf_count){.bytes = 4000, .retransmits = 5});
    stream_count(client, false, (struct perf_count){.bytes = 100});
    stream_count(server, false, (struct perf_count){.bytes = 3000});
    stream_count(server, true, (struct perf_count){.bytes = 200, .retransmits = 6});
    strcpy(client->here.congestion, "cubic");
    server->here.cpu.total = 12.5;
    assert_int_equal(talk_say_results(client), 0);
    assert_int_equal(talk_hear_results(server), 0);
    assert_int_equal(talk_say_results(server), 0);
    assert_false(client->told);
    assert_int_equal(talk_hear_results(client), 0);
    assert_true(client->told && server->told);
    assert_true(server->streams[0].there.bytes == 4000 &&
                server->streams[0].there.retransmits == 5);
    assert_true(server->streams[1].there.bytes == 100);
    assert_true(client->streams[0].there.bytes == 3000);
    assert_true(client->streams[1].there.bytes == 200 && client->streams[1].there.retransmits == 6);
    assert_string_equal(server->there.congestion, "cubic");
    assert_true(client->there.cpu.total == 12.5);
    assert_true(client->streams[0].count.bytes == 4000); /* its own as they were */
}

/* UDP tells them whole, so that who omitted less can tell what is counted. */
static void what_was_omitted_is_told_too(void **state)
{
    (void)state;
    stream_count(client, true, (struct perf_count){.bytes = 4000, .datagrams = 4});
    stream_count(server, false, (struct perf_count){.bytes = 3000, .datagrams = 4, .lost = 1});
    client->test.udp = server->test.udp = true;
    client->streams[0].omitted_datagrams = 10;
    server->streams[0].omitted_datagrams = 9;
    server->streams[0].omitted_lost = 2;
    client->elapsed_ns = server->elapsed_ns = TIME_MS(1500);
    char text[PERF_MESSAGE_MAX];
    assert_int_equal(talk_say_results(server), 0);
    assert_int_equal(talk_hear_message(client, text), 0);
    assert_non_null(strstr(text, "\"retransmits\":-1,")); /* who receives has none to tell of */
    assert_non_null(strstr(text, "\"errors\":3,\"omitted_errors\":2,\"packets\":13,"
                                 "\"omitted_packets\":9,"));
    assert_non_null(strstr(text, "\"end_time\":1.500000"));
    assert_int_equal(talk_say_results(server), 0);
    assert_int_equal(talk_hear_results(client), 0);
    assert_true(client->streams[0].there.datagrams == 4 && client->streams[0].there.lost == 1);
}

static void results_that_are_none_tell_nothing(void **state)
{
    (void)state;
    stream_count(client, true, (struct perf_count){.bytes = 4000});
    assert_int_equal(talk_say_message(server, "{\"streams\":[]}", 14), 0);
    assert_int_equal(talk_hear_results(client), -EPROTO);
    assert_false(client->told);
    tern_close(trial_stack(1), server->control);
    assert_int_equal(talk_hear_results(client), -ECONNRESET);
    assert_false(client->told);
}

#define TALK_TEST(name) cmocka_unit_test_setup_teardown(name, controls_open, trials_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TALK_TEST(words_of_a_control_connection_do_not_wait_for_each_other),
        TALK_TEST(a_state_has_its_sign),
        TALK_TEST(a_message_stands_behind_its_length),
        TALK_TEST(a_message_without_a_length_is_none),
        TALK_TEST(a_message_is_as_long_as_there_is_room_for),
        TALK_TEST(what_comes_in_pieces_is_heard_whole_and_no_more),
        TALK_TEST(what_goes_in_pieces_is_said_whole),
        TALK_TEST(silence_is_borne_for_ten_seconds),
        TALK_TEST(silence_is_told),
        TALK_TEST(who_does_not_read_is_not_waited_for_any_longer),
        TALK_TEST(an_early_end_is_no_message),
        TALK_TEST(what_is_said_to_nobody_fails),
        TALK_TEST(an_interruption_ends_the_wait),
        TALK_TEST(all_who_call_are_told_that_the_server_is_busy),
        TALK_TEST(who_is_silent_holds_up_nobody_else),
        TALK_TEST(a_refusal_tells_why),
        TALK_TEST(each_side_hears_what_the_other_counted),
        TALK_TEST(what_was_omitted_is_told_too),
        TALK_TEST(results_that_are_none_tell_nothing),
    };
    much = allocation_certain(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (uint8_t)(i / 251 + i);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(much);
    return failed;
}
