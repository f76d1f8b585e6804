#include "machine.h"

#include <errno.h>

#include "ip/ip.h"

/* Sends a UDP datagram of `first` + `second` bytes that may be cut. */
static uint8_t payload[65507];

static int send_datagram(struct machine *m, uint32_t first, uint32_t second, uint32_t mtu)
{
    struct address source = address_from_ipv4(MACHINE_ADDRESS),
                   destination = address_from_ipv4(PEER_ADDRESS);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 13 + i / 257);
    uint16_t length = (uint16_t)(8 + first + second);
    struct checksum sum = ip_pseudo_header(&source, &destination, IP_PROTOCOL_UDP, length);
    struct udp_header udp = {1, 2, length, checksum_fold(&sum)};
    struct packet_out packet;
    udp_build(&udp, packet_out_begin(&packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet_out_payload(&packet, payload, first);
    packet_out_payload(&packet, payload + first, second);
    packet.source = source;
    packet.destination = destination;
    packet.checksum_offset = UDP_CHECKSUM_OFFSET;
    packet.why = "datagram";
    m->interface->mtu = mtu;
    return ip_output(&m->stack, NULL, &packet);
}

static struct machine *machine_with_ip(uint32_t features)
{
    struct machine *m = machine_new(features);
    assert_int_equal(ip_attach(&m->stack), 0);
    return m;
}

/* That the fragments sent are the datagram, as RFC 791 §3.2 cuts it. */
static void assert_fragments(const struct machine *m, uint32_t length, uint32_t mtu)
{
    uint8_t *whole = malloc(65536);
    assert_non_null(whole);
    uint32_t offset = 0;
    struct ipv4_header header = {0};
    for (unsigned i = 0; i < m->sent_count; i++) {
        header = sent_header(m, i);
        assert_int_equal(header.fragment_offset, offset);
        assert_int_equal(header.more_fragments, i + 1 < m->sent_count);
        assert_false(header.dont_fragment);
        assert_int_equal(header.identification, sent_header(m, 0).identification);
        assert_int_equal(header.protocol, IP_PROTOCOL_UDP);
        assert_true(m->sent[i].length <= mtu);
        if (header.more_fragments)
            assert_true(m->sent[i].length + 8 > mtu);
        memcpy(whole + offset, sent_payload(m, i), sent_payload_length(m, i));
        offset += (uint32_t)sent_payload_length(m, i);
    }
    assert_int_equal(offset, 8 + length);
    assert_memory_equal(whole + 8, payload, length);
    assert_int_equal(transport_checksum(&header, whole, offset), 0);
    free(whole);
}

static void datagram_above_the_mtu_is_cut(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {
        {1473, 0, 1500},      {1472, 1, 1500},    {0, 2953, 1500}, {2952, 0, 1500},
        {3, 60000, 1500},     {100, 100, 68},     {41, 0, 68},     {65507, 0, 1500},
        {30000, 30000, 9000}, {1479, 1480, 1499},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct machine *m = machine_with_ip(0);
        assert_int_equal(send_datagram(m, cases[i][0], cases[i][1], cases[i][2]), 0);
        assert_true(m->sent_count > 1);
        assert_fragments(m, cases[i][0] + cases[i][1], cases[i][2]);
        assert_int_equal(machine_counter(m, "IpFragOKs"), 1);
        assert_int_equal(machine_counter(m, "IpFragCreates"), m->sent_count);
        machine_free(m);
    }
}

static void datagram_of_exactly_the_mtu_stays_whole(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip(0);
    assert_int_equal(send_datagram(m, 1000, 472, 1500), 0);
    assert_int_equal(m->sent_count, 1);
    assert_false(sent_header(m, 0).more_fragments);
    assert_true(sent_checksum_is_right(m, 0));
    machine_free(m);
}

/* A link that finishes checksums cannot do so across fragments. */
static void checksum_is_finished_before_the_cut(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip(TERN_LINK_CHECKSUM | TERN_LINK_TSO);
    assert_int_equal(send_datagram(m, 5000, 1, 1500), 0);
    assert_fragments(m, 5001, 1500);
    for (unsigned i = 0; i < m->sent_count; i++)
        assert_int_equal(m->sent[i].offload.flags, 0);
    machine_free(m);
}

/* Sends a TCP segment of `length` bytes of text that may be cut. */
static void send_segment(struct machine *m, uint32_t length, uint32_t mtu)
{
    struct address source = address_from_ipv4(MACHINE_ADDRESS),
                   destination = address_from_ipv4(PEER_ADDRESS);
    struct segment segment = {.source_port = 1, .destination_port = 2, .flags = TCP_ACK};
    struct checksum sum =
        ip_pseudo_header(&source, &destination, IP_PROTOCOL_TCP, TCP_HEADER_MIN + length);
    segment.checksum = checksum_fold(&sum);
    struct packet_out packet;
    tcp_build_fixed(&segment, TCP_HEADER_MIN,
                    packet_out_begin(&packet, IP_PROTOCOL_TCP, TCP_HEADER_MIN));
    packet_out_payload(&packet, payload, length);
    packet.source = source;
    packet.destination = destination;
    packet.checksum_offset = TCP_CHECKSUM_OFFSET;
    packet.why = "segment";
    m->interface->mtu = mtu;
    assert_int_equal(ip_output(&m->stack, NULL, &packet), 0);
}

/* Where the other end joins segments the last of a burst gets PSH; but a part of one has no flags,
 * and the first a checksum that is right. */
static void fragment_of_a_segment_is_not_pushed(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip(0);
    m->interface->gro = true;
    send_segment(m, 1200, 576);
    assert_int_equal(m->sent_count, 3);
    uint8_t whole[1220];
    size_t length = 0;
    for (unsigned i = 0; i < m->sent_count; i++) {
        struct ipv4_header header = sent_header(m, i);
        size_t bytes = header.total_length - IPV4_HEADER_MIN;
        memcpy(whole + length, m->sent[i].bytes + IPV4_HEADER_MIN, bytes);
        length += bytes;
    }
    assert_int_equal(length, sizeof whole);
    assert_int_equal(tcp_header_flags(whole), TCP_ACK);
    assert_memory_equal(whole + TCP_HEADER_MIN, payload, 1200);
    struct address source = address_from_ipv4(MACHINE_ADDRESS),
                   destination = address_from_ipv4(PEER_ADDRESS);
    struct checksum sum = ip_pseudo_header(&source, &destination, IP_PROTOCOL_TCP, sizeof whole);
    checksum_add(&sum, whole, sizeof whole);
    assert_int_equal(checksum_finish(&sum), 0);
    machine_free(m);
}

static void mtu_without_room_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip(0);
    assert_int_equal(send_datagram(m, 100, 0, 27), -EMSGSIZE);
    assert_int_equal(send_datagram(m, 100, 0, 0), -EMSGSIZE);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(send_datagram(m, 100, 0, 28), 0);
    assert_int_equal(m->sent_count, 14);
    machine_free(m);
}

static void full_link_ends_the_cutting(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip(0);
    m->transmit_error = -ENOBUFS;
    assert_int_equal(send_datagram(m, 5000, 0, 1500), -ENOBUFS);
    assert_int_equal(machine_counter(m, "DropLINK"), 1);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagram_above_the_mtu_is_cut),
        cmocka_unit_test(datagram_of_exactly_the_mtu_stays_whole),
        cmocka_unit_test(checksum_is_finished_before_the_cut),
        cmocka_unit_test(fragment_of_a_segment_is_not_pushed),
        cmocka_unit_test(mtu_without_room_is_refused),
        cmocka_unit_test(full_link_ends_the_cutting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
