#include "unit/sock/sockets.h"

/* ── socket(2) ── */

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

/* ── bind(2) ── */

static void a_bound_socket_has_its_name(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_address(name_of(a, s), "0.0.0.0", 0);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
        assert_address(name_of(a, s), "10.0.0.1", 1000);
        int wild = openers[i](a);
        assert_int_equal(bind_at(a, wild, "0.0.0.0", 1001), 0);
        assert_address(name_of(a, wild), "0.0.0.0", 1001);
    }
}

static void port_0_is_an_ephemeral_port(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    assert_int_equal(tern_set(a, "ip.port_first", "40000"), 0);
    assert_int_equal(tern_set(a, "ip.port_last", "40001"), 0);
    for (size_t i = 0; i < 2; i++) {
        int ports[2];
        for (int j = 0; j < 2; j++) {
            int s = openers[i](a);
            assert_int_equal(bind_at(a, s, "0.0.0.0", 0), 0);
            ports[j] = ntohs(name_of(a, s).sin_port);
            assert_in_range(ports[j], 40000, 40001);
        }
        assert_int_not_equal(ports[0], ports[1]);
        /* None is left. */
        int s = openers[i](a);
        assert_fails(bind_at(a, s, "0.0.0.0", 0), EADDRINUSE);
    }
}

static void a_socket_is_bound_once(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_int_equal(bind_at(a, s, "0.0.0.0", 1000), 0);
        assert_fails(bind_at(a, s, "0.0.0.0", 1001), EINVAL);
        assert_fails(bind_at(a, s, "0.0.0.0", 1000), EINVAL);
    }
    int listener = listen_at(a, "1002", 1);
    assert_fails(bind_at(a, listener, "0.0.0.0", 1003), EINVAL);
}

static void a_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
        int other = openers[i](a);
        assert_fails(bind_at(a, other, "10.0.0.1", 1000), EADDRINUSE);
        assert_fails(bind_at(a, other, "0.0.0.0", 1000), EADDRINUSE);
        assert_int_equal(bind_at(a, other, "10.0.0.1", 1001), 0);
        assert_int_equal(tern_close(a, s), 0);
        assert_int_equal(bind_at(a, openers[i](a), "10.0.0.1", 1000), 0);
    }
}

static void so_reuseaddr_lets_names_be_shared_when_all_ask(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    static const int options[] = {SO_REUSEADDR, SO_REUSEPORT};
    for (size_t i = 0; i < 4; i++) {
        uint16_t port = (uint16_t)(1000 + i);
        int first = openers[i % 2](a), second = openers[i % 2](a);
        set_int(a, second, SOL_SOCKET, options[i / 2], 1);
        assert_int_equal(bind_at(a, first, "0.0.0.0", port), 0);
        assert_fails(bind_at(a, second, "0.0.0.0", port), EADDRINUSE);
        set_int(a, first, SOL_SOCKET, options[i / 2], 1);
        assert_int_equal(bind_at(a, second, "0.0.0.0", port), 0);
    }
}

static void a_name_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_fails(bind_at(a, s, "10.0.0.2", 1000), EADDRNOTAVAIL);
        assert_fails(bind_at(a, s, "192.0.2.1", 1000), EADDRNOTAVAIL);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
    }
}

static void a_bad_address_is_not_bound_nor_connected_to(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.1", 1000);
    struct sockaddr *address = (struct sockaddr *)&in;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        in.sin_family = AF_INET;
        assert_fails(tern_bind(a, s, address, sizeof in - 1), EINVAL);
        assert_fails(tern_connect(a, s, address, sizeof in - 1), EINVAL);
        assert_fails(tern_bind(a, s, address, 1), EINVAL);
        assert_fails(tern_connect(a, s, address, 0), EINVAL);
        assert_fails(tern_bind(a, s, NULL, sizeof in), EFAULT);
        assert_fails(tern_connect(a, s, NULL, sizeof in), EFAULT);
        in.sin_family = AF_UNIX;
        assert_fails(tern_bind(a, s, address, sizeof in), EAFNOSUPPORT);
        assert_fails(tern_connect(a, s, address, sizeof in), EAFNOSUPPORT);
        in.sin_family = AF_UNSPEC;
        assert_fails(tern_bind(a, s, address, sizeof in), EAFNOSUPPORT);
    }
}

/* ── listen(2), accept(2) ── */

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

/* ── connect(2) ── */

static void a_connection_has_two_names(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    (void)listener;
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&(struct sockaddr_in){0},
                                  &(socklen_t){sizeof(struct sockaddr_in)}),
                 ENOTCONN);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 7);
    struct sockaddr_in ours = name_of(a, s);
    assert_address(ours, "10.0.0.1", ntohs(ours.sin_port));
    assert_in_range(ntohs(ours.sin_port), 32768, 60999);
    assert_fails(tern_getpeername(b, listener, (struct sockaddr *)&ours, &(socklen_t){sizeof ours}),
                 ENOTCONN);
}

