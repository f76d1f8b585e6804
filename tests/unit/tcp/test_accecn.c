/* The ACE field (RFC 9768 §3.2.2). */
#include "accecn_fixture.h"

static void field_holds_the_low_bits_of_a_count_from_five_on(void **state)
{
    (void)state;
    static const uint32_t bits[] = {5, 6, 7, 0, 1, 2, 3, 4, 5};
    for (uint32_t packets = 0; packets < 9; packets++)
        assert_int_equal(accecn_bits(accecn_flags(packets)), bits[packets]);
    for (uint8_t codepoint = 0; codepoint < 4; codepoint++)
        assert_int_equal(accecn_handshake_codepoint(accecn_handshake_flags(codepoint)), codepoint);
    assert_int_equal(accecn_handshake_codepoint(0), -1);
    assert_int_equal(accecn_handshake_codepoint(TCP_AE | TCP_ECE), -1);
}

/* ── The receiver ── */

static void every_marked_packet_is_counted_text_or_not(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->ecn = ECN_CE;
    peer_text(p, 1, 100);
    assert_int_equal(accecn_bits(peer_take(p).flags), 6);
    peer_ack(p, 1); /* a control packet */
    peer_text(p, 101, 100);
    assert_int_equal(accecn_bits(peer_take(p).flags), 0);
    peer_text(p, 101, 100); /* sent again, and acceptable */
    assert_int_equal(accecn_bits(peer_take(p).flags), 1);
    p->ecn = ECN_ECT0;
    peer_text(p, 201, 100);
    assert_int_equal(accecn_bits(peer_take(p).flags), 1);
    assert_int_equal(p->tcb->accecn.received_ce, 4);
    peer_free(p);
}

/* RFC 9768 §1.3: acceptable as RFC 9293 and RFC 5961 have it. */
static void marks_on_what_is_not_acceptable_are_not_counted(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->ecn = ECN_CE;
    assert_int_equal(peer_send(p, TCP_ACK, 10000000, 10), DROP_TCP_SEQUENCE);
    peer_take(p);
    p->acked = 100000; /* what was never sent */
    assert_int_equal(peer_send(p, TCP_ACK, 1, 10), DROP_TCP_ACK);
    peer_take(p);
    assert_int_equal(p->tcb->accecn.received_ce, 0);
    peer_free(p);
}

/* A little text, which alone would be acknowledged later. */
static void little_text(struct peer *p, uint8_t codepoint)
{
    p->tcb->ack.quick = 0;
    p->ecn = codepoint;
    peer_text(p, p->next, 10);
}

/* §3.2.2.5.1. */
static void change_of_codepoint_is_acknowledged_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->ecn = ECN_ECT0;
    peer_text(p, 1, PEER_MSS);
    peer_forget(p);
    little_text(p, ECN_ECT0);
    little_text(p, ECN_ECT0);
    peer_quiet(p);
    little_text(p, ECN_CE);
    assert_int_equal(accecn_bits(peer_take(p).flags), 6);
    /* Of further ones every second is: n is 2 with text. */
    little_text(p, ECN_CE);
    peer_quiet(p);
    little_text(p, ECN_CE);
    assert_int_equal(accecn_bits(peer_take(p).flags), 0);
    little_text(p, ECN_ECT0);
    peer_take(p);
    little_text(p, ECN_ECT0);
    peer_quiet(p);
    peer_free(p);
}

/* §3.2.2.5.1: n is 3 without text; and such an ACK has no SACK blocks. */
static void every_third_marked_ACK_is_acknowledged_without_SACK(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_text(p, 101, 100);
    struct segment duplicate = peer_take(p);
    assert_int_equal(duplicate.options.sack_count, 1);
    p->ecn = ECN_CE;
    for (int i = 0; i < 3; i++) {
        peer_send(p, TCP_ACK, 1, 0);
        peer_send(p, TCP_ACK, 1, 0);
        peer_quiet(p);
        peer_send(p, TCP_ACK, 1, 0);
        struct segment ack = peer_take(p);
        assert_int_equal(ack.length, 0);
        assert_int_equal(ack.options.sack_count, 0);
        peer_quiet(p);
    }
    p->ecn = ECN_ECT0;
    peer_text(p, 101, 100);
    assert_int_equal(peer_take(p).options.sack_count, 2);
    peer_free(p);
}

