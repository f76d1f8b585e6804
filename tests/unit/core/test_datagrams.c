#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "core/datagrams.h"

static int append(struct machine *m, struct datagrams *d, const char *text, uint16_t port)
{
    struct datagram_info info = {.source = {address_from_ipv4(PEER_ADDRESS), port},
                                 .destination = address_from_ipv4(MACHINE_ADDRESS),
                                 .hop_limit = 63,
                                 .traffic_class = 0x10};
    return datagrams_append(&m->stack, d, &info, text, strlen(text));
}

static ssize_t receive(struct machine *m, struct datagrams *d, void *to, size_t size, int flags,
                       struct datagram_info *info)
{
    struct iovec span = {to, size};
    return datagrams_receive(&m->stack, d, &span, 1, flags, info);
}

static void datagrams_come_out_whole_and_in_order(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    struct datagram_info info;
    char buffer[16];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "first", 1), 0);
    assert_int_equal(append(m, &d, "", 2), 0);
    assert_int_equal(append(m, &d, "third", 3), 0);
    assert_int_equal(datagrams_next_length(&d), 5);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, &info), 5);
    assert_memory_equal(buffer, "first", 5);
    assert_int_equal(info.source.port, 1);
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(address_to_ipv4(&info.destination), MACHINE_ADDRESS);
    assert_int_equal(info.hop_limit, 63);
    assert_int_equal(info.traffic_class, 0x10);
    assert_int_equal(info.length, 5);
    assert_int_equal(info.arrived_ns, m->stack.now_ns);
    assert_false(info.truncated);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, &info), 0);
    assert_int_equal(info.source.port, 2);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), -EAGAIN);
    machine_free(m);
}

static void spans_are_filled_one_after_the_other(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char one[2], two[8] = "";
    struct iovec spans[] = {{one, 2}, {NULL, 0}, {two, 8}};
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "abcde", 1), 0);
    assert_int_equal(datagrams_receive(&m->stack, &d, spans, 3, 0, NULL), 5);
    assert_memory_equal(one, "ab", 2);
    assert_string_equal(two, "cde");
    machine_free(m);
}

static void what_does_not_fit_the_buffer_is_lost_and_said_so(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    struct datagram_info info;
    char buffer[3];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "abcde", 1), 0);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, &info), 3);
    assert_true(info.truncated);
    assert_int_equal(info.length, 5);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, &info), -EAGAIN);
    machine_free(m);
}

static void trunc_flag_returns_the_true_length(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[3];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "abcde", 1), 0);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, MSG_TRUNC, NULL), 5);
    assert_memory_equal(buffer, "abc", 3);
    machine_free(m);
}

static void peek_leaves_the_datagram(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[8];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "abcde", 1), 0);
    assert_int_equal(receive(m, &d, buffer, 2, MSG_PEEK, NULL), 2);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC, NULL), 5);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 5);
    assert_memory_equal(buffer, "abcde", 5);
    machine_free(m);
}

/* Security rule 16. */
static void queue_is_bounded_in_bytes_and_what_was_there_stays(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[8];
    unsigned taken = 0;
    datagrams_init(&d, 4000);
    while (append(m, &d, "hello", 1) == 0)
        taken++;
    assert_true(taken > 1 && taken < 4000 / 5);
    assert_true(d.bytes <= 4000);
    assert_int_equal(m->stack.memory_used_bytes, d.bytes);
    assert_int_equal(append(m, &d, "hello", 1), -ENOBUFS);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

/* Security rule 16: whatever this queue may hold, all that sockets hold is bounded together. */
static void queue_is_bounded_by_the_memory_of_all(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[8];
    datagrams_init(&d, 1 << 20);
    assert_int_equal(append(m, &d, "hello", 1), 0);
    m->stack.settings.memory_high = (int64_t)m->stack.memory_used_bytes;
    assert_int_equal(append(m, &d, "hello", 1), -ENOBUFS);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(append(m, &d, "hello", 1), 0);
    datagrams_release(&m->stack, &d);
    machine_free(m);
}

static void queue_is_bounded_in_number(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    unsigned taken = 0;
    datagrams_init(&d, 1 << 30);
    while (append(m, &d, "", 1) == 0)
        taken++;
    assert_int_equal(taken, LIMIT_DATAGRAMS_QUEUED);
    datagrams_release(&m->stack, &d);
    machine_free(m);
}

static void empty_queue_takes_any_datagram(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    datagrams_init(&d, 1);
    assert_int_equal(append(m, &d, "longer than the limit", 1), 0);
    assert_int_equal(append(m, &d, "", 1), -ENOBUFS);
    datagrams_release(&m->stack, &d);
    assert_int_equal(d.count, 0);
    machine_free(m);
}

enum { READABLE = POLLIN | POLLRDNORM, WRITABLE = POLLOUT | POLLWRNORM | POLLWRBAND };

static void pending_error_is_told_once_and_first(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[8];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "data", 1), 0);
    d.error = ECONNREFUSED;
    assert_int_equal(datagrams_error(&d, false), ECONNREFUSED);
    assert_int_equal(datagrams_readiness(&d), READABLE | WRITABLE | POLLERR);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), -ECONNREFUSED);
    assert_int_equal(datagrams_error(&d, true), 0);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 4);
    machine_free(m);
}

static void readiness_follows_queue_and_shutdown(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[8];
    datagrams_init(&d, 10000);
    assert_int_equal(datagrams_readiness(&d), WRITABLE);
    assert_int_equal(append(m, &d, "", 1), 0);
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE);
    d.receive_closed = true;
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), 0); /* what was there */
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, NULL), -EAGAIN);
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE | POLLRDHUP);
    d.send_closed = true;
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE | POLLRDHUP | POLLHUP);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_come_out_whole_and_in_order),
        cmocka_unit_test(spans_are_filled_one_after_the_other),
        cmocka_unit_test(what_does_not_fit_the_buffer_is_lost_and_said_so),
        cmocka_unit_test(trunc_flag_returns_the_true_length),
        cmocka_unit_test(peek_leaves_the_datagram),
        cmocka_unit_test(queue_is_bounded_in_bytes_and_what_was_there_stays),
        cmocka_unit_test(queue_is_bounded_by_the_memory_of_all),
        cmocka_unit_test(queue_is_bounded_in_number),
        cmocka_unit_test(empty_queue_takes_any_datagram),
        cmocka_unit_test(pending_error_is_told_once_and_first),
        cmocka_unit_test(readiness_follows_queue_and_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
