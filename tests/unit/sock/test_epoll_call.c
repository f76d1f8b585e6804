#include "unit/sock/connected.h"
#include "unit/sock/epolls.h"

static void bad_arguments_of_create_are_refused(void **state)
{
    (void)state;
    assert_fails(tern_epoll_create(a, 0), EINVAL);
    assert_fails(tern_epoll_create(a, -1), EINVAL);
    assert_fails(tern_epoll_create1(a, 1), EINVAL);
    assert_int_equal(tern_epoll_create(a, 1), 0);
    assert_int_equal(tern_epoll_create1(a, EPOLL_CLOEXEC), 1);
    assert_int_equal(tern_set(a, "socket.descriptors", "2"), 0);
    assert_fails(tern_epoll_create1(a, 0), EMFILE);
}

static void bad_arguments_of_ctl_are_refused(void **state)
{
    (void)state;
    int e = open_epoll(a), s = open_datagram(a);
    struct epoll_event event = {.events = EPOLLIN};
    assert_fails(tern_epoll_ctl(a, 99, EPOLL_CTL_ADD, s, &event), EBADF);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, 99, &event), EBADF);
    assert_fails(tern_epoll_ctl(a, s, EPOLL_CTL_ADD, s, &event), EINVAL);
    assert_fails(tern_epoll_ctl(a, s, EPOLL_CTL_ADD, e, &event), EINVAL);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, e, &event), EINVAL);
    assert_fails(tern_epoll_ctl(a, e, 99, s, &event), EINVAL);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, s, NULL), EFAULT);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_MOD, s, NULL), EFAULT);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_MOD, s, &event), ENOENT);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_DEL, s, NULL), ENOENT);
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, s, &event), 0);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, s, &event), EEXIST);
}

static void bad_arguments_of_wait_are_refused(void **state)
{
    (void)state;
    int e = open_epoll(a), s = open_datagram(a);
    struct epoll_event event;
    assert_fails(tern_epoll_wait(a, 99, &event, 1, 0), EBADF);
    assert_fails(tern_epoll_wait(a, s, &event, 1, 0), EINVAL);
    assert_fails(tern_epoll_wait(a, e, &event, 0, 0), EINVAL);
    assert_fails(tern_epoll_wait(a, e, &event, -1, 0), EINVAL);
    assert_fails(tern_epoll_wait(a, e, &event, INT32_MAX, 0), EINVAL);
    assert_fails(tern_epoll_wait(a, e, NULL, 1, 0), EFAULT);
}

static void a_wait_lasts_as_long_as_it_is_told(void **state)
{
    (void)state;
    int e = open_epoll(a);
    struct epoll_event event;
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_epoll_wait(a, e, &event, 1, 0), 0);
    assert_true(pair.now_ns == before);
    add(a, e, client, EPOLLIN);
    assert_int_equal(tern_epoll_wait(a, e, &event, 1, 10), 0);
    assert_true(pair.now_ns == before + TIME_MS(10));
    pair.interrupt_in = 1;
    assert_fails(tern_epoll_wait(a, e, &event, 1, -1), EINTR);
}

static void send_from_the_server(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_send(p->ends[1].t, server, "x", 1, 0), 1);
}

static void a_wait_ends_when_something_comes(void **state)
{
    (void)state;
    int e = open_epoll(a);
    struct epoll_event event;
    add(a, e, client, EPOLLIN);
    pair.meanwhile = send_from_the_server;
    assert_int_equal(tern_epoll_wait(a, e, &event, 1, -1), 1);
    assert_int_equal(event.events, EPOLLIN);
    assert_int_equal(event.data.fd, client);
}

static int instance; /* of a's, that is waited for */

static void close_the_instance(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, instance), 0);
}

static void an_instance_closed_meanwhile_is_ebadf(void **state)
{
    (void)state;
    struct epoll_event event;
    instance = open_epoll(a);
    add(a, instance, client, EPOLLIN);
    pair.meanwhile = close_the_instance;
    assert_fails(tern_epoll_wait(a, instance, &event, 1, -1), EBADF);
}

static void add_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    add(p->ends[0].t, instance, client, EPOLLOUT);
}

static void what_is_added_meanwhile_counts(void **state)
{
    (void)state;
    struct epoll_event event;
    instance = open_epoll(a);
    pair.meanwhile = add_the_client;
    assert_int_equal(tern_epoll_wait(a, instance, &event, 1, -1), 1);
    assert_int_equal(event.events, EPOLLOUT);
}

static void without_a_wait_it_only_looks(void **state)
{
    (void)state;
    struct epoll_event event;
    int e = open_epoll(a), s = open_datagram(a);
    add(a, e, s, EPOLLIN);
    assert_int_equal(tern_epoll_wait(a, e, &event, 1, -1), 0);
    assert_int_equal(control(a, e, EPOLL_CTL_MOD, s, EPOLLOUT), 0);
    assert_int_equal(tern_epoll_wait(a, e, &event, 1, -1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(bad_arguments_of_create_are_refused),
        socket_test(bad_arguments_of_ctl_are_refused),
        socket_test(bad_arguments_of_wait_are_refused),
        connected_test(a_wait_lasts_as_long_as_it_is_told),
        connected_test(a_wait_ends_when_something_comes),
        connected_test(an_instance_closed_meanwhile_is_ebadf),
        connected_test(what_is_added_meanwhile_counts),
        impatient_socket_test(without_a_wait_it_only_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
