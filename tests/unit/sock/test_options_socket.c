#include "unit/sock/kinds.h"

#include <sys/time.h>

static void marks_are_kept_and_handed_on(void **state)
{
    (void)state;
    static const int options[] = {SO_MARK, SO_PRIORITY};
    int listener = listen_at(b, ":80", 1), client = open_stream(a);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(get_int(b, listener, SOL_SOCKET, options[i]), 0);
        set_int(b, listener, SOL_SOCKET, options[i], 666);
    }
    assert_int_equal(connect_to(a, client, "10.0.0.2", 80), 0);
    int server = tern_accept(b, listener, NULL, NULL);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(get_int(b, server, SOL_SOCKET, options[i]), 666);
}

static void switches_are_off_and_can_be_on(void **state)
{
    (void)state;
    static const int switches[] = {SO_REUSEADDR, SO_REUSEPORT, SO_BROADCAST, SO_KEEPALIVE};
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
            /* tern_listen_on() has asked for it. */
            int initial = kind == 1 && switches[i] == SO_REUSEADDR;
            assert_int_equal(get_int(a, s, SOL_SOCKET, switches[i]), initial);
            set_int(a, s, SOL_SOCKET, switches[i], 12);
            assert_int_equal(get_int(a, s, SOL_SOCKET, switches[i]), 1);
            set_int(a, s, SOL_SOCKET, switches[i], 0);
            assert_int_equal(get_int(a, s, SOL_SOCKET, switches[i]), 0);
        }
    }
}

static void what_is_to_be_read_cannot_be_set(void **state)
{
    (void)state;
    static const int options[] = {SO_TYPE,  SO_DOMAIN,     SO_PROTOCOL,
                                  SO_ERROR, SO_ACCEPTCONN, SO_SNDLOWAT};
    int on = 1;
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
            assert_fails(tern_setsockopt(a, s, SOL_SOCKET, options[i], &on, sizeof on),
                         ENOPROTOOPT);
        assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
        assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ACCEPTCONN), kind == 1);
        assert_int_equal(get_int(a, s, SOL_SOCKET, SO_SNDLOWAT), 1);
    }
}

static void so_linger_is_kept(void **state)
{
    (void)state;
    static const struct linger rows[][2] = {
        {{0, 0}, {0, 0}},   {{1, 0}, {1, 0}},   {{1, 30}, {1, 30}},
        {{0, 99}, {0, 30}}, {{7, 40}, {1, 40}}, {{1, -1}, {1, INT32_MAX}},
    };
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct linger got;
            socklen_t length = sizeof got;
            set_linger(a, s, rows[i][0].l_onoff, rows[i][0].l_linger);
            assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, SO_LINGER, &got, &length), 0);
            assert_memory_equal(&got, &rows[i][1], sizeof got);
        }
    }
}

static void timeouts_are_kept(void **state)
{
    (void)state;
    static const int options[] = {SO_RCVTIMEO, SO_SNDTIMEO};
    static const struct timeval kept[] = {{0, 0}, {0, 1}, {1, 999999}, {100000, 0}};
    static const struct timeval bad[] = {{0, -1}, {0, 1000000}, {5, INT32_MAX}};
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (int o = 0; o < 2; o++) {
            struct timeval got;
            socklen_t length = sizeof got;
            for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
                assert_int_equal(
                    tern_setsockopt(a, s, SOL_SOCKET, options[o], &kept[i], sizeof kept[i]), 0);
                assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, options[o], &got, &length), 0);
                assert_memory_equal(&got, &kept[i], sizeof got);
            }
            for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_fails(tern_setsockopt(a, s, SOL_SOCKET, options[o], &bad[i], sizeof bad[i]),
                             EDOM);
            assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, options[o], &got, &length), 0);
            assert_memory_equal(&got, &kept[3], sizeof got);
            /* Longer than time itself is for ever. */
            struct timeval eternal = {INT64_MAX, 0}, zero = {0, 0};
            assert_int_equal(
                tern_setsockopt(a, s, SOL_SOCKET, options[o], &eternal, sizeof eternal), 0);
            assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, options[o], &got, &length), 0);
            assert_memory_equal(&got, &zero, sizeof got);
        }
    }
}

