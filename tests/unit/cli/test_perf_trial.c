/* A measurement: who sends, and by what; and what goes on beside it. */
#include "trial_shown.h"

#include <errno.h>
#include <netinet/tcp.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL_TEST(who_sends_follows_from_what_the_client_wishes),
        TRIAL_TEST(streams_have_the_names_that_iperf3_gives_them),
        TRIAL_TEST(only_who_sends_tcp_needs_the_congestion_control),
        TRIAL_TEST(streams_send_by_what_the_test_wishes),
        TRIAL_TEST(who_calls_meanwhile_is_told_that_the_server_is_busy),
        TRIAL_TEST(at_the_end_all_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
