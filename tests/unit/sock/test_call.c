/* call.c: a call that writes finds an acknowledgment that is there already, over a host that takes
 * in what has arrived when it catches up. What wait.c and call.c do together is in test_wait.c. */
#include "unit/sock/data_fixture.h"

#include "sock/host.h"

enum {
    PART = 100, /* bytes: short of a segment */
    ALL = 64,   /* packets: more than there are */
};

static char part[PART];

static void catch_up(struct sock_host *host)
{
    assert_ptr_equal(host, a->host);
    assert_int_equal(arrive(0, ALL), 1);
}

/* A part has been sent, and its acknowledgment waits to be taken in; by Nagle's rule the next part
 * waits for that. From now on each of a's calls catches up with what has arrived. */
static struct sock_host_operations catching_up;
static const struct sock_host_operations *usual;

static int setup_waiting(void **state)
{
    setup_connected(state);
    assert_int_equal(tern_send(a, client, part, PART, 0), PART);
    assert_int_equal(tern_send(a, client, part, PART, 0), PART);
    assert_int_equal(arrive(1, ALL), 1);
    usual = a->host->operations;
    catching_up = *usual;
    catching_up.catch_up = catch_up;
    a->host->operations = &catching_up;
    return 0;
}

/* After the one call. */
static void assert_sent(int segments, size_t bytes)
{
    char room[2048];
    a->host->operations = usual;
    assert_int_equal(arrive(1, ALL), segments);
    assert_int_equal(tern_recv(b, server, room, sizeof room, MSG_DONTWAIT), PART + bytes);
}

/* Room for a part is reserved, and filled, before any call catches up. */
static void reserve_part(void)
{
    struct iovec spans[2];
    a->host->operations = usual;
    assert_int_equal(tern_send_reserve(a, client, PART, spans), PART);
    memset(spans[0].iov_base, 'x', spans[0].iov_len);
    a->host->operations = &catching_up;
}

#define waiting_test(name) cmocka_unit_test_setup_teardown(name, setup_waiting, teardown)

static void what_waited_goes_with_what_is_sent(void **state)
{
    (void)state;
    assert_int_equal(tern_send(a, client, part, PART, 0), PART);
    assert_sent(1, 2 * PART);
}

static void and_with_a_message(void **state)
{
    (void)state;
    struct iovec span = {part, PART};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    assert_int_equal(tern_sendmsg(a, client, &message, 0), PART);
    assert_sent(1, 2 * PART);
}

static void and_with_what_is_written_as_to_a_file(void **state)
{
    (void)state;
    assert_int_equal(tern_write(a, client, part, PART), PART);
    assert_sent(1, 2 * PART);
}

static void and_from_several_spans(void **state)
{
    (void)state;
    struct iovec span = {part, PART};
    assert_int_equal(tern_writev(a, client, &span, 1), PART);
    assert_sent(1, 2 * PART);
}

static void and_with_what_is_committed(void **state)
{
    (void)state;
    reserve_part();
    assert_int_equal(tern_send_commit(a, client, PART, 0), PART);
    assert_sent(1, 2 * PART);
}

static void it_goes_alone_where_nothing_was_written(void **state)
{
    (void)state;
    assert_int_equal(tern_send(a, client, part, 0, 0), 0);
    assert_sent(1, PART);
}

static void it_goes_alone_where_the_write_is_wrong(void **state)
{
    (void)state;
    assert_fails(tern_send(a, client, NULL, PART, 0), EFAULT);
    assert_sent(1, PART);
}

static void it_goes_alone_where_the_write_is_to_wait(void **state)
{
    (void)state;
    reserve_part();
    assert_fails(tern_send(a, client, part, PART, 0), EBUSY);
    assert_sent(1, PART);
}

static void it_goes_alone_where_somebody_reads(void **state)
{
    (void)state;
    char byte;
    assert_fails(tern_recv(a, client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    assert_sent(1, PART);
}

/* With what is announced to wait for more it would have to wait as well, and perhaps for an answer
 * that only it will bring. */
static void it_goes_alone_where_more_is_to_follow(void **state)
{
    (void)state;
    assert_int_equal(tern_send(a, client, part, PART, MSG_MORE), PART);
    assert_sent(1, PART);
}

static void and_where_what_is_committed_waits_for_more(void **state)
{
    (void)state;
    reserve_part();
    assert_int_equal(tern_send_commit(a, client, PART, MSG_MORE), PART);
    assert_sent(1, PART);
}

/* No acknowledgment has come, and so nothing would have been sent but for the write. */
static void what_waits_for_more_goes_on_waiting(void **state)
{
    (void)state;
    arrive(0, 64);
    while (arrive(1, 64) > 0)
        ;
    char room[2048];
    tern_recv(b, server, room, sizeof room, MSG_DONTWAIT);
    a->host->operations = usual;
    pair_run(&pair, TIME_MS(100));
    assert_int_equal(tern_send(a, client, part, PART, MSG_MORE), PART);
    assert_int_equal(tern_send(a, client, part, PART, MSG_MORE), PART);
    assert_fails(tern_send(a, client, NULL, PART, 0), EFAULT);
    assert_int_equal(arrive(1, 64), 0);
    assert_int_equal(tern_send(a, client, part, PART, 0), PART);
    assert_int_equal(arrive(1, 64), 1);
    assert_int_equal(tern_recv(b, server, room, sizeof room, MSG_DONTWAIT), 3 * PART);
}

static void but_not_where_that_is_a_segment_with_it(void **state)
{
    (void)state;
    char much[1460] = {0};
    assert_int_equal(tern_send(a, client, much, sizeof much, MSG_MORE), sizeof much);
    char room[4000];
    a->host->operations = usual;
    assert_int_equal(arrive(1, ALL), 1);
    assert_in_range(tern_recv(b, server, room, sizeof room, MSG_DONTWAIT), 1448 + PART,
                    1460 + PART);
}

/* Nothing short is under way any more, so that Nagle's rule lets it go. */
static void what_is_short_after_the_write_does_not_wait(void **state)
{
    (void)state;
    char much[1460 + PART] = {0};
    assert_int_equal(tern_send(a, client, much, sizeof much, 0), sizeof much);
    assert_sent(2, PART + sizeof much);
}

static void wrong_descriptors_are_still_told_apart(void **state)
{
    (void)state;
    a->host->operations = usual;
    int epoll = tern_epoll_create(a, 1);
    assert_fails(tern_send(a, 999, part, PART, 0), EBADF);
    assert_fails(tern_send(a, epoll, part, PART, 0), ENOTSOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        waiting_test(what_waited_goes_with_what_is_sent),
        waiting_test(and_with_a_message),
        waiting_test(and_with_what_is_written_as_to_a_file),
        waiting_test(and_from_several_spans),
        waiting_test(and_with_what_is_committed),
        waiting_test(it_goes_alone_where_nothing_was_written),
        waiting_test(it_goes_alone_where_the_write_is_wrong),
        waiting_test(it_goes_alone_where_the_write_is_to_wait),
        waiting_test(it_goes_alone_where_somebody_reads),
        waiting_test(it_goes_alone_where_more_is_to_follow),
        waiting_test(and_where_what_is_committed_waits_for_more),
        waiting_test(what_waits_for_more_goes_on_waiting),
        waiting_test(but_not_where_that_is_a_segment_with_it),
        waiting_test(what_is_short_after_the_write_does_not_wait),
        waiting_test(wrong_descriptors_are_still_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