/* …and the other side takes them for no duplicates. */
static void ACK_of_ACKs_is_no_duplicate(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    send_flight(p, 4);
    for (int i = 0; i < 5; i++)
        ack_marks(p, 1, 0);
    peer_quiet(p);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_free(p);
}

/* ── The handshake's last ACK: Table 4 ── */

static void last_ACK_tells_how_the_SYN_ACK_came_marked(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 8; bits++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_settings(p)->tcp_ecn_fallback = 0;
        peer_listen(p, 5);
        ask_listener(p, ASK, ECN_NOT_ECT);
        uint16_t flags = (uint16_t)((bits & 1 ? TCP_ECE : 0) | (bits & 2 ? TCP_CWR : 0) |
                                    (bits & 4 ? TCP_AE : 0));
        end_handshake(p, flags, true);
        assert_int_equal(p->tcb->ecn.delivered_ce, bits == 6); /* s.cep 6, else 5 */
        assert_int_equal(p->tcb->cc.cwnd, bits == 6 ? 1 : 10);
        peer_write(p, 10);
        struct segment data = peer_take(p);
        assert_int_equal(data.ecn, bits == 0 ? ECN_NOT_ECT : ECN_ECT0);
        assert_int_equal(accecn_bits(data.flags), 5);
        /* Note 1: then feedback is not answered, but given. */
        ack_marks(p, 11, bits == 6 ? 2 : 1);
        assert_int_equal(p->tcb->ecn.delivered_ce, bits == 0 ? 0 : bits == 6 ? 2 : 1);
        p->ecn = ECN_CE;
        peer_text(p, 1, 10);
        assert_int_equal(accecn_bits(peer_take(p).flags), 6);
        peer_free(p);
    }
}

/* §3.2.2.3. */
static void changed_codepoint_of_the_SYN_ACK_ends_marking_only(void **state)
{
    (void)state;
    static const uint16_t changed[] = {TCP_CWR | TCP_ECE, TCP_AE, TCP_AE | TCP_CWR};
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        ask_listener(p, ASK, ECN_NOT_ECT);
        end_handshake(p, changed[i], true);
        assert_int_equal(p->tcb->accecn.failures, ACCECN_FEEDBACK_MANGLED);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPAccECNFallback"), 1);
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
        ack_marks(p, 11, i == 2 ? 2 : 1);
        assert_int_equal(p->tcb->ecn.delivered_ce, i == 2 ? 2 : 1);
        peer_free(p);
    }
}

/* Where the last ACK was lost, the first data has the counter. */
static void data_that_ends_the_handshake_has_the_counter(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    ask_listener(p, ASK, ECN_NOT_ECT);
    peer_send(p, TCP_ACK | accecn_flags(1), 1, 10);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(p->tcb->ecn.delivered_ce, 1);
    assert_false(p->tcb->ecn.handshake.no_ect);
    peer_free(p);
}

/* §3.2.2.2. */
static void last_ACK_that_comes_twice_is_no_counter(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | ASK, PEER_FULL)), DROP_NONE);
    struct segment answer = peer_take(p);
    p->iss = answer.seq;
    p->next = p->acked = 1;
    p->timestamps = true;
    end_handshake(p, TCP_CWR, false);
    p->ts++;
    peer_send(p, TCP_ACK | TCP_CWR, 1, 0);
    assert_int_equal(p->tcb->ecn.delivered_ce, 0);
    p->ts++;
    peer_send(p, TCP_ACK | accecn_flags(1), 1, 0);
    assert_int_equal(p->tcb->ecn.delivered_ce, 1);
    peer_free(p);
}

/* ── The sender ── */

