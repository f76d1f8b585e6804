#include "unit/sock/sockets.h"

#include "common/allocation.h"
#include "tcp/units.h"

static void bytes_go_from_ring_to_ring(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    memcpy(spans[0].iov_base, "hello", 5);
    assert_int_equal(tern_send_commit(a, s, 5, 0), 5);
    assert_int_equal(tern_recv_peek(b, server, spans), 5); /* waits for it */
    assert_memory_equal(spans[0].iov_base, "hello", 5);
    assert_int_equal(tern_recv_consume(b, server, 2), 0);
    char rest[8];
    assert_int_equal(tern_recv(b, server, rest, sizeof rest, 0), 3);
    assert_memory_equal(rest, "llo", 3);
    assert_int_equal(tern_shutdown(a, s, SHUT_WR), 0);
    assert_int_equal(tern_recv_peek(b, server, spans), 0);
    assert_int_equal(tern_recv_consume(b, server, 0), 0);
}

static void a_megabyte_passes_through_small_buffers(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    set_int(a, s, SOL_SOCKET, SO_SNDBUF, 20000);
    set_nonblocking(b, server);
    uint32_t sent = 0, received = 0;
    const uint32_t all = 1 << 20;
    while (received < all) {
        struct iovec spans[2];
        if (sent < all) {
            ssize_t n = tern_send_reserve(a, s, all - sent, spans);
            assert_true(n > 0);
            for (int i = 0; i < 2; i++)
                for (size_t k = 0; k < spans[i].iov_len; k++)
                    ((uint8_t *)spans[i].iov_base)[k] = (uint8_t)(sent++ % 251);
            assert_int_equal(tern_send_commit(a, s, (size_t)n, 0), n);
        }
        pair_run(&pair, TIME_MS(1));
        ssize_t n = tern_recv_peek(b, server, spans);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            continue;
        }
        for (int i = 0; i < 2; i++)
            for (size_t k = 0; k < spans[i].iov_len; k++)
                assert_int_equal(((uint8_t *)spans[i].iov_base)[k], received++ % 251);
        assert_int_equal(tern_recv_consume(b, server, (size_t)n), 0);
    }
    assert_int_equal(sent, all);
}

