#include "unit/sock/connected.h"

#include <pthread.h>

#include "common/allocation.h"

enum { CALLS_MAX = 16 };

/* What the functions were told, in order. */
static struct {
    int socket;
    short events;
    void *user;
} calls[CALLS_MAX];
static int call_count;

static void note(void *user, int socket, short events)
{
    assert_true(call_count < CALLS_MAX);
    calls[call_count].socket = socket;
    calls[call_count].events = events;
    calls[call_count].user = user;
    call_count++;
}

static int setup_watched(void **state)
{
    call_count = 0;
    return setup_connected(state);
}

#define watch_test(name) cmocka_unit_test_setup_teardown(name, setup_watched, teardown)

static void watch(int socket, short events)
{
    assert_int_equal(tern_watch(a, socket, events, note, &calls), 0);
}

/* The peer says a byte, and it arrives. */
static void hear_a_byte(void)
{
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
}

static void read_a_byte(void)
{
    char byte;
    assert_int_equal(tern_recv(a, client, &byte, 1, MSG_DONTWAIT), 1);
}

static void assert_step_calls(int expected)
{
    call_count = 0;
    assert_int_equal(tern_step(a), expected);
    assert_int_equal(call_count, expected);
}

static void a_function_is_told_socket_events_and_user(void **state)
{
    (void)state;
    watch(client, POLLIN);
    assert_step_calls(0);
    hear_a_byte();
    assert_step_calls(1);
    assert_int_equal(calls[0].socket, client);
    assert_int_equal(calls[0].events, POLLIN);
    assert_ptr_equal(calls[0].user, &calls);
}

static void a_state_is_told_at_each_step_until_it_is_over(void **state)
{
    (void)state;
    watch(client, POLLIN);
    hear_a_byte();
    assert_step_calls(1);
    assert_step_calls(1);
    read_a_byte();
    assert_step_calls(0);
    hear_a_byte();
    assert_step_calls(1);
}

static void what_holds_when_a_watch_begins_is_told(void **state)
{
    (void)state;
    hear_a_byte();
    watch(client, POLLIN | POLLOUT);
    assert_step_calls(1);
    assert_int_equal(calls[0].events, POLLIN | POLLOUT);
}

static void what_was_not_asked_for_is_not_told(void **state)
{
    (void)state;
    watch(client, POLLPRI);
    hear_a_byte();
    assert_step_calls(0);
}

static void an_error_is_told_to_who_asked_for_nothing(void **state)
{
    (void)state;
    watch(client, 0);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(1));
    assert_step_calls(1);
    assert_int_equal(calls[0].events, POLLERR | POLLHUP);
}

static void another_watch_takes_the_place_of_the_first(void **state)
{
    (void)state;
    int other;
    watch(client, POLLIN);
    hear_a_byte();
    assert_int_equal(tern_watch(a, client, POLLIN, note, &other), 0);
    assert_step_calls(1);
    assert_ptr_equal(calls[0].user, &other);
}

static void an_ended_watch_is_not_called(void **state)
{
    (void)state;
    watch(client, POLLIN);
    hear_a_byte();
    assert_int_equal(tern_watch(a, client, 0, NULL, NULL), 0);
    assert_step_calls(0);
    assert_int_equal(tern_watch(a, client, 0, NULL, NULL), 0);
}

static void closing_the_socket_ends_its_watch(void **state)
{
    (void)state;
    watch(client, POLLIN);
    hear_a_byte();
    assert_int_equal(tern_close(a, client), 0);
    assert_step_calls(0);
    assert_int_equal(open_stream(a), client); /* the same number, a socket without a watch */
    assert_step_calls(0);
}

static void close_all(void *user, int socket, short events)
{
    note(user, socket, events);
    for (int s = 0; s < 8; s++)
        tern_close(a, s);
}

/* The functions of a round may close each other's sockets, and their own. */
static void a_function_may_close_any_socket(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(tern_watch(a, open_datagram(a), POLLOUT, close_all, NULL), 0);
    assert_step_calls(1);
    assert_step_calls(0);
}

