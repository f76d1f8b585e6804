#include "unit/sock/epolls.h"

static void chain(int *instances, int count)
{
    for (int i = 0; i < count; i++)
        instances[i] = open_epoll(a);
    for (int i = 0; i + 1 < count; i++)
        add(a, instances[i], instances[i + 1], EPOLLIN);
}

static void circles_are_refused(void **state)
{
    (void)state;
    int e[3];
    chain(e, 3);
    assert_fails(control(a, e[2], EPOLL_CTL_ADD, e[0], EPOLLIN), ELOOP);
    assert_fails(control(a, e[1], EPOLL_CTL_ADD, e[0], EPOLLIN), ELOOP);
    assert_fails(control(a, e[1], EPOLL_CTL_ADD, e[1], EPOLLIN), EINVAL);
    add(a, e[0], e[2], EPOLLIN); /* two ways down are no circle */
    assert_int_equal(tern_epoll_ctl(a, e[0], EPOLL_CTL_DEL, e[1], NULL), 0);
    assert_int_equal(tern_epoll_ctl(a, e[0], EPOLL_CTL_DEL, e[2], NULL), 0);
    add(a, e[2], e[0], EPOLLIN);
}

static void five_may_be_one_in_the_other(void **state)
{
    (void)state;
    int e[5], more = open_epoll(a), pair_of[2];
    chain(e, 5);
    assert_fails(control(a, more, EPOLL_CTL_ADD, e[0], EPOLLIN), ELOOP); /* above */
    assert_fails(control(a, e[4], EPOLL_CTL_ADD, more, EPOLLIN), ELOOP); /* below */
    add(a, more, e[1], EPOLLIN);
    chain(pair_of, 2);
    add(a, e[2], pair_of[0], EPOLLIN); /* as deep as what is there */
    assert_fails(control(a, e[3], EPOLL_CTL_ADD, pair_of[0], EPOLLIN), ELOOP);
}

/* Many ways lead down, each instance watching all of the next row: the search must
 * not walk each. */
static void searching_costs_what_is_there_not_the_ways_through_it(void **state)
{
    (void)state;
    enum { WIDE = 40, DEEP = 5 };
    int rows[DEEP][WIDE];
    for (int r = 0; r < DEEP; r++)
        for (int i = 0; i < WIDE; i++)
            rows[r][i] = open_epoll(a);
    for (int r = 0; r + 1 < DEEP; r++)
        for (int i = 0; i < WIDE; i++)
            for (int k = 0; k < WIDE; k++)
                add(a, rows[r][i], rows[r + 1][k], EPOLLIN);
    for (int i = 0; i < WIDE; i++)
        assert_fails(control(a, rows[DEEP - 1][i], EPOLL_CTL_ADD, rows[0][0], EPOLLIN), ELOOP);
}

static void what_happens_inside_is_told_outside(void **state)
{
    (void)state;
    int client, server, e[3];
    char byte;
    pair_connect(&pair, 7, &client, &server);
    chain(e, 3);
    add(a, e[2], client, EPOLLIN);
    assert_int_equal(event_of(a, e[0], e[1]), 0);
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(event_of(a, e[0], e[1]), EPOLLIN);
        assert_int_equal(event_of(a, e[1], e[2]), EPOLLIN);
        assert_int_equal(event_of(a, e[2], client), EPOLLIN);
    }
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 1);
    assert_int_equal(event_of(a, e[0], e[1]), 0);
    assert_int_equal(tern_close(a, e[1]), 0);
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(event_of(a, e[0], e[1]), 0);
    assert_int_equal(event_of(a, e[2], client), EPOLLIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(circles_are_refused),
        socket_test(five_may_be_one_in_the_other),
        socket_test(searching_costs_what_is_there_not_the_ways_through_it),
        socket_test(what_happens_inside_is_told_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
