#include "machine.h"

#include <errno.h>

static struct address ipv4(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(text, &a), 0);
    return a;
}

static bool is_broadcast(const struct machine *m, const char *text)
{
    struct address a = ipv4(text);
    return interface_is_broadcast(m->interface, &a);
}

static int add(struct machine *m, const char *text, unsigned bits)
{
    struct address a = ipv4(text);
    return interface_add_address(m->interface, &a, bits);
}

static void address_added_is_owned(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct address second = ipv4("10.0.0.4");
    assert_false(interface_owns(m->interface, &second));
    assert_int_equal(add(m, "10.0.0.4", 24), 0);
    assert_true(interface_owns(m->interface, &second));
    machine_free(m);
}

static void bad_or_known_address_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "10.0.0.3", 24), -EEXIST);
    assert_int_equal(add(m, "10.0.0.4", 33), -EINVAL);
    assert_int_equal(add(m, "fd00::1", 129), -EINVAL);
    machine_free(m);
}

/* Security rule 16. */
static void addresses_are_bounded(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct address a;
    int error = 0;
    for (unsigned i = 0; !error && i < 100; i++) {
        a = address_from_ipv4(0xc0a80000 + i);
        error = interface_add_address(m->interface, &a, 24);
    }
    assert_int_equal(error, -ENOSPC);
    a = address_from_ipv4(MACHINE_ADDRESS);
    assert_true(interface_owns(m->interface, &a));
    machine_free(m);
}

static void broadcast_of_each_subnet_is_known(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "192.168.1.1", 22), 0);
    assert_true(is_broadcast(m, "255.255.255.255"));
    assert_true(is_broadcast(m, "10.0.0.255"));
    assert_true(is_broadcast(m, "192.168.3.255"));
    assert_false(is_broadcast(m, "192.168.1.255"));
    assert_false(is_broadcast(m, "10.0.0.0"));
    assert_false(is_broadcast(m, "10.0.0.3"));
    assert_false(is_broadcast(m, "fd00::ff"));
    machine_free(m);
}

/* RFC 3021 §2.2. */
static void point_to_point_subnet_has_no_broadcast(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "192.168.1.2", 31), 0);
    assert_int_equal(add(m, "192.168.2.1", 32), 0);
    assert_false(is_broadcast(m, "192.168.1.3"));
    assert_false(is_broadcast(m, "192.168.2.1"));
    machine_free(m);
}

static void only_this_hosts_kernel_is_sent_big_packets(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_CHECKSUM | TERN_LINK_TSO);
    struct address kernel = ipv4("10.0.0.2"), other = ipv4("10.0.0.9");
    m->interface->kernel = kernel;
    m->stack.settings.ip_big_packets = 1;
    assert_int_equal(interface_super_packet_max(m->interface, &kernel), 65535);
    m->interface->big_packet_max = LIMIT_BIG_PACKET;
    assert_int_equal(interface_super_packet_max(m->interface, &kernel), LIMIT_BIG_PACKET);
    assert_int_equal(interface_super_packet_max(m->interface, &other), 65535);
    m->stack.settings.ip_big_packets = 0;
    assert_int_equal(interface_super_packet_max(m->interface, &kernel), 65535);
    machine_free(m);
}

static uint16_t pseudo_header_sum(const struct ipv4_header *header, size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, address_to_ipv4(&header->source));
    checksum_add_u32(&sum, address_to_ipv4(&header->destination));
    checksum_add_u16(&sum, header->protocol);
    checksum_add_u16(&sum, (uint16_t)length);
    return checksum_fold(&sum);
}

/* A UDP datagram ready for interface_output. */
static void make_udp(struct packet_out *packet, uint16_t port, const void *data, size_t length)
{
    struct ipv4_header header = header_between(MACHINE_ADDRESS, PEER_ADDRESS, IP_PROTOCOL_UDP);
    header.total_length = (uint32_t)(28 + length);
    header.time_to_live = 64;
    struct udp_header udp = {port, 53, (uint16_t)(8 + length),
                             pseudo_header_sum(&header, 8 + length)};
    udp_build(&udp, packet_out_begin(packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet->checksum_offset = UDP_CHECKSUM_OFFSET;
    packet_out_payload(packet, data, length / 3);
    packet_out_payload(packet, (const char *)data + length / 3, length - length / 3);
    ipv4_build(&header, packet_out_prepend(packet, IPV4_HEADER_MIN));
    packet->transport_offset = IPV4_HEADER_MIN;
    packet->why = "test";
}

static void checksum_is_finished_for_a_link_that_cannot(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct packet_out packet;
    make_udp(&packet, 1234, "some data", 9);
    assert_int_equal(interface_output(m->interface, &packet), 0);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].length, 37);
    assert_memory_equal(m->sent[0].bytes + 28, "some data", 9);
    assert_true(sent_checksum_is_right(m, 0));
    assert_int_equal(m->sent[0].offload.flags, 0);
    machine_free(m);
}

