/* Text that arrives in passing: over a host that takes in a packet each time it is asked to look.
 */
#include "unit/sock/data_fixture.h"

enum {
    STREAMED = 40 * 1000, /* in the ring already */
    NEXT = 20 * 1000,     /* on the link, behind it */
    ROOM = STREAMED + 70 * 1000,
};

static unsigned looks;
static char *text, *room;

static bool look(struct sock_host *host)
{
    assert_ptr_equal(host, b->host);
    looks++;
    return arrive(1, 1) > 0;
}

/* An engine's packets are brought to it; for the time of the call, b's is one that looks. */
static ssize_t receive(struct iovec *spans, int count, int flags)
{
    const struct sock_host_operations *usual = b->host->operations;
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = (size_t)count};
    struct sock_host_operations looking = *usual;
    looking.look = look;
    b->host->operations = &looking;
    ssize_t n = tern_recvmsg(b, server, &message, flags);
    b->host->operations = usual;
    return n;
}

static ssize_t receive_up_to(size_t length, int flags)
{
    struct iovec span = {room, length};
    return receive(&span, 1, flags | MSG_DONTWAIT);
}

static int setup_streamed(void **state)
{
    setup_connected(state);
    text = pattern(STREAMED + NEXT);
    room = malloc(ROOM);
    looks = 0;
    assert_int_equal(tern_send(a, client, text, STREAMED, 0), STREAMED);
    pair_run(&pair, TIME_MS(100));
    return 0;
}

static int teardown_streamed(void **state)
{
    free(text);
    free(room);
    return teardown(state);
}

static void send_more(void)
{
    assert_int_equal(tern_send(a, client, text + STREAMED, NEXT, 0), NEXT);
}

static void reader_of_a_stream_is_given_what_is_arriving(void **state)
{
    (void)state;
    send_more();
    assert_int_equal(receive_up_to(ROOM, 0), STREAMED + NEXT);
    assert_memory_equal(room, text, STREAMED + NEXT);
    assert_int_equal(looks, NEXT / 1460 + 2); /* and one that finds nothing */
    assert_fails(receive_up_to(ROOM, 0), EAGAIN);
}

static void it_may_be_in_several_spans(void **state)
{
    (void)state;
    struct iovec spans[] = {{room, STREAMED}, {room + STREAMED, ROOM - STREAMED}};
    send_more();
    assert_int_equal(receive(spans, 2, 0), STREAMED + NEXT);
    assert_memory_equal(room, text, STREAMED + NEXT);
}

static void packet_of_another_connection_ends_it(void **state)
{
    (void)state;
    int other_client, other_server;
    char other[10];
    pair_connect(&pair, 8, &other_client, &other_server);
    pair_run(&pair, TIME_MS(100));
    assert_int_equal(tern_send(a, other_client, "elsewhere", 9, 0), 9);
    send_more();
    assert_int_equal(receive_up_to(ROOM, 0), STREAMED);
    assert_int_equal(looks, 1);
    assert_int_equal(tern_recv(b, other_server, other, sizeof other, MSG_DONTWAIT), 9);
    assert_memory_equal(other, "elsewhere", 9);
    tern_close(a, other_client);
    tern_close(b, other_server);
}

static void who_asks_for_no_more_than_is_there_is_given_that(void **state)
{
    (void)state;
    send_more();
    assert_int_equal(receive_up_to(STREAMED + 60000, 0), STREAMED);
    assert_int_equal(receive_up_to(ROOM, MSG_PEEK), -1);
    assert_int_equal(looks, 0);
}

static void little_is_no_stream(void **state)
{
    (void)state;
    assert_int_equal(receive_up_to(STREAMED - 1000, 0), STREAMED - 1000);
    send_more();
    assert_int_equal(receive_up_to(ROOM, 0), 1000);
    assert_int_equal(looks, 0);
}

static void connection_that_ends_meanwhile_gives_what_came_before(void **state)
{
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    send_more();
    assert_int_equal(tern_setsockopt(a, client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                     0);
    assert_int_equal(tern_close(a, client), 0);
    assert_int_equal(receive_up_to(ROOM, 0), STREAMED + NEXT);
    assert_memory_equal(room, text, STREAMED + NEXT);
    assert_fails(receive_up_to(ROOM, 0), ECONNRESET);
}

#define streamed_test(name) cmocka_unit_test_setup_teardown(name, setup_streamed, teardown_streamed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        streamed_test(reader_of_a_stream_is_given_what_is_arriving),
        streamed_test(it_may_be_in_several_spans),
        streamed_test(packet_of_another_connection_ends_it),
        streamed_test(who_asks_for_no_more_than_is_there_is_given_that),
        streamed_test(little_is_no_stream),
        streamed_test(connection_that_ends_meanwhile_gives_what_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