static void a_negative_timeout_is_over_at_once(void **state)
{
    (void)state;
    char byte;
    int s = open_datagram(a);
    struct timeval negative = {-5, 0};
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_setsockopt(a, s, SOL_SOCKET, SO_RCVTIMEO, &negative, sizeof negative), 0);
    assert_fails(tern_recv(a, s, &byte, 1, 0), EAGAIN);
    assert_true(pair.now_ns == before);
}

static void buffers_are_twice_what_was_asked_for(void **state)
{
    (void)state;
    static const int options[] = {SO_RCVBUF, SO_SNDBUF};
    for (int kind = 0; kind < KINDS; kind++) {
        int s = openers[kind](a);
        for (int o = 0; o < 2; o++) {
            assert_true(get_int(a, s, SOL_SOCKET, options[o]) >= 16384);
            set_int(a, s, SOL_SOCKET, options[o], 10000);
            assert_int_equal(get_int(a, s, SOL_SOCKET, options[o]), 20000);
            set_int(a, s, SOL_SOCKET, options[o], 0);
            assert_in_range(get_int(a, s, SOL_SOCKET, options[o]), 2000, 5000);
            set_int(a, s, SOL_SOCKET, options[o], INT32_MAX);
            assert_true(get_int(a, s, SOL_SOCKET, options[o]) > 100000);
        }
    }
}

static void so_busy_poll_starts_as_the_setting_says(void **state)
{
    (void)state;
    int s = tern_socket(a, AF_INET, SOCK_STREAM, 0), before = -1;
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_BUSY_POLL), 0);
    set_int(a, s, SOL_SOCKET, SO_BUSY_POLL, 70);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_BUSY_POLL), 70);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_BUSY_POLL, &before, sizeof before), EINVAL);
    assert_int_equal(tern_set(a, "socket.busy_poll_us", "50"), 0);
    assert_int_equal(get_int(a, tern_socket(a, AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_BUSY_POLL),
                     50);
}

static void so_rcvlowat_can_be_reached(void **state)
{
    (void)state;
    int s = open_stream(a);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), 1);
    set_int(a, s, SOL_SOCKET, SO_RCVLOWAT, 0);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), 1);
    set_int(a, s, SOL_SOCKET, SO_RCVLOWAT, 1000);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), 1000);
    /* The buffer grows for it, */
    int buffer = get_int(a, s, SOL_SOCKET, SO_RCVBUF);
    set_int(a, s, SOL_SOCKET, SO_RCVLOWAT, buffer);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), buffer);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVBUF), 2 * buffer);
    /* as far as it may, */
    assert_int_equal(tern_set(a, "tcp.rcvbuf_max", "1000000"), 0);
    set_int(a, s, SOL_SOCKET, SO_RCVLOWAT, -1);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), 500000);
    /* and not where its size was asked for. */
    set_int(a, s, SOL_SOCKET, SO_RCVBUF, 5000);
    set_int(a, s, SOL_SOCKET, SO_RCVLOWAT, -1);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_RCVLOWAT), 5000);
}

static void so_error_is_told_once(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(marks_are_kept_and_handed_on),
        socket_test(switches_are_off_and_can_be_on),
        socket_test(what_is_to_be_read_cannot_be_set),
        socket_test(so_linger_is_kept),
        socket_test(timeouts_are_kept),
        socket_test(a_negative_timeout_is_over_at_once),
        socket_test(buffers_are_twice_what_was_asked_for),
        socket_test(so_busy_poll_starts_as_the_setting_says),
        socket_test(so_rcvlowat_can_be_reached),
        socket_test(so_error_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
