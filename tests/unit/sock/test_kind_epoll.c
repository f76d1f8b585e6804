#include "unit/sock/epolls.h"

static void calls_for_sockets_say_that_it_is_none(void **state)
{
    (void)state;
    char byte = 0;
    int value = 0, e = open_epoll(a);
    struct sockaddr_in in = at("10.0.0.2", 7);
    struct sockaddr *address = (struct sockaddr *)&in;
    socklen_t length = sizeof in, size = sizeof value;
    assert_fails(tern_bind(a, e, address, length), ENOTSOCK);
    assert_fails(tern_listen(a, e, 1), ENOTSOCK);
    assert_fails(tern_accept(a, e, NULL, NULL), ENOTSOCK);
    assert_fails(tern_connect(a, e, address, length), ENOTSOCK);
    assert_fails(tern_send(a, e, &byte, 1, 0), ENOTSOCK);
    assert_fails(tern_recv(a, e, &byte, 1, 0), ENOTSOCK);
    assert_fails(tern_shutdown(a, e, SHUT_WR), ENOTSOCK);
    assert_fails(tern_getsockname(a, e, address, &length), ENOTSOCK);
    assert_fails(tern_getpeername(a, e, address, &length), ENOTSOCK);
    assert_fails(tern_getsockopt(a, e, SOL_SOCKET, SO_TYPE, &value, &size), ENOTSOCK);
    assert_fails(tern_setsockopt(a, e, SOL_SOCKET, SO_REUSEADDR, &value, size), ENOTSOCK);
    assert_fails(tern_drain(a, e), ENOTSOCK);
    assert_fails(tern_read(a, e, &byte, 1), EINVAL);
    assert_fails(tern_write(a, e, &byte, 1), EINVAL);
    struct iovec span = {&byte, 1};
    assert_fails(tern_readv(a, e, &span, 1), EINVAL);
    assert_fails(tern_writev(a, e, &span, 1), EINVAL);
}

static void it_is_a_descriptor_all_the_same(void **state)
{
    (void)state;
    int value = 1, e = open_epoll(a), s = open_datagram(a);
    assert_int_equal(tern_fcntl(a, e, F_GETFL, 0), O_RDWR);
    assert_int_equal(tern_fcntl(a, e, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(tern_fcntl(a, e, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    assert_int_equal(tern_ioctl(a, e, FIONBIO, &value), 0);
    assert_fails(tern_ioctl(a, e, FIONREAD, &value), EINVAL);
    assert_int_equal(tern_close(a, e), 0);
    assert_fails(tern_close(a, e), EBADF);
    assert_int_equal(open_epoll(a), e);
    assert_int_equal(open_datagram(a), s + 1);
}

static int ready_count(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int count = tern_poll(a, &poll_fd, 1, 0);
    assert_int_equal(poll_fd.revents, count ? POLLIN : 0);
    return count;
}

static void it_is_readable_while_it_has_something_to_tell(void **state)
{
    (void)state;
    int e = open_epoll(a), s = open_datagram(a), closed = open_stream(a);
    assert_int_equal(ready_count(e), 0);
    add(a, e, closed, EPOLLIN);
    assert_int_equal(ready_count(e), 1); /* POLLHUP */
    assert_int_equal(tern_close(a, closed), 0);
    assert_int_equal(ready_count(e), 0);
    add(a, e, s, EPOLLOUT | EPOLLET);
    assert_int_equal(ready_count(e), 1);
    assert_int_equal(event_of(a, e, s), EPOLLOUT);
    assert_int_equal(ready_count(e), 0);
}

static void a_stack_ends_with_instances_open(void **state)
{
    (void)state;
    int e = open_epoll(a), outer = open_epoll(a);
    int s = open_stream(a);
    add(a, e, s, EPOLLIN);
    add(a, outer, e, EPOLLIN);
    add(a, outer, open_datagram(a), EPOLLIN);
    assert_int_equal(ready_count(outer), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(calls_for_sockets_say_that_it_is_none),
        socket_test(it_is_a_descriptor_all_the_same),
        socket_test(it_is_readable_while_it_has_something_to_tell),
        socket_test(a_stack_ends_with_instances_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
