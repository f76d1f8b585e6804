#include "unit/sock/connected.h"

#include <stdio.h>

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

/* ── Beginning anew while calls wait ── */

static char text[1 << 20];

static int dissolve(struct tern *t, int s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return tern_connect(t, s, &nobody, sizeof nobody);
}

/* What another thread may do while a call waits for `client`. */
static void connect_it_anew(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(dissolve(a, client), 0);
    set_nonblocking(a, client);
    assert_fails(connect_to(a, client, "10.0.0.2", 99), EINPROGRESS);
}

static void dissolve_it(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(dissolve(a, client), 0);
}

static void shut_it(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_shutdown(a, client, SHUT_RDWR), 0);
}

/* What was sent to who listens at b's port 99: bytes. */
static size_t arrived(int listener)
{
    static char sink[sizeof text];
    pair_run(&pair, TIME_S(1));
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_true(accepted >= 0);
    ssize_t n = tern_recv(b, accepted, sink, sizeof sink, MSG_DONTWAIT);
    return n < 0 ? 0 : (size_t)n;
}

static void text_for_the_connection_of_before_goes_to_no_other(void **state)
{
    (void)state;
    int listener = listen_at(b, ":99", 1);
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 10000);
    pair.meanwhile = connect_it_anew;
    ssize_t sent = tern_send(a, client, text, sizeof text, 0);
    assert_true(sent > 0 && (size_t)sent < sizeof text);
    assert_int_equal(arrived(listener), 0);
}

static void nor_does_a_file(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    off_t offset = 0;
    int listener = listen_at(b, ":99", 1);
    assert_int_equal(fwrite(text, 1, sizeof text, file), sizeof text);
    assert_int_equal(fflush(file), 0);
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 10000);
    pair.meanwhile = connect_it_anew;
    ssize_t sent = tern_sendfile(a, client, fileno(file), &offset, sizeof text);
    assert_true(sent > 0 && (size_t)sent < sizeof text);
    assert_int_equal(offset, sent);
    assert_int_equal(arrived(listener), 0);
    fclose(file);
}

static void who_waits_for_text_of_the_connection_of_before_is_told(void **state)
{
    (void)state;
    char bytes[10];
    struct iovec spans[2];
    void (*const meanwhile[])(struct pair *) = {dissolve_it, connect_it_anew};
    listen_at(b, ":99", 5);
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            pair_connect(&pair, (uint16_t)(100 + i), &client, &server);
        pair.meanwhile = meanwhile[i % 2];
        if (i < 2)
            assert_fails(tern_recv(a, client, bytes, sizeof bytes, 0), EPIPE);
        else
            assert_fails(tern_recv_peek(a, client, spans), EPIPE);
    }
}

/* Its part of the bytes is what it is given, and nothing of what follows on another connection. */
static void a_part_that_was_received_counts(void **state)
{
    (void)state;
    char bytes[10];
    assert_int_equal(tern_send(b, server, "abc", 3, 0), 3);
    pair.meanwhile = connect_it_anew;
    assert_int_equal(tern_recv(a, client, bytes, sizeof bytes, MSG_WAITALL), 3);
    assert_memory_equal(bytes, "abc", 3);
}

static void who_waits_for_an_acknowledgment_is_told(void **state)
{
    (void)state;
    pair.ends[1].cut = true;
    assert_int_equal(tern_send(a, client, "abc", 3, 0), 3);
    pair.meanwhile = dissolve_it;
    assert_fails(tern_drain(a, client), EPIPE);
    pair.ends[1].cut = false;
}

/* It is not the waiting call that tries again. */
static void a_connect_that_waits_ends_when_its_attempt_does(void **state)
{
    (void)state;
    pair.ends[1].cut = true;
    client = open_stream(a);
    pair.meanwhile = dissolve_it;
    assert_fails(connect_to(a, client, "10.0.0.2", 7), EPIPE);
    pair.meanwhile = connect_it_anew;
    assert_fails(connect_to(a, client, "10.0.0.2", 7), EPIPE);
    assert_int_equal(dissolve(a, client), 0);
    assert_int_equal(tern_fcntl(a, client, F_SETFL, 0), 0);
    pair.meanwhile = shut_it;
    assert_fails(connect_to(a, client, "10.0.0.2", 7), ECONNRESET);
    pair.ends[1].cut = false;
}

/* A state and not an event: what it waits for may be told of the next connection as well. */
static void a_poll_goes_on(void **state)
{
    (void)state;
    struct pollfd fd = {.fd = client, .events = POLLOUT};
    listen_at(b, ":99", 1);
    while (tern_send(a, client, text, sizeof text, MSG_DONTWAIT) > 0)
        pair_run(&pair, TIME_MS(100));
    pair.meanwhile = connect_it_anew;
    assert_int_equal(tern_poll(a, &fd, 1, 10000), 1);
    assert_int_equal(fd.revents, POLLOUT);
    assert_int_equal(peer_of(a, client).sin_port, htons(99));
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
        connected_test(text_for_the_connection_of_before_goes_to_no_other),
        connected_test(nor_does_a_file),
        connected_test(who_waits_for_text_of_the_connection_of_before_is_told),
        connected_test(a_part_that_was_received_counts),
        connected_test(who_waits_for_an_acknowledgment_is_told),
        connected_test(a_connect_that_waits_ends_when_its_attempt_does),
        connected_test(a_poll_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
