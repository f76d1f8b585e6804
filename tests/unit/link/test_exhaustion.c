/* Links when memory runs out: nothing leaks (under ASan), nothing is torn, and the link goes on. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/allocation.h"
#include "link/capture.h"
#include "link/fault.h"
#include "link/memory.h"
#include "link_machine.h"
#include "packets.h"

static struct link_machine machine;

/* What was captured last. */
static size_t written;
static uint8_t file[4096];

static int keep(void *user, const void *bytes, size_t length)
{
    (void)user;
    assert_true(length <= sizeof file);
    memcpy(file, bytes, length);
    written = length;
    return 0;
}

static const struct fault_profile shaped[2] = {{.rate_bits = 1000000}, {.rate_bits = 1000000}};

static void making_a_link_fails_whole_and_leaves_the_one_below(void **state)
{
    (void)state;
    struct link *ends[2], *link;
    allocations_fail_after(0);
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), -ENOMEM);
    allocations_succeed();
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), 0);
    for (unsigned successes = 0; successes < 3; successes++) {
        allocations_fail_after(successes);
        assert_int_equal(fault_link_new(ends[0], shaped, &link), -ENOMEM);
    }
    allocations_fail_after(0);
    assert_int_equal(capture_link_new(ends[0], "x", 0, keep, NULL, NULL, &link), -ENOMEM);
    for (unsigned successes = 0; successes < 2; successes++) {
        allocations_fail_after(successes);
        assert_int_equal(capture_link_open(ends[0], "x", 0, "/dev/null", &link), -ENOMEM);
    }
    allocations_succeed();
    assert_int_equal(link_send_bytes(ends[0], "still there", 11, 0), 0);
    link_close(ends[0]);
    link_close(ends[1]);
}

static void memory_link_takes_no_packet_it_cannot_hold(void **state)
{
    (void)state;
    struct link *ends[2];
    memset(&machine, 0, sizeof machine);
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), 0);
    allocations_fail_after(0);
    assert_int_equal(link_send_bytes(ends[0], "lost", 4, 0), -ENOMEM);
    allocations_succeed();
    assert_int_equal(link_send_bytes(ends[0], "kept", 4, 0), 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 1);
    assert_memory_equal(link_machine_bytes(&machine, 0), "kept", 4);
    link_close(ends[0]);
    link_close(ends[1]);
}

/* Whichever of its allocations fails. */
static void super_segment_is_cut_whole_or_not_at_all(void **state)
{
    (void)state;
    static struct packet packet;
    static uint8_t text[4000];
    static const struct fault_profile none[2];
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    struct segment segment = {.flags = TCP_ACK, .text = text, .length = sizeof text};
    struct tern_offload offload = {.segment_size = 1000,
                                   .header_length = 40,
                                   .checksum_start = 20,
                                   .checksum_offset = TCP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    struct link *ends[2], *link;
    memset(&machine, 0, sizeof machine);
    assert_int_equal(memory_link_pair(1500, TERN_LINK_CHECKSUM | TERN_LINK_TSO, 100, ends), 0);
    assert_int_equal(fault_link_new(ends[0], none, &link), 0);
    packet_tcp(&packet, &ours, &theirs, &segment, false);
    struct iovec span = {packet.bytes, packet.length};
    for (unsigned successes = 0; successes < 5; successes++) {
        allocations_fail_after(successes);
        assert_int_equal(link_send(link, &span, 1, &offload, 0), -ENOMEM);
        allocations_succeed();
        assert_int_equal(link_machine_poll(&machine, ends[1], 0), 0);
    }
    assert_int_equal(link_send(link, &span, 1, &offload, 0), 0);
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 4);
    link_close(link);
    link_close(ends[1]);
}

static void capture_goes_on_in_the_wrong_order_rather_than_with_gaps(void **state)
{
    (void)state;
    struct link *ends[2], *link;
    memset(&machine, 0, sizeof machine);
    assert_int_equal(memory_link_pair(1500, 0, 100, ends), 0);
    assert_int_equal(capture_link_new(ends[0], "x", 0, keep, NULL, NULL, &link), 0);
    link_send_bytes(ends[1], "asks", 4, 0);
    machine.answer_on = link;
    /* The answer's copy for the memory link is made, the one for the capture's order is not. */
    allocations_fail_after(1);
    assert_int_equal(link_machine_poll(&machine, link, 0), 1);
    allocations_succeed();
    machine.answer_on = NULL;
    assert_int_equal(link_machine_poll(&machine, ends[1], 0), 1);
    link_close(link);
    const uint8_t *answer = memmem(file, written, "ok", 2);
    assert_non_null(answer);
    assert_non_null(memmem(answer, written - (size_t)(answer - file), "asks", 4));
    link_close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_link_fails_whole_and_leaves_the_one_below),
        cmocka_unit_test(memory_link_takes_no_packet_it_cannot_hold),
        cmocka_unit_test(super_segment_is_cut_whole_or_not_at_all),
        cmocka_unit_test(capture_goes_on_in_the_wrong_order_rather_than_with_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
