/* tern_step() over an engine; over a device it is in host/test_loop.c. */
#include "unit/sock/sockets.h"

static int calls;

static void count(void *user, int socket, short events)
{
    (void)user, (void)socket, (void)events;
    calls++;
}

static void an_engine_has_no_descriptor(void **state)
{
    (void)state;
    assert_fails(tern_fd(a), EOPNOTSUPP);
}

static void a_step_takes_in_what_has_arrived(void **state)
{
    (void)state;
    int to = open_datagram(a), from = open_datagram(b);
    calls = 0;
    assert_int_equal(bind_at(a, to, "10.0.0.1", 5), 0);
    assert_int_equal(tern_watch(a, to, POLLIN, count, NULL), 0);
    assert_int_equal(connect_to(b, from, "10.0.0.1", 5), 0);
    assert_int_equal(tern_send(b, from, "x", 1, 0), 1);
    assert_int_equal(tern_step(a), 1);
    assert_int_equal(calls, 1);
}

static void a_step_makes_no_time_pass(void **state)
{
    (void)state;
    assert_true(tern_dial(a, "10.0.0.2:1") < 0);
    uint64_t before_ns = pair.now_ns;
    assert_int_equal(tern_step(a), 0);
    assert_int_equal(pair.now_ns, before_ns);
}

static void an_engine_that_cannot_wait_steps_all_the_same(void **state)
{
    (void)state;
    int s = open_datagram(a);
    calls = 0;
    assert_int_equal(tern_watch(a, s, POLLOUT, count, NULL), 0);
    assert_int_equal(tern_step(a), 1);
    assert_int_equal(calls, 1);
}

/* What has gone wrong in taking in keeps nobody from being told what is there. */
static void a_failed_wait_is_told_after_the_calls(void **state)
{
    (void)state;
    int s = open_datagram(a);
    calls = 0;
    assert_int_equal(tern_watch(a, s, POLLOUT, count, NULL), 0);
    pair.interrupt_in = 1;
    assert_fails(tern_step(a), EINTR);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(an_engine_has_no_descriptor),
        socket_test(a_step_takes_in_what_has_arrived),
        socket_test(a_step_makes_no_time_pass),
        impatient_socket_test(an_engine_that_cannot_wait_steps_all_the_same),
        socket_test(a_failed_wait_is_told_after_the_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
