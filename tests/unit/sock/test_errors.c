#include "unit/sock/sockets.h"

#include <linux/errqueue.h>

/* What recvmsg() tells of a note, taken apart. */
struct told {
    ssize_t length;
    char bytes[64];
    struct sockaddr_in name;
    struct msghdr message;
    struct sock_extended_err error;
    struct sockaddr_in offender;
    char control[256];
};

static struct told take_note(struct tern *t, int s, size_t room)
{
    static struct told told;
    told = (struct told){0};
    struct iovec span = {told.bytes, room};
    told.message = (struct msghdr){.msg_name = &told.name,
                                   .msg_namelen = sizeof told.name,
                                   .msg_iov = &span,
                                   .msg_iovlen = 1,
                                   .msg_control = told.control,
                                   .msg_controllen = sizeof told.control};
    told.length = tern_recvmsg(t, s, &told.message, MSG_ERRQUEUE);
    struct cmsghdr *c = told.length >= 0 ? CMSG_FIRSTHDR(&told.message) : NULL;
    for (; c != NULL; c = CMSG_NXTHDR(&told.message, c)) {
        if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
            continue;
        assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof told.error + sizeof told.offender));
        memcpy(&told.error, CMSG_DATA(c), sizeof told.error);
        memcpy(&told.offender, CMSG_DATA(c) + sizeof told.error, sizeof told.offender);
    }
    return told;
}

/* A socket of `a` that wants all errors and has sent "lost" where nobody listens. */
static int refused(bool connected)
{
    struct sockaddr_in to = at("10.0.0.2", 9);
    int s = open_datagram(a);
    set_int(a, s, IPPROTO_IP, IP_RECVERR, 1);
    if (connected)
        assert_int_equal(connect_to(a, s, "10.0.0.2", 9), 0);
    assert_int_equal(tern_sendto(a, s, "lost", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    pair_run(&pair, TIME_MS(1));
    return s;
}

static void an_icmp_error_is_told_with_who_sent_it_about_what(void **state)
{
    (void)state;
    int s = refused(true);
    assert_int_equal(get_int(a, s, IPPROTO_IP, IP_RECVERR), 1);
    assert_int_equal(ready(a, s), POLLOUT | POLLERR);
    struct told told = take_note(a, s, 64);
    assert_int_equal(told.length, 4);
    assert_memory_equal(told.bytes, "lost", 4);
    assert_int_equal(told.message.msg_flags, MSG_ERRQUEUE);
    assert_address(told.name, "10.0.0.2", 9);
    assert_int_equal(told.error.ee_errno, ECONNREFUSED);
    assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_ICMP);
    assert_int_equal(told.error.ee_type, 3);
    assert_int_equal(told.error.ee_code, 3);
    assert_address(told.offender, "10.0.0.2", 0);
    /* The pending error was the note's. */
    assert_int_equal(ready(a, s), POLLOUT);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
    assert_fails(take_note(a, s, 64).length, EAGAIN);
}

/* As of a datagram, to who asks. */
static void the_icmp_message_s_own_header_is_told(void **state)
{
    (void)state;
    int s = refused(true), seen = 0;
    set_int(a, s, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(a, s, IPPROTO_IP, IP_RECVTOS, 1);
    set_int(a, s, IPPROTO_IP, IP_PKTINFO, 1);
    struct told told = take_note(a, s, 64);
    assert_int_equal(told.error.ee_errno, ECONNREFUSED);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&told.message); c; c = CMSG_NXTHDR(&told.message, c)) {
        struct in_pktinfo where;
        int ttl;
        switch (seen++) {
        case 0:
            assert_int_equal(c->cmsg_type, IP_PKTINFO);
            memcpy(&where, CMSG_DATA(c), sizeof where);
            assert_int_equal(where.ipi_ifindex, 1);
            assert_int_equal(where.ipi_spec_dst.s_addr, 0);
            assert_int_equal(ntohl(where.ipi_addr.s_addr), 0x0a000001);
            break;
        case 1:
            assert_int_equal(c->cmsg_type, IP_TTL);
            memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
            assert_int_equal(ttl, 64);
            break;
        case 2:
            assert_int_equal(c->cmsg_type, IP_TOS);
            assert_int_equal(*CMSG_DATA(c), 0xc0);
            break;
        default:
            assert_int_equal(c->cmsg_type, IP_RECVERR);
        }
    }
    assert_int_equal(seen, 4);
}

/* ip(7): without IP_RECVERR it could not be told whom the error is about. */
static void who_has_no_peer_is_told_too(void **state)
{
    (void)state;
    int s = refused(false);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(ready(a, s), POLLOUT | POLLERR); /* the note is still there */
    assert_int_equal(take_note(a, s, 64).error.ee_errno, ECONNREFUSED);
    assert_int_equal(ready(a, s), POLLOUT);
}