static void marks_are_answered_once_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    send_flight(p, 10);
    ack_marks(p, 1 + 2 * PEER_MSS, 1);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_REDUCED);
    uint32_t ssthresh = p->tcb->cc.ssthresh;
    assert_true(ssthresh < 10);
    for (uint32_t i = 4; i <= 10; i += 2)
        ack_marks(p, 1 + i * PEER_MSS, i / 2);
    assert_int_equal(p->tcb->cc.ssthresh, ssthresh);
    assert_int_equal(p->tcb->ecn.delivered_ce, 5);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPDeliveredCE"), 5);
    /* §3.1.5: nothing says CWR. */
    peer_forget(p);
    peer_write(p, PEER_MSS);
    assert_int_equal(accecn_bits(peer_take(p).flags), 5);
    ack_marks(p, 1 + 11 * PEER_MSS, 6);
    assert_true(p->tcb->cc.ssthresh < ssthresh);
    peer_free(p);
}

/* Appendix A.1. */
static void superseded_ACK_tells_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    send_flight(p, 4);
    ack_marks(p, 1 + 2 * PEER_MSS, 1);
    ack_marks(p, 1, 0);                /* older */
    ack_marks(p, 1 + 2 * PEER_MSS, 3); /* nothing new but the count */
    assert_int_equal(p->tcb->ecn.delivered_ce, 1);
    ack_marks(p, 1 + 3 * PEER_MSS, 3);
    assert_int_equal(p->tcb->ecn.delivered_ce, 3);
    peer_free(p);
}

/* §3.2.2.5.2, A.2: nine packets acknowledged with no mark seen may be eight marks. */
static void wrap_of_the_field_is_assumed_where_it_could_be(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    send_flight(p, 10);
    ack_marks(p, 1 + PEER_MSS, 0);
    ack_marks(p, 1 + 10 * PEER_MSS, 0);
    assert_int_equal(p->tcb->ecn.delivered_ce, 8);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_REDUCED);
    peer_free(p);
    /* Who always acknowledges so much at a time loses no ACKs. */
    p = peer_accepted_accurate(false);
    send_flight(p, 10);
    ack_marks(p, 1 + 10 * PEER_MSS, 0);
    assert_int_equal(p->tcb->ecn.delivered_ce, 0);
    peer_free(p);
}

/* So many bytes came marked up to `ack`, and no packet did, modulo 8. */
static void ack_bytes(struct peer *p, uint32_t ack, uint32_t ce_bytes)
{
    p->acked = ack;
    struct segment segment = peer_segment(p, TCP_ACK | accecn_flags(0), 1, 0);
    add_counters(&segment.options, counters(1, 1, ce_bytes, 1));
    peer_send_raw(p, segment);
}

