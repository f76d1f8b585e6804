/* core/segmentation.c, of UDP's super-datagrams. */
#include "machine.h"

#include <errno.h>

enum { START_ID = 0x1200 };

static uint8_t payload[60000];

/* `first` + `second` bytes in two spans, to be cut into datagrams of `size`. */
static void make_super(struct packet_out *packet, uint32_t first, uint32_t second, uint16_t size)
{
    struct ipv4_header ip = header_between(MACHINE_ADDRESS, PEER_ADDRESS, IP_PROTOCOL_UDP);
    uint16_t length = (uint16_t)(UDP_HEADER_SIZE + first + second);
    struct checksum sum = CHECKSUM_START;
    for (uint32_t i = 0; i < first + second; i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    checksum_add_u32(&sum, MACHINE_ADDRESS);
    checksum_add_u32(&sum, PEER_ADDRESS);
    checksum_add_u16(&sum, IP_PROTOCOL_UDP);
    checksum_add_u16(&sum, length);
    struct udp_header udp = {7000, 9000, length, checksum_fold(&sum)};
    ip.time_to_live = 64;
    ip.identification = START_ID;
    ip.total_length = IPV4_HEADER_MIN + length;
    udp_build(&udp, packet_out_begin(packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet_out_payload(packet, payload, first);
    packet_out_payload(packet, payload + first, second);
    ipv4_build(&ip, packet_out_prepend(packet, IPV4_HEADER_MIN));
    packet->destination = address_from_ipv4(PEER_ADDRESS);
    packet->transport_offset = IPV4_HEADER_MIN;
    packet->checksum_offset = UDP_CHECKSUM_OFFSET;
    packet->segment_size = size;
}

static int send_super(struct machine *m, uint32_t first, uint32_t second, uint16_t size)
{
    struct packet_out packet;
    make_super(&packet, first, second, size);
    return interface_output(m->interface, &packet);
}

/* That the index-th packet is a sound datagram of the `length` bytes from `offset` on. */
static void assert_datagram(const struct machine *m, unsigned index, size_t offset, size_t length)
{
    struct udp_header header;
    assert_true(sent_checksum_is_right(m, index));
    assert_true(udp_parse(sent_payload(m, index), sent_payload_length(m, index), &header));
    assert_int_equal(header.source_port, 7000);
    assert_int_equal(header.destination_port, 9000);
    assert_int_equal(header.length, UDP_HEADER_SIZE + length);
    assert_int_equal(sent_payload_length(m, index), header.length);
    assert_memory_equal(sent_payload(m, index) + UDP_HEADER_SIZE, payload + offset, length);
}

static void super_datagram_is_cut_for_a_link_that_cannot(void **state)
{
    (void)state;
    static const uint32_t lengths[][3] = {{3000, 0, 1000}, {2999, 0, 1000},      {3001, 0, 1000},
                                          {1, 2999, 1000}, {1500, 1501, 1000},   {1001, 1, 1000},
                                          {999, 28, 8},    {40000, 20000, 1472}, {1, 1, 1}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        /* What cuts segments cuts no datagrams. */
        struct machine *m = machine_new(i % 2 ? TERN_LINK_TSO | TERN_LINK_TSO_CWR : 0);
        uint32_t whole = lengths[i][0] + lengths[i][1], size = lengths[i][2];
        assert_int_equal(send_super(m, lengths[i][0], lengths[i][1], (uint16_t)size), 0);
        assert_int_equal(m->sent_count, (whole + size - 1) / size);
        for (unsigned j = 0; j < m->sent_count; j++) {
            uint32_t left = whole - j * size;
            assert_datagram(m, j, j * size, left < size ? left : size);
            assert_int_equal(m->sent[j].offload.segment_size, 0);
            assert_int_equal(sent_header(m, j).identification, START_ID + j);
        }
        machine_free(m);
    }
}

static void link_that_cuts_gets_the_whole(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_USO | TERN_LINK_CHECKSUM);
    assert_int_equal(send_super(m, 30000, 20000, 1000), 0);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].length, 50028);
    assert_int_equal(m->sent[0].offload.segment_size, 1000);
    assert_int_equal(m->sent[0].offload.header_length, 28);
    assert_int_equal(m->sent[0].offload.flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(m->sent[0].offload.checksum_start, 20);
    assert_int_equal(m->sent[0].offload.checksum_offset, UDP_CHECKSUM_OFFSET);
    /* One datagram is no super-datagram. */
    assert_int_equal(send_super(m, 1000, 0, 1000), 0);
    assert_int_equal(m->sent[1].offload.segment_size, 0);
    machine_free(m);
}

static void super_datagram_above_the_links_maximum_is_cut(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_USO);
    m->interface->super_packet_max = 3028;
    assert_int_equal(send_super(m, 3000, 0, 1000), 0);
    assert_int_equal(m->sent_count, 1);
    /* What is more for TCP is none of UDP's. */
    m->interface->big_packet_max = LIMIT_BIG_PACKET;
    m->interface->kernel = address_from_ipv4(PEER_ADDRESS);
    m->stack.settings.ip_big_packets = 1;
    assert_int_equal(send_super(m, 3001, 0, 1000), 0);
    assert_int_equal(m->sent_count, 5);
    machine_free(m);
}