static void a_reservation_waits_for_room(void **state)
{
    (void)state;
    static char bytes[400000];
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    set_int(a, s, SOL_SOCKET, SO_SNDBUF, 10000);
    assert_true(tern_send(a, s, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
    pair_run(&pair, TIME_S(1)); /* until the peer's window is shut */
    while (tern_send(a, s, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        pair_run(&pair, TIME_MS(10));
    set_timeout(a, s, SO_SNDTIMEO, TIME_MS(50));
    uint64_t before = pair.now_ns;
    assert_fails(tern_send_reserve(a, s, 100, spans), EAGAIN);
    assert_true(pair.now_ns - before >= TIME_MS(50));
    set_nonblocking(a, s);
    assert_fails(tern_send_reserve(a, s, 100, spans), EAGAIN);
}

static void a_socket_with_reserved_room_takes_nothing_else(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    assert_fails(tern_send(a, s, "x", 1, 0), EBUSY);
    assert_fails(tern_send_reserve(a, s, 5, spans), EBUSY);
    assert_fails(tern_sendfile(a, s, 0, NULL, 5), EBUSY);
    assert_false(ready(a, s) & POLLOUT);
    assert_int_equal(tern_send_commit(a, s, 0, 0), 0);
    assert_true(ready(a, s) & POLLOUT);
    assert_int_equal(tern_send(a, s, "x", 1, 0), 1);
}

static void close_ends_what_is_reserved_and_shown(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    assert_int_equal(tern_send(b, server, "abc", 3, 0), 3);
    assert_int_equal(tern_recv_peek(a, s, spans), 3);
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    assert_int_equal(tern_close(a, s), 0);
    assert_fails(tern_send_commit(a, s, 5, 0), EBADF);
    assert_fails(tern_recv_consume(a, s, 1), EBADF);
    /* The rest of what was shown was not read: the peer is reset. */
    pair_run(&pair, TIME_MS(100));
    assert_fails(tern_send(b, server, "x", 1, 0), ECONNRESET);
}

static void a_reset_is_told_when_room_is_committed(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(100));
    memcpy(spans[0].iov_base, "still", 5);
    assert_fails(tern_send_commit(a, s, 5, 0), ECONNRESET);
    assert_fails(tern_send_commit(a, s, 5, 0), EINVAL);
    assert_fails(tern_send_reserve(a, s, 5, spans), EPIPE);
}

static void a_commit_that_fails_ends_the_reservation_but_for_mistakes(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    char byte;
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    memcpy(spans[0].iov_base, "hello", 5);
    assert_fails(tern_send_commit(a, s, 6, 0), EINVAL);
    assert_fails(tern_send_commit(a, s, 5, MSG_OOB), EOPNOTSUPP);
    assert_fails(tern_send(a, s, "x", 1, 0), EBUSY); /* it stands */
    assert_int_equal(tern_shutdown(a, s, SHUT_WR), 0);
    assert_fails(tern_send_commit(a, s, 5, 0), EPIPE);
    assert_fails(tern_send_commit(a, s, 5, 0), EINVAL); /* nothing reserved */
    assert_fails(tern_send(a, s, "x", 1, 0), EPIPE);
    assert_int_equal(tern_recv(b, server, &byte, 1, 0), 0); /* nothing of it was sent */
}

enum { WINDOW = 10 }; /* segments, when a connection begins */

static void a_commit_without_memory_sends_nothing(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    char byte;
    set_int(a, s, IPPROTO_TCP, TCP_NODELAY, 1);
    for (int i = 0; i < WINDOW + SEND_UNITS_FEW; i++)
        assert_int_equal(tern_send(a, s, "-", 1, MSG_EOR), 1); /* of borders there is a store */
    assert_int_equal(tern_send_reserve(a, s, 5, spans), 5);
    allocations_fail_after(0);
    assert_fails(tern_send_commit(a, s, 5, 0), ENOBUFS);
    allocations_succeed();
    assert_fails(tern_send_commit(a, s, 5, 0), EINVAL);
    assert_int_equal(tern_send_reserve(a, s, 1, spans), 1);
    memcpy(spans[0].iov_base, "x", 1);
    assert_int_equal(tern_send_commit(a, s, 1, 0), 1);
    for (int i = 0; i < WINDOW + SEND_UNITS_FEW; i++)
        assert_int_equal(tern_recv(b, server, &byte, 1, 0), 1);
    assert_int_equal(tern_recv(b, server, &byte, 1, 0), 1);
    assert_int_equal(byte, 'x');
}

/* The room is its user's until they say that they are done with it, whatever the socket has become;
 * ASan sees that none of it is lost. */
static void room_outlives_a_connection_that_is_dissolved(void **state)
{
    (void)state;
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int server, s = connected_stream(&server);
    struct iovec spans[2], others[2];
    assert_int_equal(tern_send_reserve(a, s, 5000, spans), 5000);
    assert_int_equal(tern_connect(a, s, &nobody, sizeof nobody), 0);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 80), 0);
    assert_fails(tern_send_reserve(a, s, 5, others), EBUSY);
    assert_fails(tern_send(a, s, "x", 1, 0), EBUSY);
    memset(spans[0].iov_base, 'x', spans[0].iov_len);
    assert_fails(tern_send_commit(a, s, 5000, 0), EPIPE);
    assert_int_equal(tern_send_reserve(a, s, 5, others), 5);
    assert_int_equal(tern_send_commit(a, s, 0, 0), 0);
    /* And closing gives it back as well. */
    assert_int_equal(tern_send_reserve(a, s, 5000, spans), 5000);
    assert_int_equal(tern_connect(a, s, &nobody, sizeof nobody), 0);
    assert_int_equal(tern_close(a, s), 0);
}

/* Asking again, for whatever reason the engine's `wait` has returned, does not keep a connection
 * awake that rests: it would have to be put to rest again at once, and no time would pass. */
static void a_peek_at_a_connection_that_rests_waits(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    struct iovec spans[2];
    set_timeout(a, s, SO_RCVTIMEO, TIME_S(10));
    assert_fails(tern_recv_peek(a, s, spans), EAGAIN);
    assert_int_equal(tern_shutdown(b, server, SHUT_WR), 0);
    pair_run(&pair, TIME_S(10));
    spans[0].iov_len = 1;
    assert_int_equal(tern_recv_peek(a, s, spans), 0);
    assert_int_equal(spans[0].iov_len + spans[1].iov_len, 0);
}

static void misuse_is_said(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), datagram = open_datagram(a);
    int listener = listen_at(a, ":90", 1), closed = open_stream(a);
    struct iovec spans[2];
    assert_fails(tern_send_reserve(a, datagram, 1, spans), EOPNOTSUPP);
    assert_fails(tern_send_commit(a, datagram, 1, 0), EOPNOTSUPP);
    assert_fails(tern_recv_peek(a, datagram, spans), EOPNOTSUPP);
    assert_fails(tern_recv_consume(a, datagram, 0), EOPNOTSUPP);
    assert_fails(tern_send_reserve(a, listener, 1, spans), EPIPE);
    assert_fails(tern_recv_peek(a, listener, spans), ENOTCONN);
    assert_fails(tern_send_reserve(a, closed, 1, spans), EPIPE);
    assert_fails(tern_recv_peek(a, closed, spans), ENOTCONN);
    assert_fails(tern_send_reserve(a, s, 0, spans), EINVAL);
    assert_fails(tern_send_reserve(a, s, 1, NULL), EFAULT);
    assert_fails(tern_recv_peek(a, s, NULL), EFAULT);
    assert_fails(tern_send_commit(a, s, 0, 0), EINVAL);
    assert_fails(tern_recv_consume(a, s, 1), EINVAL);
    assert_int_equal(tern_send_reserve(a, s, 1, spans), 1);
    assert_fails(tern_send_commit(a, s, 2, 0), EINVAL);
    assert_fails(tern_send_commit(a, s, 1, MSG_OOB), EOPNOTSUPP);
    assert_int_equal(tern_send_commit(a, s, 1, MSG_MORE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(bytes_go_from_ring_to_ring),
        socket_test(a_megabyte_passes_through_small_buffers),
        socket_test(a_reservation_waits_for_room),
        socket_test(a_socket_with_reserved_room_takes_nothing_else),
        socket_test(close_ends_what_is_reserved_and_shown),
        socket_test(a_reset_is_told_when_room_is_committed),
        socket_test(a_commit_that_fails_ends_the_reservation_but_for_mistakes),
        socket_test(a_commit_without_memory_sends_nothing),
        socket_test(room_outlives_a_connection_that_is_dissolved),
        socket_test(a_peek_at_a_connection_that_rests_waits),
        socket_test(misuse_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