static void option_tells_whether_the_field_wrapped(void **state)
{
    (void)state;
    static const struct {
        uint32_t ce_bytes, marks;
    } cases[] = {{0, 0}, {8 * PEER_MSS, 8}, {3 * PEER_MSS, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer *p = peer_accepted_accurate(true);
        peer_settings(p)->tcp_ecn_option = 0;
        send_flight(p, 10);
        ack_bytes(p, 1 + PEER_MSS, 0);
        ack_bytes(p, 1 + 10 * PEER_MSS, cases[i].ce_bytes);
        assert_int_equal(p->tcb->ecn.delivered_ce, cases[i].marks);
        peer_free(p);
    }
}

/* §3.2.2.5.2: control packets are not all known of. */
static void more_marks_than_packets_are_believed(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    send_flight(p, 2);
    ack_marks(p, 1 + PEER_MSS, 5);
    assert_int_equal(p->tcb->ecn.delivered_ce, 5);
    peer_free(p);
}

/* §3.2.3.2.5. */
static void bytes_that_come_marked_while_no_packet_does_end_marking(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    for (uint32_t i = 1; i <= 2; i++) {
        peer_write(p, 100);
        assert_int_equal(peer_take(p).ecn, ECN_ECT0);
        ack_bytes(p, 1 + i * 100, i * 100);
    }
    peer_write(p, 100);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    peer_free(p);
}

/* §3.2.2.4. */
static void counter_that_begins_with_zero_is_not_believed(void **state)
{
    (void)state;
    for (int fallback = 0; fallback <= 1; fallback++) {
        struct peer *p = peer_accepted_accurate(false);
        peer_settings(p)->tcp_ecn_fallback = fallback;
        send_flight(p, 3);
        p->acked = 1 + PEER_MSS;
        peer_send(p, TCP_ACK, 1, 0);
        p->acked = 1 + 3 * PEER_MSS;
        peer_send(p, TCP_ACK | accecn_flags(4), 1, 0);
        assert_int_equal(p->tcb->ecn.delivered_ce, fallback ? 0 : 4);
        peer_forget(p);
        peer_write(p, 10);
        struct segment data = peer_take(p);
        assert_int_equal(data.ecn, fallback ? ECN_NOT_ECT : ECN_ECT0);
        assert_int_equal(accecn_bits(data.flags), 5);
        peer_free(p);
    }
}

/* §3.2.2.3. */
static void path_that_marks_everything_is_found_out(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    for (uint32_t i = 1; i <= 8; i++) {
        assert_false(p->tcb->ecn.handshake.no_ect);
        p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 10; /* whatever the marks would make of them */
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_ECT0);
        ack_marks(p, 1 + i * 10, i);
    }
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    uint32_t marks = p->tcb->ecn.delivered_ce;
    ack_marks(p, 91, 9);
    assert_int_equal(p->tcb->ecn.delivered_ce, marks);
    peer_free(p);
    /* One packet that comes without shows that it does not. */
    p = peer_accepted_accurate(false);
    for (uint32_t i = 1; i <= 8; i++) {
        p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 10;
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_ECT0);
        ack_marks(p, 1 + i * 10, i > 2 ? i - 1 : i);
    }
    peer_free(p);
}

/* ── What can be marked ── */

static void all_but_SYNs_and_resets_can_be_marked(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_write(p, 100);
    assert_int_equal(peer_take(p).ecn, ECN_ECT0);
    while (peer_is_quiet(p))
        peer_after(p, 100);
    struct segment again = peer_take(p);
    assert_int_equal(again.seq, 1);
    assert_int_equal(again.ecn, ECN_ECT0);
    peer_forget(p);
    ack_marks(p, 101, 0);
    peer_text(p, 1, 10);
    struct segment ack = peer_take(p);
    assert_int_equal(ack.length, 0);
    assert_int_equal(ack.ecn, ECN_ECT0);
    tcp_send_reset(p->tcb);
    struct segment reset = peer_take(p);
    assert_int_equal(reset.flags & TCP_RST, TCP_RST);
    assert_int_equal(reset.ecn, ECN_NOT_ECT);
    peer_free(p);
}

/* Without SACK nothing tells an ACK of marked ACKs from a duplicate. */
static void without_SACK_pure_ACKs_cannot_be_marked(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    p->iss = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | ASK, PEER_PLAIN)), DROP_NONE);
    struct segment answer = peer_take(p);
    p->iss = answer.seq;
    p->next = p->acked = 1;
    end_handshake(p, TCP_CWR, true);
    peer_text(p, 1, 10);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_ECT0);
    peer_free(p);
}

/* §3.3.4. */
/* §3.2.2.5.1: packets that arrive as one count each, and are acknowledged together. */
static void packets_that_arrive_as_one_are_counted_each(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    p->super = 100;
    p->ecn = ECN_CE;
    peer_text(p, 1, 450);
    assert_int_equal(accecn_bits(peer_take(p).flags), (5 + 5) & 7);
    peer_quiet(p);
    p->ecn = ECN_NOT_ECT;
    p->super = 0;
    peer_free(p);
}

