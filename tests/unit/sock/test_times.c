#include <time.h> /* which linux/errqueue.h takes for granted */

#include "unit/sock/sockets.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

enum { OPTION_INQ = 36 };

/* What a call of recvmsg() tells beside the bytes. */
struct told {
    ssize_t length;
    int flags;
    bool has_coarse, has_fine, has_stamp, has_error;
    struct timeval coarse;
    struct timespec fine, stamp[3];
    struct sock_extended_err error;
    int inq; /* -1: not told */
};

static void take(const struct cmsghdr *c, void *to, size_t size, bool *has)
{
    assert_true(c->cmsg_len >= CMSG_LEN(size));
    memcpy(to, (const char *)c + CMSG_LEN(0), size);
    *has = true;
}

static struct told receive(struct tern *t, int s, int flags)
{
    static char bytes[4096], space[512];
    struct iovec span = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct told told = {.inq = -1};
    bool has_inq;
    told.length = tern_recvmsg(t, s, &message, flags);
    told.flags = message.msg_flags;
    struct cmsghdr *c = told.length >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    for (; c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP)
            take(c, &told.coarse, sizeof told.coarse, &told.has_coarse);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS)
            take(c, &told.fine, sizeof told.fine, &told.has_fine);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING)
            take(c, told.stamp, sizeof told.stamp, &told.has_stamp);
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)
            take(c, &told.error, sizeof told.error, &told.has_error);
        else if (c->cmsg_level == IPPROTO_TCP && c->cmsg_type == OPTION_INQ)
            take(c, &told.inq, sizeof told.inq, &has_inq);
    }
    return told;
}

static uint64_t ns_of(struct timespec time)
{
    return TIME_S(time.tv_sec) + (uint64_t)time.tv_nsec;
}

static int connected_datagram(void)
{
    int s = open_datagram(a);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 9), 0);
    return s;
}

static void assert_stamp(struct tern *t, int s, uint32_t kind, uint32_t key)
{
    struct told told = receive(t, s, MSG_ERRQUEUE);
    assert_int_equal(told.length, 0);
    assert_true(told.has_error && told.has_stamp);
    assert_int_equal(told.error.ee_errno, ENOMSG);
    assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    assert_int_equal(told.error.ee_info, kind);
    assert_int_equal(told.error.ee_data, key);
    assert_int_not_equal(ns_of(told.stamp[0]), 0);
    assert_int_equal(ns_of(told.stamp[2]), 0);
}

static const int TRANSMIT = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE |
                            SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
                            SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;

static void a_stream_s_transmit_times_come_in_order(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, TRANSMIT);
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_send(a, s, "abc", 3, 0), 3);
    assert_true(ready(a, s) & POLLERR);
    pair_run(&pair, TIME_MS(100));
    struct told told = receive(a, s, MSG_ERRQUEUE);
    assert_int_equal(told.error.ee_info, SCM_TSTAMP_SCHED);
    assert_int_equal(told.flags, MSG_ERRQUEUE);
    assert_in_range(ns_of(told.stamp[0]), before,
                    before + TIME_US(1)); /* an engine's clock is its caller's */
    assert_stamp(a, s, SCM_TSTAMP_SND, 2);
    assert_stamp(a, s, SCM_TSTAMP_ACK, 2);
    assert_fails(receive(a, s, MSG_ERRQUEUE).length, EAGAIN);
}

static void a_datagram_s_transmit_times_have_its_number(void **state)
{
    (void)state;
    int s = connected_datagram();
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, TRANSMIT & ~SOF_TIMESTAMPING_OPT_TSONLY);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(tern_send(a, s, "abc", 3, 0), 3);
        assert_int_equal(receive(a, s, MSG_ERRQUEUE).flags, MSG_ERRQUEUE | MSG_TRUNC);
        assert_stamp(a, s, SCM_TSTAMP_SND, i);
    }
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, 0);
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, TRANSMIT); /* the numbers start again */
    assert_int_equal(tern_send(a, s, "abc", 3, 0), 3);
    assert_stamp(a, s, SCM_TSTAMP_SCHED, 0);
}

static void one_call_may_ask_for_its_own(void **state)
{
    (void)state;
    int server, s = connected_stream(&server);
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_SOFTWARE);
    uint32_t wanted = SOF_TIMESTAMPING_TX_ACK;
    char space[CMSG_SPACE(sizeof wanted)] = {0};
    struct iovec span = {space, 1};
    struct msghdr message = {
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){CMSG_LEN(sizeof wanted), SOL_SOCKET, SO_TIMESTAMPING};
    memcpy(CMSG_DATA(c), &wanted, sizeof wanted);
    assert_int_equal(tern_sendmsg(a, s, &message, 0), 1);
    assert_int_equal(tern_send(a, s, "b", 1, 0), 1);
    pair_run(&pair, TIME_MS(100));
    assert_stamp(a, s, SCM_TSTAMP_ACK, 0);
    assert_fails(receive(a, s, MSG_ERRQUEUE).length, EAGAIN);

    wanted = SOF_TIMESTAMPING_OPT_ID; /* not a call's to ask for */
    memcpy(CMSG_DATA(c), &wanted, sizeof wanted);
    assert_fails(tern_sendmsg(a, s, &message, 0), EINVAL);
    c->cmsg_type = SO_TYPE;
    assert_fails(tern_sendmsg(a, s, &message, 0), EINVAL);
    c->cmsg_type = SO_TIMESTAMPING;
    c->cmsg_len = CMSG_LEN(3);
    assert_fails(tern_sendmsg(a, s, &message, 0), EINVAL);
    message.msg_controllen = sizeof(struct cmsghdr) - 1; /* too short to be one: as none */
    assert_int_equal(tern_sendmsg(a, s, &message, 0), 1);
}

