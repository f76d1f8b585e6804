#include "unit/sock/sockets.h"

#include <netinet/udp.h>

static int from, to; /* UDP sockets at 10.0.0.1:1000 and 10.0.0.2:1000 */

static int setup_datagram(void **state)
{
    setup(state);
    open_datagrams(&from, &to);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    set_int(a, from, IPPROTO_IP, IP_TTL, 42);
    set_int(a, from, IPPROTO_IP, IP_TOS, 0xb8);
    return 0;
}

#define datagram_test(name) cmocka_unit_test_setup_teardown(name, setup_datagram, teardown)

struct received {
    struct msghdr message;
    _Alignas(struct cmsghdr) unsigned char control[256];
    struct iovec span;
    char byte;
};

static void receive_one(struct received *r, size_t room)
{
    assert_int_equal(tern_send(a, from, "x", 1, 0), 1);
    memset(r, 0xee, sizeof *r);
    r->span = (struct iovec){&r->byte, 1};
    r->message = (struct msghdr){
        .msg_iov = &r->span, .msg_iovlen = 1, .msg_control = r->control, .msg_controllen = room};
    assert_int_equal(tern_recvmsg(b, to, &r->message, 0), 1);
}

static void without_being_asked_nothing_is_told(void **state)
{
    (void)state;
    struct received r;
    receive_one(&r, sizeof r.control);
    assert_int_equal(r.message.msg_controllen, 0);
    assert_int_equal(r.message.msg_flags, 0);
    assert_null(CMSG_FIRSTHDR(&r.message));
}

static void what_was_asked_for_is_told(void **state)
{
    (void)state;
    struct received r;
    int seen = 0;
    set_int(b, to, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(b, to, IPPROTO_IP, IP_RECVTOS, 1);
    set_int(b, to, IPPROTO_IP, IP_PKTINFO, 1);
    receive_one(&r, sizeof r.control);
    assert_int_equal(r.message.msg_flags, 0);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&r.message); c; c = CMSG_NXTHDR(&r.message, c)) {
        assert_int_equal(c->cmsg_level, IPPROTO_IP);
        if (c->cmsg_type == IP_TTL) {
            int ttl;
            assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof ttl));
            memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
            assert_int_equal(ttl, 42);
        } else if (c->cmsg_type == IP_TOS) {
            assert_int_equal(c->cmsg_len, CMSG_LEN(1));
            assert_int_equal(*CMSG_DATA(c), 0xb8);
        } else {
            struct in_pktinfo pktinfo;
            assert_int_equal(c->cmsg_type, IP_PKTINFO);
            assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof pktinfo));
            memcpy(&pktinfo, CMSG_DATA(c), sizeof pktinfo);
            assert_int_equal(ntohl(pktinfo.ipi_addr.s_addr), 0x0a000002);
            assert_int_equal(ntohl(pktinfo.ipi_spec_dst.s_addr), 0x0a000002);
        }
        seen++;
    }
    assert_int_equal(seen, 3);
}

/* How much of the message is there that begins at `at`, of which all are `whole` bytes. */
static size_t assert_part(const struct received *r, size_t room, size_t at, int type, size_t whole)
{
    const size_t left = room > at ? room - at : 0;
    struct cmsghdr header;
    if (left < CMSG_LEN(0))
        return 0;
    memcpy(&header, r->control + at, sizeof header);
    assert_int_equal(header.cmsg_level, IPPROTO_IP);
    assert_int_equal(header.cmsg_type, type);
    assert_int_equal(header.cmsg_len, left < CMSG_LEN(whole) ? left : CMSG_LEN(whole));
    return left < CMSG_SPACE(whole) ? left : CMSG_SPACE(whole);
}

static void of_what_does_not_fit_a_part_is_told_and_said_to_be_one(void **state)
{
    (void)state;
    set_int(b, to, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(b, to, IPPROTO_IP, IP_RECVTOS, 1);
    const size_t first = CMSG_SPACE(sizeof(int)), all = first + CMSG_LEN(1);
    for (size_t room = 0; room <= all; room++) {
        struct received r;
        receive_one(&r, room);
        assert_int_equal(r.message.msg_flags, room < all ? MSG_CTRUNC : 0);
        size_t used = assert_part(&r, room, 0, IP_TTL, sizeof(int));
        used += assert_part(&r, room, first, IP_TOS, 1);
        assert_int_equal(r.message.msg_controllen, used);
        for (size_t i = used; i < sizeof r.control; i++)
            assert_int_equal(r.control[i], 0xee);
        for (size_t i = CMSG_LEN(0); i < CMSG_LEN(sizeof(int)) && i < used; i++)
            assert_int_equal(r.control[i], ((const uint8_t[sizeof(int)]){42})[i - CMSG_LEN(0)]);
    }
}

/* Sends `length` bytes, as datagrams of 100, from the stack to itself, and receives the first. */
static int receive_size(int socket, size_t length)
{
    static const char sent[1000];
    char got[1000];
    _Alignas(struct cmsghdr) char control[64];
    struct iovec span = {got, sizeof got};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    int size = 0, whole = get_int(b, socket, IPPROTO_UDP, UDP_GRO);
    assert_int_equal(tern_send(b, socket, sent, length, 0), length);
    assert_int_equal(tern_recvmsg(b, socket, &message, 0), whole || length < 100 ? length : 100);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header) {
        assert_int_equal(header->cmsg_level, IPPROTO_UDP);
        assert_int_equal(header->cmsg_type, UDP_GRO);
        assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof size));
        memcpy(&size, CMSG_DATA(header), sizeof size);
    }
    return size;
}

/* udp(7), UDP_GRO. */
static void size_of_several_in_one_is_told(void **state)
{
    (void)state;
    int socket = open_datagram(b);
    assert_int_equal(bind_at(b, socket, "10.0.0.2", 1001), 0);
    assert_int_equal(connect_to(b, socket, "10.0.0.2", 1001), 0);
    set_int(b, socket, IPPROTO_UDP, UDP_SEGMENT, 100);
    set_int(b, socket, IPPROTO_UDP, UDP_GRO, 1);
    assert_int_equal(receive_size(socket, 350), 100);
    assert_int_equal(receive_size(socket, 101), 100);
    assert_int_equal(receive_size(socket, 100), 0);
    assert_int_equal(receive_size(socket, 99), 0);
    set_int(b, socket, IPPROTO_UDP, UDP_GRO, 0);
    assert_int_equal(receive_size(socket, 350), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        datagram_test(without_being_asked_nothing_is_told),
        datagram_test(what_was_asked_for_is_told),
        datagram_test(size_of_several_in_one_is_told),
        datagram_test(of_what_does_not_fit_a_part_is_told_and_said_to_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
