/* wait.c and call.c, over a host that is made up: what it says, the calls must pass on. */
#include "unit/sock/sockets.h"

#include "base/list.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

static struct {
    struct sock_host host;
    int enters, catch_ups, leaves, waits, wakes, stops, releases, release_error;
    int enter_error, stop_error;
    uint64_t deadline_ns;
    int (*wait)(struct sock_waiter *waiter); /* what happens meanwhile, and what wait() says */
} host;

static struct tern *t;

static int host_enter(struct sock_host *h)
{
    assert_ptr_equal(h, &host.host);
    host.enters += host.enter_error == 0;
    return host.enter_error;
}

static void host_catch_up(struct sock_host *h)
{
    assert_ptr_equal(h, &host.host);
    host.catch_ups++;
}

static void host_leave(struct sock_host *h)
{
    assert_ptr_equal(h, &host.host);
    host.leaves++;
}

static int host_wait(struct sock_host *h, struct sock_waiter *waiter, uint64_t deadline_ns)
{
    assert_ptr_equal(h, &host.host);
    host.waits++;
    host.deadline_ns = deadline_ns;
    int result = host.wait(waiter);
    waiter->woken = false;
    return result;
}

static void host_wake(struct sock_host *h, struct sock_waiter *waiter)
{
    assert_ptr_equal(h, &host.host);
    host.wakes++;
    waiter->woken = true;
}

static int host_descriptor(struct sock_host *h)
{
    (void)h;
    return -EOPNOTSUPP;
}

static void host_announce(struct sock_host *h, bool on)
{
    (void)h;
    (void)on;
}

static uint64_t host_epoch(struct sock_host *h)
{
    (void)h;
    return 0;
}

static int host_stop(struct sock_host *h)
{
    (void)h;
    host.stops++;
    return host.stop_error;
}

static int host_release(struct sock_host *h)
{
    (void)h;
    host.releases++;
    return host.release_error;
}

static const struct sock_host_operations operations = {
    .enter = host_enter,
    .catch_up = host_catch_up,
    .leave = host_leave,
    .wait = host_wait,
    .wake = host_wake,
    .descriptor = host_descriptor,
    .announce = host_announce,
    .epoch = host_epoch,
    .stop = host_stop,
    .release = host_release,
};

static int swallow(void *link, const struct iovec *spans, int count,
                   const struct tern_offload *offload)
{
    (void)link;
    (void)spans;
    (void)count;
    (void)offload;
    return 0;
}

static int setup_host(void **state)
{
    (void)state;
    static const uint8_t seed[32];
    memset(&host, 0, sizeof host);
    host.host.operations = &operations;
    struct tern_parameters parameters = {.seed = seed,
                                         .now_ns = TIME_S(3),
                                         .address = "10.0.0.1/24",
                                         .mtu = 1500,
                                         .transmit = swallow,
                                         .host = &host.host};
    assert_int_equal(tern_create(&parameters, &t, NULL), 0);
    return 0;
}

static int teardown_host(void **state)
{
    (void)state;
    host.stop_error = 0;
    tern_close_stack(t);
    assert_int_equal(host.enters, host.leaves);
    return 0;
}

#define host_test(name) cmocka_unit_test_setup_teardown(name, setup_host, teardown_host)

static int time_is_over(struct sock_waiter *waiter)
{
    (void)waiter;
    return -ETIMEDOUT;
}

static int the_device_is_gone(struct sock_waiter *waiter)
{
    (void)waiter;
    return -ENETDOWN;
}

