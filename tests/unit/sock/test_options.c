#include "unit/sock/kinds.h"

#include <sys/time.h>

static void unknown_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        int level, option;
    } rows[] = {
        {SOL_SOCKET, 9999},  {SOL_SOCKET, -1},    {SOL_SOCKET, SO_PASSCRED}, {IPPROTO_IP, 9999},
        {IPPROTO_TCP, 9999}, {IPPROTO_UDP, 9999}, {IPPROTO_SCTP, 1},         {-1, 1},
    };
    int value = 1;
    socklen_t length = sizeof value;
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            assert_fails(tern_setsockopt(a, s, rows[i].level, rows[i].option, &value, 4),
                         ENOPROTOOPT);
            bool known = rows[i].level == SOL_SOCKET || rows[i].level == IPPROTO_IP ||
                         rows[i].level == get_int(a, s, SOL_SOCKET, SO_PROTOCOL);
            assert_fails(tern_getsockopt(a, s, rows[i].level, rows[i].option, &value, &length),
                         known ? ENOPROTOOPT : EOPNOTSUPP);
        }
    }
    /* A name is no shorter than it may be. */
    assert_fails(tern_setsockopt(a, open_stream(a), SOL_SOCKET, SO_BINDTODEVICE, "lo", 2),
                 ENOPROTOOPT);
    /* TCP's are a stream's alone. */
    assert_fails(tern_setsockopt(a, open_datagram(a), IPPROTO_TCP, TCP_NODELAY, &value, 4),
                 ENOPROTOOPT);
}

static void a_value_too_short_or_missing_is_refused(void **state)
{
    (void)state;
    static const struct {
        int level, option;
        socklen_t size;
    } rows[] = {
        {SOL_SOCKET, SO_REUSEADDR, sizeof(int)},
        {SOL_SOCKET, SO_REUSEPORT, sizeof(int)},
        {SOL_SOCKET, SO_BROADCAST, sizeof(int)},
        {SOL_SOCKET, SO_KEEPALIVE, sizeof(int)},
        {SOL_SOCKET, SO_RCVBUF, sizeof(int)},
        {SOL_SOCKET, SO_SNDBUF, sizeof(int)},
        {SOL_SOCKET, SO_RCVLOWAT, sizeof(int)},
        {SOL_SOCKET, SO_BUSY_POLL, sizeof(int)},
        {SOL_SOCKET, SO_LINGER, sizeof(struct linger)},
        {SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval)},
        {SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval)},
    };
    char value[32] = {0};
    socklen_t length = sizeof value;
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            int level = rows[i].level, option = rows[i].option;
            for (socklen_t n = 0; n < rows[i].size; n++)
                assert_fails(tern_setsockopt(a, s, level, option, value, n), EINVAL);
            assert_fails(tern_setsockopt(a, s, level, option, value, (socklen_t)-1), EINVAL);
            assert_fails(tern_setsockopt(a, s, level, option, NULL, rows[i].size), EFAULT);
            assert_fails(tern_getsockopt(a, s, level, option, NULL, &length), EFAULT);
            assert_fails(tern_getsockopt(a, s, level, option, value, NULL), EFAULT);
        }
    }
    value[0] = 1;
    assert_fails(tern_setsockopt(a, open_stream(a), IPPROTO_TCP, TCP_NODELAY, value, 3), EINVAL);
}

/* getsockopt(2): what there is room for, and how much that was. */
static void a_value_is_cut_to_the_room_there_is(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_linger(a, s, 1, 0x01020304);
    struct linger whole = {1, 0x01020304};
    for (socklen_t room = 0; room < 2 * sizeof whole; room++) {
        unsigned char value[2 * sizeof whole];
        socklen_t length = room, got = room < sizeof whole ? room : (socklen_t)sizeof whole;
        memset(value, 0xee, sizeof value);
        assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, SO_LINGER, value, &length), 0);
        assert_int_equal(length, got);
        assert_memory_equal(value, &whole, got);
        for (size_t i = got; i < sizeof value; i++)
            assert_int_equal(value[i], 0xee);
    }
}

static void ip_ttl_and_ip_tos_are_a_stream_s_too(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int s = openers[kind](a), bad = 256;
        unsigned char byte = 9;
        assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TTL), 64);
        set_int(a, s, IPPROTO_IP, IP_TTL, 7);
        assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TTL), 7);
        assert_fails(tern_setsockopt(a, s, IPPROTO_IP, IP_TTL, &bad, sizeof bad), EINVAL);
        assert_int_equal(tern_setsockopt(a, s, IPPROTO_IP, IP_TTL, &byte, 1), 0);
        assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TTL), 9);
        /* All but ECN's bits, which are TCP's. */
        set_int(a, s, IPPROTO_IP, IP_TOS, 0xff);
        assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TOS), 0xfc);
    }
}

