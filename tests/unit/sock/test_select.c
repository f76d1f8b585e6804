#include "unit/sock/connected.h"

static fd_set in, out, except;

static int setup_sets(void **state)
{
    setup_connected(state);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    return 0;
}

#define select_test(name) cmocka_unit_test_setup_teardown(name, setup_sets, teardown)

static const struct timeval at_once = {0, 0};

static void only_what_is_ready_stays_in_its_set(void **state)
{
    (void)state;
    int idle = open_datagram(a), closed = open_stream(a), count = closed + 1;
    FD_SET(client, &in);
    FD_SET(client, &out);
    FD_SET(idle, &in);
    FD_SET(idle, &out);
    FD_SET(closed, &in);
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_select(a, count, &in, &out, &except, &at_once), 4);
    assert_true(FD_ISSET(client, &in) && FD_ISSET(client, &out));
    assert_true(FD_ISSET(idle, &out) && FD_ISSET(closed, &in)); /* its end can be read */
    assert_false(FD_ISSET(idle, &in));
    assert_int_equal(tern_select(a, 0, NULL, NULL, NULL, &at_once), 0);
}

/* A hangup is none of the set's business that asks for urgent bytes. */
static void what_no_set_asks_for_does_not_end_the_wait(void **state)
{
    (void)state;
    const struct timeval while_nothing_comes = {0, 10000};
    int closed = open_stream(a);
    uint64_t before = pair.now_ns;
    FD_SET(closed, &except);
    assert_int_equal(tern_select(a, closed + 1, NULL, NULL, &except, &while_nothing_comes), 0);
    assert_true(pair.now_ns == before + TIME_MS(10));
    assert_false(FD_ISSET(closed, &except));
}

static void send_from_the_server(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_send(p->ends[1].t, server, "x", 1, 0), 1);
}

static void it_waits_until_something_comes(void **state)
{
    (void)state;
    FD_SET(client, &in);
    pair.meanwhile = send_from_the_server;
    assert_int_equal(tern_select(a, client + 1, &in, NULL, NULL, NULL), 1);
    assert_true(FD_ISSET(client, &in));
}

static void it_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    const struct timeval long_way = {1, 2500000}, for_ever = {INT64_MAX, 0};
    uint64_t before = pair.now_ns;
    FD_SET(client, &in);
    assert_int_equal(tern_select(a, client + 1, &in, NULL, NULL, &long_way), 0);
    assert_true(pair.now_ns == before + TIME_MS(3500));
    FD_SET(client, &in);
    pair.interrupt_in = 1;
    assert_fails(tern_select(a, client + 1, &in, NULL, NULL, &for_ever), EINTR);
    assert_true(FD_ISSET(client, &in)); /* an error changes no set */
}

static void bad_arguments_of_select_are_refused(void **state)
{
    (void)state;
    const struct timeval negative = {-1, 0}, also_negative = {0, -1};
    assert_fails(tern_select(a, -1, &in, NULL, NULL, &at_once), EINVAL);
    assert_fails(tern_select(a, FD_SETSIZE + 1, &in, NULL, NULL, &at_once), EINVAL);
    assert_fails(tern_select(a, 1, &in, NULL, NULL, &negative), EINVAL);
    assert_fails(tern_select(a, 1, &in, NULL, NULL, &also_negative), EINVAL);
    FD_SET(client, &out);
    FD_SET(99, &in);
    assert_fails(tern_select(a, 100, &in, &out, NULL, &at_once), EBADF);
    assert_true(FD_ISSET(99, &in) && FD_ISSET(client, &out));
    assert_int_equal(tern_select(a, 99, &in, &out, NULL, &at_once), 1); /* it is not looked at */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        select_test(only_what_is_ready_stays_in_its_set),
        select_test(what_no_set_asks_for_does_not_end_the_wait),
        select_test(it_waits_until_something_comes),
        select_test(it_waits_as_long_as_it_is_told),
        select_test(bad_arguments_of_select_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
