/* sock/data_send.c, data_receive.c: datagrams. */
#include "data_fixture.h"

static void a_datagram_arrives_whole_with_its_sender(void **state)
{
    (void)state;
    char bytes[16];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    assert_int_equal(send_to(a, client, "one", "10.0.0.2", 1000), 3);
    assert_int_equal(send_to(a, client, "", "10.0.0.2", 1000), 0);
    assert_int_equal(send_to(a, client, "three", "10.0.0.2", 1000), 5);
    assert_int_equal(tern_recvfrom(b, server, bytes, 16, 0, (struct sockaddr *)&from, &length), 3);
    assert_memory_equal(bytes, "one", 3);
    assert_int_equal(length, sizeof from);
    assert_address(from, "10.0.0.1", 1000);
    assert_int_equal(tern_recv(b, server, bytes, 16, 0), 0);
    assert_receives(b, server, "three");
    assert_fails(tern_recv(b, server, bytes, 16, MSG_DONTWAIT), EAGAIN);
}

static void what_does_not_fit_is_cut_off_and_said(void **state)
{
    (void)state;
    char bytes[16];
    struct iovec span = {bytes, 2};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    for (int i = 0; i < 4; i++)
        assert_int_equal(send_to(a, client, "abcdef", "10.0.0.2", 1000), 6);
    assert_int_equal(tern_recv(b, server, bytes, 2, MSG_TRUNC | MSG_PEEK), 6);
    assert_int_equal(tern_recv(b, server, bytes, 2, 0), 2);
    assert_int_equal(tern_recv(b, server, bytes, 2, MSG_TRUNC), 6);
    assert_int_equal(tern_recvmsg(b, server, &message, 0), 2);
    assert_int_equal(message.msg_flags, MSG_TRUNC);
    span.iov_len = 16;
    assert_int_equal(tern_recvmsg(b, server, &message, 0), 6);
    assert_int_equal(message.msg_flags, 0);
}

static void recvmsg_scatters_and_names(void **state)
{
    (void)state;
    char x[2], y[10];
    struct sockaddr_in from;
    struct iovec spans[] = {{x, 2}, {y, 10}};
    struct msghdr message = {
        .msg_iov = spans, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from};
    assert_int_equal(send_to(a, client, "abcdef", "10.0.0.2", 1000), 6);
    assert_int_equal(tern_recvmsg(b, server, &message, 0), 6);
    assert_memory_equal(x, "ab", 2);
    assert_memory_equal(y, "cdef", 4);
    assert_int_equal(message.msg_namelen, sizeof from);
    assert_address(from, "10.0.0.1", 1000);
    /* And back, gathered. */
    spans[1].iov_len = 4;
    assert_int_equal(tern_sendmsg(b, server, &message, 0), 6);
    assert_receives(a, client, "abcdef");
}

/* Whatever else is wrong with it. */
static void longer_than_any_is_told_first(void **state)
{
    (void)state;
    static char bytes[65536];
    struct sockaddr_in in = at("10.0.0.2", 0);
    struct sockaddr *to = (struct sockaddr *)&in;
    assert_fails(tern_sendto(a, client, bytes, 65536, MSG_OOB, to, 3), EMSGSIZE);
    assert_fails(tern_sendto(a, client, bytes, 65535, MSG_OOB, to, 3), EOPNOTSUPP);
    assert_fails(tern_sendto(a, client, bytes, 65535, 0, to, 3), EINVAL);
    assert_fails(tern_sendto(a, client, bytes, 65535, 0, to, sizeof in), EINVAL);
    in.sin_port = htons(1000);
    assert_fails(tern_sendto(a, client, bytes, 65535, 0, to, sizeof in), EMSGSIZE);
}

static void what_is_behind_a_message_s_address_means_nothing(void **state)
{
    (void)state;
    struct sockaddr_storage to = {0};
    const struct sockaddr_in in = at("10.0.0.2", 1000);
    struct msghdr message = {.msg_name = &to, .msg_namelen = 1000};
    memcpy(&to, &in, sizeof in);
    assert_int_equal(tern_sendmsg(a, client, &message, 0), 0);
    assert_fails(tern_sendto(a, client, "", 0, 0, (struct sockaddr *)&to, 1000), EINVAL);
}

static void a_connected_socket_needs_no_address(void **state)
{
    (void)state;
    assert_fails(tern_send(a, client, "x", 1, 0), EDESTADDRREQ);
    assert_int_equal(connect_to(a, client, "10.0.0.2", 1000), 0);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    assert_receives(b, server, "x");
    /* It may still be told another. */
    int other = open_datagram(b);
    assert_int_equal(bind_at(b, other, "0.0.0.0", 1001), 0);
    assert_int_equal(send_to(a, client, "y", "10.0.0.2", 1001), 1);
    assert_receives(b, other, "y");
}

