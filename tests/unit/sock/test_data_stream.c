/* sock/data_send.c, data_receive.c: streams. */
#include "data_fixture.h"

static void bytes_go_both_ways_by_every_call(void **state)
{
    (void)state;
    struct iovec out[] = {{(char[]){"ab"}, 2}, {NULL, 0}, {(char[]){"cde"}, 3}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
    assert_int_equal(tern_send(a, client, "send", 4, 0), 4);
    assert_receives(b, server, "send");
    assert_int_equal(tern_write(b, server, "write", 5), 5);
    assert_receives(a, client, "write");
    assert_int_equal(tern_writev(a, client, out, 3), 5);
    assert_receives(b, server, "abcde");
    assert_int_equal(tern_sendmsg(b, server, &message, MSG_NOSIGNAL), 5);
    assert_receives(a, client, "abcde");
    /* An address is passed over: a connection has its peer. */
    assert_int_equal(send_to(a, client, "sendto", "192.0.2.1", 9), 6);

    char x[3], y[10];
    struct iovec in[] = {{x, 3}, {y, 10}};
    assert_int_equal(tern_readv(b, server, in, 2), 6);
    assert_memory_equal(x, "sen", 3);
    assert_memory_equal(y, "dto", 3);
    assert_int_equal(tern_send(a, client, "again", 5, 0), 5);
    struct sockaddr_in from;
    struct msghdr got = {.msg_iov = in,
                         .msg_iovlen = 2,
                         .msg_name = &from,
                         .msg_namelen = sizeof from,
                         .msg_control = y,
                         .msg_controllen = sizeof y,
                         .msg_flags = -1};
    assert_int_equal(tern_recvmsg(b, server, &got, 0), 5);
    assert_memory_equal(y, "in", 2);
    assert_int_equal(got.msg_namelen, 0);
    assert_int_equal(got.msg_controllen, 0);
    assert_int_equal(got.msg_flags, 0);
    assert_int_equal(tern_send(a, client, "last", 4, 0), 4);
    socklen_t length = sizeof from;
    assert_int_equal(tern_recvfrom(b, server, y, 10, 0, (struct sockaddr *)&from, &length), 4);
    assert_int_equal(length, 0);
}

struct reading {
    char *bytes;
    size_t done, length;
};

static void read_a_little(struct pair *p)
{
    struct reading *r = p->user;
    ssize_t n = tern_recv(p->ends[1].t, server, r->bytes + r->done, 30000, MSG_DONTWAIT);
    if (n < 0)
        assert_int_equal(errno, EAGAIN);
    else
        r->done += (size_t)n;
}

/* More than both buffers hold, in spans that end anywhere. */
static void a_blocking_send_takes_everything(void **state)
{
    (void)state;
    enum { LENGTH = 40000000 };
    static const size_t cuts[] = {1, 2000000, 2000001, 9000000, 30000000, LENGTH};
    char *bytes = pattern(LENGTH);
    struct reading reading = {malloc(LENGTH + 30000), 0, LENGTH};
    struct iovec spans[6];
    for (size_t i = 0, from = 0; i < 6; from = cuts[i++])
        spans[i] = (struct iovec){bytes + from, cuts[i] - from};
    pair.meanwhile = read_a_little;
    pair.user = &reading;
    assert_int_equal(tern_writev(a, client, spans, 6), LENGTH);
    assert_true(reading.done > 0 && reading.done < LENGTH);
    pair.meanwhile = NULL;
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    ssize_t n;
    while ((n = tern_recv(b, server, reading.bytes + reading.done, 30000, 0)) > 0)
        reading.done += (size_t)n;
    assert_int_equal(n, 0);
    assert_int_equal(reading.done, LENGTH);
    assert_memory_equal(reading.bytes, bytes, LENGTH);
    free(bytes);
    free(reading.bytes);
}

static size_t fill(struct tern *t, int s, const char *bytes, size_t length)
{
    size_t done = 0;
    ssize_t n;
    while ((n = tern_send(t, s, bytes, length, MSG_DONTWAIT)) > 0) {
        done += (size_t)n;
        pair_run(&pair, TIME_MS(100));
    }
    assert_int_equal(n, -1);
    assert_int_equal(errno, EAGAIN);
    return done;
}

static void a_send_that_may_not_wait_takes_what_fits(void **state)
{
    (void)state;
    enum { LENGTH = 50000000 };
    char *bytes = pattern(LENGTH);
    size_t done = fill(a, client, bytes, LENGTH);
    assert_true(done > 0 && done < LENGTH);
    assert_false(ready(a, client) & POLLOUT);
    set_nonblocking(a, client);
    assert_fails(tern_send(a, client, "x", 1, 0), EAGAIN);
    assert_fails(tern_write_all(a, client, "x", 1), EAGAIN);
    free(bytes);
}

static void a_send_waits_for_so_sndtimeo(void **state)
{
    (void)state;
    enum { LENGTH = 50000000 };
    char *bytes = pattern(LENGTH);
    set_timeout(a, client, SO_SNDTIMEO, TIME_S(2));
    uint64_t before = pair.now_ns;
    /* What it has taken counts for more than the time that is over. */
    ssize_t n = tern_send(a, client, bytes, LENGTH, 0);
    assert_true(n > 0 && n < LENGTH);
    assert_true(pair.now_ns == before + TIME_S(2));
    assert_fails(tern_send(a, client, bytes, 1, 0), EAGAIN);
    assert_true(pair.now_ns == before + TIME_S(4));
    free(bytes);
}

static void an_interrupted_call_says_how_far_it_got(void **state)
{
    (void)state;
    enum { LENGTH = 50000000 };
    char *bytes = pattern(LENGTH), byte;
    pair.interrupt_in = 3;
    ssize_t n = tern_send(a, client, bytes, LENGTH, 0);
    assert_true(n > 0 && n < LENGTH);
    fill(a, client, bytes, LENGTH);
    pair.interrupt_in = 1;
    assert_fails(tern_send(a, client, bytes, LENGTH, 0), EINTR);
    pair.interrupt_in = 1;
    assert_fails(tern_recv(a, client, &byte, 1, 0), EINTR);
    assert_int_equal(tern_send(b, server, "ab", 2, 0), 2);
    pair_run(&pair, TIME_MS(1));
    char four[4];
    pair.interrupt_in = 1;
    assert_int_equal(tern_recv(a, client, four, 4, MSG_WAITALL), 2);
    free(bytes);
}

static void nothing_to_send_or_receive_is_0(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(tern_send(a, client, NULL, 0, 0), 0);
    assert_int_equal(tern_writev(a, client, NULL, 0), 0);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_recv(b, server, &byte, 0, 0), 0);
    assert_int_equal(tern_recv(b, server, &byte, 1, 0), 1);
}