static void every_call_enters_catches_up_and_leaves_once(void **state)
{
    (void)state;
    char byte;
    int s = open_datagram(t);
    assert_int_equal(host.enters, 1);
    assert_int_equal(host.leaves, 1);
    assert_fails(tern_recv(t, s + 1, &byte, 1, 0), EBADF);
    assert_fails(tern_recv(t, s, &byte, 1, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(tern_close(t, s), 0);
    assert_int_equal(host.enters, 4);
    assert_int_equal(host.catch_ups, 4);
    assert_int_equal(host.leaves, 4);
    assert_int_equal(host.waits, 0);
}

static void a_host_that_cannot_be_entered_is_left_alone(void **state)
{
    (void)state;
    char byte;
    uint64_t value;
    int s = open_datagram(t);
    host.enters = host.leaves = 0;
    host.enter_error = -ENODEV;
    assert_fails(tern_socket(t, AF_INET, SOCK_DGRAM, 0), ENODEV);
    assert_fails(tern_recv(t, s, &byte, 1, 0), ENODEV);
    assert_fails(tern_send(t, s, &byte, 1, 0), ENODEV);
    assert_fails(tern_close(t, s), ENODEV);
    assert_fails(tern_poll(t, NULL, 0, 0), ENODEV);
    assert_fails(tern_quiesce(t, 0), ENODEV);
    assert_fails(tern_drain(t, s), ENODEV);
    assert_fails(tern_set(t, "ip.ttl", "1"), ENODEV);
    assert_fails(tern_counter(t, "IpInReceives", &value), ENODEV);
    assert_int_equal(tern_memory_used(t), 0);
    assert_int_equal(host.enters + host.leaves, 0);
    host.enter_error = 0;
}

static void a_lost_device_is_enetdown(void **state)
{
    (void)state;
    char byte;
    struct pollfd fd = {.fd = open_datagram(t), .events = POLLIN};
    host.wait = the_device_is_gone;
    assert_fails(tern_recv(t, fd.fd, &byte, 1, 0), ENETDOWN);
    assert_fails(tern_poll(t, &fd, 1, -1), ENETDOWN);
    assert_fails(connect_to(t, open_stream(t), "10.0.0.2", 7), ENETDOWN);
}

static void an_engine_s_calls_are_an_engine_s_alone(void **state)
{
    (void)state;
    assert_string_equal(tern_input(t, "", 0, NULL, TIME_S(9)),
                        "this stack has a device of its own");
    tern_advance(t, TIME_S(9));
    assert_true(tern_deadline(t) == UINT64_MAX);
    assert_true(t->stack.now_ns == TIME_S(3));
}

static void a_deadline_is_from_now_and_never_wraps(void **state)
{
    (void)state;
    assert_true(wait_deadline(t, 0) == TIME_S(3));
    assert_true(wait_deadline(t, TIME_S(2)) == TIME_S(5));
    assert_true(wait_deadline(t, UINT64_MAX - TIME_S(3) - 1) == UINT64_MAX - 1);
    assert_true(wait_deadline(t, UINT64_MAX - TIME_S(3) + 1) == UINT64_MAX);
    assert_true(wait_deadline(t, TIME_NEVER) == TIME_NEVER);
}

static struct socket *socket_of(int s)
{
    return descriptor_find(&t->descriptors, s);
}

static int notify_of_other_things(struct sock_waiter *waiter)
{
    wait_notify(&t->stack, socket_of(0), POLLOUT); /* another event */
    wait_notify(&t->stack, socket_of(1), POLLIN);  /* another socket */
    wait_notify(&t->stack, NULL, 0);               /* the stack as a whole */
    assert_false(waiter->woken);
    return time_is_over(waiter);
}

static void only_what_a_call_waits_for_wakes_it(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(open_datagram(t), 0);
    assert_int_equal(open_datagram(t), 1);
    host.wait = notify_of_other_things;
    assert_fails(tern_recv(t, 0, &byte, 1, 0), EAGAIN);
    assert_int_equal(host.wakes, 0);
    assert_true(host.deadline_ns == TIME_NEVER);
}

static unsigned event;

static int notify_once(struct sock_waiter *waiter)
{
    if (host.waits > 1)
        return time_is_over(waiter);
    wait_notify(&t->stack, socket_of(0), event);
    assert_true(waiter->woken);
    return 0;
}

static void each_event_that_matters_wakes_and_the_call_looks_again(void **state)
{
    (void)state;
    static const unsigned events[] = {POLLIN, POLLERR, POLLHUP, POLLIN | POLLOUT};
    char byte;
    assert_int_equal(open_datagram(t), 0);
    host.wait = notify_once;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        host.waits = host.wakes = 0;
        event = events[i];
        assert_fails(tern_recv(t, 0, &byte, 1, 0), EAGAIN);
        assert_int_equal(host.wakes, 1);
        assert_int_equal(host.waits, 2);
    }
}

static int arrive_at_the_last_moment(struct sock_waiter *waiter)
{
    assert_int_equal(host.waits, 1);
    assert_int_equal(socket_of(0)->kind->shutdown(socket_of(0), true, false), 0);
    return time_is_over(waiter);
}

static void what_came_at_the_last_moment_counts(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(open_datagram(t), 0);
    assert_int_equal(connect_to(t, 0, "10.0.0.2", 7), 0);
    host.wait = arrive_at_the_last_moment;
    assert_int_equal(tern_recv(t, 0, &byte, 1, 0), 0);
    struct pollfd fd = {.fd = 0, .events = POLLRDHUP};
    assert_int_equal(tern_poll(t, &fd, 1, 100), 1);
}

static int close_it(struct sock_waiter *waiter)
{
    struct socket *socket = socket_of(0);
    assert_false(list_empty(&socket->waiting));
    descriptor_free(&t->descriptors, 0);
    socket_close(socket, true);
    assert_true(waiter->woken);
    return 0;
}

static void a_closed_socket_forgets_who_waits(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(open_datagram(t), 0);
    host.wait = close_it;
    assert_fails(tern_recv(t, 0, &byte, 1, 0), EBADF);
    assert_int_equal(host.waits, 1);
}

static void a_call_that_has_waited_is_on_no_list(void **state)
{
    (void)state;
    char byte;
    struct pollfd fds[] = {{.fd = open_datagram(t), .events = POLLIN},
                           {.fd = open_datagram(t), .events = POLLIN}};
    host.wait = time_is_over;
    assert_fails(tern_recv(t, 0, &byte, 1, 0), EAGAIN);
    assert_int_equal(tern_poll(t, fds, 2, 5), 0);
    assert_true(host.deadline_ns == TIME_S(3) + TIME_MS(5));
    t->lingering++; /* work to wait for */
    assert_fails(tern_quiesce(t, 0), ETIMEDOUT);
    t->lingering--;
    assert_true(list_empty(&socket_of(0)->waiting));
    assert_true(list_empty(&socket_of(1)->waiting));
    assert_true(list_empty(&t->waiting));
}

static void a_stack_ends_before_its_host(void **state)
{
    (void)state;
    struct tern *first = t;
    host.release_error = -ENOSPC; /* what a capture has lost */
    assert_int_equal(tern_close_stack(first), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(host.stops, 1);
    assert_int_equal(host.releases, 1);
    setup_host(state);
    /* In the child of a fork the machine is not touched. */
    host.stop_error = -ENODEV;
    struct tern *untouched = t;
    tern_close_stack(t);
    assert_int_equal(host.stops, 1);
    assert_int_equal(host.releases, 1);
    t = untouched;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        host_test(every_call_enters_catches_up_and_leaves_once),
        host_test(a_host_that_cannot_be_entered_is_left_alone),
        host_test(a_lost_device_is_enetdown),
        host_test(an_engine_s_calls_are_an_engine_s_alone),
        host_test(a_deadline_is_from_now_and_never_wraps),
        host_test(only_what_a_call_waits_for_wakes_it),
        host_test(each_event_that_matters_wakes_and_the_call_looks_again),
        host_test(what_came_at_the_last_moment_counts),
        host_test(a_closed_socket_forgets_who_waits),
        host_test(a_call_that_has_waited_is_on_no_list),
        host_test(a_stack_ends_before_its_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
