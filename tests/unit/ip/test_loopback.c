#include "machine.h"

#include <errno.h>

#include "common/allocation.h"
#include "ip/ip.h"

enum { TEST_PROTOCOL = 253 };

static struct {
    unsigned packets;
    struct packet_in last;
    char payload[64];
    unsigned answers; /* how many more to send back */
} seen;

static int send_to(struct machine *m, uint32_t destination, const void *payload, size_t length)
{
    struct packet_out packet;
    packet_out_begin(&packet, TEST_PROTOCOL, 0);
    packet.source = packet.destination = address_from_ipv4(destination);
    packet_out_payload(&packet, payload, length);
    return ip_output(&m->stack, NULL, &packet);
}

static enum drop_reason take(struct stack *stack, const struct packet_in *packet)
{
    seen.packets++;
    seen.last = *packet;
    if (packet->payload_length < sizeof seen.payload)
        memcpy(seen.payload, packet->payload, packet->payload_length);
    if (seen.answers > 0) {
        struct packet_out answer;
        seen.answers--;
        packet_out_begin(&answer, TEST_PROTOCOL, 0);
        answer.source = packet->destination;
        answer.destination = packet->source;
        assert_int_equal(ip_output(stack, NULL, &answer), 0);
    }
    return DROP_NONE;
}

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    memset(&seen, 0, sizeof seen);
    assert_int_equal(ip_attach(&m->stack), 0);
    m->stack.protocols[TEST_PROTOCOL].input = take;
    return m;
}

/* Also where routers may cut its parts (RFC 6864 §4.2): there are none on this way. */
static void super_packet_to_ourselves_stays_whole(void **state)
{
    (void)state;
    static const uint8_t payload[350];
    for (int fragments = 0; fragments < 2; fragments++) {
        struct machine *m = machine_with_ip();
        struct packet_out packet;
        packet_out_begin(&packet, TEST_PROTOCOL, 0);
        packet.source = packet.destination = address_from_ipv4(MACHINE_ADDRESS);
        packet.segment_size = 100;
        packet.dont_fragment = !fragments;
        packet_out_payload(&packet, payload, sizeof payload);
        assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_int_equal(seen.packets, 1);
        assert_int_equal(seen.last.payload_length, sizeof payload);
        assert_int_equal(seen.last.segment_size, 100);
        machine_free(m);
    }
}

static void packet_to_ourselves_arrives_with_the_next_advance(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(send_to(m, MACHINE_ADDRESS, "hello", 5), 0);
    assert_int_equal(seen.packets, 0);
    assert_true(stack_deadline(&m->stack) <= m->stack.now_ns);
    assert_true(m->stack.memory_used_bytes > 5);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.last.payload_length, 5);
    assert_memory_equal(seen.payload, "hello", 5);
    assert_int_equal(address_to_ipv4(&seen.last.source), MACHINE_ADDRESS);
    assert_true(seen.last.to_unicast);
    assert_true(stack_deadline(&m->stack) > m->stack.now_ns);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(m->events[TERN_TRACE_OUT], 1);
    assert_int_equal(m->events[TERN_TRACE_IN], 1);
    machine_free(m);
}

static void packets_keep_their_order(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(send_to(m, 0x7f000001, "first", 6), 0);
    assert_int_equal(send_to(m, 0x7f000001, "second", 7), 0);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_int_equal(seen.packets, 2);
    assert_string_equal(seen.payload, "second");
    machine_free(m);
}

static void answers_to_ourselves_arrive_in_the_same_advance(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    seen.answers = 10;
    assert_int_equal(send_to(m, MACHINE_ADDRESS, "x", 1), 0);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_int_equal(seen.packets, 11);
    machine_free(m);
}

/* Security rule 16. */
static void queue_is_bounded_in_number_and_bytes(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    static uint8_t big[60000];
    unsigned taken = 0;
    while (send_to(m, MACHINE_ADDRESS, "x", 1) == 0)
        taken++;
    assert_int_equal(taken, LIMIT_LOOPBACK_PACKETS);
    assert_int_equal(send_to(m, MACHINE_ADDRESS, "x", 1), -ENOBUFS);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_int_equal(seen.packets, taken);
    assert_int_equal(m->stack.memory_used_bytes, 0);

    taken = 0;
    while (send_to(m, MACHINE_ADDRESS, big, sizeof big) == 0)
        taken++;
    assert_in_range(taken, 100, LIMIT_LOOPBACK_BYTES / sizeof big);
    assert_true(m->stack.memory_used_bytes <= LIMIT_LOOPBACK_BYTES);
    machine_free(m); /* with the queue full: released with the stack */
}

static void exhausted_memory_is_said(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    allocations_fail_after(0);
    int error = send_to(m, MACHINE_ADDRESS, "x", 1);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_to_ourselves_arrives_with_the_next_advance),
        cmocka_unit_test(super_packet_to_ourselves_stays_whole),
        cmocka_unit_test(packets_keep_their_order),
        cmocka_unit_test(answers_to_ourselves_arrive_in_the_same_advance),
        cmocka_unit_test(queue_is_bounded_in_number_and_bytes),
        cmocka_unit_test(exhausted_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
