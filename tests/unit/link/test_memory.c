#include "unit.h"

#include <errno.h>

#include "base/time.h"
#include "link/memory.h"
#include "link_machine.h"

static struct link_machine machine;

static struct link *ends[2];

static void pair_open(uint32_t features, unsigned queue_packets)
{
    memset(&machine, 0, sizeof machine);
    assert_int_equal(memory_link_pair(1500, features, queue_packets, ends), 0);
}

static void pair_close(void)
{
    link_close(ends[0]);
    link_close(ends[1]);
}

static void each_end_receives_what_the_other_sends_in_order(void **state)
{
    (void)state;
    pair_open(0, 100);
    struct iovec spans[] = {{.iov_base = (char[]){'a', 'b'}, .iov_len = 2},
                            {.iov_base = NULL, .iov_len = 0},
                            {.iov_base = (char[]){'c'}, .iov_len = 1}};
    assert_int_equal(link_send(ends[0], spans, 3, NULL, 5), 0);
    assert_int_equal(link_send_bytes(ends[0], "second", 6, 6), 0);
    assert_int_equal(link_send_bytes(ends[1], "back", 4, 6), 0);

    assert_int_equal(link_machine_poll(&machine, ends[1], 7), 2);
    assert_int_equal(machine.packets[0].length, 3);
    assert_memory_equal(link_machine_bytes(&machine, 0), "abc", 3);
    assert_int_equal(machine.packets[0].time_ns, 7);
    assert_memory_equal(link_machine_bytes(&machine, 1), "second", 6);
    assert_int_equal(link_machine_poll(&machine, ends[1], 8), 0);
    assert_int_equal(link_machine_poll(&machine, ends[0], 8), 1);
    assert_memory_equal(link_machine_bytes(&machine, 2), "back", 4);
    pair_close();
}

static void deadline_tells_whether_something_has_arrived(void **state)
{
    (void)state;
    pair_open(0, 100);
    assert_int_equal(link_descriptor(ends[0]), -1);
    assert_true(link_deadline(ends[1]) == TIME_NEVER);
    link_send_bytes(ends[0], "x", 1, 5);
    assert_true(link_deadline(ends[1]) <= 5);
    assert_true(link_deadline(ends[0]) == TIME_NEVER);
    link_machine_poll(&machine, ends[1], 5);
    assert_true(link_deadline(ends[1]) == TIME_NEVER);
    pair_close();
}

static void poll_keeps_to_its_budget(void **state)
{
    (void)state;
    pair_open(0, 100);
    for (int i = 0; i < 5; i++)
        link_send_bytes(ends[0], &i, sizeof i, 0);
    assert_int_equal(link_poll(ends[1], 0, 3, link_machine_deliver, &machine), 3);
    assert_int_equal(link_poll(ends[1], 0, 3, link_machine_deliver, &machine), 2);
    pair_close();
}

static void machine_may_answer_while_it_is_delivered_to(void **state)
{
    (void)state;
    pair_open(0, 100);
    machine.answer_on = ends[1];
    link_send_bytes(ends[0], "one", 3, 0);
    link_send_bytes(ends[0], "two", 3, 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 2);
    machine.answer_on = NULL;
    assert_int_equal(link_machine_poll(&machine, ends[0], 0), 2);
    pair_close();
}

static void full_queue_takes_no_more_until_it_is_polled(void **state)
{
    (void)state;
    pair_open(0, 2);
    assert_int_equal(link_send_bytes(ends[0], "1", 1, 0), 0);
    assert_int_equal(link_send_bytes(ends[0], "2", 1, 0), 0);
    assert_int_equal(link_send_bytes(ends[0], "3", 1, 0), -ENOBUFS);
    assert_int_equal(link_send_bytes(ends[1], "other way", 9, 0), 0);
    link_machine_poll(&machine, ends[1], 0);
    assert_int_equal(link_send_bytes(ends[0], "4", 1, 0), 0);
    pair_close();
}

