#include "unit/sock/connected.h"

static void dialling_connects(void **state)
{
    (void)state;
    int listener = listen_at(b, "10.0.0.2:8000", 1);
    int s = tern_dial(a, "10.0.0.2:8000");
    assert_true(s >= 0);
    assert_address(peer_of(a, s), "10.0.0.2", 8000);
    assert_int_equal(tern_accept(b, listener, NULL, NULL), 1);
}

static void a_dial_that_fails_leaves_no_socket(void **state)
{
    (void)state;
    assert_fails(tern_dial(a, NULL), EFAULT);
    assert_fails(tern_dial(a, ""), EINVAL);
    assert_fails(tern_dial(a, "8000"), EINVAL);
    assert_fails(tern_dial(a, ":8000"), EINVAL);
    assert_fails(tern_dial(a, "host:8000"), EINVAL);
    assert_fails(tern_dial(a, "10.0.0.2:65536"), EINVAL);
    assert_fails(tern_dial(a, "10.0.0.2:8000"), ECONNREFUSED);
    assert_fails(tern_dial(a, "10.0.0.2:0"), EADDRNOTAVAIL);
    pair.ends[1].cut = true;
    assert_fails(tern_dial(a, "10.0.0.2:8000"), ETIMEDOUT);
    pair.interrupt_in = 1;
    assert_fails(tern_dial(a, "10.0.0.2:8000"), EINTR);
    assert_int_equal(open_stream(a), 0);
    assert_int_equal(tern_set(a, "socket.descriptors", "1"), 0);
    assert_fails(tern_dial(a, "10.0.0.2:8000"), EMFILE);
}

static void close_and_reuse_the_number(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, 0), 0);
    assert_int_equal(open_stream(p->ends[0].t), 0);
}

static void a_dial_whose_number_was_closed_meanwhile_leaves_its_next_owner_alone(void **state)
{
    (void)state;
    pair.ends[1].cut = true;
    pair.meanwhile = close_and_reuse_the_number;
    assert_fails(tern_dial(a, "10.0.0.2:8000"), EBADF);
    assert_int_equal(tern_close(a, 0), 0);
}

static void where_one_cannot_wait_a_dial_is_under_way(void **state)
{
    (void)state;
    listen_at(b, "8000", 1);
    int s = tern_dial(a, "10.0.0.2:8000");
    assert_int_equal(s, 0);
    assert_int_equal(ready(a, s), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, s), POLLOUT);
}

static void listening_takes_each_form_of_name(void **state)
{
    (void)state;
    assert_address(name_of(a, listen_at(a, "8000", 1)), "0.0.0.0", 8000);
    assert_address(name_of(a, listen_at(a, ":8001", 1)), "0.0.0.0", 8001);
    assert_address(name_of(a, listen_at(a, "10.0.0.1:8002", 1)), "10.0.0.1", 8002);
    assert_in_range(ntohs(name_of(a, listen_at(a, "0", 1)).sin_port), 32768, 60999);
}

static void a_listen_on_that_fails_leaves_no_socket(void **state)
{
    (void)state;
    assert_fails(tern_listen_on(a, NULL, 1), EFAULT);
    assert_fails(tern_listen_on(a, "10.0.0.1", 1), EINVAL);
    assert_fails(tern_listen_on(a, "8000x", 1), EINVAL);
    assert_fails(tern_listen_on(a, "10.0.0.2:8000", 1), EADDRNOTAVAIL);
    assert_int_equal(listen_at(a, "8000", 1), 0);
    assert_fails(tern_listen_on(a, "8000", 1), EADDRINUSE);
    assert_int_equal(open_stream(a), 1);
}

/* What SO_REUSEADDR is for. */
static void a_server_may_come_back_while_connections_are_in_time_wait(void **state)
{
    (void)state;
    int listener = listen_at(b, "8000", 1), s = tern_dial(a, "10.0.0.2:8000");
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_int_equal(tern_close(b, accepted), 0);
    assert_int_equal(tern_close(b, listener), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_close(a, s), 0);
    pair_run(&pair, TIME_MS(1));
    listen_at(b, "8000", 1);
}

static void read_a_little(struct pair *p)
{
    char bytes[1000];
    ssize_t n = tern_recv(p->ends[1].t, server, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        *(size_t *)p->user += (size_t)n;
}

static void write_all_writes_all(void **state)
{
    (void)state;
    static const char bytes[1000000];
    static char got[sizeof bytes];
    size_t done = 0;
    pair.meanwhile = read_a_little;
    pair.user = &done;
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 20000);
    assert_int_equal(tern_write_all(a, client, bytes, sizeof bytes), 0);
    pair.meanwhile = NULL;
    assert_int_equal(tern_write_all(a, client, NULL, 0), 0); /* nothing is all */
    assert_int_equal(tern_close(a, client), 0);
    ssize_t rest = tern_read_full(b, server, got, sizeof got);
    assert_int_equal(done + (size_t)rest, sizeof bytes);
    assert_int_equal(tern_close(b, server), 0);
}

static void write_all_goes_on_after_a_part(void **state)
{
    (void)state;
    static const char bytes[1000000];
    static char got[sizeof bytes];
    size_t done = 0;
    pair.meanwhile = read_a_little;
    pair.user = &done;
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 20000);
    /* Each send takes what it can in its time, and no reader is that slow. */
    set_timeout(a, client, SO_SNDTIMEO, TIME_US(1));
    int result = tern_write_all(a, client, bytes, sizeof bytes);
    assert_true(result == 0 || errno == EAGAIN);
    assert_true(done > 0);
    pair.meanwhile = NULL;
    assert_int_equal(tern_close(a, client), 0);
    assert_true(tern_read_full(b, server, got, sizeof got) >= 0);
    assert_int_equal(tern_close(b, server), 0);
}

