#include "unit/sock/sockets.h"

static void each_kind_of_socket_opens(void **state)
{
    (void)state;
    static const struct {
        int type, protocol, type_is, protocol_is;
    } rows[] = {
        {SOCK_STREAM, 0, SOCK_STREAM, IPPROTO_TCP},
        {SOCK_STREAM, IPPROTO_TCP, SOCK_STREAM, IPPROTO_TCP},
        {SOCK_DGRAM, 0, SOCK_DGRAM, IPPROTO_UDP},
        {SOCK_DGRAM, IPPROTO_UDP, SOCK_DGRAM, IPPROTO_UDP},
        {SOCK_DGRAM, IPPROTO_ICMP, SOCK_DGRAM, IPPROTO_ICMP},
    };
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        assert_int_equal(tern_socket(a, AF_INET, rows[i].type, rows[i].protocol), i);
        assert_int_equal(get_int(a, i, SOL_SOCKET, SO_TYPE), rows[i].type_is);
        assert_int_equal(get_int(a, i, SOL_SOCKET, SO_PROTOCOL), rows[i].protocol_is);
        assert_int_equal(get_int(a, i, SOL_SOCKET, SO_DOMAIN), AF_INET);
        assert_int_equal(tern_fcntl(a, i, F_GETFL, 0), O_RDWR);
    }
}

static void flags_may_be_or_ed_into_the_type(void **state)
{
    (void)state;
    assert_int_equal(tern_socket(a, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), 0);
    assert_int_equal(tern_fcntl(a, 0, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    assert_int_equal(tern_socket(a, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 1);
    assert_int_equal(tern_fcntl(a, 1, F_GETFL, 0), O_RDWR);
}

static void what_there_is_no_socket_for_is_refused(void **state)
{
    (void)state;
    assert_fails(tern_socket(a, AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_fails(tern_socket(a, AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_fails(tern_socket(a, -1, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, IPPROTO_SCTP), EPROTONOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, 0, 0), ESOCKTNOSUPPORT);
    assert_fails(tern_socket(a, AF_INET, -1, 0), EINVAL);
    assert_fails(tern_socket(a, AF_INET, 99, 0), EINVAL);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM | 0x10000, 0), EINVAL);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, -1), EINVAL);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, 100000), EINVAL);
    assert_int_equal(open_stream(a), 0);
}

static void as_many_sockets_open_as_the_setting_allows(void **state)
{
    (void)state;
    assert_int_equal(tern_set(a, "socket.descriptors", "3"), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(open_stream(a), i);
    assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, 0), EMFILE);
    assert_int_equal(tern_close(a, 1), 0);
    assert_int_equal(open_datagram(a), 1);
    assert_fails(tern_socket(a, AF_INET, SOCK_DGRAM, 0), EMFILE);
    /* The other stack has numbers of its own. */
    assert_int_equal(open_stream(b), 0);
}

static void no_call_takes_a_number_that_is_not_open(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.2", 1);
    struct sockaddr *address = (struct sockaddr *)&in;
    socklen_t length = sizeof in;
    struct msghdr message = {0};
    struct iovec span = {&in, 1};
    int value = 0;
    assert_int_equal(open_stream(a), 0);
    assert_int_equal(tern_close(a, 0), 0);
    static const int numbers[] = {-1, 0, 1, 1 << 20, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int s = numbers[i];
        assert_fails(tern_bind(a, s, address, length), EBADF);
        assert_fails(tern_listen(a, s, 1), EBADF);
        assert_fails(tern_accept(a, s, NULL, NULL), EBADF);
        assert_fails(tern_accept4(a, s, NULL, NULL, 0), EBADF);
        assert_fails(tern_connect(a, s, address, length), EBADF);
        assert_fails(tern_send(a, s, "x", 1, 0), EBADF);
        assert_fails(tern_sendto(a, s, "x", 1, 0, address, length), EBADF);
        assert_fails(tern_sendmsg(a, s, &message, 0), EBADF);
        assert_fails(tern_recv(a, s, &in, 1, 0), EBADF);
        assert_fails(tern_recvfrom(a, s, &in, 1, 0, address, &length), EBADF);
        assert_fails(tern_recvmsg(a, s, &message, 0), EBADF);
        assert_fails(tern_read(a, s, &in, 1), EBADF);
        assert_fails(tern_write(a, s, &in, 1), EBADF);
        assert_fails(tern_readv(a, s, &span, 1), EBADF);
        assert_fails(tern_writev(a, s, &span, 1), EBADF);
        assert_fails(tern_shutdown(a, s, SHUT_WR), EBADF);
        assert_fails(tern_close(a, s), EBADF);
        assert_fails(tern_getsockname(a, s, address, &length), EBADF);
        assert_fails(tern_getpeername(a, s, address, &length), EBADF);
        assert_fails(tern_getsockopt(a, s, SOL_SOCKET, SO_TYPE, &value, &length), EBADF);
        assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_REUSEADDR, &value, 4), EBADF);
        assert_fails(tern_fcntl(a, s, F_GETFL, 0), EBADF);
        assert_fails(tern_ioctl(a, s, FIONREAD, &value), EBADF);
        assert_fails(tern_write_all(a, s, "x", 1), EBADF);
        assert_fails(tern_read_full(a, s, &in, 1), EBADF);
        assert_fails(tern_drain(a, s), EBADF);
    }
}

static void names_need_a_place(void **state)
{
    (void)state;
    int client, server;
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    pair_connect(&pair, 7, &client, &server);
    assert_fails(tern_getsockname(a, client, NULL, &length), EFAULT);
    assert_fails(tern_getsockname(a, client, (struct sockaddr *)&in, NULL), EFAULT);
    assert_fails(tern_getpeername(a, client, NULL, &length), EFAULT);
    assert_fails(tern_getpeername(a, client, (struct sockaddr *)&in, NULL), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(each_kind_of_socket_opens),
        socket_test(flags_may_be_or_ed_into_the_type),
        socket_test(what_there_is_no_socket_for_is_refused),
        socket_test(as_many_sockets_open_as_the_setting_allows),
        socket_test(no_call_takes_a_number_that_is_not_open),
        socket_test(names_need_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
