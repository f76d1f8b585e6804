/* AccECN's option (RFC 9768 §3.2.3). */
#include "accecn_fixture.h"

#define ASSERT_COUNTERS(taken_now, count, e1, ce, e0)        \
    do {                                                     \
        struct segment taken = (taken_now);                  \
        assert_true(taken.options.has_accecn);               \
        assert_int_equal(taken.options.accecn_order, 1);     \
        assert_int_equal(taken.options.accecn_count, count); \
        assert_int_equal(taken.options.accecn[0], e1);       \
        assert_int_equal(taken.options.accecn[1], ce);       \
        assert_int_equal(taken.options.accecn[2], e0);       \
    } while (0)

static void text_is_counted_by_its_codepoint(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->ecn = ECN_ECT0;
    peer_text(p, 1, 100);
    ASSERT_COUNTERS(peer_take(p), 3, 1, 0, 101);
    p->ecn = ECN_CE;
    peer_text(p, 101, 50);
    ASSERT_COUNTERS(peer_take(p), 3, 1, 50, 101);
    p->ecn = ECN_ECT1;
    peer_text(p, 151, 7);
    ASSERT_COUNTERS(peer_take(p), 3, 8, 50, 101);
    p->ecn = ECN_NOT_ECT;
    peer_text(p, 158, 7);
    ASSERT_COUNTERS(peer_take(p), 3, 8, 50, 101);
    p->ecn = ECN_ECT0;
    peer_text(p, 158, 7); /* again: it was received all the same */
    ASSERT_COUNTERS(peer_take(p), 3, 8, 50, 108);
    peer_free(p);
}

static void counters_wrap_at_24_bits(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->tcb->accecn.received_bytes[ECN_ECT0 - 1] = 0xfffffe;
    p->ecn = ECN_ECT0;
    peer_text(p, 1, 10);
    ASSERT_COUNTERS(peer_take(p), 3, 1, 0, 9);
    peer_free(p);
}

static void setting_decides_how_often_it_goes(void **state)
{
    (void)state;
    for (int64_t setting = 0; setting <= 3; setting++) {
        struct peer *p = peer_accepted_accurate(true);
        peer_settings(p)->tcp_ecn_option = setting;
        peer_settings(p)->tcp_ecn_option_beacon = 0;
        unsigned with = 0;
        p->ecn = ECN_ECT0;
        for (uint32_t i = 0; i < 6; i++) {
            peer_text(p, 1 + i * 10, 10);
            with += peer_take(p).options.has_accecn;
        }
        /* The first codepoint that is another one is told twice. */
        assert_int_equal(with, setting == 0 ? 0 : setting == 1 ? 2 : 6);
        peer_free(p);
    }
}

static void change_of_codepoint_is_told_twice(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_settings(p)->tcp_ecn_option = 1;
    peer_settings(p)->tcp_ecn_option_beacon = 0;
    static const uint8_t codepoints[] = {ECN_ECT0, ECN_ECT0, ECN_ECT0, ECN_CE,   ECN_ECT0,
                                         ECN_ECT0, ECN_ECT0, ECN_ECT1, ECN_ECT1, ECN_ECT1};
    static const bool told[] = {true, true, false, true, true, true, false, true, true, false};
    for (uint32_t i = 0; i < sizeof told; i++) {
        p->ecn = codepoints[i];
        peer_text(p, 1 + i * 10, 10);
        assert_int_equal(peer_take(p).options.has_accecn, told[i]);
    }
    peer_free(p);
}

static void beacon_goes_several_times_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_settings(p)->tcp_ecn_option = 1;
    peer_settings(p)->tcp_ecn_option_beacon = 2;
    p->ecn = ECN_ECT0;
    uint32_t seq = 1;
    for (; seq < 31; seq += 10)
        peer_text(p, seq, 10);
    peer_forget(p);
    unsigned with = 0;
    for (int i = 0; i < 10; i++, seq += 10) { /* in one round trip of 10 ms */
        peer_after(p, 1);
        peer_text(p, seq, 10);
        with += peer_take(p).options.has_accecn;
    }
    assert_int_equal(with, 2);
    peer_free(p);
}

/* §3.2.3.3. */
static void it_goes_at_least_once_in_four_million_bytes(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_settings(p)->tcp_ecn_option = 1;
    peer_settings(p)->tcp_ecn_option_beacon = 0;
    p->ecn = ECN_ECT0;
    peer_text(p, 1, 10);
    peer_text(p, 11, 10);
    peer_forget(p);
    p->tcb->accecn.received_bytes[ECN_ECT0 - 1] = (1 << 22) - 5;
    peer_text(p, 21, 10);
    assert_true(peer_take(p).options.has_accecn);
    peer_text(p, 31, 10);
    assert_false(peer_take(p).options.has_accecn);
    peer_free(p);
}