static void super_segment_has_the_field_on_every_part(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    p->ecn = ECN_CE;
    peer_text(p, 1, 10);
    assert_int_equal(peer_take(p).flags & TCP_CWR, TCP_CWR);
    p->m->interface->features = TERN_LINK_TSO | TERN_LINK_CHECKSUM | TERN_LINK_TSO_CWR;
    p->m->interface->super_packet_max = 65535;
    unsigned before = p->m->sent_count;
    peer_write(p, 4 * PEER_MSS);
    assert_int_equal(p->m->sent_count, before + 2);
    for (unsigned i = before; i < p->m->sent_count; i++) {
        assert_int_equal(p->m->sent[i].offload.segment_size, PEER_MSS);
        assert_int_equal(p->m->sent[i].offload.flags & TERN_OFFLOAD_ECN, 0);
    }
    p->seen = p->m->sent_count;
    /* What would take CWR from the others gets them one by one. */
    p->m->interface->features = TERN_LINK_TSO;
    peer_write(p, 4 * PEER_MSS);
    for (int i = 0; i < 4; i++)
        assert_int_equal(accecn_bits(peer_take(p).flags), 6);
    peer_free(p);
}

/* §3.1.2: what TIME-WAIT says needs no memory of the connection. */
static void TIME_WAIT_without_an_owner_knows_no_counter(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    tcp_detach(p->tcb);
    struct segment fin = peer_take(p);
    assert_int_equal(fin.ecn, ECN_ECT0);
    ack_marks(p, 2, 0);
    peer_fin(p);
    assert_int_equal(accecn_bits(peer_take(p).flags), 0);
    p->tcb = NULL;
    peer_free(p);
}

static void information_counts_marks(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    struct tern_tcp_info info;
    p->ecn = ECN_CE;
    peer_text(p, 1, 100);
    p->ecn = ECN_ECT1;
    peer_text(p, 101, 10);
    p->ecn = ECN_ECT0;
    peer_text(p, 111, 1);
    tcp_info_fill(p->tcb, &info);
    assert_int_equal(info.tcpi_received_ce, 1);
    assert_int_equal(info.tcpi_received_ce_bytes, 100);
    assert_int_equal(info.tcpi_received_e1_bytes, 10);
    assert_int_equal(info.tcpi_received_e0_bytes, 1);
    assert_int_equal(info.tcpi_delivered_ce, 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_holds_the_low_bits_of_a_count_from_five_on),
        cmocka_unit_test(every_marked_packet_is_counted_text_or_not),
        cmocka_unit_test(marks_on_what_is_not_acceptable_are_not_counted),
        cmocka_unit_test(change_of_codepoint_is_acknowledged_at_once),
        cmocka_unit_test(every_third_marked_ACK_is_acknowledged_without_SACK),
        cmocka_unit_test(ACK_of_ACKs_is_no_duplicate),
        cmocka_unit_test(last_ACK_tells_how_the_SYN_ACK_came_marked),
        cmocka_unit_test(changed_codepoint_of_the_SYN_ACK_ends_marking_only),
        cmocka_unit_test(data_that_ends_the_handshake_has_the_counter),
        cmocka_unit_test(last_ACK_that_comes_twice_is_no_counter),
        cmocka_unit_test(marks_are_answered_once_a_round_trip),
        cmocka_unit_test(superseded_ACK_tells_nothing),
        cmocka_unit_test(wrap_of_the_field_is_assumed_where_it_could_be),
        cmocka_unit_test(option_tells_whether_the_field_wrapped),
        cmocka_unit_test(more_marks_than_packets_are_believed),
        cmocka_unit_test(bytes_that_come_marked_while_no_packet_does_end_marking),
        cmocka_unit_test(counter_that_begins_with_zero_is_not_believed),
        cmocka_unit_test(path_that_marks_everything_is_found_out),
        cmocka_unit_test(all_but_SYNs_and_resets_can_be_marked),
        cmocka_unit_test(without_SACK_pure_ACKs_cannot_be_marked),
        cmocka_unit_test(packets_that_arrive_as_one_are_counted_each),
        cmocka_unit_test(super_segment_has_the_field_on_every_part),
        cmocka_unit_test(TIME_WAIT_without_an_owner_knows_no_counter),
        cmocka_unit_test(information_counts_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