static void a_bound_socket_connects_from_its_name(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    assert_int_equal(bind_at(a, s, "0.0.0.0", 1234), 0);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(name_of(a, s), "10.0.0.1", 1234);
    assert_address(peer_of(b, tern_accept(b, listener, NULL, NULL)), "10.0.0.1", 1234);
}

static void a_closed_port_refuses_and_the_socket_may_try_again(void **state)
{
    (void)state;
    int s = open_stream(a);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNREFUSED);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0); /* it has been told */
    listen_at(b, "7", 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
}

static void a_connection_is_made_once(void **state)
{
    (void)state;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    assert_fails(connect_to(a, client, "10.0.0.2", 7), EISCONN);
    assert_fails(connect_to(b, server, "10.0.0.1", 7), EISCONN);
    int listener = listen_at(a, "8", 1);
    assert_fails(connect_to(a, listener, "10.0.0.2", 7), EISCONN);
}

static void a_connection_under_way_says_so(void **state)
{
    (void)state;
    listen_at(b, "7", 1);
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_int_equal(ready(a, s), 0);
    pair.ends[1].cut = true;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EALREADY);
    pair.ends[1].cut = false;
    pair_run(&pair, TIME_S(2));
    assert_int_equal(ready(a, s), POLLOUT);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
    /* The first one to ask afterwards is told of the success, as on Linux. */
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EISCONN);
}

static void a_refusal_under_way_is_told_once(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(10));
    assert_int_equal(ready(a, s) & (POLLERR | POLLHUP | POLLOUT | POLLIN),
                     POLLERR | POLLHUP | POLLOUT | POLLIN);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNREFUSED);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(10));
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNABORTED);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
}

static void connect_waits_for_so_sndtimeo(void **state)
{
    (void)state;
    int s = open_stream(a);
    pair.ends[1].cut = true;
    set_timeout(a, s, SO_SNDTIMEO, TIME_MS(700));
    uint64_t before = pair.now_ns;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_true(pair.now_ns == before + TIME_MS(700));
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EALREADY);
    assert_true(pair.now_ns == before + TIME_MS(1400));
}

static void connect_gives_up_in_time(void **state)
{
    (void)state;
    int s = open_stream(a);
    pair.ends[1].cut = true;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ETIMEDOUT);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
}

static void an_interrupted_connect_goes_on(void **state)
{
    (void)state;
    listen_at(b, "7", 1);
    int s = open_stream(a);
    pair.interrupt_in = 1;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINTR);
    pair_run(&pair, TIME_S(1));
    assert_int_equal(ready(a, s), POLLOUT);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
}

static void who_cannot_be_reached_is_refused(void **state)
{
    (void)state;
    int s = open_stream(a);
    assert_fails(connect_to(a, s, "255.255.255.255", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "10.0.0.255", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "224.0.0.1", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "10.0.0.2", 0), EADDRNOTAVAIL);
}

static void AF_UNSPEC_resets_a_connection_and_the_socket_may_have_another(void **state)
{
    (void)state;
    struct sockaddr_in unspecified = {.sin_family = AF_UNSPEC};
    struct sockaddr *none = (struct sockaddr *)&unspecified;
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    int listener = listen_at(b, "7", 5), s = open_stream(a);
    assert_int_equal(tern_connect(a, s, none, sizeof unspecified), 0); /* nothing to dissolve */
    set_int(a, s, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_int_equal(tern_connect(a, s, none, sizeof unspecified), 0);
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&in, &length), ENOTCONN);
    assert_fails(tern_recv(b, accepted, &in, 1, 0), ECONNRESET);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_int_equal(get_int(a, s, IPPROTO_TCP, TCP_NODELAY), 1); /* options are the socket's */
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
    assert_int_equal(tern_connect(b, listener, none, sizeof unspecified), 0);
    assert_fails(tern_accept(b, listener, NULL, NULL), EINVAL);
}

static int connect_to_nobody(int s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return tern_connect(a, s, &nobody, sizeof nobody);
}