/* Out-of-order text in `count` pieces of 10 bytes; the last ACK. */
static struct segment fill_with_holes(struct peer *p, unsigned count, uint8_t codepoint)
{
    struct segment ack = {0};
    for (uint32_t i = 0; i < count; i++) {
        p->ecn = i + 1 == count ? codepoint : ECN_NOT_ECT;
        peer_text(p, 11 + i * 20, 10);
        ack = peer_take(p);
    }
    return ack;
}

/* §3.2.3.3: SACK has its first two blocks before it; the third gives way. */
static void SACK_and_the_option_share_the_space(void **state)
{
    (void)state;
    static const struct {
        uint8_t codepoint;
        unsigned pieces, fields, blocks;
        bool timestamps;
    } cases[] = {
        {ECN_ECT0, 1, 3, 1, false}, {ECN_ECT0, 3, 3, 3, false}, {ECN_ECT0, 4, 3, 3, false},
        {ECN_ECT1, 1, 3, 1, true},  {ECN_ECT1, 2, 2, 2, true},  {ECN_ECT1, 3, 2, 2, true},
        {ECN_CE, 3, 2, 2, true},    {ECN_ECT0, 2, 0, 2, true},  {ECN_ECT0, 3, 0, 3, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | ASK,
                                                   cases[i].timestamps ? PEER_FULL : PEER_SACK)),
                         DROP_NONE);
        p->iss = 0;
        struct segment answer = peer_take(p);
        p->iss = answer.seq;
        p->next = p->acked = 1;
        p->timestamps = cases[i].timestamps;
        end_handshake(p, TCP_CWR, true);
        struct segment ack = fill_with_holes(p, cases[i].pieces, cases[i].codepoint);
        assert_int_equal(ack.options.has_accecn, cases[i].fields > 0);
        assert_int_equal(ack.options.accecn_count, cases[i].fields);
        assert_int_equal(ack.options.sack_count, cases[i].blocks);
        peer_free(p);
    }
}

static void data_segments_leave_it_room(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    peer_write(p, 3 * PEER_MSS);
    struct segment data = peer_take(p);
    assert_int_equal(data.length, PEER_MSS - 12);
    ASSERT_COUNTERS(data, 3, 1, 0, 1);
    peer_free(p);
}

/* ── The path ── */

static void whoever_sends_none_gets_none_until_one_comes(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(false);
    assert_int_equal(p->tcb->accecn.seen, ACCECN_NOT_SEEN);
    peer_write(p, 10);
    assert_false(peer_take(p).options.has_accecn);
    p->acked = 11;
    struct segment ack = peer_segment(p, TCP_ACK | accecn_flags(0), 1, 0);
    add_counters(&ack.options, counters(0, 11, 0, 1));
    peer_send_raw(p, ack);
    peer_write(p, 10);
    assert_true(peer_take(p).options.has_accecn);
    peer_free(p);
}

/* §3.2.3.2.4. */
static void zeroed_counters_are_ignored_for_good(void **state)
{
    (void)state;
    static const struct tcp_options zeroed[] = {
        {.has_accecn = true, .accecn_count = 3, .accecn = {0, 0, 1}},
        {.has_accecn = true, .accecn_count = 3, .accecn = {1, 0, 0}},
        {.has_accecn = true, .accecn_count = 1, .accecn = {0}},
    };
    for (size_t i = 0; i < sizeof zeroed / sizeof zeroed[0]; i++) {
        struct peer *p = peer_with(SETTING_ASK);
        connect_asking(p, 1);
        struct segment answer = peer_syn(p, TCP_SYN | TCP_ACK | TCP_CWR, PEER_SACK);
        add_counters(&answer.options, zeroed[i]);
        peer_send_raw(p, answer);
        peer_forget(p);
        assert_int_equal(p->tcb->accecn.failures, ACCECN_OPTION_MANGLED);
        assert_int_equal(p->tcb->accecn.seen, ACCECN_ZEROED_SEEN);
        peer_write(p, 10);
        peer_forget(p);
        p->acked = 11;
        struct segment ack = peer_segment(p, TCP_ACK | accecn_flags(1), 1, 0);
        add_counters(&ack.options, counters(0, 1, 10, 1));
        peer_send_raw(p, ack);
        assert_int_equal(p->tcb->accecn.delivered_bytes[ECN_CE - 1], 0);
        assert_int_equal(p->tcb->ecn.delivered_ce, 1); /* the field is another matter */
        peer_free(p);
    }
}

static void empty_option_shows_that_options_pass(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    connect_asking(p, 1);
    struct segment answer = peer_syn(p, TCP_SYN | TCP_ACK | TCP_CWR, PEER_SACK);
    answer.options.has_accecn = true;
    peer_send_raw(p, answer);
    assert_int_equal(p->tcb->accecn.seen, ACCECN_EMPTY_SEEN);
    assert_true(peer_take(p).options.has_accecn);
    peer_free(p);
}