static void checksum_is_left_to_a_link_that_can(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_CHECKSUM);
    struct packet_out packet;
    make_udp(&packet, 1234, "some data", 9);
    assert_int_equal(interface_output(m->interface, &packet), 0);
    const struct tern_offload *offload = &m->sent[0].offload;
    assert_int_equal(offload->flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(offload->checksum_start, 20);
    assert_int_equal(offload->checksum_offset, 6);
    assert_int_equal(offload->segment_size, 0);
    struct checksum sum = CHECKSUM_START; /* what the link does */
    checksum_add(&sum, m->sent[0].bytes + 20, m->sent[0].length - 20);
    uint16_t value = checksum_finish(&sum);
    m->sent[0].bytes[26] = (uint8_t)(value >> 8);
    m->sent[0].bytes[27] = (uint8_t)value;
    assert_true(sent_checksum_is_right(m, 0));
    machine_free(m);
}

/* RFC 768: "If the computed checksum is zero, it is transmitted as all ones". */
static void udp_checksum_zero_goes_out_as_ones(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    unsigned zeros = 0;
    for (uint32_t port = 1; port < 65536; port++) {
        struct packet_out packet;
        make_udp(&packet, (uint16_t)port, "ab", 2);
        assert_int_equal(interface_output(m->interface, &packet), 0);
        assert_true(sent_checksum_is_right(m, 0));
        uint16_t field = (uint16_t)(m->sent[0].bytes[26] << 8 | m->sent[0].bytes[27]);
        assert_int_not_equal(field, 0);
        zeros += field == 0xffff;
        machine_clear(m);
    }
    assert_int_equal(zeros, 1);
    machine_free(m);
}

static void departure_is_traced_with_its_reason(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct packet_out packet;
    make_udp(&packet, 1234, "x", 1);
    assert_int_equal(interface_output(m->interface, &packet), 0);
    assert_int_equal(m->events[TERN_TRACE_OUT], 1);
    assert_string_equal(m->last_event[TERN_TRACE_OUT].why, "test");
    machine_free(m);
}

static void packet_the_link_refuses_is_counted_as_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct packet_out packet;
    m->transmit_error = -ENOBUFS;
    make_udp(&packet, 1234, "x", 1);
    assert_int_equal(interface_output(m->interface, &packet), -ENOBUFS);
    assert_int_equal(machine_counter(m, "DropLINK"), 1);
    assert_int_equal(m->events[TERN_TRACE_DROP], 1);
    machine_free(m);
}

/* The route to its subnet goes with an address: without the one there is not the other. */
static void address_without_room_for_its_route_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct address own = ipv4("192.168.9.9");
    while (m->stack.route_count < LIMIT_ROUTES) {
        struct route route = {
            address_from_ipv4(0xac100000 + (m->stack.route_count << 8)), 24, {{0}}, m->interface};
        assert_int_equal(route_add(&m->stack, &route), 0);
    }
    assert_int_equal(add(m, "192.168.9.9", 24), -ENOSPC);
    assert_false(interface_owns(m->interface, &own));
    assert_int_equal(add(m, "10.0.0.9", 24), 0); /* a subnet that has its route */
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_added_is_owned),
        cmocka_unit_test(bad_or_known_address_is_refused),
        cmocka_unit_test(addresses_are_bounded),
        cmocka_unit_test(broadcast_of_each_subnet_is_known),
        cmocka_unit_test(point_to_point_subnet_has_no_broadcast),
        cmocka_unit_test(only_this_hosts_kernel_is_sent_big_packets),
        cmocka_unit_test(checksum_is_finished_for_a_link_that_cannot),
        cmocka_unit_test(checksum_is_left_to_a_link_that_can),
        cmocka_unit_test(udp_checksum_zero_goes_out_as_ones),
        cmocka_unit_test(departure_is_traced_with_its_reason),
        cmocka_unit_test(packet_the_link_refuses_is_counted_as_dropped),
        cmocka_unit_test(address_without_room_for_its_route_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
