#include "unit/sock/connected.h"

static int setup_nonblocking(void **state)
{
    setup_connected(state);
    set_nonblocking(a, client);
    return 0;
}

#define nonblocking_test(name) cmocka_unit_test_setup_teardown(name, setup_nonblocking, teardown)

static void nothing_is_read_and_written_at_once(void **state)
{
    (void)state;
    char byte = 0;
    struct iovec empty = {&byte, 0};
    const int sockets[] = {client, open_stream(a), open_datagram(a), listen_at(a, "0", 1)};
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        assert_int_equal(tern_read(a, sockets[i], &byte, 0), 0);
        assert_int_equal(tern_readv(a, sockets[i], &empty, 1), 0);
        assert_int_equal(tern_readv(a, sockets[i], NULL, 0), 0);
        assert_int_equal(tern_writev(a, sockets[i], &empty, 1), 0);
        assert_int_equal(tern_writev(a, sockets[i], NULL, 0), 0);
    }
    assert_fails(tern_write(a, sockets[1], &byte, 0), EPIPE);
}

static void an_empty_datagram_can_be_written(void **state)
{
    (void)state;
    char bytes[4] = "abc";
    int from = open_datagram(a), to = open_datagram(b);
    assert_int_equal(bind_at(b, to, "10.0.0.2", 9), 0);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 9), 0);
    assert_int_equal(tern_write(a, from, "", 0), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(b, to), POLLIN | POLLOUT);
    assert_int_equal(tern_read(b, to, bytes, sizeof bytes), 0);
    assert_int_equal(ready(b, to), POLLOUT);
}

static void bad_counts_are_refused_of_what_is_open(void **state)
{
    (void)state;
    char byte = 0;
    struct iovec span = {&byte, 1};
    assert_fails(tern_readv(a, client, &span, -1), EINVAL);
    assert_fails(tern_readv(a, client, &span, 1025), EINVAL);
    assert_fails(tern_writev(a, client, &span, -1), EINVAL);
    assert_fails(tern_writev(a, 99, &span, -1), EBADF);
    assert_fails(tern_readv(a, 99, &span, -1), EBADF);
    assert_fails(tern_read(a, client, NULL, 1), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        nonblocking_test(nothing_is_read_and_written_at_once),
        nonblocking_test(an_empty_datagram_can_be_written),
        nonblocking_test(bad_counts_are_refused_of_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
