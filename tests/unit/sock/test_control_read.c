#include "sock/data.h"
#include "unit/sock/sockets.h"

#include <netinet/udp.h>

/* A UDP socket at 10.0.0.1:1000 that sends to one at 10.0.0.2:1000, which tells all it can. */
static int from, to;

static int setup_datagram(void **state)
{
    setup(state);
    open_datagrams(&from, &to);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    set_int(b, to, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(b, to, IPPROTO_IP, IP_RECVTOS, 1);
    return 0;
}

#define datagram_test(name) cmocka_unit_test_setup_teardown(name, setup_datagram, teardown)

static _Alignas(struct cmsghdr) unsigned char control[256];
static size_t control_length;

static void put(int level, int type, const void *data, size_t length)
{
    struct cmsghdr header = {.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};
    memcpy(control + control_length, &header, sizeof header);
    memcpy(control + control_length + CMSG_LEN(0), data, length);
    control_length += CMSG_SPACE(length);
}

static void put_int(int type, int value)
{
    put(IPPROTO_IP, type, &value, sizeof value);
}

/* Sends one byte with what was put. */
static ssize_t send_controlled(int s)
{
    char byte = 'x';
    struct iovec span = {&byte, 1};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = control_length};
    control_length = 0;
    return tern_sendmsg(a, s, &message, 0);
}

/* What the next datagram had. */
static void assert_arrives(int ttl, int tos)
{
    char byte;
    _Alignas(struct cmsghdr) unsigned char room[128];
    struct iovec span = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    int seen = 0;
    assert_int_equal(tern_recvmsg(b, to, &message, 0), 1);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c), seen++) {
        if (c->cmsg_type == IP_TTL)
            assert_int_equal(*(int *)(void *)CMSG_DATA(c), ttl);
        else
            assert_int_equal(*CMSG_DATA(c), tos);
    }
    assert_int_equal(seen, 2);
}

static void one_datagram_is_sent_otherwise(void **state)
{
    (void)state;
    const uint8_t tos = 0x2e;
    set_int(a, from, IPPROTO_IP, IP_TTL, 42);
    put_int(IP_TTL, 7);
    put(IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    assert_int_equal(send_controlled(from), 1);
    assert_arrives(7, 0x2e);
    put_int(IP_TOS, 0xb8);
    assert_int_equal(send_controlled(from), 1);
    assert_arrives(42, 0xb8);
    assert_int_equal(tern_send(a, from, "x", 1, 0), 1); /* the next one is as ever */
    assert_arrives(42, 0);
}

static void the_source_can_be_said(void **state)
{
    (void)state;
    struct in_pktinfo info = {.ipi_ifindex = 1};
    int s = open_datagram(a), here = open_datagram(a);
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    char byte;
    assert_int_equal(bind_at(a, here, "0.0.0.0", 2000), 0);
    assert_int_equal(connect_to(a, s, "127.0.0.1", 2000), 0);
    inet_pton(AF_INET, "10.0.0.1", &info.ipi_spec_dst);
    put(IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    assert_int_equal(send_controlled(s), 1);
    assert_int_equal(tern_recvfrom(a, here, &byte, 1, 0, (struct sockaddr *)&in, &length), 1);
    assert_int_equal(in.sin_addr.s_addr, info.ipi_spec_dst.s_addr);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct in_pktinfo strange = {.ipi_spec_dst = {htonl(0x0a000063)}}, nowhere = {.ipi_ifindex = 2},
                      group = {.ipi_ifindex = 2, .ipi_spec_dst = {htonl(0xe0000001)}};
    const struct {
        int type, value;
    } bad[] = {{IP_TTL, 0}, {IP_TTL, 256}, {IP_TOS, -1}, {IP_TOS, 256}, {IP_RECVTTL, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_int(bad[i].type, bad[i].value);
        assert_fails(send_controlled(from), EINVAL);
    }
    put(IPPROTO_IP, IP_TTL, "", 1);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_IP, IP_TOS, "ab", 2);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_IP, IP_PKTINFO, &strange, sizeof strange);
    assert_fails(send_controlled(from), ENETUNREACH);
    put(IPPROTO_IP, IP_PKTINFO, &group, sizeof group);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_IP, IP_PKTINFO, &nowhere, sizeof nowhere);
    assert_fails(send_controlled(from), ENODEV);
    /* What is no message is told before what is no interface. */
    put(IPPROTO_IP, IP_PKTINFO, &nowhere, sizeof nowhere);
    put_int(IP_TTL, 0);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_IP, IP_PKTINFO, &strange, 4);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_UDP, 1, &strange, 4);
    assert_fails(send_controlled(from), EINVAL);
    put_int(IP_TTL, 7);
    control_length -= 8; /* cut short */
    assert_fails(send_controlled(from), EINVAL);
    assert_int_equal(tern_send(a, from, "x", 1, 0), 1);
    assert_arrives(64, 0); /* and none of it stays */
}

