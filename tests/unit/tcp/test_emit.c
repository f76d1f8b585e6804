/* From a decision to the wire: header, checksum, super-segments; challenges and resets. */
#include "tcp_peer.h"

#include "tcp/output.h"

static void MUST_2_every_segment_has_a_right_checksum_also_super_segments(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_write(p, 5000); /* cut below, each part with a checksum of its own */
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(peer_take(p).length, 1000); /* peer_take() verifies it */
    peer_free(p);
}

static void super_segment_goes_whole_to_a_link_that_cuts(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_forget(p);
    p->m->interface->features = TERN_LINK_CHECKSUM | TERN_LINK_TSO;
    struct iovec span = {(void *)(uintptr_t)peer_pattern(0), 4000};
    assert_int_equal(tcp_send(p->tcb, &span, 1, 0), 4000);
    assert_true(p->m->sent_count < 4);
    size_t text = 0;
    for (unsigned i = 0; i < p->m->sent_count; i++)
        text += sent_payload_length(p->m, i) - 20;
    assert_int_equal(text, 4000);
    p->seen = p->m->sent_count;
    peer_free(p);
}

static void MUST_49_time_to_live_can_be_set(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_write(p, 10);
    assert_int_equal(sent_header(p->m, p->seen).time_to_live, 64);
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_TTL, 7);
    peer_ack(p, 11);
    peer_write(p, 10);
    assert_int_equal(sent_header(p->m, p->seen + 1).time_to_live, 7);
    p->seen += 2;
    peer_free(p);
}

static void MUST_48_SHLD_21_SHLD_22_services_field_can_be_set_and_changed(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_TOS, 0x10);
    peer_await_syn(p);
    assert_int_equal(sent_header(p->m, 0).traffic_class, 0x10);
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN));
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_TOS, 0xb8);
    peer_forget(p);
    peer_write(p, 10);
    assert_int_equal(sent_header(p->m, 0).traffic_class, 0xb8);
    peer_free(p);
}

/* RFC 1191 §3. */
static void dont_fragment_is_set(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_write(p, 10);
    assert_true(sent_header(p->m, p->seen).dont_fragment);
    peer_free(p);
}

static void MUST_45_every_segment_has_the_local_address_of_the_first(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct address second = address_from_ipv4(MACHINE_ADDRESS + 7);
    assert_int_equal(interface_add_address(p->m->interface, &second, 24), 0);
    struct endpoint local = {second, 0};
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_bind(p->tcb, &local, false), 0); /* MUST-43 */
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 3);
    peer_after(p, 250);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    for (unsigned i = 0; i < p->m->sent_count; i++) {
        struct ipv4_header header = sent_header(p->m, i);
        assert_int_equal(address_to_ipv4(&header.source), MACHINE_ADDRESS + 7);
    }
    peer_free(p);
}

/* RFC 9293 §3.10.7.1. */
static void reset_for_no_connection_is_one_that_its_sender_takes(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    p->iss = 0;
    p->acked = 777;
    assert_int_equal(peer_send(p, TCP_ACK, 5, 10), DROP_TCP_NO_CONNECTION);
    peer_expect(p, TCP_RST, 777, 0);
    assert_int_equal(peer_send(p, TCP_SYN, 5, 0), DROP_TCP_NO_CONNECTION);
    struct segment reset = peer_expect(p, TCP_RST | TCP_ACK, 0, 0);
    assert_int_equal(reset.ack, 6);
    assert_int_equal(peer_send(p, TCP_FIN, 5, 10), DROP_TCP_NO_CONNECTION);
    assert_int_equal(peer_take(p).ack, 16);
    assert_int_equal(peer_send(p, TCP_RST, 5, 0), DROP_TCP_NO_CONNECTION);
    assert_int_equal(peer_send(p, TCP_RST | TCP_ACK, 5, 0), DROP_TCP_NO_CONNECTION);
    peer_quiet(p);
    assert_int_equal(machine_counter(p->m, "TcpOutRsts"), 3);
    peer_free(p);
}

/* Rule 12: a link without room is a loss, and comes right by itself. */
static void link_that_takes_nothing_is_a_loss(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    p->m->transmit_error = -ENOBUFS;
    peer_write(p, 1000);
    peer_quiet(p);
    p->m->transmit_error = 0;
    peer_after(p, 250);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    peer_free(p);
}

/* The parts of a super-segment that the link still took are sent, and acknowledged as such; the
 * others are not. */
static void link_that_takes_a_part_has_been_sent_that_part(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    p->m->transmit_error = -ENOBUFS;
    peer_write(p, 5 * PEER_MSS + 500);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    peer_quiet(p);
    p->m->transmit_room = 3;
    peer_ack(p, 1);
    peer_expect(p, TCP_ACK, 1, PEER_MSS);
    peer_expect(p, TCP_ACK | TCP_PSH, 1 + PEER_MSS, PEER_MSS); /* the end of a super-segment */
    peer_expect(p, TCP_ACK, 1 + 2 * PEER_MSS, PEER_MSS);
    peer_quiet(p);
    assert_int_equal(p->tcb->records.out, 3);
    assert_int_equal(p->tcb->stat.bytes_sent, 3 * PEER_MSS);
    assert_int_equal(p->tcb->stat.data_segments_out, 3);
    p->m->transmit_error = 0;
    assert_int_equal(peer_ack(p, 1 + 3 * PEER_MSS), DROP_NONE);
    peer_expect(p, TCP_ACK, 1 + 3 * PEER_MSS, PEER_MSS);
    peer_expect(p, TCP_ACK, 1 + 4 * PEER_MSS, PEER_MSS);
    peer_expect(p, TCP_ACK | TCP_PSH | TCP_FIN, 1 + 5 * PEER_MSS, 500);
    peer_free(p);
}

static void link_that_takes_a_part_of_what_is_sent_again_gets_the_rest_later(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_write(p, 6 * PEER_MSS);
    assert_int_equal(peer_forget(p), 6);
    peer_after(p, 250);
    peer_expect(p, TCP_ACK, 1, PEER_MSS);
    p->m->transmit_error = -ENOBUFS;
    p->m->transmit_room = 1;
    assert_int_equal(peer_ack(p, 1 + 2 * PEER_MSS), DROP_NONE); /* two may go, as one */
    peer_expect(p, TCP_ACK, 1 + 2 * PEER_MSS, PEER_MSS);
    peer_quiet(p);
    assert_int_equal(p->tcb->records.retransmitted, 1);
    p->m->transmit_error = 0;
    assert_int_equal(peer_ack(p, 1 + 3 * PEER_MSS), DROP_NONE);
    peer_expect(p, TCP_ACK, 1 + 3 * PEER_MSS, PEER_MSS);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_2_every_segment_has_a_right_checksum_also_super_segments),
        cmocka_unit_test(super_segment_goes_whole_to_a_link_that_cuts),
        cmocka_unit_test(MUST_49_time_to_live_can_be_set),
        cmocka_unit_test(MUST_48_SHLD_21_SHLD_22_services_field_can_be_set_and_changed),
        cmocka_unit_test(dont_fragment_is_set),
        cmocka_unit_test(MUST_45_every_segment_has_the_local_address_of_the_first),
        cmocka_unit_test(reset_for_no_connection_is_one_that_its_sender_takes),
        cmocka_unit_test(link_that_takes_nothing_is_a_loss),
        cmocka_unit_test(link_that_takes_a_part_has_been_sent_that_part),
        cmocka_unit_test(link_that_takes_a_part_of_what_is_sent_again_gets_the_rest_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
