#include "unit/sock/sockets.h"

static void a_reset_before_connect_asks_is_its_error(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_close(b, listener), 0);
    pair_run(&pair, TIME_MS(1));
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNRESET);
}

/* RFC 9293 §3.5, figure 7. */
static void two_that_connect_to_each_other_are_connected(void **state)
{
    (void)state;
    char byte = 0;
    int x = open_stream(a), y = open_stream(b);
    set_nonblocking(a, x);
    set_nonblocking(b, y);
    assert_int_equal(bind_at(a, x, "0.0.0.0", 1000), 0);
    assert_int_equal(bind_at(b, y, "0.0.0.0", 1001), 0);
    assert_fails(connect_to(a, x, "10.0.0.2", 1001), EINPROGRESS);
    assert_fails(connect_to(b, y, "10.0.0.1", 1000), EINPROGRESS);
    pair_run(&pair, TIME_S(1));
    assert_int_equal(connect_to(a, x, "10.0.0.2", 1001), 0);
    assert_int_equal(connect_to(b, y, "10.0.0.1", 1000), 0);
    assert_int_equal(tern_send(a, x, "x", 1, 0), 1);
    pair_run(&pair, TIME_S(1));
    assert_int_equal(tern_recv(b, y, &byte, 1, 0), 1);
    assert_int_equal(byte, 'x');
}

/* RFC 7413: the first connection fetches a cookie, the second one's SYN carries text. */
static void msg_fastopen_opens_and_sends_at_once(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 5);
    struct sockaddr_in in = at("10.0.0.2", 7);
    struct sockaddr *to = (struct sockaddr *)&in;
    set_int(b, listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
    for (int i = 0; i < 2; i++) {
        char bytes[5];
        int s = open_stream(a);
        assert_int_equal(tern_sendto(a, s, "hello", 5, MSG_FASTOPEN | (i == 1 ? MSG_DONTWAIT : 0),
                                     to, sizeof in),
                         5);
        if (i == 1)
            assert_false(ready(a, s) & POLLOUT); /* nothing has come back yet */
        int accepted = tern_accept(b, listener, NULL, NULL);
        assert_int_equal(tern_read_full(b, accepted, bytes, 5), 5);
        assert_memory_equal(bytes, "hello", 5);
        assert_int_equal(tern_drain(a, s), 0);
        if (i == 1) /* the call that learns that it is open now */
            assert_int_equal(tern_sendto(a, s, "x", 1, MSG_FASTOPEN, to, sizeof in), 1);
        assert_fails(tern_sendto(a, s, "x", 1, MSG_FASTOPEN, to, sizeof in), EISCONN);
    }
}

static void msg_fastopen_without_a_cookie_is_under_way(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.2", 7);
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(tern_sendto(a, s, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&in, sizeof in),
                 EINPROGRESS);
    pair_run(&pair, TIME_MS(1));
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNREFUSED);
}

static void msg_fastopen_needs_somewhere_to_go(void **state)
{
    (void)state;
    int s = open_stream(a);
    struct sockaddr_in in = at("10.0.0.2", 7);
    assert_fails(tern_send(a, s, "x", 1, MSG_FASTOPEN), EINVAL);
    assert_int_equal(tern_set(a, "tcp.fastopen", "2"), 0);
    assert_fails(tern_sendto(a, s, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&in, sizeof in),
                 EOPNOTSUPP);
}

static void with_tcp_fastopen_connect_the_first_write_opens(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 5);
    set_int(b, listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
    for (int i = 0; i < 2; i++) {
        char bytes[5];
        int s = open_stream(a);
        set_int(a, s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
        uint64_t before = pair.ends[0].packets_out;
        assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
        if (i == 1)
            assert_true(pair.ends[0].packets_out == before);
        assert_fails(connect_to(a, s, "10.0.0.2", 7), EISCONN);
        assert_int_equal(tern_send(a, s, "hello", 5, 0), 5);
        int accepted = tern_accept(b, listener, NULL, NULL);
        assert_int_equal(tern_read_full(b, accepted, bytes, 5), 5);
        assert_memory_equal(bytes, "hello", 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_reset_before_connect_asks_is_its_error),
        socket_test(two_that_connect_to_each_other_are_connected),
        socket_test(msg_fastopen_opens_and_sends_at_once),
        socket_test(msg_fastopen_without_a_cookie_is_under_way),
        socket_test(msg_fastopen_needs_somewhere_to_go),
        socket_test(with_tcp_fastopen_connect_the_first_write_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