static uint16_t next_of(struct stack *stack)
{
    (void)stack;
    static uint16_t drawn = 500;
    return drawn += 7;
}

/* RFC 6864 §4.2: the link would count on from the first's. */
static void datagrams_with_identifications_of_their_own_are_cut_here(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_USO);
    struct packet_out packet;
    make_super(&packet, 3500, 0, 1000);
    packet.identify = next_of;
    assert_int_equal(interface_output(m->interface, &packet), 0);
    assert_int_equal(m->sent_count, 4);
    assert_int_equal(sent_header(m, 0).identification, START_ID);
    assert_int_equal(sent_header(m, 1).identification, 507);
    assert_int_equal(sent_header(m, 2).identification, 514);
    assert_int_equal(sent_header(m, 3).identification, 521);
    assert_datagram(m, 3, 3000, 500);
    machine_free(m);
}

/* Nobody stands between us and the host whose link it is. */
static void what_is_for_the_links_other_end_is_left_to_it(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_USO);
    struct packet_out packet;
    m->interface->kernel = address_from_ipv4(PEER_ADDRESS);
    make_super(&packet, 3500, 0, 1000);
    packet.identify = next_of;
    assert_int_equal(interface_output(m->interface, &packet), 0);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].offload.segment_size, 1000);
    machine_free(m);
}

/* Each is lost by itself, with a reason and a line in the trace. */
static void datagrams_that_the_link_does_not_take_are_lost(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    m->transmit_error = -ENOBUFS;
    m->transmit_room = 2;
    assert_int_equal(send_super(m, 4500, 0, 1000), 0);
    assert_int_equal(m->sent_count, 2);
    assert_datagram(m, 1, 1000, 1000);
    assert_int_equal(machine_counter(m, "DropLINK"), 3);
    assert_int_equal(m->events[TERN_TRACE_DROP], 3);
    /* None is the caller's to know. */
    assert_int_equal(send_super(m, 4500, 0, 1000), -ENOBUFS);
    assert_int_equal(machine_counter(m, "DropLINK"), 8);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(super_datagram_is_cut_for_a_link_that_cannot),
        cmocka_unit_test(link_that_cuts_gets_the_whole),
        cmocka_unit_test(super_datagram_above_the_links_maximum_is_cut),
        cmocka_unit_test(datagrams_with_identifications_of_their_own_are_cut_here),
        cmocka_unit_test(what_is_for_the_links_other_end_is_left_to_it),
        cmocka_unit_test(datagrams_that_the_link_does_not_take_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