static void a_recv_that_may_not_wait_says_eagain(void **state)
{
    (void)state;
    char byte;
    uint64_t before = pair.now_ns;
    assert_fails(tern_recv(a, client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    set_nonblocking(a, client);
    assert_fails(tern_recv(a, client, &byte, 1, 0), EAGAIN);
    assert_fails(tern_read(a, client, &byte, 1), EAGAIN);
    assert_true(pair.now_ns == before);
}

static void a_recv_waits_for_so_rcvtimeo(void **state)
{
    (void)state;
    char bytes[4];
    uint64_t before = pair.now_ns;
    set_timeout(a, client, SO_RCVTIMEO, TIME_MS(30));
    assert_fails(tern_recv(a, client, bytes, 1, 0), EAGAIN);
    assert_true(pair.now_ns == before + TIME_MS(30));
    assert_int_equal(tern_send(b, server, "ab", 2, 0), 2);
    assert_int_equal(tern_recv(a, client, bytes, 4, MSG_WAITALL), 2);
    assert_true(pair.now_ns == before + TIME_MS(60));
    assert_fails(tern_recv(a, client, bytes, 4, MSG_WAITALL), EAGAIN);
}

static void the_end_of_a_stream_is_0_for_ever(void **state)
{
    (void)state;
    char bytes[8];
    assert_int_equal(tern_send(a, client, "abc", 3, 0), 3);
    assert_int_equal(tern_close(a, client), 0);
    assert_int_equal(tern_recv(b, server, bytes, 8, MSG_WAITALL), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tern_recv(b, server, bytes, 8, 0), 0);
    assert_int_equal(tern_recv(b, server, bytes, 8, MSG_PEEK), 0);
}

static void send_a_little(struct pair *p)
{
    int *left = p->user;
    if (*left > 0 && (*left)-- > 0)
        assert_int_equal(tern_send(p->ends[0].t, client, "ab", 2, MSG_DONTWAIT), 2);
}

static void msg_waitall_waits_for_all(void **state)
{
    (void)state;
    char bytes[7];
    int left = 4;
    pair.meanwhile = send_a_little;
    pair.user = &left;
    assert_int_equal(tern_recv(b, server, bytes, 7, MSG_WAITALL), 7);
    assert_memory_equal(bytes, "abababa", 7);
    assert_int_equal(left, 0);
    assert_int_equal(tern_recv(b, server, bytes, 7, MSG_DONTWAIT | MSG_WAITALL), 1);
}

static void so_rcvlowat_is_what_a_recv_waits_for(void **state)
{
    (void)state;
    char bytes[100];
    int left = 100;
    set_int(b, server, SOL_SOCKET, SO_RCVLOWAT, 5);
    assert_int_equal(tern_send(a, client, "ab", 2, 0), 2);
    pair_run(&pair, TIME_MS(1));
    assert_false(ready(b, server) & POLLIN);
    /* Who asks for less gets less, and who may not wait what there is. */
    assert_int_equal(tern_recv(b, server, bytes, 1, 0), 1);
    assert_int_equal(tern_recv(b, server, bytes, 100, MSG_DONTWAIT), 1);
    pair.meanwhile = send_a_little;
    pair.user = &left;
    ssize_t n = tern_recv(b, server, bytes, 100, 0);
    assert_true(n >= 5 && n < 100);
    pair.meanwhile = NULL;
    assert_int_equal(tern_send(a, client, "abcde", 5, 0), 5);
    pair_run(&pair, TIME_MS(1));
    assert_true(ready(b, server) & POLLIN);
    while (tern_recv(b, server, bytes, 100, MSG_DONTWAIT) > 0)
        ;
    /* The end is worth waking for, however little there is. */
    assert_int_equal(tern_send(a, client, "ab", 2, 0), 2);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(tern_recv(b, server, bytes, 100, 0), 2);
    assert_int_equal(tern_recv(b, server, bytes, 100, 0), 0);
}

static void msg_peek_leaves_what_it_shows(void **state)
{
    (void)state;
    char bytes[10];
    assert_int_equal(tern_send(a, client, "abc", 3, 0), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tern_recv(b, server, bytes, 10, MSG_PEEK), 3);
        assert_memory_equal(bytes, "abc", 3);
    }
    int left = 2;
    pair.meanwhile = send_a_little;
    pair.user = &left;
    assert_int_equal(tern_recv(b, server, bytes, 6, MSG_PEEK | MSG_WAITALL), 6);
    assert_memory_equal(bytes, "abcaba", 6);
    assert_int_equal(tern_recv(b, server, bytes, 10, MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL), 7);
    pair.meanwhile = NULL;
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(tern_recv(b, server, bytes, 10, MSG_PEEK | MSG_WAITALL), 7);
    assert_receives(b, server, "abcabab");
}

static void msg_trunc_drops_bytes_of_a_stream(void **state)
{
    (void)state;
    assert_int_equal(tern_send(a, client, "abcdef", 6, 0), 6);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_recv(b, server, NULL, 4, MSG_TRUNC), 4);
    assert_receives(b, server, "ef");
}

