#include "unit/sock/sockets.h"

#include <netinet/udp.h>

#include "sock/socket.h"
#include "sock/tern.h"
#include "udp/udp.h"

static int (*const openers[])(struct tern *) = {open_datagram, open_echo};

static void set_byte(int s, int option, unsigned char value)
{
    assert_int_equal(tern_setsockopt(a, s, IPPROTO_IP, option, &value, 1), 0);
}

static void each_option_is_kept_and_bounded(void **state)
{
    (void)state;
    static const struct {
        int option, initial, good, bad; /* `bad` 0: none is */
    } rows[] = {
        {IP_TTL, 64, 1, 256},           {IP_TTL, 64, 255, -2},
        {IP_TOS, 0, 0xb8, 0},           {IP_MULTICAST_TTL, 1, 0, 256},
        {IP_MULTICAST_TTL, 1, 255, -2}, {IP_MULTICAST_LOOP, 1, 0, 0},
        {IP_RECVTTL, 0, 1, 0},          {IP_RECVTOS, 0, 1, 0},
        {IP_PKTINFO, 0, 1, 0},          {IP_MTU_DISCOVER, IP_PMTUDISC_WANT, IP_PMTUDISC_DO, 99},
    };
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            int s = openers[kind](a), option = rows[i].option, bad = rows[i].bad;
            assert_int_equal(get_int(a, s, IPPROTO_IP, option), rows[i].initial);
            set_int(a, s, IPPROTO_IP, option, rows[i].good);
            assert_int_equal(get_int(a, s, IPPROTO_IP, option), rows[i].good);
            if (bad != 0)
                assert_fails(tern_setsockopt(a, s, IPPROTO_IP, option, &bad, sizeof bad), EINVAL);
            assert_int_equal(get_int(a, s, IPPROTO_IP, option), rows[i].good);
        }
    }
}

/* ip(7) */
static void a_byte_is_enough(void **state)
{
    (void)state;
    int s = open_datagram(a);
    unsigned char zero = 0;
    set_byte(s, IP_TTL, 7);
    assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TTL), 7);
    set_byte(s, IP_RECVTTL, 1);
    assert_int_equal(get_int(a, s, IPPROTO_IP, IP_RECVTTL), 1);
    assert_fails(tern_setsockopt(a, s, IPPROTO_IP, IP_TTL, &zero, 1), EINVAL);
    assert_fails(tern_setsockopt(a, s, IPPROTO_IP, IP_TTL, &zero, 0), EINVAL);
}

/* udp(7) */
static void udp_options_are_kept_and_bounded(void **state)
{
    (void)state;
    int s = open_datagram(a), echo = open_echo(a), bad[] = {-1, 65536};
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_SEGMENT), 0);
    set_int(a, s, IPPROTO_UDP, UDP_SEGMENT, 65535);
    for (int i = 0; i < 2; i++)
        assert_fails(tern_setsockopt(a, s, IPPROTO_UDP, UDP_SEGMENT, &bad[i], sizeof bad[i]),
                     EINVAL);
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_SEGMENT), 65535);
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_CORK), 0);
    set_int(a, s, IPPROTO_UDP, UDP_CORK, 1);
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_CORK), 1);
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_GRO), 0);
    set_int(a, s, IPPROTO_UDP, UDP_GRO, -1);
    assert_int_equal(get_int(a, s, IPPROTO_UDP, UDP_GRO), 1);
    assert_fails(tern_setsockopt(a, echo, IPPROTO_UDP, UDP_SEGMENT, &bad[1], sizeof bad[1]),
                 ENOPROTOOPT);
    assert_fails(tern_setsockopt(a, echo, IPPROTO_UDP, UDP_GRO, &bad[1], sizeof bad[1]),
                 ENOPROTOOPT);
}

/* What UDP_SEGMENT cuts a router may not, but for who says that it may. */
static void ip_mtu_discover_says_what_may_be_cut(void **state)
{
    (void)state;
    static const bool whole[] = {false, true, true, true, false, false};
    static const char bytes[3000];
    char got[1473];
    int from = open_datagram(a), to = open_datagram(b);
    assert_int_equal(bind_at(b, to, "0.0.0.0", 1000), 0);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    set_int(a, from, IPPROTO_UDP, UDP_SEGMENT, 1000);
    for (int value = IP_PMTUDISC_DONT; value <= IP_PMTUDISC_OMIT; value++) {
        set_int(a, from, IPPROTO_IP, IP_MTU_DISCOVER, value);
        const struct datagram_options *options =
            udp_options(descriptor_find(&a->descriptors, from)->of.udp);
        assert_int_equal(options->segments_whole, whole[value]);
        assert_int_equal(tern_send(a, from, bytes, sizeof bytes, 0), sizeof bytes);
        for (int i = 0; i < 3; i++)
            assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 1000);
    }
}

static void ip_ttl_minus_1_is_the_setting(void **state)
{
    (void)state;
    int s = open_datagram(a);
    set_int(a, s, IPPROTO_IP, IP_TTL, 7);
    set_int(a, s, IPPROTO_IP, IP_TTL, -1);
    assert_int_equal(tern_set(a, "ip.ttl", "33"), 0);
    assert_int_equal(get_int(a, s, IPPROTO_IP, IP_TTL), 33);
}

/* SO_RCVBUF bounds what waits, by true size. */
static void so_rcvbuf_bounds_the_queue(void **state)
{
    (void)state;
    static const char bytes[1000];
    char got[1000];
    int from = open_datagram(a), to = open_datagram(b), count = 0;
    assert_int_equal(bind_at(b, to, "0.0.0.0", 1000), 0);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    set_int(b, to, SOL_SOCKET, SO_RCVBUF, 5000);
    for (int i = 0; i < 50; i++)
        assert_int_equal(tern_send(a, from, bytes, sizeof bytes, 0), sizeof bytes);
    pair_run(&pair, TIME_MS(1));
    while (tern_recv(b, to, got, sizeof got, MSG_DONTWAIT) == sizeof got)
        count++;
    assert_int_equal(errno, EAGAIN);
    assert_in_range(count, 5, 9);
    uint64_t full;
    assert_int_equal(tern_counter(b, "UdpRcvbufErrors", &full), 0);
    assert_int_equal(full, 50 - count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(each_option_is_kept_and_bounded),
        socket_test(a_byte_is_enough),
        socket_test(udp_options_are_kept_and_bounded),
        socket_test(ip_mtu_discover_says_what_may_be_cut),
        socket_test(ip_ttl_minus_1_is_the_setting),
        socket_test(so_rcvbuf_bounds_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
