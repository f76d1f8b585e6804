#include "machine.h"

#include "ip/ip.h"

enum { TEST_PROTOCOL = 253 }; /* for experiments, RFC 3692 */

static struct {
    unsigned packets;
    struct packet_in last;
    uint8_t payload[64];
} seen;

static enum drop_reason take(struct stack *stack, const struct packet_in *packet)
{
    (void)stack;
    seen.packets++;
    seen.last = *packet;
    assert_true(packet->payload_length <= sizeof seen.payload);
    memcpy(seen.payload, packet->payload, packet->payload_length);
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

static enum drop_reason arrives(struct machine *m, uint32_t source, uint32_t destination)
{
    struct test_packet packet;
    packet_make(&packet, header_between(source, destination, TEST_PROTOCOL), "payload", 7);
    return machine_input(m, packet.bytes, packet.length);
}

static void packet_to_us_is_delivered(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, TEST_PROTOCOL);
    header.time_to_live = 9;
    header.traffic_class = 0x2b;
    packet_make(&packet, header, "payload", 7);
    memcpy(packet.bytes + packet.length, "padding", 7);
    assert_int_equal(machine_input(m, packet.bytes, packet.length + 7), DROP_NONE);
    assert_int_equal(seen.packets, 1);
    assert_ptr_equal(seen.last.interface, m->interface);
    assert_int_equal(address_to_ipv4(&seen.last.source), PEER_ADDRESS);
    assert_int_equal(address_to_ipv4(&seen.last.destination), MACHINE_ADDRESS);
    assert_int_equal(seen.last.protocol, TEST_PROTOCOL);
    assert_int_equal(seen.last.hop_limit, 9);
    assert_int_equal(seen.last.traffic_class, 0x2b);
    assert_int_equal(seen.last.header_length, 20);
    assert_int_equal(seen.last.payload_length, 7);
    assert_memory_equal(seen.payload, "payload", 7);
    assert_true(seen.last.to_unicast);
    assert_false(seen.last.checksum_verified);
    assert_int_equal(machine_counter(m, "IpInReceives"), 1);
    assert_int_equal(machine_counter(m, "IpInDelivers"), 1);
    machine_free(m);
}

static void what_the_link_has_done_is_passed_on(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct tern_offload offload = {.segment_size = 3, .flags = TERN_OFFLOAD_CHECKSUM};
    packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, TEST_PROTOCOL), "payload",
                7);
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload), DROP_NONE);
    assert_int_equal(seen.last.segment_size, 3);
    assert_true(seen.last.checksum_verified);
    machine_free(m);
}

/* RFC 1122 §3.2.1.7: the last hop is allowed to use the time to live up. */
static void packet_with_no_time_to_live_left_is_taken(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    for (uint8_t ttl = 0; ttl < 2; ttl++) {
        struct test_packet packet;
        packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, TEST_PROTOCOL),
                    "payload", 7);
        packet.bytes[8] = ttl;
        packet_fix_header_checksum(&packet);
        assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
        assert_int_equal(seen.last.hop_limit, ttl);
    }
    machine_free(m);
}

static void damaged_headers_are_dropped_each_for_its_reason(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint8_t value;
        size_t length;
        bool fix;
        enum drop_reason reason;
    } cases[] = {
        {0, 0x45, 19, false, DROP_IP_TRUNCATED},    {0, 0x45, 26, false, DROP_IP_TRUNCATED},
        {0, 0x44, 27, true, DROP_IP_HEADER_LENGTH}, {3, 19, 27, true, DROP_IP_HEADER_LENGTH},
        {3, 28, 27, true, DROP_IP_TRUNCATED},       {8, 1, 27, false, DROP_IP_CHECKSUM},
        {0, 0x65, 27, true, DROP_IP_VERSION},
    };
    struct machine *m = machine_with_ip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_packet packet;
        packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, TEST_PROTOCOL),
                    "payload", 7);
        packet.bytes[cases[i].offset] = cases[i].value;
        if (cases[i].fix)
            packet_fix_header_checksum(&packet);
        assert_int_equal(machine_input(m, packet.bytes, cases[i].length), cases[i].reason);
    }
    assert_int_equal(seen.packets, 0);
    machine_free(m);
}

/* RFC 1122 §3.2.1.3, security rule 11. */
static void sources_that_nobody_has_are_dropped(void **state)
{
    (void)state;
    static const uint32_t sources[] = {
        MACHINE_ADDRESS, /* LAND */
        0,
        0x00000007,
        0x7f000001,
        0x7fffffff,
        0xe0000001,
        0xefffffff,
        0xffffffff,
        0x0a0000ff,
    };
    struct machine *m = machine_with_ip();
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        assert_int_equal(arrives(m, sources[i], MACHINE_ADDRESS), DROP_IP_SOURCE);
    assert_int_equal(seen.packets, 0);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(arrives(m, 0x08080808, MACHINE_ADDRESS), DROP_NONE);
    machine_free(m);
}

