#include "unit/sock/sockets.h"

static const int options[] = {IP_RECVTTL, IP_RECVTOS, IP_PKTINFO};

static int (*const openers[])(struct tern *) = {open_stream, open_datagram, open_echo};

static void every_kind_keeps_what_is_to_be_told(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof openers / sizeof openers[0]; kind++) {
        for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
            int s = openers[kind](a), one = 1;
            unsigned char byte = 0;
            assert_int_equal(get_int(a, s, IPPROTO_IP, options[i]), 0);
            set_int(a, s, IPPROTO_IP, options[i], 7);
            assert_int_equal(get_int(a, s, IPPROTO_IP, options[i]), 1);
            assert_int_equal(tern_setsockopt(a, s, IPPROTO_IP, options[i], &byte, 1), 0);
            assert_int_equal(get_int(a, s, IPPROTO_IP, options[i]), 0);
            assert_fails(tern_setsockopt(a, s, IPPROTO_IP, options[i], &one, 0), EINVAL);
        }
    }
}

static void who_has_a_peer_knows_the_mtu_of_its_path(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof openers / sizeof openers[0]; kind++) {
        int s = openers[kind](a), mtu = 1400;
        socklen_t length = sizeof mtu;
        assert_fails(tern_getsockopt(a, s, IPPROTO_IP, IP_MTU, &mtu, &length), ENOTCONN);
        assert_fails(tern_setsockopt(a, s, IPPROTO_IP, IP_MTU, &mtu, sizeof mtu), ENOPROTOOPT);
        set_nonblocking(a, s);
        connect_to(a, s, "10.0.0.2", 1000);
        assert_int_equal(get_int(a, s, IPPROTO_IP, IP_MTU), 1500);
    }
    int listener = open_stream(a), mtu;
    socklen_t length = sizeof mtu;
    assert_int_equal(tern_listen(a, listener, 1), 0);
    assert_fails(tern_getsockopt(a, listener, IPPROTO_IP, IP_MTU, &mtu, &length), ENOTCONN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(every_kind_keeps_what_is_to_be_told),
        socket_test(who_has_a_peer_knows_the_mtu_of_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