static void the_time_of_arrival_is_told_in_the_form_asked_for(void **state)
{
    (void)state;
    struct sockaddr_in to = at("10.0.0.1", 77);
    int s = open_datagram(a), peer = open_datagram(b);
    assert_int_equal(bind_at(a, s, "0.0.0.0", 77), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(tern_sendto(b, peer, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
    pair_run(&pair, TIME_MS(1));
    struct told told = receive(a, s, 0);
    assert_false(told.has_coarse || told.has_fine || told.has_stamp);

    set_int(a, s, SOL_SOCKET, SO_TIMESTAMP, 1);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_TIMESTAMP), 1);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_TIMESTAMPNS), 0);
    told = receive(a, s, 0);
    assert_true(told.has_coarse && !told.has_fine);

    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_TIMESTAMP), 0);
    told = receive(a, s, 0);
    assert_true(!told.has_coarse && told.has_fine);
    assert_in_range(ns_of(told.fine), pair.now_ns - TIME_MS(1), pair.now_ns);

    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPNS, 0);
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING,
            SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE);
    told = receive(a, s, 0);
    assert_true(!told.has_coarse && !told.has_fine && told.has_stamp);
}

static void a_stream_tells_when_what_was_read_came(void **state)
{
    (void)state;
    int listener = listen_at(b, ":81", 5), client = open_stream(a);
    set_int(b, listener, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    assert_int_equal(connect_to(a, client, "10.0.0.2", 81), 0);
    int server = tern_accept(b, listener, NULL, NULL); /* has its listener's options */
    assert_int_equal(tern_send(a, client, "abc", 3, 0), 3);
    pair_run(&pair, TIME_MS(1));
    uint64_t latest = pair.now_ns;
    pair_run(&pair, TIME_MS(50));
    struct told told = receive(b, server, MSG_PEEK);
    assert_true(told.has_fine);
    assert_in_range(ns_of(told.fine), latest - TIME_MS(1), latest);
    told = receive(b, server, 0);
    assert_true(told.has_fine);
    assert_in_range(ns_of(told.fine), latest - TIME_MS(1), latest);
}

/* Linux's TCP_INQ: at the end one byte, so that its reader reads on. */
static void a_stream_tells_how_much_is_left(void **state)
{
    (void)state;
    char bytes[4];
    int two = 2, server, s = connected_stream(&server);
    assert_fails(tern_setsockopt(b, server, IPPROTO_TCP, OPTION_INQ, &two, sizeof two), EINVAL);
    set_int(b, server, IPPROTO_TCP, OPTION_INQ, 1);
    assert_int_equal(get_int(b, server, IPPROTO_TCP, OPTION_INQ), 1);
    assert_int_equal(tern_send(a, s, "abcdefgh", 8, 0), 8);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(receive(b, server, MSG_PEEK).inq, 8);
    assert_int_equal(tern_recv(b, server, bytes, 4, 0), 4);
    assert_int_equal(receive(b, server, 0).inq, 0);
    assert_int_equal(tern_shutdown(a, s, SHUT_WR), 0);
    pair_run(&pair, TIME_MS(1));
    struct told told = receive(b, server, 0);
    assert_int_equal(told.length, 0);
    assert_int_equal(told.inq, 1);
}

static void flags_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    int server, s = connected_stream(&server), closed = open_stream(a);
    const int wrong[] = {1 << 20, SOF_TIMESTAMPING_OPT_STATS, 1 << 16};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_TIMESTAMPING, &wrong[i], sizeof wrong[i]),
                     EINVAL);
    const int id = SOF_TIMESTAMPING_OPT_ID;
    assert_fails(tern_setsockopt(a, closed, SOL_SOCKET, SO_TIMESTAMPING, &id, sizeof id), EINVAL);
    int listener = listen_at(a, ":90", 1);
    assert_fails(tern_setsockopt(a, listener, SOL_SOCKET, SO_TIMESTAMPING, &id, sizeof id), EINVAL);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_TIMESTAMPING, &id, 3), EINVAL);
    set_int(a, s, SOL_SOCKET, SO_TIMESTAMPING, id);
    int value[2] = {-1, -1};
    socklen_t length = sizeof value;
    assert_int_equal(tern_getsockopt(a, s, SOL_SOCKET, SO_TIMESTAMPING, value, &length), 0);
    assert_int_equal(length, sizeof value);
    assert_int_equal(value[0], id);
    assert_int_equal(value[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_stream_s_transmit_times_come_in_order),
        socket_test(a_datagram_s_transmit_times_have_its_number),
        socket_test(one_call_may_ask_for_its_own),
        socket_test(the_time_of_arrival_is_told_in_the_form_asked_for),
        socket_test(a_stream_tells_when_what_was_read_came),
        socket_test(a_stream_tells_how_much_is_left),
        socket_test(flags_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
