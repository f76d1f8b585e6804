/* Whom a segment is for, and that the steps come in the RFC's order. */
#include "tcp_peer.h"

static void MUST_3_segment_with_a_wrong_checksum_is_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    uint8_t bytes[TCP_HEADER_MAX];
    struct segment segment = peer_segment(p, TCP_ACK, 1, 0);
    segment.source_port = p->theirs.port;
    segment.destination_port = p->ours.port;
    segment.checksum = 0x1234;
    struct test_packet packet;
    packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_TCP), bytes,
                tcp_build(&segment, bytes));
    assert_int_equal(machine_input(p->m, packet.bytes, packet.length), DROP_TCP_CHECKSUM);
    assert_int_equal(machine_counter(p->m, "TcpInErrs"), 1);
    peer_quiet(p);
    peer_free(p);
}

static void MUST_57_segment_to_broadcast_or_multicast_is_dropped_in_silence(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    static const struct {
        uint32_t address;
        enum drop_reason reason;
    } cases[] = {{0xffffffff, DROP_TCP_ADDRESS},
                 {0x0a0000ff, DROP_TCP_ADDRESS},
                 {0xe0000001, DROP_IP_NOT_OURS}};
    for (size_t i = 0; i < 3; i++) {
        p->ours.address = address_from_ipv4(cases[i].address);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), cases[i].reason);
    }
    peer_quiet(p);
    assert_int_equal(p->listener->half_open_count, 0);
    peer_free(p);
}

/* Security rule 11: LAND and its kin. */
static void MUST_63_SYN_from_an_invalid_source_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    static const uint32_t addresses[] = {0xffffffff, 0x0a0000ff, 0xe0000001, 0, MACHINE_ADDRESS};
    for (size_t i = 0; i < 5; i++) {
        p->theirs.address = address_from_ipv4(addresses[i]);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_IP_SOURCE);
    }
    peer_quiet(p);
    peer_free(p);
}

static void header_that_is_cut_short_is_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    uint8_t bytes[TCP_HEADER_MIN] = {0};
    for (size_t length = 0; length <= sizeof bytes; length++) {
        struct test_packet packet;
        packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_TCP), bytes,
                    length);
        /* In the whole one the data offset is 0. */
        assert_int_equal(machine_input(p->m, packet.bytes, packet.length), DROP_TCP_TRUNCATED);
    }
    peer_free(p);
}

/* MUST-5, MUST-6, MUST-7, MUST-64, through the whole way in. */
static void MUST_5_options_in_any_segment_do_no_harm(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    struct segment segment = peer_segment(p, TCP_ACK, 1, 10);
    segment.options = peer_options(PEER_FULL); /* all of a SYN's */
    assert_int_equal(peer_send_raw(p, segment), DROP_NONE);
    assert_int_equal(p->tcb->snd.mss, PEER_MSS);
    assert_false(p->tcb->opt.sack || p->tcb->opt.timestamps || p->tcb->opt.scaling);
    assert_int_equal(peer_read(p, 1, 100), 10);
    peer_free(p);
}

/* The RFC's order: each defect hides the ones behind it. */
static void steps_come_in_the_order_of_the_RFC(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint16_t all = TCP_SYN | TCP_RST;
    p->ts = 1;
    assert_int_equal(peer_send(p, TCP_SYN, 0x80000000u, 0), DROP_TCP_PAWS);
    p->ts = 1000;
    assert_int_equal(peer_send(p, all, 0x80000000u, 0), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_send(p, all, 2, 0), DROP_TCP_RST);
    assert_int_equal(peer_send(p, TCP_SYN, 2, 0), DROP_TCP_SYN);
    assert_int_equal(peer_send(p, TCP_FIN, 1, 0), DROP_TCP_NO_ACK);
    p->acked = 100;
    assert_int_equal(peer_send(p, TCP_FIN | TCP_ACK, 1, 0), DROP_TCP_ACK);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

static void MUST_50_IP_options_are_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    uint8_t bytes[100];
    struct test_packet packet = {0};
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_TCP);
    struct segment segment = peer_segment(p, TCP_ACK, 1, 4);
    segment.source_port = p->theirs.port;
    segment.destination_port = p->ours.port;
    size_t size = tcp_build(&segment, bytes);
    memcpy(bytes + size, segment.text, 4);
    segment.checksum = transport_checksum(&header, bytes, size + 4);
    tcp_build(&segment, bytes);
    packet_make(&packet, header, bytes, size + 4);
    /* Four bytes of options between: an unknown one of length 3, and the end. */
    memmove(packet.bytes + 24, packet.bytes + 20, size + 4);
    memcpy(packet.bytes + 20, (uint8_t[]){0x1e, 3, 0, 0}, 4);
    packet.bytes[0] = 0x46;
    packet.length += 4;
    packet.bytes[3] = (uint8_t)packet.length;
    packet_fix_header_checksum(&packet);
    assert_int_equal(machine_input(p->m, packet.bytes, packet.length), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 10), 4);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_3_segment_with_a_wrong_checksum_is_dropped),
        cmocka_unit_test(MUST_57_segment_to_broadcast_or_multicast_is_dropped_in_silence),
        cmocka_unit_test(MUST_63_SYN_from_an_invalid_source_is_ignored),
        cmocka_unit_test(header_that_is_cut_short_is_dropped),
        cmocka_unit_test(MUST_5_options_in_any_segment_do_no_harm),
        cmocka_unit_test(steps_come_in_the_order_of_the_RFC),
        cmocka_unit_test(MUST_50_IP_options_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