static void a_refused_datagram_is_told_to_who_is_connected(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(connect_to(a, client, "10.0.0.2", 9), 0);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    assert_fails(tern_recv(a, client, &byte, 1, 0), ECONNREFUSED);
    assert_fails(tern_recv(a, client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, client) & POLLERR, POLLERR);
    assert_fails(tern_send(a, client, "x", 1, 0), ECONNREFUSED);
    pair_run(&pair, TIME_S(10));
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(get_int(a, client, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

static void a_bad_destination_is_refused(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.2", 1000);
    struct sockaddr *to = (struct sockaddr *)&in;
    assert_fails(tern_sendto(a, client, "x", 1, 0, to, sizeof in - 1), EINVAL);
    assert_fails(send_to(a, client, "x", "10.0.0.2", 0), EINVAL);
    assert_fails(send_to(a, client, "x", "255.255.255.255", 7), EACCES);
    in.sin_family = AF_UNIX;
    assert_fails(tern_sendto(a, client, "x", 1, 0, to, sizeof in), EAFNOSUPPORT);
}

static void a_datagram_has_a_largest_size(void **state)
{
    (void)state;
    char *bytes = pattern(65536);
    struct sockaddr_in in = at("10.0.0.2", 1000);
    struct sockaddr *to = (struct sockaddr *)&in;
    assert_fails(tern_sendto(a, client, bytes, 65508, 0, to, sizeof in), EMSGSIZE);
    set_int(a, client, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    assert_fails(tern_sendto(a, client, bytes, 1473, 0, to, sizeof in), EMSGSIZE);
    assert_int_equal(tern_sendto(a, client, bytes, 1472, 0, to, sizeof in), 1472);
    free(bytes);
}

static void send_one(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(send_to(p->ends[0].t, client, "late", "10.0.0.2", 1000), 4);
}

static void a_recv_waits_for_a_datagram(void **state)
{
    (void)state;
    char bytes[8];
    pair.meanwhile = send_one;
    assert_receives(b, server, "late");
    set_timeout(b, server, SO_RCVTIMEO, TIME_MS(5));
    uint64_t before = pair.now_ns;
    assert_fails(tern_recv(b, server, bytes, 8, 0), EAGAIN);
    assert_true(pair.now_ns == before + TIME_MS(5));
    pair.interrupt_in = 1;
    assert_fails(tern_recv(b, server, bytes, 8, 0), EINTR);
}

static void a_shut_datagram_socket_is_at_its_end(void **state)
{
    (void)state;
    char byte;
    assert_fails(tern_shutdown(a, client, SHUT_RDWR), ENOTCONN);
    assert_int_equal(connect_to(a, client, "10.0.0.2", 1000), 0);
    assert_int_equal(tern_shutdown(a, client, SHUT_RDWR), 0);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
    assert_fails(tern_send(a, client, "x", 1, 0), EPIPE);
}

/* As on Linux: there is no datagram that could be from somebody, and what is told of datagrams is
 * told of none. */
static void the_end_of_a_shut_one_is_from_nobody(void **state)
{
    (void)state;
    char byte, control[128];
    const int on = 1;
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    struct iovec span = {&byte, 1};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    assert_int_equal(connect_to(a, client, "10.0.0.2", 1000), 0);
    assert_int_equal(tern_setsockopt(a, client, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
    assert_int_equal(tern_shutdown(a, client, SHUT_RD), 0);
    assert_int_equal(tern_recvfrom(a, client, &byte, 1, 0, (struct sockaddr *)&from, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(tern_recvmsg(a, client, &message, 0), 0);
    assert_int_equal(message.msg_namelen, 0);
    assert_int_equal(message.msg_controllen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        datagram_test(a_datagram_arrives_whole_with_its_sender),
        datagram_test(what_does_not_fit_is_cut_off_and_said),
        datagram_test(recvmsg_scatters_and_names),
        datagram_test(longer_than_any_is_told_first),
        datagram_test(what_is_behind_a_message_s_address_means_nothing),
        datagram_test(a_connected_socket_needs_no_address),
        datagram_test(a_refused_datagram_is_told_to_who_is_connected),
        datagram_test(a_bad_destination_is_refused),
        datagram_test(a_datagram_has_a_largest_size),
        datagram_test(a_recv_waits_for_a_datagram),
        datagram_test(a_shut_datagram_socket_is_at_its_end),
        datagram_test(the_end_of_a_shut_one_is_from_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