static void packets_for_others_are_dropped_without_a_word(void **state)
{
    (void)state;
    static const uint32_t destinations[] = {PEER_ADDRESS, 0x0a000004, 0x08080808, 0xe0000001,
                                            0x7f000001,   0,          0x0a000000};
    struct machine *m = machine_with_ip();
    for (size_t i = 0; i < sizeof destinations / sizeof destinations[0]; i++)
        assert_int_equal(arrives(m, 0x0a000009, destinations[i]), DROP_IP_NOT_OURS);
    assert_int_equal(seen.packets, 0);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void broadcast_is_delivered_as_such(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(arrives(m, PEER_ADDRESS, 0xffffffff), DROP_NONE);
    assert_false(seen.last.to_unicast);
    assert_int_equal(arrives(m, PEER_ADDRESS, 0x0a0000ff), DROP_NONE);
    assert_false(seen.last.to_unicast);
    assert_int_equal(seen.packets, 2);
    machine_free(m);
}

/* RFC 1122 §3.3.4.2: the weak model, any address of ours on any interface. */
static void address_of_another_interface_is_ours_too(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct interface *second = stack_add_interface(&m->stack);
    struct address other = address_from_ipv4(0xc0a80101);
    assert_int_equal(interface_add_address(second, &other, 24), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, 0xc0a80101), DROP_NONE);
    assert_true(seen.last.to_unicast);
    machine_free(m);
}

/* Sends a packet with these option bytes, a multiple of four. */
static enum drop_reason arrives_with_options(struct machine *m, const void *options, size_t length)
{
    struct test_packet packet;
    packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, TEST_PROTOCOL), options,
                length);
    memcpy(packet.bytes + packet.length, "payload", 7);
    packet.length += 7;
    packet.bytes[0] = (uint8_t)(0x45 + length / 4);
    packet.bytes[3] = (uint8_t)packet.length;
    packet_fix_header_checksum(&packet);
    return machine_input(m, packet.bytes, packet.length);
}

/* RFC 1122 §3.2.1.8: options not known are passed over. */
static void harmless_options_are_passed_over(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(arrives_with_options(m, "\x94\4\0\0", 4), DROP_NONE);
    assert_int_equal(seen.last.header_length, 24);
    assert_int_equal(seen.last.payload_length, 7);
    assert_memory_equal(seen.payload, "payload", 7);
    assert_int_equal(arrives_with_options(m, "\7\7\4\0\0\0\0\0", 8), DROP_NONE);
    assert_int_equal(arrives_with_options(m, "\x1e\6wxyz\1\1", 8), DROP_NONE);
    machine_free(m);
}

static void source_routes_are_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(arrives_with_options(m, "\x83\7\4\12\0\0\2\0", 8), DROP_IP_SOURCE_ROUTE);
    assert_int_equal(arrives_with_options(m, "\1\x89\7\4\12\0\0\2", 8), DROP_IP_SOURCE_ROUTE);
    assert_int_equal(seen.packets, 0);
    machine_free(m);
}

/* Security rule 2. */
static void malformed_options_are_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(arrives_with_options(m, "\7\0\0\0", 4), DROP_IP_OPTION);
    assert_int_equal(arrives_with_options(m, "\7\1\0\0", 4), DROP_IP_OPTION);
    assert_int_equal(arrives_with_options(m, "\7\5\0\0", 4), DROP_IP_OPTION);
    assert_int_equal(arrives_with_options(m, "\1\1\1\7", 4), DROP_IP_OPTION);
    assert_int_equal(seen.packets, 0);
    machine_free(m);
}

/* RFC 1122 §3.2.2.1. */
static void protocol_nobody_speaks_is_reported(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct icmp_message message;
    packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 252), "payload", 7);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_IP_PROTOCOL);
    assert_int_equal(machine_counter(m, "IpInUnknownProtos"), 1);
    assert_int_equal(m->sent_count, 1);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.type, ICMP_UNREACHABLE);
    assert_int_equal(message.code, ICMP_UNREACHABLE_PROTOCOL);
    assert_memory_equal(message.body, packet.bytes, packet.length);
    machine_free(m);
}

static void super_packet_above_64_kb_is_taken_from_a_link_that_cuts(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct tern_offload offload = {.segment_size = 1000};
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, 252);
    header.total_length = 70000;
    header.time_to_live = 64;
    uint8_t *packet = calloc(1, 70000);
    assert_non_null(packet);
    ipv4_build(&header, packet);
    assert_int_equal(machine_input(m, packet, 70000), DROP_IP_HEADER_LENGTH);
    assert_int_equal(machine_input_offloaded(m, packet, 70000, &offload), DROP_IP_PROTOCOL);
    free(packet);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_to_us_is_delivered),
        cmocka_unit_test(what_the_link_has_done_is_passed_on),
        cmocka_unit_test(packet_with_no_time_to_live_left_is_taken),
        cmocka_unit_test(damaged_headers_are_dropped_each_for_its_reason),
        cmocka_unit_test(sources_that_nobody_has_are_dropped),
        cmocka_unit_test(packets_for_others_are_dropped_without_a_word),
        cmocka_unit_test(broadcast_is_delivered_as_such),
        cmocka_unit_test(address_of_another_interface_is_ours_too),
        cmocka_unit_test(harmless_options_are_passed_over),
        cmocka_unit_test(source_routes_are_refused),
        cmocka_unit_test(malformed_options_are_refused),
        cmocka_unit_test(protocol_nobody_speaks_is_reported),
        cmocka_unit_test(super_packet_above_64_kb_is_taken_from_a_link_that_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
