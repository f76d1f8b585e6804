#include <time.h> /* which linux/errqueue.h takes for granted */

#include "unit/sock/sockets.h"

#include <linux/errqueue.h>

#include "common/allocation.h"
#include "core/error_queue.h"
#include "core/stamps.h"
#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

/* Takes the oldest completion: false when there is none. */
static bool told(struct tern *t, int s, uint32_t *first, uint32_t *last)
{
    char space[256];
    struct msghdr message = {.msg_control = space, .msg_controllen = sizeof space};
    struct sock_extended_err error;
    if (tern_recvmsg(t, s, &message, MSG_ERRQUEUE) < 0) {
        assert_int_equal(errno, EAGAIN);
        return false;
    }
    memcpy(&error, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof error);
    assert_int_equal(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    assert_int_equal(error.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
    *first = error.ee_info;
    *last = error.ee_data;
    return true;
}

static void assert_told(struct tern *t, int s, uint32_t first, uint32_t last)
{
    uint32_t actual_first = 77, actual_last = 77;
    assert_true(told(t, s, &actual_first, &actual_last));
    assert_int_equal(actual_first, first);
    assert_int_equal(actual_last, last);
}

static void assert_told_nothing(struct tern *t, int s)
{
    uint32_t first, last;
    assert_false(told(t, s, &first, &last));
}

static int zero_copy_stream(int *server)
{
    int listener = listen_at(b, ":80", 5);
    set_int(b, listener, SOL_SOCKET, SO_ZEROCOPY, 1);
    int s = open_stream(a);
    set_int(a, s, SOL_SOCKET, SO_ZEROCOPY, 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 80), 0);
    *server = tern_accept(b, listener, NULL, NULL);
    assert_true(*server >= 0);
    return s;
}

static void a_stream_s_sends_are_told_apart(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    assert_told_nothing(a, s);
    pair_run(&pair, TIME_MS(100));
    assert_int_equal(ready(a, s), POLLOUT | POLLERR);
    assert_told(a, s, 0, 0);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_MS(100));
    assert_told(a, s, 1, 2);
    assert_int_equal(ready(a, s), POLLOUT);
}

static void an_accepted_socket_has_its_listener_s_option(void **state)
{
    (void)state;
    int server;
    zero_copy_stream(&server);
    assert_int_equal(get_int(b, server, SOL_SOCKET, SO_ZEROCOPY), 1);
    assert_int_equal(tern_send(b, server, "abc", 3, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_MS(100));
    assert_told(b, server, 0, 0);
}

/* A call that moves its bytes in several goes is one send. */
static void a_send_that_waits_for_room_is_one_send(void **state)
{
    (void)state;
    static char bytes[300000], sink[300000];
    int server, s = zero_copy_stream(&server);
    set_int(a, s, SOL_SOCKET, SO_SNDBUF, 10000);
    set_timeout(a, s, SO_SNDTIMEO, TIME_MS(200));
    struct iovec spans[3] = {{bytes, 100000}, {bytes, 100000}, {bytes, 100000}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 3};
    ssize_t sent = tern_sendmsg(a, s, &message, MSG_ZEROCOPY);
    assert_in_range(sent, 20000, 299999); /* nobody reads */
    assert_int_equal(tern_recv(b, server, sink, (size_t)sent, MSG_WAITALL), sent);
    pair_run(&pair, TIME_S(1));
    assert_told(a, s, 0, 0);
    assert_told_nothing(a, s);
}

static void what_fails_or_is_not_asked_for_has_no_number(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    int closed = open_stream(a);
    set_int(a, closed, SOL_SOCKET, SO_ZEROCOPY, 1);
    assert_fails(tern_send(a, closed, "abc", 3, MSG_ZEROCOPY), EPIPE);
    assert_told_nothing(a, closed);
    assert_int_equal(tern_send(a, s, "", 0, MSG_ZEROCOPY), 0);
    assert_int_equal(tern_send(a, s, "abc", 3, 0), 3);
    set_int(a, s, SOL_SOCKET, SO_ZEROCOPY, 0);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    set_int(a, s, SOL_SOCKET, SO_ZEROCOPY, 1);
    pair_run(&pair, TIME_MS(100));
    assert_told_nothing(a, s);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_MS(100));
    assert_told(a, s, 0, 0);
}

