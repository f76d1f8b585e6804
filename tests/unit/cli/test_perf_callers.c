/* Whose word is waited for, and for how long. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "cli/perf_callers.h"
#include "trial_pair.h"

static const char cookie[PERF_COOKIE_SIZE] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char other_cookie[PERF_COOKIE_SIZE] = "bbcdefghijklmnopqrstuvwxyz0123456789";

static struct trial *const server = &trials[1];
static struct perf_callers callers;

static int callers_open(void **state)
{
    trials_open(state);
    trial_listen();
    memset(&callers, 0, sizeof callers);
    return 0;
}

/* One more has called, and is taken in: its socket. */
static int caller_add(void)
{
    int socket = trial_call();
    pair_run(&trial_pair, TIME_MS(10));
    assert_int_equal(callers_accept(&callers, server), 0);
    return socket;
}

static void caller_says(int socket, const char *text, size_t length)
{
    assert_int_equal(tern_send(trial_stack(0), socket, text, length, 0), length);
    pair_run(&trial_pair, TIME_MS(10));
}

static void assert_not_denied(int socket)
{
    int8_t said;
    pair_run(&trial_pair, TIME_MS(10));
    assert_fails(tern_recv(trial_stack(0), socket, &said, 1, 0), EAGAIN);
}

/* Whether the server's socket is that of this caller. */
static bool is_of(int socket, int caller)
{
    char said[4] = "";
    assert_int_equal(tern_send(trial_stack(1), socket, "you", 3, 0), 3);
    pair_run(&trial_pair, TIME_MS(10));
    return tern_recv(trial_stack(0), caller, said, 3, 0) == 3;
}

static void where_nobody_calls_nobody_is_added(void **state)
{
    (void)state;
    assert_int_equal(callers_accept(&callers, server), 0);
    assert_int_equal(callers.count, 0);
    server->listener = -1;
    assert_int_equal(callers_accept(&callers, server), -EBADF);
}

static void a_cookie_may_come_in_pieces(void **state)
{
    (void)state;
    int caller = caller_add();
    caller_says(caller, cookie, 20);
    callers_hear(&callers, server, cookie);
    assert_int_equal(callers_take(&callers), -1);
    caller_says(caller, cookie + 20, sizeof cookie - 20);
    callers_hear(&callers, server, cookie);
    callers_hear(&callers, server, cookie); /* it has said all, and is not read from again */
    int socket = callers_take(&callers);
    assert_true(socket >= 0 && is_of(socket, caller));
    assert_int_equal(callers.count, 0);
    assert_int_equal(callers_take(&callers), -1);
}

/* What stands behind the cookie is the stream's. */
static void no_more_than_the_cookie_is_heard(void **state)
{
    (void)state;
    char next;
    int caller = caller_add();
    caller_says(caller, cookie, 20);
    callers_hear(&callers, server, cookie);
    caller_says(caller, cookie + 20, sizeof cookie - 20);
    caller_says(caller, "x", 1);
    callers_hear(&callers, server, cookie);
    assert_int_equal(tern_recv(trial_stack(1), callers_take(&callers), &next, 1, 0), 1);
    assert_int_equal(next, 'x');
}

