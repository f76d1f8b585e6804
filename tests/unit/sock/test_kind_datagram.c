#include "unit/sock/sockets.h"

#include <netinet/udp.h>

/* An echo request as a user writes it: checksum and identifier are the socket's business. */
static const uint8_t request[12] = {8, 0, 0, 0, 0, 0, 0, 5, 'a', 'b', 'c', 'd'};

static ssize_t ask(int s, const char *host)
{
    struct sockaddr_in in = at(host, 0);
    return tern_sendto(a, s, request, sizeof request, 0, (struct sockaddr *)&in, sizeof in);
}

static void an_echo_socket_hears_its_reply(void **state)
{
    (void)state;
    uint8_t reply[64];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    int s = open_echo(a);
    assert_int_equal(ask(s, "10.0.0.2"), sizeof request);
    assert_int_equal(tern_recvfrom(a, s, reply, sizeof reply, 0, (struct sockaddr *)&from, &length),
                     sizeof request);
    assert_address(from, "10.0.0.2", 0);
    assert_int_equal(reply[0], 0);
    assert_memory_equal(reply + 6, request + 6, 6); /* the sequence number and the data */
    assert_int_equal(reply[4] << 8 | reply[5], ntohs(name_of(a, s).sin_port));
}

static void echo_sockets_do_not_hear_each_other(void **state)
{
    (void)state;
    char bytes[64];
    int first = open_echo(a), second = open_echo(a);
    assert_int_equal(ask(first, "10.0.0.2"), sizeof request);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, first), POLLIN | POLLOUT);
    assert_int_equal(ready(a, second), POLLOUT);
    assert_fails(tern_recv(a, second, bytes, sizeof bytes, MSG_DONTWAIT), EAGAIN);
}

static void an_echo_socket_s_identifier_is_its_port(void **state)
{
    (void)state;
    int first = open_echo(a), second = open_echo(a);
    assert_int_equal(bind_at(a, first, "0.0.0.0", 77), 0);
    assert_int_equal(ntohs(name_of(a, first).sin_port), 77);
    assert_fails(bind_at(a, first, "0.0.0.0", 78), EINVAL);
    assert_fails(bind_at(a, second, "0.0.0.0", 77), EADDRINUSE);
    assert_fails(bind_at(a, second, "10.0.0.9", 78), EADDRNOTAVAIL);
    assert_int_equal(bind_at(a, second, "10.0.0.1", 0), 0);
    assert_int_not_equal(ntohs(name_of(a, second).sin_port), 0);
}

static void only_echo_requests_may_be_sent(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.2", 0);
    struct sockaddr *to = (struct sockaddr *)&in;
    uint8_t reply[8] = {0};
    int s = open_echo(a);
    assert_fails(tern_sendto(a, s, request, 7, MSG_OOB, to, sizeof in), EINVAL);
    assert_fails(tern_sendto(a, s, reply, 8, MSG_OOB, to, sizeof in), EOPNOTSUPP);
    assert_fails(tern_sendto(a, s, reply, 8, 0, to, sizeof in), EINVAL);
    assert_fails(tern_sendto(a, s, request, 8, 0, to, sizeof in - 1), EINVAL);
    assert_fails(tern_send(a, s, request, 8, 0), EDESTADDRREQ);
    assert_fails(ask(s, "255.255.255.255"), EACCES);
}

static void a_connected_echo_socket_has_a_peer(void **state)
{
    (void)state;
    char bytes[64];
    struct sockaddr_in in = {0};
    socklen_t length = sizeof in;
    int s = open_echo(a);
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&in, &length), ENOTCONN);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 0), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 0);
    assert_int_equal(tern_send(a, s, request, sizeof request, 0), sizeof request);
    assert_int_equal(tern_recv(a, s, bytes, sizeof bytes, 0), sizeof request);
    assert_int_equal(tern_shutdown(a, s, SHUT_RDWR), 0);
    assert_fails(tern_send(a, s, request, sizeof request, 0), EPIPE);
    assert_int_equal(tern_recv(a, s, bytes, sizeof bytes, 0), 0);
}