static void who_has_not_asked_has_no_notes(void **state)
{
    (void)state;
    struct sockaddr_in to = at("10.0.0.2", 9);
    int s = open_datagram(a);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 9), 0);
    assert_int_equal(tern_sendto(a, s, "lost", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    pair_run(&pair, TIME_MS(1));
    assert_fails(take_note(a, s, 64).length, EAGAIN);
    assert_fails(tern_send(a, s, "x", 1, 0), ECONNREFUSED);
}

static void what_has_no_room_is_cut_and_said_so(void **state)
{
    (void)state;
    int s = refused(true);
    struct told told = take_note(a, s, 2);
    assert_int_equal(told.length, 2);
    assert_int_equal(told.message.msg_flags, MSG_ERRQUEUE | MSG_TRUNC);

    s = refused(true);
    struct msghdr bare = {0};
    assert_int_equal(tern_recvmsg(a, s, &bare, MSG_ERRQUEUE), 0);
    assert_int_equal(bare.msg_flags, MSG_ERRQUEUE | MSG_TRUNC | MSG_CTRUNC);
}

static void recv_and_recvfrom_read_it_as_well(void **state)
{
    (void)state;
    char bytes[64];
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int s = refused(true);
    assert_int_equal(
        tern_recvfrom(a, s, bytes, sizeof bytes, MSG_ERRQUEUE, (struct sockaddr *)&name, &length),
        4);
    assert_address(name, "10.0.0.2", 9);
    assert_fails(tern_recv(a, s, bytes, sizeof bytes, MSG_ERRQUEUE), EAGAIN);
    s = refused(true);
    assert_int_equal(tern_recv(a, s, bytes, sizeof bytes, MSG_ERRQUEUE), 4);
}

static void a_datagram_too_long_is_told_with_the_mtu(void **state)
{
    (void)state;
    static const char bytes[2000];
    int s = open_datagram(a);
    set_int(a, s, IPPROTO_IP, IP_RECVERR, 1);
    set_int(a, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 9), 0);
    assert_fails(tern_send(a, s, bytes, sizeof bytes, 0), EMSGSIZE);
    struct told told = take_note(a, s, 64);
    assert_int_equal(told.length, 0);
    assert_int_equal(told.error.ee_errno, EMSGSIZE);
    assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_LOCAL);
    assert_int_equal(told.error.ee_info, 1500);
    assert_address(told.name, "10.0.0.2", 9);
    assert_int_equal(told.offender.sin_family, 0);
    assert_int_equal(ready(a, s), POLLOUT);
}

static void an_echo_request_too_long_is_told_as_well(void **state)
{
    (void)state;
    static const uint8_t request[2000] = {8};
    int s = tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    set_int(a, s, IPPROTO_IP, IP_RECVERR, 1);
    set_int(a, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 0), 0);
    assert_fails(tern_send(a, s, request, sizeof request, 0), EMSGSIZE);
    assert_int_equal(take_note(a, s, 64).error.ee_info, 1500);
}

/* Nothing is refused that POLLERR alone would make look over. */
static void a_note_does_not_end_a_wait(void **state)
{
    (void)state;
    char bytes[8];
    int s = refused(true);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    set_timeout(a, s, SO_RCVTIMEO, TIME_MS(5));
    uint64_t before = pair.now_ns;
    assert_fails(tern_recv(a, s, bytes, sizeof bytes, 0), EAGAIN);
    assert_true(pair.now_ns - before >= TIME_MS(5));
}

static void misuse_is_said(void **state)
{
    (void)state;
    int listener = listen_at(a, ":80", 1);
    struct msghdr message = {.msg_iov = NULL, .msg_iovlen = 1};
    char bytes[1];
    assert_fails(tern_recv(a, listener, bytes, 1, MSG_ERRQUEUE), EAGAIN);
    assert_fails(tern_recvmsg(a, listener, NULL, MSG_ERRQUEUE), EFAULT);
    assert_fails(tern_recvmsg(a, listener, &message, MSG_ERRQUEUE), EFAULT);
    message.msg_iovlen = 1025;
    assert_fails(tern_recvmsg(a, listener, &message, MSG_ERRQUEUE), EMSGSIZE);
    assert_fails(tern_recv(a, 77, bytes, 1, MSG_ERRQUEUE), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(an_icmp_error_is_told_with_who_sent_it_about_what),
        socket_test(the_icmp_message_s_own_header_is_told),
        socket_test(who_has_no_peer_is_told_too),
        socket_test(who_has_not_asked_has_no_notes),
        socket_test(what_has_no_room_is_cut_and_said_so),
        socket_test(recv_and_recvfrom_read_it_as_well),
        socket_test(a_datagram_too_long_is_told_with_the_mtu),
        socket_test(an_echo_request_too_long_is_told_as_well),
        socket_test(a_note_does_not_end_a_wait),
        socket_test(misuse_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
