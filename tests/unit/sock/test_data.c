#include "data_fixture.h"

/* As on Linux; programs give them, and count on it. */
static void flags_of_other_calls_mean_nothing(void **state)
{
    (void)state;
    char byte;
    int to = open_datagram(b), datagram = open_datagram(a);
    assert_int_equal(bind_at(b, to, "10.0.0.2", 9), 0);
    assert_int_equal(connect_to(a, datagram, "10.0.0.2", 9), 0);
    static const int send_flags[] = {MSG_PEEK,         MSG_TRUNC,   MSG_WAITALL, MSG_ERRQUEUE,
                                     MSG_CMSG_CLOEXEC, MSG_CONFIRM, 0x00800000};
    for (size_t i = 0; i < sizeof send_flags / sizeof send_flags[0]; i++) {
        assert_int_equal(tern_send(a, client, "x", 1, send_flags[i]), 1);
        assert_int_equal(tern_send(a, datagram, "x", 1, send_flags[i]), 1);
    }
    static const int receive_flags[] = {MSG_DONTROUTE, MSG_MORE, MSG_EOR, 0x20000000, 0x00800000};
    for (size_t i = 0; i < sizeof receive_flags / sizeof receive_flags[0]; i++) {
        assert_int_equal(tern_recv(b, server, &byte, 1, receive_flags[i]), 1);
        assert_int_equal(tern_recv(b, to, &byte, 1, receive_flags[i]), 1);
    }
    assert_fails(tern_send(a, datagram, "x", 1, MSG_OOB), EOPNOTSUPP);
}

static void read_ends_at_the_urgent_byte_though_it_asks_for_all(void **state)
{
    (void)state;
    char bytes[8];
    struct iovec span = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    assert_int_equal(tern_send(a, client, "ab!", 3, MSG_OOB), 3);
    assert_int_equal(tern_send(a, client, "cd", 2, 0), 2);
    pair_run(&pair, TIME_MS(50));
    assert_int_equal(tern_sockatmark(b, server), 0);
    assert_int_equal(tern_recv(b, server, bytes, 4, MSG_WAITALL), 2);
    assert_memory_equal(bytes, "ab", 2);
    assert_int_equal(tern_sockatmark(b, server), 1);
    assert_int_equal(tern_recvmsg(b, server, &message, MSG_OOB), 1);
    assert_int_equal(bytes[0], '!');
    assert_true(message.msg_flags & MSG_OOB);
    assert_int_equal(tern_recv(b, server, bytes, 2, MSG_WAITALL), 2);
    assert_memory_equal(bytes, "cd", 2);
    assert_int_equal(tern_sockatmark(b, server), 0);
    assert_fails(tern_sockatmark(b, open_datagram(b)), ENOTTY);
}

static void there_is_no_urgent_byte_and_no_error_queue(void **state)
{
    (void)state;
    char byte;
    int datagram = open_datagram(a);
    assert_fails(tern_recv(a, client, &byte, 1, MSG_OOB), EINVAL);
    assert_fails(tern_recv(a, client, &byte, 1, MSG_ERRQUEUE), EAGAIN);
    assert_fails(tern_recv(a, datagram, &byte, 1, MSG_ERRQUEUE), EAGAIN);
    /* As Linux has it, of datagrams the flag means nothing. */
    assert_fails(tern_recv(a, datagram, &byte, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN);
    assert_fails(tern_recv(a, open_echo(a), &byte, 1, MSG_OOB), EOPNOTSUPP);
}

static void nowhere_to_read_from_or_write_to_is_efault(void **state)
{
    (void)state;
    char byte;
    struct iovec null = {NULL, 1}, span = {&byte, 1};
    struct msghdr message = {.msg_iov = &null, .msg_iovlen = 1};
    struct sockaddr_in in;
    assert_fails(tern_send(a, client, NULL, 1, 0), EFAULT);
    assert_fails(tern_recv(a, client, NULL, 1, 0), EFAULT);
    assert_fails(tern_writev(a, client, &null, 1), EFAULT);
    assert_fails(tern_readv(a, client, &null, 1), EFAULT);
    assert_fails(tern_writev(a, client, NULL, 1), EFAULT);
    assert_fails(tern_sendmsg(a, client, NULL, 0), EFAULT);
    assert_fails(tern_recvmsg(a, client, NULL, 0), EFAULT);
    assert_fails(tern_sendmsg(a, client, &message, 0), EFAULT);
    assert_fails(tern_recvmsg(a, client, &message, 0), EFAULT);
    assert_fails(tern_recvfrom(a, client, &byte, 1, 0, (struct sockaddr *)&in, NULL), EFAULT);
    message.msg_iov = &span;
    message.msg_control = NULL;
    message.msg_controllen = CMSG_LEN(4);
    assert_fails(tern_sendmsg(a, client, &message, 0), EFAULT);
}

static void too_many_spans_are_refused(void **state)
{
    (void)state;
    char byte = 'x';
    struct iovec spans[1025];
    for (int i = 0; i < 1025; i++)
        spans[i] = (struct iovec){&byte, 1};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 1025};
    assert_fails(tern_writev(a, client, spans, 1025), EINVAL);
    assert_fails(tern_readv(a, client, spans, 1025), EINVAL);
    assert_fails(tern_writev(a, client, spans, -1), EINVAL);
    assert_fails(tern_readv(a, client, spans, -1), EINVAL);
    assert_fails(tern_sendmsg(a, client, &message, 0), EMSGSIZE);
    assert_fails(tern_recvmsg(a, client, &message, 0), EMSGSIZE);
    spans[0].iov_len = spans[1].iov_len = SIZE_MAX / 2;
    assert_fails(tern_writev(a, client, spans, 2), EINVAL);
    assert_fails(tern_readv(a, client, spans, 3), EINVAL);
    spans[0].iov_len = spans[1].iov_len = 1;
    assert_int_equal(tern_writev(a, client, spans, 1024), 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected_test(flags_of_other_calls_mean_nothing),
        connected_test(read_ends_at_the_urgent_byte_though_it_asks_for_all),
        connected_test(there_is_no_urgent_byte_and_no_error_queue),
        connected_test(nowhere_to_read_from_or_write_to_is_efault),
        connected_test(too_many_spans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