static void write_all_says_why_not(void **state)
{
    (void)state;
    assert_fails(tern_write_all(a, open_datagram(a), "x", 1), EDESTADDRREQ);
    assert_fails(tern_write_all(a, client, NULL, 1), EFAULT);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_fails(tern_write_all(a, client, "x", 1), EPIPE);
}

static void send_a_little(struct pair *p)
{
    int *left = p->user;
    if (*left > 0 && (*left)-- > 0)
        assert_int_equal(tern_send(p->ends[0].t, client, "ab", 2, 0), 2);
    else
        tern_shutdown(p->ends[0].t, client, SHUT_WR);
}

static void read_full_reads_until_full_or_the_end(void **state)
{
    (void)state;
    char bytes[20];
    int left = 5;
    pair.meanwhile = send_a_little;
    pair.user = &left;
    assert_int_equal(tern_read_full(b, server, bytes, 7), 7);
    assert_memory_equal(bytes, "abababa", 7);
    assert_int_equal(tern_read_full(b, server, bytes, 20), 3);
    assert_memory_equal(bytes, "bab", 3);
    assert_int_equal(tern_read_full(b, server, bytes, 20), 0);
    assert_int_equal(tern_read_full(b, server, bytes, 0), 0);
}

static void read_full_says_why_not(void **state)
{
    (void)state;
    char bytes[8];
    assert_fails(tern_read_full(a, open_stream(a), bytes, 8), ENOTCONN);
    assert_fails(tern_read_full(a, client, NULL, 8), EFAULT);
    set_nonblocking(a, client);
    assert_fails(tern_read_full(a, client, bytes, 8), EAGAIN);
    assert_int_equal(tern_fcntl(a, client, F_SETFL, 0), 0);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    assert_fails(tern_read_full(a, client, bytes, 8), ECONNRESET);
}

/* ── tern_drain ── */

static void draining_waits_until_all_is_acknowledged(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(tern_drain(a, client), 0);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    assert_int_equal(tern_drain(a, client), 0);
    pair.ends[0].cut = pair.ends[1].cut = true; /* nothing is on its way any more */
    assert_int_equal(tern_recv(b, server, &byte, 1, MSG_DONTWAIT), 1);
    pair.ends[0].cut = pair.ends[1].cut = false;
    /* The FIN too. */
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(tern_drain(a, client), 0);
    pair.ends[0].cut = pair.ends[1].cut = true;
    assert_int_equal(tern_recv(b, server, &byte, 1, MSG_DONTWAIT), 0);
    pair.ends[0].cut = pair.ends[1].cut = false;
    /* And the other way round: the end of a connection that is over is no error. */
    assert_int_equal(tern_shutdown(b, server, SHUT_WR), 0);
    assert_int_equal(tern_drain(b, server), 0);
    assert_int_equal(tern_drain(b, server), 0);
    pair_settle(&pair);
    assert_int_equal(tern_drain(a, client), 0);
    assert_int_equal(tern_drain(b, server), 0);
}

static void draining_says_why_not(void **state)
{
    (void)state;
    assert_fails(tern_drain(a, open_stream(a)), ENOTCONN);
    assert_fails(tern_drain(a, listen_at(a, "8", 1)), ENOTCONN);
    assert_fails(tern_drain(a, open_datagram(a)), EOPNOTSUPP);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    set_nonblocking(a, client);
    assert_fails(tern_drain(a, client), EAGAIN);
    assert_int_equal(tern_fcntl(a, client, F_SETFL, 0), 0);
    pair.ends[1].cut = true;
    uint64_t before = pair.now_ns;
    set_timeout(a, client, SO_SNDTIMEO, TIME_MS(300));
    assert_fails(tern_drain(a, client), EAGAIN);
    assert_true(pair.now_ns == before + TIME_MS(300));
    set_timeout(a, client, SO_SNDTIMEO, 0);
    pair.interrupt_in = 1;
    assert_fails(tern_drain(a, client), EINTR);
    assert_fails(tern_drain(a, client), ETIMEDOUT);
    pair.ends[1].cut = false;
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    assert_fails(tern_drain(b, server), ECONNRESET);
}

static void draining_while_connecting_waits_for_the_connection(void **state)
{
    (void)state;
    int s = open_stream(a);
    listen_at(b, "8", 1);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 8), EINPROGRESS);
    assert_fails(tern_drain(a, s), EAGAIN);
    assert_int_equal(tern_fcntl(a, s, F_SETFL, 0), 0);
    assert_int_equal(tern_drain(a, s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(dialling_connects),
        socket_test(a_dial_that_fails_leaves_no_socket),
        socket_test(a_dial_whose_number_was_closed_meanwhile_leaves_its_next_owner_alone),
        impatient_socket_test(where_one_cannot_wait_a_dial_is_under_way),
        socket_test(listening_takes_each_form_of_name),
        socket_test(a_listen_on_that_fails_leaves_no_socket),
        socket_test(a_server_may_come_back_while_connections_are_in_time_wait),
        connected_test(write_all_writes_all),
        connected_test(write_all_goes_on_after_a_part),
        connected_test(write_all_says_why_not),
        connected_test(read_full_reads_until_full_or_the_end),
        connected_test(read_full_says_why_not),
        connected_test(draining_waits_until_all_is_acknowledged),
        connected_test(draining_says_why_not),
        socket_test(draining_while_connecting_waits_for_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