/* POSIX: the peer's address is reset. As on Linux the connection is, too. */
static void a_connection_can_be_dissolved_and_made_anew(void **state)
{
    (void)state;
    char byte;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    set_int(a, client, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(connect_to_nobody(client), 0);
    pair_run(&pair, TIME_MS(1));
    assert_fails(tern_recv(b, server, &byte, 1, 0), ECONNRESET);
    assert_int_equal(get_int(a, client, SOL_SOCKET, SO_ERROR), ECONNRESET);
    assert_int_equal(ready(a, client), POLLOUT | POLLHUP);
    assert_int_equal(get_int(a, client, IPPROTO_TCP, TCP_NODELAY), 1);
    listen_at(b, "8", 1);
    assert_int_equal(connect_to(a, client, "10.0.0.2", 8), 0);
    assert_address(peer_of(a, client), "10.0.0.2", 8);
}

static void a_listener_without_a_peer_is_none_any_more(void **state)
{
    (void)state;
    int listener = listen_at(a, "8", 1);
    assert_int_equal(connect_to_nobody(listener), 0);
    assert_int_equal(get_int(a, listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(name_of(a, listener).sin_port, htons(8));
    assert_int_equal(tern_listen(a, listener, 1), 0);
}

static void shutting_down_calls_a_connect_off(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.99", 7), EINPROGRESS);
    assert_int_equal(tern_shutdown(a, s, SHUT_RD), 0);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNRESET);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
}

static void who_has_a_peer_says_so_whoever_is_asked_for(void **state)
{
    (void)state;
    int client, server;
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    pair_connect(&pair, 7, &client, &server);
    assert_fails(tern_connect(a, client, (const struct sockaddr *)&six, sizeof six), EISCONN);
    assert_fails(tern_connect(a, client, (const struct sockaddr *)&six, 1), EINVAL);
    assert_fails(tern_connect(a, client, NULL, 16), EFAULT);
}

static void without_a_port_left_nothing_connects(void **state)
{
    (void)state;
    listen_at(b, "7", 5);
    assert_int_equal(tern_set(a, "ip.port_first", "40000"), 0);
    assert_int_equal(tern_set(a, "ip.port_last", "40000"), 0);
    assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 7), 0);
    assert_fails(connect_to(a, open_stream(a), "10.0.0.2", 7), EADDRNOTAVAIL);
    /* The same port may go elsewhere. */
    listen_at(b, "8", 5);
    assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 8), 0);
}

static void a_datagram_socket_connects_at_once_and_again(void **state)
{
    (void)state;
    int s = open_datagram(a);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 7);
    struct sockaddr_in ours = name_of(a, s);
    assert_address(ours, "10.0.0.1", ntohs(ours.sin_port));
    assert_int_equal(connect_to(a, s, "10.0.0.2", 8), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 8);
    /* AF_UNSPEC dissolves the association. */
    struct sockaddr_in in = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof in;
    assert_int_equal(tern_connect(a, s, (struct sockaddr *)&in, sizeof in), 0);
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&in, &length), ENOTCONN);
    assert_fails(tern_send(a, s, "x", 1, 0), EDESTADDRREQ);
    assert_fails(connect_to(a, s, "255.255.255.255", 7), EACCES);
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

static void without_a_wait_nothing_blocks(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_fails(tern_accept(b, listener, NULL, NULL), EAGAIN);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_int_equal(tern_accept(b, listener, NULL, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(each_kind_of_socket_opens),
        socket_test(flags_may_be_or_ed_into_the_type),
        socket_test(what_there_is_no_socket_for_is_refused),
        socket_test(as_many_sockets_open_as_the_setting_allows),
        socket_test(no_call_takes_a_number_that_is_not_open),
        socket_test(a_bound_socket_has_its_name),
        socket_test(port_0_is_an_ephemeral_port),
        socket_test(a_socket_is_bound_once),
        socket_test(a_name_that_is_taken_is_refused),
        socket_test(so_reuseaddr_lets_names_be_shared_when_all_ask),
        socket_test(a_name_that_is_not_ours_is_refused),
        socket_test(a_bad_address_is_not_bound_nor_connected_to),
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
        socket_test(a_connection_has_two_names),
        socket_test(a_bound_socket_connects_from_its_name),
        socket_test(a_closed_port_refuses_and_the_socket_may_try_again),
        socket_test(a_connection_is_made_once),
        socket_test(a_connection_under_way_says_so),
        socket_test(a_refusal_under_way_is_told_once),
        socket_test(connect_waits_for_so_sndtimeo),
        socket_test(connect_gives_up_in_time),
        socket_test(an_interrupted_connect_goes_on),
        socket_test(who_cannot_be_reached_is_refused),
        socket_test(AF_UNSPEC_resets_a_connection_and_the_socket_may_have_another),
        socket_test(a_connection_can_be_dissolved_and_made_anew),
        socket_test(a_listener_without_a_peer_is_none_any_more),
        socket_test(shutting_down_calls_a_connect_off),
        socket_test(who_has_a_peer_says_so_whoever_is_asked_for),
        socket_test(without_a_port_left_nothing_connects),
        socket_test(a_datagram_socket_connects_at_once_and_again),
        socket_test(names_need_a_place),
        impatient_socket_test(without_a_wait_nothing_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