static void a_datagram_is_done_with_at_once(void **state)
{
    (void)state;
    int s = open_datagram(a);
    set_int(a, s, SOL_SOCKET, SO_ZEROCOPY, 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 9), 0);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    assert_int_equal(ready(a, s), POLLOUT | POLLERR);
    assert_told(a, s, 0, 1);
}

static void the_option_takes_0_and_1_where_it_has_meaning(void **state)
{
    (void)state;
    int two = 2, on = 1;
    int s = open_stream(a), echo = tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ZEROCOPY), 0);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_ZEROCOPY, &two, sizeof two), EINVAL);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_ZEROCOPY, &on, 1), EINVAL);
    assert_fails(tern_setsockopt(a, echo, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on), EOPNOTSUPP);
}

/* So that no completion can be lost later. */
static void without_memory_for_the_note_nothing_is_sent(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    allocations_fail_after(0);
    ssize_t sent = tern_send(a, s, "abc", 3, MSG_ZEROCOPY);
    int saved = errno;
    allocations_succeed();
    assert_int_equal(sent, -1);
    assert_int_equal(saved, ENOBUFS);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_MS(100));
    assert_told(a, s, 0, 0);
}

/* A call that waits for room may find, when it is its turn at last, that all it has sent has been
 * acknowledged for long, and that there is no memory. */
static void the_end_of_a_send_is_told_without_memory(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    struct socket *socket = descriptor_find(&a->descriptors, s);
    char bytes[] = "abc";
    struct iovec span = {bytes, 3};
    struct receipt receipt = {.completion = error_note_new(&a->stack, 0)};
    assert_non_null(receipt.completion);
    assert_int_equal(socket->kind->send(socket, &span, 1, NULL, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_S(10));
    allocations_fail_after(0);
    socket->kind->sent(socket, &receipt);
    allocations_succeed();
    assert_told(a, s, 0, 0);
    assert_int_equal(tern_send(a, s, "abc", 3, MSG_ZEROCOPY), 3);
    pair_run(&pair, TIME_MS(100));
    assert_told(a, s, 1, 1);
}

static void without_memory_to_wake_it_no_times_are_told(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    struct socket *socket = descriptor_find(&a->descriptors, s);
    assert_int_equal(tern_send(a, s, "abc", 3, 0), 3);
    pair_run(&pair, TIME_S(10));
    assert_true(tcp_connection_rests(socket->of.connection));
    struct receipt receipt = {.stamps = STAMP_TX};
    allocations_fail_after(0);
    socket->kind->sent(socket, &receipt);
    allocations_succeed();
    assert_true(tcp_connection_rests(socket->of.connection));
    assert_told_nothing(a, s);
}

/* Another thread has opened the socket anew, and it rests: whoever might be told of the send is
 * gone, and what was to be told goes back. */
static void without_memory_to_wake_it_a_completion_is_freed(void **state)
{
    (void)state;
    int server, s = zero_copy_stream(&server);
    struct socket *socket = descriptor_find(&a->descriptors, s);
    pair_run(&pair, TIME_S(10));
    assert_true(tcp_connection_rests(socket->of.connection));
    uint64_t before = tern_memory_used(a);
    struct receipt receipt = {.completion = error_note_new(&a->stack, 0)};
    assert_true(tern_memory_used(a) > before);
    allocations_fail_after(0);
    socket->kind->sent(socket, &receipt);
    allocations_succeed();
    assert_int_equal(tern_memory_used(a), before);
    assert_told_nothing(a, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_stream_s_sends_are_told_apart),
        socket_test(an_accepted_socket_has_its_listener_s_option),
        socket_test(a_send_that_waits_for_room_is_one_send),
        socket_test(what_fails_or_is_not_asked_for_has_no_number),
        socket_test(a_datagram_is_done_with_at_once),
        socket_test(the_option_takes_0_and_1_where_it_has_meaning),
        socket_test(without_memory_for_the_note_nothing_is_sent),
        socket_test(the_end_of_a_send_is_told_without_memory),
        socket_test(without_memory_to_wake_it_no_times_are_told),
        socket_test(without_memory_to_wake_it_a_completion_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
