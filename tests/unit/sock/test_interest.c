#include "unit/sock/sockets.h"

#include "sock/descriptor.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

/* An interest that keeps what it is told. */
struct listener {
    struct interest interest;
    bool has_somebody; /* to wake */
    unsigned times, events, closed;
};

static bool changed(struct interest *interest, unsigned events)
{
    struct listener *l = container_of(interest, struct listener, interest);
    l->times++;
    l->events = events;
    return l->has_somebody;
}

static void closed(struct interest *interest)
{
    container_of(interest, struct listener, interest)->closed++;
}

static const struct interest_operations operations = {.changed = changed, .closed = closed};

static struct socket *socket_of(struct tern *t, int s)
{
    return descriptor_find(&t->descriptors, s);
}

static void add(struct socket *socket, struct listener *l, bool exclusive)
{
    *l = (struct listener){.interest = {.operations = &operations, .exclusive = exclusive}};
    interest_add(socket, &l->interest);
}

static void all_are_told_of_what_happens(void **state)
{
    (void)state;
    struct listener one, two;
    struct socket *socket = socket_of(a, open_datagram(a));
    add(socket, &one, false);
    add(socket, &two, false);
    wait_notify(&a->stack, socket, POLLERR);
    assert_int_equal(one.events, POLLERR);
    assert_int_equal(two.events, POLLERR);
    interest_remove(&two.interest);
    wait_notify(&a->stack, socket, POLLHUP);
    assert_int_equal(one.events, POLLHUP);
    assert_int_equal(two.times, 1);
    interest_remove(&one.interest);
}

static void what_poll_does_not_show_is_not_told(void **state)
{
    (void)state;
    struct listener l;
    struct socket *socket = socket_of(a, open_datagram(a));
    add(socket, &l, false);
    wait_notify(&a->stack, socket, 0);
    assert_int_equal(l.times, 0);
    interest_remove(&l.interest);
}

static void less_than_the_low_water_mark_is_not_told(void **state)
{
    (void)state;
    struct listener l;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    set_int(a, client, SOL_SOCKET, SO_RCVLOWAT, 3);
    add(socket_of(a, client), &l, false);
    assert_int_equal(tern_send(b, server, "xy", 2, 0), 2);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(l.times, 0);
    assert_int_equal(tern_send(b, server, "z", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(l.times, 1);
    assert_int_equal(l.events, POLLIN | POLLRDNORM);
    set_int(a, client, SOL_SOCKET, SO_RCVLOWAT, 2); /* now it is enough still */
    assert_int_equal(l.times, 2);
    interest_remove(&l.interest);
}

/* Several wait for the same: each change wakes one of them, in turn; who has nobody to wake does
 * not use it up. */
static void exclusive_ones_are_told_in_turn_until_one_wakes_somebody(void **state)
{
    (void)state;
    struct listener ordinary, exclusive[3];
    struct socket *socket = socket_of(a, open_datagram(a));
    for (int i = 0; i < 3; i++) {
        add(socket, &exclusive[i], true);
        exclusive[i].has_somebody = i != 1;
    }
    add(socket, &ordinary, false);
    ordinary.has_somebody = true;
    static const unsigned expected[][3] = {{1, 0, 0}, {1, 1, 1}, {2, 2, 1}, {2, 3, 2}};
    for (unsigned n = 0; n < 4; n++) {
        interest_changed(socket, POLLERR);
        assert_int_equal(ordinary.times, n + 1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(exclusive[i].times, expected[n][i]);
    }
    for (int i = 0; i < 3; i++)
        interest_remove(&exclusive[i].interest);
    interest_remove(&ordinary.interest);
}

static void who_reconsiders_is_told_all_that_is_ready(void **state)
{
    (void)state;
    struct listener l;
    struct socket *stream = socket_of(a, open_stream(a));
    interest_reconsider(stream); /* nobody is interested */
    add(stream, &l, false);
    interest_reconsider(stream);
    assert_int_equal(l.events, POLLOUT | POLLWRNORM | POLLHUP);
    interest_remove(&l.interest);
    struct socket *listener = socket_of(a, listen_at(a, "0", 1));
    add(listener, &l, false);
    interest_reconsider(listener); /* ready for nothing */
    assert_int_equal(l.times, 0);
    interest_remove(&l.interest);
}

static void closing_tells_each_once(void **state)
{
    (void)state;
    struct listener one, two;
    int s = open_stream(a);
    add(socket_of(a, s), &one, false);
    add(socket_of(a, s), &two, true);
    assert_int_equal(tern_close(a, s), 0);
    assert_int_equal(one.closed, 1);
    assert_int_equal(two.closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(all_are_told_of_what_happens),
        socket_test(what_poll_does_not_show_is_not_told),
        socket_test(less_than_the_low_water_mark_is_not_told),
        socket_test(exclusive_ones_are_told_in_turn_until_one_wakes_somebody),
        socket_test(who_reconsiders_is_told_all_that_is_ready),
        socket_test(closing_tells_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
