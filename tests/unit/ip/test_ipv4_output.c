#include "machine.h"

#include <errno.h>

#include "ip/ip.h"

enum { TEST_PROTOCOL = 253 };

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    return m;
}

static uint8_t payload[70000];

/* A packet to the peer with an eight-byte header of its transport. */
static void make(struct packet_out *packet, uint32_t destination, size_t length)
{
    memset(packet_out_begin(packet, TEST_PROTOCOL, 8), 0x11, 8);
    packet->source = address_from_ipv4(MACHINE_ADDRESS);
    packet->destination = address_from_ipv4(destination);
    packet_out_payload(packet, payload, length);
}

static void header_says_what_was_asked(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    make(&packet, PEER_ADDRESS, 100);
    packet.hop_limit = 3;
    packet.traffic_class = 0xb9;
    packet.dont_fragment = true;
    assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
    struct ipv4_header header = sent_header(m, 0);
    assert_int_equal(address_to_ipv4(&header.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&header.destination), PEER_ADDRESS);
    assert_int_equal(header.total_length, 128);
    assert_int_equal(header.protocol, TEST_PROTOCOL);
    assert_int_equal(header.time_to_live, 3);
    assert_int_equal(header.traffic_class, 0xb9);
    assert_true(header.dont_fragment);
    assert_false(header.more_fragments);
    assert_int_equal(machine_counter(m, "IpOutRequests"), 1);
    machine_free(m);
}

static void time_to_live_is_the_settings_unless_said(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    assert_int_equal(setting_set(&m->stack.settings, "ip.ttl", "99"), 0);
    make(&packet, PEER_ADDRESS, 1);
    assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
    assert_int_equal(sent_header(m, 0).time_to_live, 99);
    machine_free(m);
}

/* RFC 6864 §4, security rule 7. */
static void identification_tells_nothing(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    unsigned close = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct packet_out packet;
        make(&packet, PEER_ADDRESS, 1);
        packet.dont_fragment = i % 2;
        assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
        uint16_t now = sent_header(m, i).identification;
        if (i % 2)
            assert_int_equal(now, 0);
        else if (i > 0)
            close += (uint16_t)(now - sent_header(m, i - 2).identification + 8) <= 16;
    }
    assert_true(close < 5);
    machine_free(m);
}

static void packet_without_a_way_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    make(&packet, 0x08080808, 1);
    assert_int_equal(ip_output(&m->stack, NULL, &packet), -ENETUNREACH);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void path_given_is_the_path_taken(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    struct ip_path path = {.interface = m->interface, .mtu = 500};
    make(&packet, 0x08080808, 472);
    packet.dont_fragment = true;
    assert_int_equal(ip_output(&m->stack, &path, &packet), 0);
    make(&packet, 0x08080808, 473);
    packet.dont_fragment = true;
    assert_int_equal(ip_output(&m->stack, &path, &packet), -EMSGSIZE);
    assert_int_equal(m->sent_count, 1);
    machine_free(m);
}

static void packet_above_the_mtu_that_must_not_be_cut_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    make(&packet, PEER_ADDRESS, 1472);
    packet.dont_fragment = true;
    assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
    make(&packet, PEER_ADDRESS, 1473);
    packet.dont_fragment = true;
    assert_int_equal(ip_output(&m->stack, NULL, &packet), -EMSGSIZE);
    assert_int_equal(machine_counter(m, "IpFragFails"), 1);
    assert_int_equal(m->sent_count, 1);
    machine_free(m);
}

static void packet_above_64_kb_is_refused_however(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    make(&packet, PEER_ADDRESS, 65508);
    assert_int_equal(ip_output(&m->stack, NULL, &packet), -EMSGSIZE);
    make(&packet, MACHINE_ADDRESS, 65508);
    assert_int_equal(ip_output(&m->stack, NULL, &packet), -EMSGSIZE);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void links_error_comes_back(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    m->transmit_error = -ENOBUFS;
    make(&packet, PEER_ADDRESS, 1);
    assert_int_equal(ip_output(&m->stack, NULL, &packet), -ENOBUFS);
    machine_free(m);
}

/* RFC 6864 §4: and so between stacks that have it in common. */
static void identifications_of_stacks_with_one_address_differ(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    m->stack.share = (struct share){.index = 2, .count = 3};
    for (unsigned i = 0; i < 300; i++) {
        struct packet_out packet;
        make(&packet, PEER_ADDRESS, 1);
        assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
        assert_int_equal(sent_header(m, i).identification % 3, 2);
    }
    machine_free(m);
}

/* RFC 6864 §4.2: also where a link could cut, which would count on from the first's; and between
 * stacks. What must not be fragmented may be told by anything (§4.1). */
static void what_may_be_fragmented_is_cut_into_packets_that_can_be_told_apart(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_out packet;
    m->interface->features = TERN_LINK_USO | TERN_LINK_TSO;
    m->stack.share = (struct share){.index = 2, .count = 3};
    for (unsigned i = 0; i < 2; i++) {
        struct udp_header udp = {1, 2, 3508, 0};
        udp_build(&udp, packet_out_begin(&packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
        packet.source = address_from_ipv4(MACHINE_ADDRESS);
        packet.destination = address_from_ipv4(PEER_ADDRESS);
        packet_out_payload(&packet, payload, 3500);
        packet.segment_size = 1000;
        packet.dont_fragment = i == 1;
        assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
    }
    assert_int_equal(m->sent_count, 5);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(sent_header(m, i).identification % 3, 2);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(sent_header(m, i).identification,
                                 sent_header(m, j).identification);
    }
    assert_int_equal(m->sent[4].offload.segment_size, 1000);
    assert_int_equal(sent_header(m, 4).identification, 0);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_says_what_was_asked),
        cmocka_unit_test(time_to_live_is_the_settings_unless_said),
        cmocka_unit_test(identification_tells_nothing),
        cmocka_unit_test(packet_without_a_way_is_refused),
        cmocka_unit_test(path_given_is_the_path_taken),
        cmocka_unit_test(packet_above_the_mtu_that_must_not_be_cut_is_refused),
        cmocka_unit_test(packet_above_64_kb_is_refused_however),
        cmocka_unit_test(links_error_comes_back),
        cmocka_unit_test(identifications_of_stacks_with_one_address_differ),
        cmocka_unit_test(what_may_be_fragmented_is_cut_into_packets_that_can_be_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