static void a_full_link_is_enobufs(void **state)
{
    (void)state;
    int echo = open_echo(a), udp = open_datagram(a);
    assert_int_equal(connect_to(a, udp, "10.0.0.2", 7), 0);
    pair.ends[0].output_error = -ENOBUFS;
    assert_fails(tern_send(a, udp, "x", 1, 0), ENOBUFS);
    assert_fails(ask(echo, "10.0.0.2"), ENOBUFS);
    pair.ends[0].output_error = 0;
    assert_int_equal(tern_send(a, udp, "x", 1, 0), 1);
}

static void without_a_port_left_nothing_is_sent(void **state)
{
    (void)state;
    assert_int_equal(tern_set(a, "ip.port_first", "40000"), 0);
    assert_int_equal(tern_set(a, "ip.port_last", "40000"), 0);
    assert_int_equal(connect_to(a, open_datagram(a), "10.0.0.2", 7), 0);
    int s = open_datagram(a);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EAGAIN);
    struct sockaddr_in in = at("10.0.0.2", 7);
    assert_fails(tern_sendto(a, s, "x", 1, 0, (struct sockaddr *)&in, sizeof in), EAGAIN);
    assert_fails(tern_send(a, s, "x", 1, MSG_OOB), EAGAIN); /* whatever else is wrong */
    assert_fails(bind_at(a, s, "127.0.0.1", 0), EADDRINUSE);
    assert_address(name_of(a, s), "0.0.0.0", 0); /* which has left nothing behind */
}

static void who_sends_in_vain_has_a_port(void **state)
{
    (void)state;
    int udp = open_datagram(a), echo = open_echo(a);
    assert_int_equal(name_of(a, udp).sin_port, 0);
    assert_fails(tern_send(a, udp, "x", 1, 0), EDESTADDRREQ);
    assert_int_not_equal(name_of(a, udp).sin_port, 0);
    assert_fails(tern_send(a, echo, "x", 1, 0), EINVAL);
    assert_int_not_equal(name_of(a, echo).sin_port, 0);
}

/* A stack talks to itself without its link. */
static void a_datagram_to_ourselves_arrives(void **state)
{
    (void)state;
    static const char *const hosts[] = {"10.0.0.1", "127.0.0.1", "0.0.0.0"};
    int to = open_datagram(a);
    assert_int_equal(bind_at(a, to, "0.0.0.0", 1000), 0);
    for (int i = 0; i < 3; i++) {
        char byte = 0;
        struct sockaddr_in in = at(hosts[i], 1000);
        assert_int_equal(
            tern_sendto(a, open_datagram(a), "x", 1, 0, (struct sockaddr *)&in, sizeof in), 1);
        assert_int_equal(tern_recv(a, to, &byte, 1, 0), 1);
        assert_int_equal(byte, 'x');
    }
    assert_int_equal(pair.ends[0].packets_out, 0);
}

/* Of an engine, too: one packet goes through `output`, and what it stands for arrives. */
static void datagrams_of_one_call_are_one_packet_for_a_link_that_cuts(void **state)
{
    (void)state;
    static const uint32_t features[] = {0, TERN_LINK_CHECKSUM | TERN_LINK_USO};
    static const uint64_t packets[] = {3, 1};
    static char bytes[2500], got[1001];
    for (int i = 0; i < 2; i++) {
        int from, to;
        open_pair(&(struct pair_options){.features = features[i]});
        open_datagrams(&from, &to);
        assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
        set_int(a, from, IPPROTO_UDP, UDP_SEGMENT, 1000);
        assert_int_equal(tern_send(a, from, bytes, sizeof bytes, 0), sizeof bytes);
        assert_int_equal(pair.ends[0].packets_out, packets[i]);
        assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 1000);
        assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 1000);
        assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 500);
        pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(an_echo_socket_hears_its_reply),
        socket_test(echo_sockets_do_not_hear_each_other),
        socket_test(an_echo_socket_s_identifier_is_its_port),
        socket_test(only_echo_requests_may_be_sent),
        socket_test(a_connected_echo_socket_has_a_peer),
        socket_test(a_full_link_is_enobufs),
        socket_test(without_a_port_left_nothing_is_sent),
        socket_test(who_sends_in_vain_has_a_port),
        socket_test(a_datagram_to_ourselves_arrives),
        cmocka_unit_test(datagrams_of_one_call_are_one_packet_for_a_link_that_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
