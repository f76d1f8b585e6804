/* sock/open.c: listen(2) and accept(2). */
#include "unit/sock/sockets.h"

static void a_listener_accepts_in_order(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 5);
    assert_int_equal(get_int(b, listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_address(name_of(b, listener), "0.0.0.0", 7);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = tern_dial(a, "10.0.0.2:7");
        assert_true(clients[i] >= 0);
    }
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in in = {0}, expected = name_of(a, clients[i]);
        socklen_t length = sizeof in;
        int s = tern_accept(b, listener, (struct sockaddr *)&in, &length);
        assert_int_equal(s, listener + 1 + i);
        assert_int_equal(length, sizeof in);
        assert_memory_equal(&in, &expected, sizeof in);
        assert_address(name_of(b, s), "10.0.0.2", 7);
        struct sockaddr_in peer = peer_of(b, s);
        assert_memory_equal(&peer, &expected, sizeof in);
        assert_int_equal(get_int(b, s, SOL_SOCKET, SO_ACCEPTCONN), 0);
    }
}

static void who_cannot_listen_is_told(void **state)
{
    (void)state;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    assert_fails(tern_listen(a, client, 1), EINVAL);
    assert_fails(tern_listen(b, server, 1), EINVAL);
    assert_fails(tern_listen(a, open_datagram(a), 1), EOPNOTSUPP);
    assert_fails(tern_listen(a, tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP), 1), EOPNOTSUPP);
}

static void a_port_has_one_listener(void **state)
{
    (void)state;
    int first = open_stream(a), second = open_stream(a);
    set_int(a, first, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(a, second, SOL_SOCKET, SO_REUSEADDR, 1);
    assert_int_equal(bind_at(a, first, "0.0.0.0", 7), 0);
    assert_int_equal(bind_at(a, second, "0.0.0.0", 7), 0);
    assert_int_equal(tern_listen(a, first, 1), 0);
    assert_fails(tern_listen(a, second, 1), EADDRINUSE);
    assert_fails(bind_at(a, open_stream(a), "0.0.0.0", 7), EADDRINUSE);
    assert_int_equal(tern_close(a, first), 0);
    assert_int_equal(tern_listen(a, second, 1), 0);
}

static void listening_without_a_name_takes_an_ephemeral_port(void **state)
{
    (void)state;
    int listener = open_stream(b);
    assert_int_equal(tern_listen(b, listener, 1), 0);
    uint16_t port = ntohs(name_of(b, listener).sin_port);
    assert_in_range(port, 32768, 60999);
    assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", port), 0);
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
}

/* A backlog of n keeps n + 1, as on Linux; whoever comes later waits outside, where no cookies are
 * given out. */
static void the_backlog_bounds_who_waits(void **state)
{
    (void)state;
    static const int backlogs[] = {1, 0, -5, 3};
    assert_int_equal(tern_set(b, "tcp.syncookies", "0"), 0);
    for (size_t i = 0; i < 4; i++) {
        int listener = listen_at(b, "7", backlogs[i]);
        int kept = backlogs[i] < 1 ? 2 : backlogs[i] + 1, clients[8];
        for (int j = 0; j < 8; j++) {
            clients[j] = open_stream(a);
            set_nonblocking(a, clients[j]);
            assert_fails(connect_to(a, clients[j], "10.0.0.2", 7), EINPROGRESS);
        }
        pair_run(&pair, TIME_MS(10));
        set_nonblocking(b, listener);
        for (int j = 0; j < kept; j++)
            assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
        assert_fails(tern_accept(b, listener, NULL, NULL), EAGAIN);
        /* There is room again, and their SYNs come again. */
        assert_int_equal(tern_listen(b, listener, 10), 0);
        pair_run(&pair, TIME_S(10));
        for (int j = kept; j < 8; j++)
            assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
        for (int j = 0; j < 8; j++)
            assert_int_equal(tern_close(a, clients[j]), 0);
        assert_int_equal(tern_close(b, listener), 0);
    }
}

static void who_cannot_accept_is_told(void **state)
{
    (void)state;
    int client, server;
    assert_fails(tern_accept(a, open_stream(a), NULL, NULL), EINVAL);
    assert_fails(tern_accept(a, open_datagram(a), NULL, NULL), EOPNOTSUPP);
    pair_connect(&pair, 7, &client, &server);
    assert_fails(tern_accept(a, client, NULL, NULL), EINVAL);
}

static void bad_arguments_of_accept_leave_the_connection(void **state)
{
    (void)state;
    struct sockaddr_in in;
    int listener = listen_at(b, "7", 1);
    assert_true(tern_dial(a, "10.0.0.2:7") >= 0);
    assert_fails(tern_accept4(b, listener, NULL, NULL, 1), EINVAL);
    assert_fails(tern_accept(b, listener, (struct sockaddr *)&in, NULL), EFAULT);
    assert_true(tern_accept4(b, listener, NULL, NULL, SOCK_CLOEXEC) >= 0);
}

static void accept_says_emfile_and_leaves_the_connection(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1);
    assert_true(tern_dial(a, "10.0.0.2:7") >= 0);
    assert_int_equal(tern_set(b, "socket.descriptors", "1"), 0);
    assert_fails(tern_accept(b, listener, NULL, NULL), EMFILE);
    assert_int_equal(tern_set(b, "socket.descriptors", "2"), 0);
    assert_int_equal(tern_accept(b, listener, NULL, NULL), 1);
}