static void watch_again(void *user, int socket, short events)
{
    note(user, socket, events);
    assert_int_equal(tern_watch(a, socket, POLLOUT, watch_again, user), 0);
}

static void a_step_calls_each_but_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(tern_watch(a, open_datagram(a), POLLOUT, watch_again, NULL), 0);
    assert_step_calls(3);
    assert_step_calls(3);
}

static void step_again(void *user, int socket, short events)
{
    note(user, socket, events);
    if (call_count < 3)
        assert_int_equal(tern_step(a), 1);
}

static void a_function_may_step(void **state)
{
    (void)state;
    assert_int_equal(tern_watch(a, client, POLLOUT, step_again, NULL), 0);
    assert_int_equal(tern_step(a), 1);
    assert_int_equal(call_count, 3);
}

static void who_lowers_the_low_water_mark_is_told(void **state)
{
    (void)state;
    set_int(a, client, SOL_SOCKET, SO_RCVLOWAT, 2);
    watch(client, POLLIN);
    hear_a_byte();
    assert_step_calls(0);
    set_int(a, client, SOL_SOCKET, SO_RCVLOWAT, 1);
    assert_step_calls(1);
}

static void a_listener_tells_who_waits_and_that_it_listens_no_more(void **state)
{
    (void)state;
    int listener = listen_at(a, "8", 1);
    watch(listener, POLLIN);
    assert_step_calls(0);
    assert_true(tern_dial(b, "10.0.0.1:8") >= 0);
    assert_step_calls(1);
    assert_int_equal(calls[0].events, POLLIN);
    assert_true(tern_accept(a, listener, NULL, NULL) >= 0);
    assert_step_calls(0);
    assert_int_equal(tern_shutdown(a, listener, SHUT_RD), 0);
    assert_step_calls(1);
    assert_int_equal(calls[0].events & POLLHUP, POLLHUP);
}

static void a_connection_under_way_tells_its_end(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    listen_at(b, "9", 1);
    assert_fails(connect_to(a, s, "10.0.0.2", 9), EINPROGRESS);
    watch(s, POLLOUT);
    assert_step_calls(0);
    pair_run(&pair, TIME_MS(1));
    assert_step_calls(1);
    assert_int_equal(calls[0].events, POLLOUT);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    (void)state;
    assert_fails(tern_watch(a, 77, POLLIN, note, NULL), EBADF);
    allocations_fail_after(0);
    assert_fails(tern_watch(a, client, POLLIN, note, NULL), ENOMEM);
    allocations_succeed();
    hear_a_byte();
    assert_step_calls(0);
}

static bool stepped;

static void cancel_and_wait(void *user, int socket, short events)
{
    (void)user, (void)socket, (void)events;
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

static void *step_and_end(void *unused)
{
    stepped = tern_step(a) == 1;
    pthread_testcancel();
    return unused;
}

/* Else nobody would leave the round that it is called in. */
static void a_watch_s_thread_is_cancelled_behind_the_step(void **state)
{
    (void)state;
    pthread_t thread;
    void *result;
    int s = open_datagram(a);
    assert_int_equal(tern_watch(a, s, POLLOUT, cancel_and_wait, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, step_and_end, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_true(stepped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        watch_test(a_function_is_told_socket_events_and_user),
        watch_test(a_state_is_told_at_each_step_until_it_is_over),
        watch_test(what_holds_when_a_watch_begins_is_told),
        watch_test(what_was_not_asked_for_is_not_told),
        watch_test(an_error_is_told_to_who_asked_for_nothing),
        watch_test(another_watch_takes_the_place_of_the_first),
        watch_test(an_ended_watch_is_not_called),
        watch_test(closing_the_socket_ends_its_watch),
        watch_test(a_function_may_close_any_socket),
        watch_test(a_step_calls_each_but_once),
        watch_test(a_function_may_step),
        watch_test(who_lowers_the_low_water_mark_is_told),
        watch_test(a_listener_tells_who_waits_and_that_it_listens_no_more),
        watch_test(a_connection_under_way_tells_its_end),
        watch_test(what_cannot_be_watched_is_refused),
        socket_test(a_watch_s_thread_is_cancelled_behind_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
