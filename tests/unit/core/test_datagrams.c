#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "core/datagrams.h"

/* A queue of 10,000 bytes. */
static struct machine *m;
static struct datagrams d;

static int setup(void **state)
{
    (void)state;
    m = machine_new(0);
    datagrams_init(&d, 10000);
    return 0;
}

/* Whatever is left in it is given back. */
static int teardown(void **state)
{
    (void)state;
    datagrams_release(&m->stack, &d);
    assert_int_equal(d.count, 0);
    assert_int_equal(d.bytes, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
    return 0;
}

#define queue_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static ssize_t append_super(struct datagrams *to, const char *text, uint16_t port,
                            uint16_t segment_size)
{
    struct datagram_info info = {.source = {address_from_ipv4(PEER_ADDRESS), port},
                                 .destination = address_from_ipv4(MACHINE_ADDRESS),
                                 .hop_limit = 63,
                                 .traffic_class = 0x10,
                                 .segment_size = segment_size};
    return datagrams_append(&m->stack, to, &info, text, strlen(text));
}

static int append(struct datagrams *to, const char *text, uint16_t port)
{
    ssize_t taken = append_super(to, text, port, 0);
    assert_true(taken < 0 || taken == (ssize_t)strlen(text));
    return taken < 0 ? (int)taken : 0;
}

static ssize_t receive(void *to, size_t size, int flags, struct datagram_info *info)
{
    struct iovec span = {to, size};
    return datagrams_receive(&m->stack, &d, &span, 1, flags, info);
}

/* The next one, whole, with all that append() says of it. */
static void assert_receives(const char *expected, uint16_t port)
{
    struct datagram_info info;
    char buffer[64];
    assert_int_equal(datagrams_next_length(&d), strlen(expected));
    assert_int_equal(receive(buffer, sizeof buffer, 0, &info), strlen(expected));
    assert_memory_equal(buffer, expected, strlen(expected));
    assert_int_equal(info.length, strlen(expected));
    assert_int_equal(info.source.port, port);
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(address_to_ipv4(&info.destination), MACHINE_ADDRESS);
    assert_int_equal(info.hop_limit, 63);
    assert_int_equal(info.traffic_class, 0x10);
    assert_int_equal(info.segment_size, 0);
    assert_int_equal(info.arrived_ns, m->stack.now_ns);
    assert_false(info.truncated);
}

static void datagrams_come_out_whole_and_in_order(void **state)
{
    (void)state;
    char buffer[16];
    assert_int_equal(append(&d, "first", 1), 0);
    assert_int_equal(append(&d, "", 2), 0);
    assert_int_equal(append(&d, "third", 3), 0);
    assert_receives("first", 1);
    assert_receives("", 2);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), -EAGAIN);
}

static void spans_are_filled_one_after_the_other(void **state)
{
    (void)state;
    char one[2], two[8] = "";
    struct iovec spans[] = {{one, 2}, {NULL, 0}, {two, 8}};
    assert_int_equal(append(&d, "abcde", 1), 0);
    assert_int_equal(datagrams_receive(&m->stack, &d, spans, 3, 0, NULL), 5);
    assert_memory_equal(one, "ab", 2);
    assert_string_equal(two, "cde");
}

static void what_does_not_fit_the_buffer_is_lost_and_said_so(void **state)
{
    (void)state;
    struct datagram_info info;
    char buffer[3];
    assert_int_equal(append(&d, "abcde", 1), 0);
    assert_int_equal(receive(buffer, sizeof buffer, 0, &info), 3);
    assert_true(info.truncated);
    assert_int_equal(info.length, 5);
    assert_int_equal(receive(buffer, sizeof buffer, 0, &info), -EAGAIN);
}

static void trunc_flag_returns_the_true_length(void **state)
{
    (void)state;
    char buffer[3];
    assert_int_equal(append(&d, "abcde", 1), 0);
    assert_int_equal(receive(buffer, sizeof buffer, MSG_TRUNC, NULL), 5);
    assert_memory_equal(buffer, "abc", 3);
}

static void peek_leaves_the_datagram(void **state)
{
    (void)state;
    char buffer[8];
    assert_int_equal(append(&d, "abcde", 1), 0);
    assert_int_equal(receive(buffer, 2, MSG_PEEK, NULL), 2);
    assert_int_equal(receive(buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC, NULL), 5);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 5);
    assert_memory_equal(buffer, "abcde", 5);
}