static void accept_does_not_wait_when_told_not_to(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1);
    set_nonblocking(b, listener);
    uint64_t before = pair.now_ns;
    assert_fails(tern_accept(b, listener, NULL, NULL), EAGAIN);
    assert_true(pair.now_ns == before);
}

static void accept_waits_for_so_rcvtimeo(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1);
    set_timeout(b, listener, SO_RCVTIMEO, TIME_MS(250));
    uint64_t before = pair.now_ns;
    assert_fails(tern_accept(b, listener, NULL, NULL), EAGAIN);
    assert_true(pair.now_ns == before + TIME_MS(250));
}

static void dial_once(struct pair *p)
{
    p->meanwhile = NULL;
    assert_fails(
        tern_connect(p->ends[0].t, *(int *)p->user,
                     (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET,
                                                              .sin_port = htons(7),
                                                              .sin_addr.s_addr = htonl(0x0a000002)},
                     sizeof(struct sockaddr_in)),
        EINPROGRESS);
}

static void accept_waits_for_a_connection(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), client = open_stream(a);
    set_nonblocking(a, client);
    pair.meanwhile = dial_once;
    pair.user = &client;
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
}

static void an_accepted_socket_has_its_listener_s_options(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1);
    set_timeout(b, listener, SO_SNDTIMEO, TIME_MS(1500));
    set_int(b, listener, SOL_SOCKET, SO_RCVLOWAT, 10);
    set_int(b, listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(b, listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set_linger(b, listener, 1, 7);
    set_nonblocking(b, listener);
    assert_true(tern_dial(a, "10.0.0.2:7") >= 0);
    int s = tern_accept(b, listener, NULL, NULL);
    assert_int_equal(get_int(b, s, SOL_SOCKET, SO_RCVLOWAT), 10);
    assert_int_equal(get_int(b, s, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(get_int(b, s, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(get_int(b, s, IPPROTO_TCP, TCP_NODELAY), 1);
    struct timeval time;
    socklen_t length = sizeof time;
    assert_int_equal(tern_getsockopt(b, s, SOL_SOCKET, SO_SNDTIMEO, &time, &length), 0);
    assert_true(time.tv_sec == 1 && time.tv_usec == 500000);
    struct linger linger;
    length = sizeof linger;
    assert_int_equal(tern_getsockopt(b, s, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    assert_true(linger.l_onoff == 1 && linger.l_linger == 7);
    /* As on Linux, all but O_NONBLOCK; accept4() says that. */
    assert_int_equal(tern_fcntl(b, s, F_GETFL, 0), O_RDWR);
    assert_true(tern_dial(a, "10.0.0.2:7") >= 0);
    s = tern_accept4(b, listener, NULL, NULL, SOCK_NONBLOCK);
    assert_int_equal(tern_fcntl(b, s, F_GETFL, 0), O_RDWR | O_NONBLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_listener_accepts_in_order),
        socket_test(who_cannot_listen_is_told),
        socket_test(a_port_has_one_listener),
        socket_test(listening_without_a_name_takes_an_ephemeral_port),
        socket_test(the_backlog_bounds_who_waits),
        socket_test(who_cannot_accept_is_told),
        socket_test(bad_arguments_of_accept_leave_the_connection),
        socket_test(accept_says_emfile_and_leaves_the_connection),
        socket_test(accept_does_not_wait_when_told_not_to),
        socket_test(accept_waits_for_so_rcvtimeo),
        socket_test(accept_waits_for_a_connection),
        socket_test(an_accepted_socket_has_its_listener_s_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