static void tcp_has_options_of_its_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int s = openers[kind](a);
        assert_int_equal(get_int(a, s, IPPROTO_TCP, TCP_NODELAY), 0);
        set_int(a, s, IPPROTO_TCP, TCP_NODELAY, 1);
        assert_int_equal(get_int(a, s, IPPROTO_TCP, TCP_NODELAY), 1);
        char name[16];
        socklen_t length = sizeof name;
        assert_int_equal(tern_getsockopt(a, s, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
        assert_true(length > 0 && strlen(name) > 0);
        struct tern_tcp_info info;
        length = sizeof info;
        assert_int_equal(tern_getsockopt(a, s, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
        assert_int_equal(info.tcpi_state, kind == 0 ? TCP_CLOSE : TCP_LISTEN);
    }
}

/* ── fcntl(2), ioctl(2) ── */

static void o_nonblock_goes_on_and_off(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a), on = 1, off = 0;
        assert_int_equal(tern_fcntl(a, s, F_GETFL, 0), O_RDWR);
        assert_int_equal(tern_fcntl(a, s, F_SETFL, O_RDWR | O_NONBLOCK | O_APPEND), 0);
        assert_int_equal(tern_fcntl(a, s, F_GETFL, 0), O_RDWR | O_NONBLOCK);
        assert_int_equal(tern_fcntl(a, s, F_SETFL, 0), 0);
        assert_int_equal(tern_fcntl(a, s, F_GETFL, 0), O_RDWR);
        assert_int_equal(tern_ioctl(a, s, FIONBIO, &on), 0);
        assert_int_equal(tern_fcntl(a, s, F_GETFL, 0), O_RDWR | O_NONBLOCK);
        assert_int_equal(tern_ioctl(a, s, FIONBIO, &off), 0);
        assert_int_equal(tern_fcntl(a, s, F_GETFL, 0), O_RDWR);
        assert_fails(tern_fcntl(a, s, F_DUPFD, 0), EINVAL);
        assert_fails(tern_fcntl(a, s, -1, 0), EINVAL);
        assert_fails(tern_ioctl(a, s, TCGETS, &on), ENOTTY);
        assert_fails(tern_ioctl(a, s, FIONBIO, NULL), EFAULT);
    }
}

static void fd_cloexec_is_kept(void **state)
{
    (void)state;
    int s = tern_socket(a, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(tern_fcntl(a, s, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(tern_fcntl(a, s, F_SETFD, 0), 0);
    assert_int_equal(tern_fcntl(a, s, F_GETFD, 0), 0);
    int epoll = tern_epoll_create1(a, EPOLL_CLOEXEC);
    assert_int_equal(tern_fcntl(a, epoll, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(tern_fcntl(a, tern_epoll_create1(a, 0), F_GETFD, 0), 0);
    assert_int_equal(tern_listen(a, s, 1), 0);
    struct sockaddr_in name = name_of(a, s);
    int client = open_stream(a);
    assert_int_equal(connect_to(a, client, "127.0.0.1", ntohs(name.sin_port)), 0);
    int server = tern_accept4(a, s, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(tern_fcntl(a, server, F_GETFD, 0), FD_CLOEXEC);
}

static int queued(struct tern *t, int s, unsigned long request)
{
    int value = -1;
    assert_int_equal(tern_ioctl(t, s, request, &value), 0);
    return value;
}

static void a_stream_says_what_is_queued(void **state)
{
    (void)state;
    int client, server, value;
    pair_connect(&pair, 7, &client, &server);
    assert_int_equal(queued(a, client, TIOCOUTQ), 0);
    assert_int_equal(queued(b, server, FIONREAD), 0);
    pair.ends[0].cut = true;
    assert_int_equal(tern_send(a, client, "abc", 3, 0), 3);
    assert_int_equal(queued(a, client, TIOCOUTQ), 3);
    pair.ends[0].cut = false;
    assert_int_equal(tern_drain(a, client), 0);
    assert_int_equal(queued(a, client, TIOCOUTQ), 0);
    assert_int_equal(queued(b, server, FIONREAD), 3);
    int listener = listen_at(a, "8", 1);
    assert_fails(tern_ioctl(a, listener, FIONREAD, &value), EINVAL);
    assert_fails(tern_ioctl(a, listener, TIOCOUTQ, &value), EINVAL);
}

static void a_datagram_socket_says_how_long_the_next_one_is(void **state)
{
    (void)state;
    int from = open_datagram(a), to = open_datagram(b);
    assert_int_equal(bind_at(b, to, "0.0.0.0", 1000), 0);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    assert_int_equal(queued(b, to, FIONREAD), 0);
    assert_int_equal(tern_send(a, from, "abc", 3, 0), 3);
    assert_int_equal(tern_send(a, from, "abcdef", 6, 0), 6);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(queued(b, to, FIONREAD), 3);
    assert_int_equal(queued(a, from, TIOCOUTQ), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(unknown_options_are_refused),
        socket_test(a_value_too_short_or_missing_is_refused),
        socket_test(a_value_is_cut_to_the_room_there_is),
        socket_test(ip_ttl_and_ip_tos_are_a_stream_s_too),
        socket_test(tcp_has_options_of_its_own),
        socket_test(o_nonblock_goes_on_and_off),
        socket_test(fd_cloexec_is_kept),
        socket_test(a_stream_says_what_is_queued),
        socket_test(a_datagram_socket_says_how_long_the_next_one_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