static void who_is_not_connected_neither_sends_nor_receives(void **state)
{
    (void)state;
    char byte;
    int s = open_stream(a), listener = listen_at(a, "8", 1);
    assert_fails(tern_recv(a, s, &byte, 1, 0), ENOTCONN);
    assert_fails(tern_send(a, s, "x", 1, 0), EPIPE); /* Linux's answer */
    assert_fails(tern_recv(a, listener, &byte, 1, 0), ENOTCONN);
    assert_fails(tern_send(a, listener, "x", 1, 0), EPIPE);
}

static void who_is_connecting_waits(void **state)
{
    (void)state;
    char byte;
    int s = open_stream(a), listener = listen_at(b, "8", 1);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 8), EINPROGRESS);
    assert_fails(tern_send(a, s, "x", 1, 0), EAGAIN);
    assert_fails(tern_recv(a, s, &byte, 1, 0), EAGAIN);
    assert_int_equal(tern_fcntl(a, s, F_SETFL, 0), 0);
    assert_int_equal(tern_send(a, s, "x", 1, 0), 1);
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_receives(b, accepted, "x");
}

/* And only then is told what is wrong with his control messages. */
static void who_is_connecting_waits_with_bad_control_messages_too(void **state)
{
    (void)state;
    struct cmsghdr bad = {.cmsg_len = 1};
    struct iovec span = {(char[]){'x'}, 1};
    struct msghdr message = {
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = &bad, .msg_controllen = sizeof bad};
    int s = open_stream(a);
    listen_at(b, "8", 1);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 8), EINPROGRESS);
    assert_fails(tern_sendmsg(a, s, &message, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(tern_fcntl(a, s, F_SETFL, 0), 0);
    assert_fails(tern_sendmsg(a, s, &message, 0), EINVAL);
}

static void a_shut_side_sends_no_more(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_fails(tern_send(a, client, "x", 1, 0), EPIPE);
    assert_fails(tern_send(a, client, "x", 1, MSG_NOSIGNAL), EPIPE);
    /* The other way goes on. */
    assert_int_equal(tern_send(b, server, "y", 1, 0), 1);
    assert_receives(a, client, "y");
    assert_int_equal(tern_recv(b, server, &byte, 1, 0), 0);
}

static void a_reset_is_told_once(void **state)
{
    (void)state;
    char byte;
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    assert_fails(tern_recv(a, client, &byte, 1, 0), ECONNRESET);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
    assert_fails(tern_send(a, client, "x", 1, 0), EPIPE);

    pair_connect(&pair, 8, &client, &server);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(1));
    assert_fails(tern_send(a, client, "x", 1, 0), ECONNRESET);
    assert_fails(tern_send(a, client, "x", 1, 0), EPIPE);
}

