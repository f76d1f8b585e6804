/* SO_REUSEPORT from end to end: options.c sets it, port.c and udp.c allow it, demux.c and udp.c
 * spread what comes. */
#include "unit/sock/sockets.h"

enum { SHARERS = 4, PEERS = 200 };

static int sharing(int socket)
{
    set_int(b, socket, SOL_SOCKET, SO_REUSEPORT, 1);
    return socket;
}

static int sharing_listener(const char *host, uint16_t port)
{
    int s = sharing(open_stream(b));
    assert_int_equal(bind_at(b, s, host, port), 0);
    assert_int_equal(tern_listen(b, s, PEERS), 0);
    set_nonblocking(b, s);
    return s;
}

static int accepted_by(int listener)
{
    int count = 0;
    for (int s; (s = tern_accept(b, listener, NULL, NULL)) >= 0; count++)
        assert_int_equal(tern_close(b, s), 0);
    assert_int_equal(errno, EAGAIN);
    return count;
}

/* With 200 peers among four, a share of under 20 or over 90 has a chance of less than one in a
 * million; the seed is fixed besides. */
static void assert_fair(const int counts[SHARERS])
{
    int all = 0;
    for (int i = 0; i < SHARERS; i++) {
        assert_in_range(counts[i], 20, 90);
        all += counts[i];
    }
    assert_int_equal(all, PEERS);
}

static void connections_are_spread_over_listeners(void **state)
{
    (void)state;
    int listeners[SHARERS], counts[SHARERS];
    for (int i = 0; i < SHARERS; i++)
        listeners[i] = sharing_listener("0.0.0.0", 7);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 7), 0);
    for (int i = 0; i < SHARERS; i++)
        counts[i] = accepted_by(listeners[i]);
    assert_fair(counts);
}

static void the_very_address_comes_first_and_what_is_closed_has_no_share(void **state)
{
    (void)state;
    int any = sharing_listener("0.0.0.0", 7), very = sharing_listener("10.0.0.2", 7);
    int closed = sharing_listener("10.0.0.2", 7);
    assert_int_equal(tern_close(b, closed), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 7), 0);
    assert_int_equal(accepted_by(any), 0);
    assert_int_equal(accepted_by(very), 20);
}

static void datagrams_are_spread_and_a_sender_keeps_its_receiver(void **state)
{
    (void)state;
    int receivers[SHARERS], counts[SHARERS] = {0};
    for (int i = 0; i < SHARERS; i++) {
        receivers[i] = sharing(open_datagram(b));
        assert_int_equal(bind_at(b, receivers[i], "0.0.0.0", 7), 0);
        set_nonblocking(b, receivers[i]);
    }
    for (int i = 0; i < PEERS; i++) {
        int sender = open_datagram(a), found = 0;
        assert_int_equal(connect_to(a, sender, "10.0.0.2", 7), 0);
        for (int n = 0; n < 3; n++)
            assert_int_equal(tern_send(a, sender, "x", 1, 0), 1);
        pair_run(&pair, TIME_MS(1));
        for (int k = 0; k < SHARERS; k++) {
            char byte;
            int got = 0;
            while (tern_recv(b, receivers[k], &byte, 1, 0) == 1)
                got++;
            assert_true(got == 0 || got == 3);
            counts[k] += got == 3;
            found += got;
        }
        assert_int_equal(found, 3);
    }
    assert_fair(counts);
}

static void who_does_not_ask_does_not_share(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (int i = 0; i < 2; i++) {
        uint16_t port = (uint16_t)(100 + i);
        int first = sharing(openers[i](b)), other = openers[i](b);
        assert_int_equal(bind_at(b, first, "0.0.0.0", port), 0);
        assert_fails(bind_at(b, other, "0.0.0.0", port), EADDRINUSE);
        set_int(b, other, SOL_SOCKET, SO_REUSEADDR, 1); /* is another thing */
        assert_fails(bind_at(b, other, "10.0.0.2", port), EADDRINUSE);
        assert_int_equal(bind_at(b, sharing(other), "10.0.0.2", port), 0);
    }
}

/* SO_REUSEADDR lets two be bound, but one listens. */
static void only_sharing_listeners_share(void **state)
{
    (void)state;
    int one = open_stream(b), other = open_stream(b);
    set_int(b, one, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, other, SOL_SOCKET, SO_REUSEADDR, 1);
    assert_int_equal(bind_at(b, one, "0.0.0.0", 7), 0);
    assert_int_equal(bind_at(b, other, "0.0.0.0", 7), 0);
    assert_int_equal(tern_listen(b, one, 1), 0);
    assert_fails(tern_listen(b, other, 1), EADDRINUSE);
}

static void a_listener_shut_and_opened_again_still_shares(void **state)
{
    (void)state;
    int one = sharing_listener("0.0.0.0", 7), other = sharing_listener("0.0.0.0", 7);
    assert_int_equal(tern_shutdown(b, one, SHUT_RD), 0);
    assert_int_equal(tern_listen(b, one, 1), 0);
    assert_int_equal(get_int(b, one, SOL_SOCKET, SO_REUSEPORT), 1);
    assert_int_equal(tern_close(b, other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(connections_are_spread_over_listeners),
        socket_test(the_very_address_comes_first_and_what_is_closed_has_no_share),
        socket_test(datagrams_are_spread_and_a_sender_keeps_its_receiver),
        socket_test(who_does_not_ask_does_not_share),
        socket_test(only_sharing_listeners_share),
        socket_test(a_listener_shut_and_opened_again_still_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