/* Security rule 16. */
static void queue_is_bounded_in_bytes_and_what_was_there_stays(void **state)
{
    (void)state;
    char buffer[8];
    unsigned taken = 0;
    d.options.receive_limit_bytes = 4000;
    while (append(&d, "hello", 1) == 0)
        taken++;
    assert_true(taken > 1 && taken < 4000 / 5);
    assert_true(d.bytes <= 4000);
    assert_int_equal(m->stack.memory_used_bytes, d.bytes);
    assert_int_equal(append(&d, "hello", 1), -ENOBUFS);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(m->stack.memory_used_bytes, 0);
}

/* Security rule 16: whatever this queue may hold, all that sockets hold is bounded together. */
static void queue_is_bounded_by_the_memory_of_all(void **state)
{
    (void)state;
    char buffer[8];
    d.options.receive_limit_bytes = 1 << 20;
    assert_int_equal(append(&d, "hello", 1), 0);
    m->stack.settings.memory_high = (int64_t)m->stack.memory_used_bytes;
    assert_int_equal(append(&d, "hello", 1), -ENOBUFS);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 5);
    assert_int_equal(append(&d, "hello", 1), 0);
}

static void queue_is_bounded_in_number(void **state)
{
    (void)state;
    unsigned taken = 0;
    d.options.receive_limit_bytes = 1 << 30;
    while (append(&d, "", 1) == 0)
        taken++;
    assert_int_equal(taken, LIMIT_DATAGRAMS_QUEUED);
}

static void empty_queue_takes_any_datagram(void **state)
{
    (void)state;
    d.options.receive_limit_bytes = 1;
    assert_int_equal(append(&d, "longer than the limit", 1), 0);
    assert_int_equal(append(&d, "", 1), -ENOBUFS);
    datagrams_release(&m->stack, &d);
    assert_int_equal(d.count, 0);
}

/* ── Super-datagrams ── */

static void datagrams_of_one_packet_come_out_one_by_one(void **state)
{
    (void)state;
    char buffer[2];
    assert_int_equal(append(&d, "before", 5), 0);
    assert_int_equal(append_super(&d, "abcdefgh", 5, 3), 8);
    assert_int_equal(append(&d, "behind", 5), 0);
    assert_int_equal(d.count, 5);
    assert_receives("before", 5);
    assert_int_equal(receive(buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC, NULL), 3);
    assert_receives("abc", 5);
    assert_int_equal(receive(buffer, sizeof buffer, MSG_PEEK, NULL), 2);
    assert_memory_equal(buffer, "de", 2);
    assert_receives("def", 5);
    assert_receives("gh", 5);
    assert_receives("behind", 5);
    assert_int_equal(d.count, 0);
    assert_int_equal(d.bytes, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
}

static void what_is_left_of_one_packet_is_given_back(void **state)
{
    (void)state;
    assert_int_equal(append_super(&d, "abcdefgh", 5, 2), 8);
    uint64_t held = m->stack.memory_used_bytes;
    assert_receives("ab", 5);
    assert_int_equal(m->stack.memory_used_bytes, held); /* one allocation, until it is empty */
    datagrams_release(&m->stack, &d);
    assert_int_equal(d.count, 0);
    assert_int_equal(d.bytes, 0);
}

/* Security rule 16: a packet of many counts as they would have, one after the other. */
static void queue_takes_as_many_of_one_packet_as_it_would_by_themselves(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (uint32_t limit = 1; limit < 6000; limit += 53) {
        struct datagrams single, super;
        char part[8] = "";
        uint32_t taken = 0;
        datagrams_init(&single, limit);
        datagrams_init(&super, limit);
        for (size_t i = 0; i + 1 < sizeof text; i += 5) {
            size_t length = sizeof text - 1 - i < 5 ? sizeof text - 1 - i : 5;
            memcpy(part, text + i, length);
            part[length] = '\0';
            if (append(&single, part, 5) < 0)
                break;
            taken += (uint32_t)length;
        }
        assert_int_equal(append_super(&super, text, 5, 5), taken);
        assert_int_equal(super.count, single.count);
        assert_int_equal(super.bytes, single.bytes);
        datagrams_release(&m->stack, &single);
        datagrams_release(&m->stack, &super);
    }
}

static void datagrams_of_one_packet_are_bounded_in_number(void **state)
{
    (void)state;
    char text[LIMIT_DATAGRAMS_QUEUED + 11];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    d.options.receive_limit_bytes = 1 << 30;
    assert_int_equal(append_super(&d, text, 5, 1), LIMIT_DATAGRAMS_QUEUED);
    assert_int_equal(append_super(&d, text, 5, 1), -ENOBUFS);
    assert_int_equal(d.count, LIMIT_DATAGRAMS_QUEUED);
    assert_true(datagrams_are_many(&d));
}

static void datagrams_of_one_packet_are_bounded_by_the_memory_of_all(void **state)
{
    (void)state;
    d.options.receive_limit_bytes = 1 << 20;
    assert_int_equal(append_super(&d, "abcdefgh", 5, 2), 8);
    m->stack.settings.memory_high = 2 * (int64_t)m->stack.memory_used_bytes - 1;
    assert_int_equal(append_super(&d, "abcdefgh", 5, 2), 6);
    assert_int_equal(append_super(&d, "abcdefgh", 5, 2), -ENOBUFS);
}

/* udp(7), UDP_GRO. */
static void one_packet_is_received_as_one_by_who_wants_that(void **state)
{
    (void)state;
    struct datagram_info info;
    char buffer[16];
    d.options.receive_super = true;
    assert_int_equal(append_super(&d, "abcdefgh", 5, 3), 8);
    assert_int_equal(append(&d, "alone", 5), 0);
    d.options.receive_super = false; /* that counts when it comes */
    assert_int_equal(d.count, 2);
    assert_int_equal(datagrams_next_length(&d), 8);
    assert_int_equal(receive(buffer, 5, MSG_PEEK, &info), 5);
    assert_true(info.truncated);
    assert_int_equal(receive(buffer, sizeof buffer, 0, &info), 8);
    assert_memory_equal(buffer, "abcdefgh", 8);
    assert_int_equal(info.segment_size, 3);
    assert_int_equal(info.length, 8);
    assert_false(info.truncated);
    assert_receives("alone", 5);
}

static void one_packet_finds_room_as_one_or_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(append(&d, "before", 5), 0);
    d.options.receive_limit_bytes = 2 * d.bytes; /* room for one more of six bytes */
    d.options.receive_super = true;
    assert_int_equal(append_super(&d, "1234567", 5, 5), -ENOBUFS);
    assert_int_equal(append_super(&d, "123456", 5, 1), 6);
}