static void close_the_server(struct pair *p)
{
    set_linger(p->ends[1].t, server, 1, 0);
    assert_int_equal(tern_close(p->ends[1].t, server), 0);
    p->meanwhile = NULL;
}

/* POSIX: what was moved is returned, and the error is the next call's. */
static void an_error_after_some_bytes_is_the_next_call_s(void **state)
{
    (void)state;
    enum { LENGTH = 50000000 };
    char *bytes = pattern(LENGTH);
    pair.meanwhile = close_the_server;
    ssize_t n = tern_send(a, client, bytes, LENGTH, 0);
    assert_true(n > 0 && n < LENGTH);
    assert_fails(tern_send(a, client, bytes, LENGTH, 0), ECONNRESET);

    pair_connect(&pair, 8, &client, &server);
    assert_int_equal(tern_send(b, server, "ab", 2, 0), 2);
    pair_run(&pair, TIME_MS(1));
    pair.meanwhile = close_the_server;
    assert_int_equal(tern_recv(a, client, bytes, 10, MSG_WAITALL), 2);
    assert_fails(tern_recv(a, client, bytes, 10, MSG_WAITALL), ECONNRESET);
    free(bytes);
}

static void a_silent_peer_times_out(void **state)
{
    (void)state;
    char byte;
    set_int(a, client, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    pair.ends[1].cut = true;
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    assert_fails(tern_recv(a, client, &byte, 1, 0), ETIMEDOUT);
}

static void close_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, client), 0);
}

static void a_socket_closed_meanwhile_is_ebadf(void **state)
{
    (void)state;
    char byte;
    pair.meanwhile = close_the_client;
    assert_fails(tern_recv(a, client, &byte, 1, 0), EBADF);
}

static void send_five_bytes(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_send(b, server, "abcde", 5, 0), 5);
    pair_run(p, TIME_MS(1));
}

static void send_five_bytes_and_close(struct pair *p)
{
    send_five_bytes(p);
    close_the_client(p);
}

static void send_five_bytes_and_interrupt(struct pair *p)
{
    send_five_bytes(p);
    *(uint64_t *)p->user = p->now_ns;
    p->idle = 1000; /* the wait ends with an error */
}

static void what_had_landed_before_the_socket_was_closed_is_given(void **state)
{
    (void)state;
    char bytes[10];
    pair.meanwhile = send_five_bytes_and_close;
    assert_int_equal(tern_recv(a, client, bytes, sizeof bytes, MSG_WAITALL), 5);
    assert_memory_equal(bytes, "abcde", 5);
}

static void what_had_landed_before_a_wait_failed_is_given_at_once(void **state)
{
    (void)state;
    char bytes[10];
    uint64_t failed_ns = 0;
    pair.user = &failed_ns;
    pair.meanwhile = send_five_bytes_and_interrupt;
    assert_int_equal(tern_recv(a, client, bytes, sizeof bytes, MSG_WAITALL), 5);
    assert_memory_equal(bytes, "abcde", 5);
    assert_int_equal(pair.now_ns, failed_ns); /* it has not waited again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected_test(bytes_go_both_ways_by_every_call),
        connected_test(a_blocking_send_takes_everything),
        connected_test(a_send_that_may_not_wait_takes_what_fits),
        connected_test(a_send_waits_for_so_sndtimeo),
        connected_test(an_interrupted_call_says_how_far_it_got),
        connected_test(nothing_to_send_or_receive_is_0),
        connected_test(a_recv_that_may_not_wait_says_eagain),
        connected_test(a_recv_waits_for_so_rcvtimeo),
        connected_test(the_end_of_a_stream_is_0_for_ever),
        connected_test(msg_waitall_waits_for_all),
        connected_test(so_rcvlowat_is_what_a_recv_waits_for),
        connected_test(msg_peek_leaves_what_it_shows),
        connected_test(msg_trunc_drops_bytes_of_a_stream),
        connected_test(who_is_not_connected_neither_sends_nor_receives),
        connected_test(who_is_connecting_waits),
        connected_test(who_is_connecting_waits_with_bad_control_messages_too),
        connected_test(a_shut_side_sends_no_more),
        connected_test(a_reset_is_told_once),
        connected_test(an_error_after_some_bytes_is_the_next_call_s),
        connected_test(a_silent_peer_times_out),
        connected_test(a_socket_closed_meanwhile_is_ebadf),
        connected_test(what_had_landed_before_the_socket_was_closed_is_given),
        connected_test(what_had_landed_before_a_wait_failed_is_given_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
