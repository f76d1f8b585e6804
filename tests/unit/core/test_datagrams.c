#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "core/datagrams.h"

static ssize_t append_super(struct machine *m, struct datagrams *d, const char *text, uint16_t port,
                            uint16_t segment_size)
{
    struct datagram_info info = {.source = {address_from_ipv4(PEER_ADDRESS), port},
                                 .destination = address_from_ipv4(MACHINE_ADDRESS),
                                 .hop_limit = 63,
                                 .traffic_class = 0x10,
                                 .segment_size = segment_size};
    return datagrams_append(&m->stack, d, &info, text, strlen(text));
}

static int append(struct machine *m, struct datagrams *d, const char *text, uint16_t port)
{
    ssize_t taken = append_super(m, d, text, port, 0);
    assert_true(taken < 0 || taken == (ssize_t)strlen(text));
    return taken < 0 ? (int)taken : 0;
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

/* ── Super-datagrams ── */

static void assert_receives(struct machine *m, struct datagrams *d, const char *expected)
{
    struct datagram_info info;
    char buffer[64];
    assert_int_equal(datagrams_next_length(d), strlen(expected));
    assert_int_equal(receive(m, d, buffer, sizeof buffer, 0, &info), strlen(expected));
    assert_memory_equal(buffer, expected, strlen(expected));
    assert_int_equal(info.length, strlen(expected));
    assert_int_equal(info.source.port, 5);
    assert_int_equal(info.hop_limit, 63);
    assert_int_equal(info.segment_size, 0);
    assert_int_equal(info.arrived_ns, m->stack.now_ns);
}

static void datagrams_of_one_packet_come_out_one_by_one(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char buffer[2];
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "before", 5), 0);
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 3), 8);
    assert_int_equal(append(m, &d, "behind", 5), 0);
    assert_int_equal(d.count, 5);
    assert_receives(m, &d, "before");
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC, NULL), 3);
    assert_receives(m, &d, "abc");
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, MSG_PEEK, NULL), 2);
    assert_memory_equal(buffer, "de", 2);
    assert_receives(m, &d, "def");
    assert_receives(m, &d, "gh");
    assert_receives(m, &d, "behind");
    assert_int_equal(d.count, 0);
    assert_int_equal(d.bytes, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

static void what_is_left_of_one_packet_is_given_back(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    datagrams_init(&d, 10000);
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 2), 8);
    uint64_t held = m->stack.memory_used_bytes;
    assert_receives(m, &d, "ab");
    assert_int_equal(m->stack.memory_used_bytes, held); /* one allocation, until it is empty */
    datagrams_release(&m->stack, &d);
    assert_int_equal(d.count, 0);
    assert_int_equal(d.bytes, 0);
    machine_free(m);
}

/* Security rule 16: a packet of many counts as they would have, one after the other. */
static void queue_takes_as_many_of_one_packet_as_it_would_by_themselves(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (uint32_t limit = 1; limit < 6000; limit += 53) {
        struct machine *m = machine_new(0);
        struct datagrams single, super;
        char part[8] = "";
        uint32_t taken = 0;
        datagrams_init(&single, limit);
        datagrams_init(&super, limit);
        for (size_t i = 0; i + 1 < sizeof text; i += 5) {
            size_t length = sizeof text - 1 - i < 5 ? sizeof text - 1 - i : 5;
            memcpy(part, text + i, length);
            part[length] = '\0';
            if (append(m, &single, part, 5) < 0)
                break;
            taken += (uint32_t)length;
        }
        assert_int_equal(append_super(m, &super, text, 5, 5), taken);
        assert_int_equal(super.count, single.count);
        assert_int_equal(super.bytes, single.bytes);
        datagrams_release(&m->stack, &single);
        datagrams_release(&m->stack, &super);
        machine_free(m);
    }
}

static void datagrams_of_one_packet_are_bounded_in_number(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    char text[LIMIT_DATAGRAMS_QUEUED + 11];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    datagrams_init(&d, 1 << 30);
    assert_int_equal(append_super(m, &d, text, 5, 1), LIMIT_DATAGRAMS_QUEUED);
    assert_int_equal(append_super(m, &d, text, 5, 1), -ENOBUFS);
    assert_int_equal(d.count, LIMIT_DATAGRAMS_QUEUED);
    assert_true(datagrams_are_many(&d));
    datagrams_release(&m->stack, &d);
    machine_free(m);
}

static void datagrams_of_one_packet_are_bounded_by_the_memory_of_all(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    datagrams_init(&d, 1 << 20);
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 2), 8);
    m->stack.settings.memory_high = 2 * (int64_t)m->stack.memory_used_bytes - 1;
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 2), 6);
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 2), -ENOBUFS);
    datagrams_release(&m->stack, &d);
    machine_free(m);
}

/* udp(7), UDP_GRO. */
static void one_packet_is_received_as_one_by_who_wants_that(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    struct datagram_info info;
    char buffer[16];
    datagrams_init(&d, 10000);
    d.options.receive_super = true;
    assert_int_equal(append_super(m, &d, "abcdefgh", 5, 3), 8);
    assert_int_equal(append(m, &d, "alone", 5), 0);
    d.options.receive_super = false; /* that counts when it comes */
    assert_int_equal(d.count, 2);
    assert_int_equal(datagrams_next_length(&d), 8);
    assert_int_equal(receive(m, &d, buffer, 5, MSG_PEEK, &info), 5);
    assert_true(info.truncated);
    assert_int_equal(receive(m, &d, buffer, sizeof buffer, 0, &info), 8);
    assert_memory_equal(buffer, "abcdefgh", 8);
    assert_int_equal(info.segment_size, 3);
    assert_int_equal(info.length, 8);
    assert_false(info.truncated);
    assert_receives(m, &d, "alone");
    machine_free(m);
}

static void one_packet_finds_room_as_one_or_not_at_all(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "before", 5), 0);
    d.options.receive_limit_bytes = 2 * d.bytes; /* room for one more of six bytes */
    d.options.receive_super = true;
    assert_int_equal(append_super(m, &d, "1234567", 5, 5), -ENOBUFS);
    assert_int_equal(append_super(m, &d, "123456", 5, 1), 6);
    datagrams_release(&m->stack, &d);
    machine_free(m);
}

static void many_are_more_than_half_of_what_finds_room(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct datagrams d;
    datagrams_init(&d, 10000);
    assert_int_equal(append(m, &d, "first", 5), 0);
    assert_false(datagrams_are_many(&d));
    d.options.receive_limit_bytes = 2 * d.bytes;
    assert_false(datagrams_are_many(&d));
    d.options.receive_limit_bytes--;
    assert_true(datagrams_are_many(&d));
    datagrams_release(&m->stack, &d);
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
        cmocka_unit_test(datagrams_of_one_packet_come_out_one_by_one),
        cmocka_unit_test(what_is_left_of_one_packet_is_given_back),
        cmocka_unit_test(queue_takes_as_many_of_one_packet_as_it_would_by_themselves),
        cmocka_unit_test(datagrams_of_one_packet_are_bounded_in_number),
        cmocka_unit_test(datagrams_of_one_packet_are_bounded_by_the_memory_of_all),
        cmocka_unit_test(one_packet_is_received_as_one_by_who_wants_that),
        cmocka_unit_test(one_packet_finds_room_as_one_or_not_at_all),
        cmocka_unit_test(many_are_more_than_half_of_what_finds_room),
        cmocka_unit_test(pending_error_is_told_once_and_first),
        cmocka_unit_test(readiness_follows_queue_and_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