static void packet_beyond_the_mtu_is_refused(void **state)
{
    (void)state;
    static uint8_t packet[1501];
    pair_open(0, 2);
    assert_int_equal(link_send_bytes(ends[0], packet, 1500, 0), 0);
    assert_int_equal(link_send_bytes(ends[0], packet, 1501, 0), -EMSGSIZE);
    pair_close();
}

static void offload_travels_with_the_packet_where_the_link_can(void **state)
{
    (void)state;
    static uint8_t packet[60000];
    struct iovec span = {.iov_base = packet, .iov_len = sizeof packet};
    struct tern_offload offload = {.segment_size = 1448,
                                   .header_length = 52,
                                   .checksum_start = 20,
                                   .checksum_offset = 16,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    pair_open(TERN_LINK_CHECKSUM | TERN_LINK_TSO, 2);
    assert_true(ends[0]->super_packet_max >= sizeof packet);
    assert_int_equal(link_send(ends[0], &span, 1, &offload, 0), 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 1);
    assert_memory_equal(&machine.packets[0].offload, &offload, sizeof offload);
    assert_int_equal(machine.packets[0].length, sizeof packet);
    pair_close();
}

static void super_datagrams_are_another_matter_than_super_segments(void **state)
{
    (void)state;
    enum { UDP = 17 };
    static uint8_t packet[60000] = {[0] = 0x45, [9] = UDP};
    struct iovec span = {.iov_base = packet, .iov_len = sizeof packet};
    struct tern_offload offload = {.segment_size = 1472,
                                   .header_length = 28,
                                   .checksum_start = 20,
                                   .checksum_offset = 6,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    pair_open(TERN_LINK_CHECKSUM | TERN_LINK_TSO, 2);
    assert_int_equal(link_send(ends[0], &span, 1, &offload, 0), -EINVAL);
    pair_close();
    pair_open(TERN_LINK_CHECKSUM | TERN_LINK_USO, 2);
    assert_true(ends[0]->super_packet_max >= sizeof packet);
    assert_int_equal(link_send(ends[0], &span, 1, &offload, 0), 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 1);
    assert_memory_equal(&machine.packets[0].offload, &offload, sizeof offload);
    packet[9] = 6;
    assert_int_equal(link_send(ends[0], &span, 1, &offload, 0), -EINVAL);
    packet[9] = UDP;
    pair_close();
}

static void link_without_offload_refuses_what_it_could_not_finish(void **state)
{
    (void)state;
    struct iovec span = {.iov_base = (char[100]){0}, .iov_len = 100};
    struct tern_offload super = {.segment_size = 40, .header_length = 40};
    struct tern_offload unfinished = {.flags = TERN_OFFLOAD_CHECKSUM};
    pair_open(0, 2);
    assert_int_equal(link_send(ends[0], &span, 1, &super, 0), -EINVAL);
    assert_int_equal(link_send(ends[0], &span, 1, &unfinished, 0), -EINVAL);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 0);
    pair_close();
}

static void what_is_sent_to_a_closed_end_is_lost(void **state)
{
    (void)state;
    pair_open(0, 2);
    link_send_bytes(ends[1], "never read", 10, 0);
    link_close(ends[0]);
    for (int i = 0; i < 5; i++)
        assert_int_equal(link_send_bytes(ends[1], "lost", 4, 0), 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 0);
    link_close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_receives_what_the_other_sends_in_order),
        cmocka_unit_test(deadline_tells_whether_something_has_arrived),
        cmocka_unit_test(poll_keeps_to_its_budget),
        cmocka_unit_test(machine_may_answer_while_it_is_delivered_to),
        cmocka_unit_test(full_queue_takes_no_more_until_it_is_polled),
        cmocka_unit_test(packet_beyond_the_mtu_is_refused),
        cmocka_unit_test(offload_travels_with_the_packet_where_the_link_can),
        cmocka_unit_test(super_datagrams_are_another_matter_than_super_segments),
        cmocka_unit_test(link_without_offload_refuses_what_it_could_not_finish),
        cmocka_unit_test(what_is_sent_to_a_closed_end_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
