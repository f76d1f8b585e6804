/* RFC 8985 §6: what was sent well before something that has been delivered is lost. */
#include "tcp_peer.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, segments);
    peer_after(p, PEER_RTT_MS);
    return p;
}

/* §6.2 step 4: with the duplicate threshold reached there is no reordering window. */
static void three_SACKed_above_a_hole_show_a_loss_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(6);
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    peer_sack(p, 1, BLOCK(1001, 3001), NO_BLOCK, NO_BLOCK);
    peer_quiet(p);
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_int_equal(p->tcb->records.lost_out, 1);
    peer_free(p);
}

/* §6.2 step 5: below it a quarter of the minimum RTT is waited for reordered segments, and 2 ms
 * more for an ACK that is about to come. */
static void single_SACK_shows_a_loss_after_a_quarter_of_the_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(2);
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    peer_quiet(p);
    assert_int_equal(timer_deadline(p->tcb, TCP_TIMER_REORDER) - p->m->stack.now_ns, TIME_US(4500));
    peer_after(p, 4);
    peer_quiet(p);
    peer_after(p, 1);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_free(p);
}

static void what_arrives_within_the_reordering_window_is_not_lost(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_sack(p, 1, BLOCK(1001, 3001), NO_BLOCK, NO_BLOCK);
    peer_after(p, 2);
    peer_ack(p, 3001);
    peer_after(p, 100);
    peer_quiet(p);
    assert_int_equal(p->tcb->cc.ssthresh, UINT32_MAX);
    assert_int_equal(p->tcb->stat.reordering_events, 1);
    peer_free(p);
}

/* Reordering has been seen: the count of SACKed segments no longer decides, time does. */
static void after_reordering_many_SACKs_must_wait_too(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_sack(p, 1, BLOCK(1001, 3001), NO_BLOCK, NO_BLOCK);
    peer_ack(p, 3001);
    peer_flight(p, 3001, 8);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 3001, BLOCK(4001, 9001), NO_BLOCK, NO_BLOCK);
    peer_quiet(p);
    peer_after(p, 5);
    peer_expect(p, TCP_ACK, 3001, 1000);
    peer_free(p);
}

/* A lost retransmission shows as any other: something sent later was delivered. */
static void lost_retransmission_is_found_without_a_timeout(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(6);
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_after(p, 1);
    peer_write(p, 3000);
    while (!peer_is_quiet(p))
        peer_take(p);
    uint32_t nxt = p->tcb->snd.nxt - p->iss;
    assert_true(nxt > 6001);
    peer_after(p, PEER_RTT_MS + 1);
    peer_sack(p, 1, BLOCK(1001, nxt), NO_BLOCK, NO_BLOCK);
    peer_after(p, 3);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeouts"), 0);
    peer_free(p);
}

/* §6.2 step 4: each round trip with a D-SACK widens the window by a quarter. */
static void duplicates_widen_the_reordering_window_once_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    p->tcb->stat.retransmits = 3; /* in earlier recoveries */
    assert_int_equal(p->tcb->rack.window_steps, 1);
    peer_sack(p, 2001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->rack.window_steps, 2);
    peer_sack(p, 2001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->rack.window_steps, 2);
    peer_ack(p, 4001);
    peer_flight(p, 4001, 2);
    peer_sack(p, 5001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->rack.window_steps, 3);
    peer_free(p);
}

/* More copies than were sent are the network's, and say nothing of the order. */
static void duplicates_of_the_network_s_making_widen_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    peer_sack(p, 2001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->rack.window_steps, 1);
    assert_int_equal(p->tcb->stat.dsacks, 1);
    assert_int_equal(p->tcb->rate.delivered, 3); /* the SYN, and two segments once each */
    peer_free(p);
}

/* A copy of what had been SACKed before: the original came behind what was sent after it. */
static void copy_of_what_was_SACKed_shows_reordering(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(8);
    peer_sack(p, 1, BLOCK(2001, 5001), NO_BLOCK, NO_BLOCK);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_sack(p, 1, BLOCK(2001, 6001), NO_BLOCK, NO_BLOCK);
    peer_expect(p, TCP_ACK | TCP_PSH, 1001, 1000);
    peer_sack(p, 1, BLOCK(1001, 6001), NO_BLOCK, NO_BLOCK); /* sent twice: no word on the order */
    assert_false(p->tcb->rack.reordering_seen);
    uint64_t delivered = p->tcb->rate.delivered;
    peer_sack(p, 1, BLOCK(1001, 2001), BLOCK(1001, 6001), NO_BLOCK);
    assert_true(p->tcb->rack.reordering_seen);
    assert_int_equal(p->tcb->recovery.reordering, 5);
    assert_int_equal(p->tcb->rate.delivered, delivered + 1);
    peer_free(p);
}

/* The copy that a tail loss probe was: it was sent because of the time, not of the order. */
static void copy_that_was_a_probe_widens_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    peer_after(p, 3 * PEER_RTT_MS);
    peer_expect(p, TCP_ACK | TCP_PSH, 3001, 1000);
    peer_sack(p, 4001, BLOCK(3001, 4001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->rack.window_steps, 1);
    peer_free(p);
}

/* §6.2 step 4: after 16 recoveries without a D-SACK the window is a quarter again. */
static void window_narrows_after_16_recoveries(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(2);
    p->tcb->stat.retransmits = 1;
    peer_sack(p, 2001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    uint32_t at = 2001;
    for (int i = 0; i < 16; i++, at += 6000) {
        assert_int_equal(p->tcb->rack.window_steps, 2);
        p->tcb->cc.cwnd = 10;
        peer_flight(p, at, 6);
        peer_after(p, PEER_RTT_MS);
        peer_sack(p, at, BLOCK(at + 1000, at + 4000), NO_BLOCK, NO_BLOCK);
        peer_expect(p, TCP_ACK, at, 1000);
        assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
        peer_after(p, PEER_RTT_MS);
        peer_ack(p, at + 6000);
    }
    assert_int_equal(p->tcb->rack.window_steps, 1);
    peer_free(p);
}

/* §8: while the reordering timer runs there is no timeout. */
static void timeout_waits_for_the_reordering_timer(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 2);
    peer_after(p, 209); /* a millisecond before the timeout */
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    uint64_t reorder_ns = timer_deadline(p->tcb, TCP_TIMER_REORDER);
    assert_true(reorder_ns > p->m->stack.now_ns + TIME_MS(1));
    assert_true(timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) > reorder_ns);
    peer_after(p, 60);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeouts"), 0);
    assert_true(timer_is_set(p->tcb, TCP_TIMER_RETRANSMIT));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_SACKed_above_a_hole_show_a_loss_at_once),
        cmocka_unit_test(single_SACK_shows_a_loss_after_a_quarter_of_the_round_trip),
        cmocka_unit_test(what_arrives_within_the_reordering_window_is_not_lost),
        cmocka_unit_test(after_reordering_many_SACKs_must_wait_too),
        cmocka_unit_test(lost_retransmission_is_found_without_a_timeout),
        cmocka_unit_test(duplicates_widen_the_reordering_window_once_a_round_trip),
        cmocka_unit_test(duplicates_of_the_network_s_making_widen_nothing),
        cmocka_unit_test(copy_of_what_was_SACKed_shows_reordering),
        cmocka_unit_test(copy_that_was_a_probe_widens_nothing),
        cmocka_unit_test(window_narrows_after_16_recoveries),
        cmocka_unit_test(timeout_waits_for_the_reordering_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