static void many_are_more_than_half_of_what_finds_room(void **state)
{
    (void)state;
    assert_int_equal(append(&d, "first", 5), 0);
    assert_false(datagrams_are_many(&d));
    d.options.receive_limit_bytes = 2 * d.bytes;
    assert_false(datagrams_are_many(&d));
    d.options.receive_limit_bytes--;
    assert_true(datagrams_are_many(&d));
}

enum { READABLE = POLLIN | POLLRDNORM, WRITABLE = POLLOUT | POLLWRNORM | POLLWRBAND };

static void pending_error_is_told_once_and_first(void **state)
{
    (void)state;
    char buffer[8];
    assert_int_equal(append(&d, "data", 1), 0);
    d.error = ECONNREFUSED;
    assert_int_equal(datagrams_error(&d, false), ECONNREFUSED);
    assert_int_equal(datagrams_readiness(&d), READABLE | WRITABLE | POLLERR);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), -ECONNREFUSED);
    assert_int_equal(datagrams_error(&d, true), 0);
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 4);
}

static void readiness_follows_queue_and_shutdown(void **state)
{
    (void)state;
    char buffer[8];
    assert_int_equal(datagrams_readiness(&d), WRITABLE);
    assert_int_equal(append(&d, "", 1), 0);
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE);
    d.receive_closed = true;
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), 0); /* what was there */
    assert_int_equal(receive(buffer, sizeof buffer, 0, NULL), -EAGAIN);
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE | POLLRDHUP);
    d.send_closed = true;
    assert_int_equal(datagrams_readiness(&d), WRITABLE | READABLE | POLLRDHUP | POLLHUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        queue_test(datagrams_come_out_whole_and_in_order),
        queue_test(spans_are_filled_one_after_the_other),
        queue_test(what_does_not_fit_the_buffer_is_lost_and_said_so),
        queue_test(trunc_flag_returns_the_true_length),
        queue_test(peek_leaves_the_datagram),
        queue_test(queue_is_bounded_in_bytes_and_what_was_there_stays),
        queue_test(queue_is_bounded_by_the_memory_of_all),
        queue_test(queue_is_bounded_in_number),
        queue_test(empty_queue_takes_any_datagram),
        queue_test(datagrams_of_one_packet_come_out_one_by_one),
        queue_test(what_is_left_of_one_packet_is_given_back),
        queue_test(queue_takes_as_many_of_one_packet_as_it_would_by_themselves),
        queue_test(datagrams_of_one_packet_are_bounded_in_number),
        queue_test(datagrams_of_one_packet_are_bounded_by_the_memory_of_all),
        queue_test(one_packet_is_received_as_one_by_who_wants_that),
        queue_test(one_packet_finds_room_as_one_or_not_at_all),
        queue_test(many_are_more_than_half_of_what_finds_room),
        queue_test(pending_error_is_told_once_and_first),
        queue_test(readiness_follows_queue_and_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