static void another_cookie_comes_at_the_wrong_time(void **state)
{
    (void)state;
    int other = caller_add(), caller = caller_add();
    caller_says(other, other_cookie, sizeof other_cookie);
    caller_says(caller, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    assert_denied(other);
    assert_true(is_of(callers_take(&callers), caller));
}

static void who_says_nothing_is_borne_for_three_seconds(void **state)
{
    (void)state;
    int silent = caller_add();
    pair_run(&trial_pair, TIME_S(1));
    int half = caller_add();
    caller_says(half, cookie, sizeof cookie - 1);
    pair_run(&trial_pair, TIME_MS(1900));
    callers_hear(&callers, server, cookie);
    assert_not_denied(silent);
    pair_run(&trial_pair, TIME_MS(200));
    callers_hear(&callers, server, cookie);
    assert_denied(silent);
    assert_not_denied(half);
    pair_run(&trial_pair, TIME_S(1));
    callers_hear(&callers, server, cookie);
    assert_denied(half);
    assert_int_equal(callers.count, 0);
}

/* It has said what it had to, and waits for who is before it. */
static void who_has_spoken_may_be_silent(void **state)
{
    (void)state;
    int caller = caller_add();
    caller_says(caller, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    pair_run(&trial_pair, TIME_S(10));
    callers_hear(&callers, server, cookie);
    assert_true(is_of(callers_take(&callers), caller));
}

static void who_leaves_is_forgotten(void **state)
{
    (void)state;
    tern_close(trial_stack(0), caller_add());
    pair_run(&trial_pair, TIME_MS(10));
    callers_hear(&callers, server, cookie);
    assert_int_equal(callers.count, 0);
}

static void streams_are_taken_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    int first = caller_add(), second = caller_add();
    caller_says(second, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    assert_int_equal(callers_take(&callers), -1);
    caller_says(first, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    assert_true(is_of(callers_take(&callers), first));
    assert_true(is_of(callers_take(&callers), second));
}

static void the_client_is_the_oldest_who_has_spoken(void **state)
{
    (void)state;
    int silent = caller_add();
    assert_int_equal(callers_take_client(&callers, server), -1);
    int second = caller_add(), third = caller_add();
    caller_says(third, cookie, sizeof cookie);
    caller_says(second, other_cookie, sizeof other_cookie);
    callers_hear(&callers, server, NULL);
    assert_true(is_of(callers_take_client(&callers, server), second));
    assert_string_equal(server->cookie, other_cookie); /* the trial is of this client */
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    assert_int_equal(tern_getsockname(trial_stack(0), second, (void *)&from, &length), 0);
    assert_memory_equal(&server->to.sin_addr, &from.sin_addr, sizeof from.sin_addr);
    assert_int_equal(server->to.sin_port, from.sin_port);
    assert_true(is_of(callers_take_client(&callers, server), third));
    assert_string_equal(server->cookie, cookie);
    assert_int_equal(callers_take_client(&callers, server), -1);
    assert_not_denied(silent);
}

static void where_there_is_no_room_the_oldest_makes_it(void **state)
{
    (void)state;
    int oldest = caller_add();
    int next = caller_add();
    for (int i = 2; i < PERF_CALLERS_MAX; i++)
        caller_add();
    assert_not_denied(oldest);
    assert_int_equal(callers.count, PERF_CALLERS_MAX);
    int last = caller_add();
    assert_int_equal(callers.count, PERF_CALLERS_MAX);
    assert_denied(oldest);
    assert_not_denied(next);
    assert_not_denied(last);
}

static void only_who_has_yet_to_speak_is_waited_for(void **state)
{
    (void)state;
    struct pollfd ready[2];
    int first = caller_add();
    caller_add();
    caller_says(first, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    callers_wait_for(&callers, ready);
    assert_int_equal(ready[0].fd, -1);
    assert_int_equal(ready[1].fd, callers.each[1].socket);
    assert_int_equal(ready[1].events, POLLIN);
}

static void all_who_are_left_can_be_denied(void **state)
{
    (void)state;
    int first = caller_add(), second = caller_add();
    caller_says(first, cookie, sizeof cookie);
    callers_hear(&callers, server, cookie);
    callers_deny(&callers, server);
    assert_denied(first);
    assert_denied(second);
    assert_int_equal(callers.count, 0);
}

#define CALLERS_TEST(name) cmocka_unit_test_setup_teardown(name, callers_open, trials_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLERS_TEST(where_nobody_calls_nobody_is_added),
        CALLERS_TEST(a_cookie_may_come_in_pieces),
        CALLERS_TEST(no_more_than_the_cookie_is_heard),
        CALLERS_TEST(another_cookie_comes_at_the_wrong_time),
        CALLERS_TEST(who_says_nothing_is_borne_for_three_seconds),
        CALLERS_TEST(who_has_spoken_may_be_silent),
        CALLERS_TEST(who_leaves_is_forgotten),
        CALLERS_TEST(streams_are_taken_in_the_order_in_which_they_came),
        CALLERS_TEST(the_client_is_the_oldest_who_has_spoken),
        CALLERS_TEST(where_there_is_no_room_the_oldest_makes_it),
        CALLERS_TEST(only_who_has_yet_to_speak_is_waited_for),
        CALLERS_TEST(all_who_are_left_can_be_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