/* §3.2.3.2.2: what was acknowledged with the option comes again and again. */
static void ACKs_that_get_lost_with_it_go_without(void **state)
{
    (void)state;
    for (int64_t setting = 2; setting <= 3; setting++) {
        struct peer *p = peer_accepted_accurate(true);
        peer_settings(p)->tcp_ecn_option = setting;
        p->ecn = ECN_ECT0;
        peer_text(p, 1, 100);
        assert_true(peer_take(p).options.has_accecn);
        peer_text(p, 1, 100);
        assert_true(peer_take(p).options.has_accecn);
        peer_text(p, 1, 100);
        assert_int_equal(peer_take(p).options.has_accecn, setting == 3);
        assert_int_equal(p->tcb->accecn.failures, ACCECN_OPTION_LOST);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPAccECNOptionFallback"), 1);
        peer_free(p);
    }
}

static void first_data_that_gets_lost_with_it_goes_again_without(void **state)
{
    (void)state;
    struct peer *p = peer_connected_accurate(true);
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_write(p, 100);
    assert_true(peer_take(p).options.has_accecn);
    while (peer_is_quiet(p))
        peer_after(p, 100);
    struct segment again = peer_take(p);
    assert_int_equal(again.seq, 1);
    assert_false(again.options.has_accecn);
    peer_free(p);
    /* Not once data with it has arrived. */
    p = peer_connected_accurate(true);
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_write(p, 100);
    peer_forget(p);
    ack_marks(p, 101, 0);
    peer_write(p, 100);
    peer_forget(p);
    while (peer_is_quiet(p))
        peer_after(p, 100);
    assert_true(peer_take(p).options.has_accecn);
    peer_free(p);
}

/* ── Reading ── */

static void take_option(struct peer *p, struct tcp_options options)
{
    peer_write(p, 10);
    peer_forget(p);
    p->acked += 10;
    struct segment ack = peer_segment(p, TCP_ACK | accecn_flags(p->tcb->ecn.delivered_ce), 1, 0);
    add_counters(&ack.options, options);
    peer_send_raw(p, ack);
}

static void assert_delivered(const struct peer *p, uint32_t e1, uint32_t ce, uint32_t e0)
{
    const uint32_t *delivered = p->tcb->accecn.delivered_bytes;
    assert_int_equal(delivered[ECN_ECT1 - 1], e1);
    assert_int_equal(delivered[ECN_CE - 1], ce);
    assert_int_equal(delivered[ECN_ECT0 - 1], e0);
}

static void both_orders_and_all_lengths_are_read(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    take_option(p, counters(0, 11, 0, 1));
    assert_delivered(p, 0, 0, 10);
    take_option(p, counters(1, 6, 20, 11));
    assert_delivered(p, 5, 20, 10);
    struct tcp_options shorter = counters(1, 8, 21, 0);
    shorter.accecn_count = 2;
    take_option(p, shorter);
    assert_delivered(p, 7, 21, 10);
    shorter = counters(0, 31, 0, 0);
    shorter.accecn_count = 1;
    take_option(p, shorter);
    assert_delivered(p, 7, 21, 30);
    shorter.accecn_count = 0;
    take_option(p, shorter);
    assert_delivered(p, 7, 21, 30);
    peer_free(p);
}

static void counters_that_wrapped_go_on_and_those_that_went_back_do_not(void **state)
{
    (void)state;
    struct peer *p = peer_accepted_accurate(true);
    p->tcb->accecn.delivered_bytes[ECN_ECT0 - 1] = 0xfffff0;
    take_option(p, counters(0, 0x11, 0, 1));
    assert_delivered(p, 0, 0, 0x1000010);
    take_option(p, counters(0, 0x10, 0, 1));
    assert_delivered(p, 0, 0, 0x1000010);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_counted_by_its_codepoint),
        cmocka_unit_test(counters_wrap_at_24_bits),
        cmocka_unit_test(setting_decides_how_often_it_goes),
        cmocka_unit_test(change_of_codepoint_is_told_twice),
        cmocka_unit_test(beacon_goes_several_times_a_round_trip),
        cmocka_unit_test(it_goes_at_least_once_in_four_million_bytes),
        cmocka_unit_test(SACK_and_the_option_share_the_space),
        cmocka_unit_test(data_segments_leave_it_room),
        cmocka_unit_test(whoever_sends_none_gets_none_until_one_comes),
        cmocka_unit_test(zeroed_counters_are_ignored_for_good),
        cmocka_unit_test(empty_option_shows_that_options_pass),
        cmocka_unit_test(ACKs_that_get_lost_with_it_go_without),
        cmocka_unit_test(first_data_that_gets_lost_with_it_goes_again_without),
        cmocka_unit_test(both_orders_and_all_lengths_are_read),
        cmocka_unit_test(counters_that_wrapped_go_on_and_those_that_went_back_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