/* As on Linux. */
static void nobody_to_send_to_is_told_before_what_is_said_of_it(void **state)
{
    (void)state;
    const uint8_t request[8] = {8};
    int udp = open_datagram(a), echo = open_echo(a), stream = open_stream(a);
    put_int(IP_TTL, 0);
    assert_fails(send_controlled(udp), EDESTADDRREQ);
    struct iovec span = data_span(request, sizeof request);
    put_int(IP_TTL, 0);
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = control_length};
    assert_fails(tern_sendmsg(a, echo, &message, 0), EDESTADDRREQ);
    assert_int_equal(connect_to(a, echo, "10.0.0.2", 0), 0);
    assert_fails(tern_sendmsg(a, echo, &message, 0), EINVAL);
    control_length = 0;
    put(SOL_SOCKET, SO_KEEPALIVE, "abcd", 4);
    assert_fails(send_controlled(stream), EPIPE);
}

/* udp(7) */
static void one_call_is_cut_otherwise(void **state)
{
    (void)state;
    static char bytes[300], got[300];
    const uint16_t hundred = 100, none = 0;
    const int wrong = 100;
    struct iovec span = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = control};
    set_int(a, from, IPPROTO_UDP, UDP_SEGMENT, 150);
    put(IPPROTO_UDP, UDP_SEGMENT, &hundred, sizeof hundred);
    message.msg_controllen = control_length;
    assert_int_equal(tern_sendmsg(a, from, &message, 0), 300);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 100);
    control_length = 0;
    put(IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none);
    assert_int_equal(tern_sendmsg(a, from, &message, 0), 300);
    assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 300);
    assert_int_equal(tern_send(a, from, bytes, sizeof bytes, 0), 300); /* the next is as ever */
    assert_int_equal(tern_recv(b, to, got, sizeof got, 0), 150);
    control_length = 0;
    put(IPPROTO_UDP, UDP_SEGMENT, &wrong, sizeof wrong);
    assert_fails(send_controlled(from), EINVAL);
    put(IPPROTO_UDP, UDP_CORK, &hundred, sizeof hundred);
    assert_fails(send_controlled(from), EINVAL);
}

/* As on Linux, where each protocol looks at the levels that it knows. */
static void a_stream_looks_at_none_of_it(void **state)
{
    (void)state;
    const uint16_t hundred = 100;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    put_int(IP_TTL, 777);
    assert_int_equal(send_controlled(client), 1);
    put(IPPROTO_UDP, UDP_CORK, &hundred, sizeof hundred);
    assert_int_equal(send_controlled(client), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        datagram_test(one_datagram_is_sent_otherwise),
        datagram_test(the_source_can_be_said),
        datagram_test(what_cannot_be_is_refused),
        datagram_test(one_call_is_cut_otherwise),
        socket_test(nobody_to_send_to_is_told_before_what_is_said_of_it),
        socket_test(a_stream_looks_at_none_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
