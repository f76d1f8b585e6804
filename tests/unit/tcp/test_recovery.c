/* The phases of loss recovery, and what leads from one to the next. */
#include "tcp_peer.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_congestion_control = 1; /* reno */
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, segments);
    peer_after(p, PEER_RTT_MS);
    return p;
}

static void phases_follow_what_the_acknowledgments_say(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_DISORDER);
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_ack(p, 4001);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_ack(p, 10001);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_in_range(p->tcb->cc.cwnd, 5, 6); /* half, and what this ACK itself adds */
    peer_free(p);
}

/* RFC 5681 §3.2: one reduction a round trip, however many are lost in it. */
static void losses_of_one_flight_reduce_the_window_once(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    peer_sack(p, 1, BLOCK(1001, 4001), BLOCK(6001, 9001), NO_BLOCK);
    assert_true(p->tcb->records.lost_out >= 3);
    assert_int_equal(p->tcb->cc.ssthresh, 5);
    peer_free(p);
}

/* RFC 5681 §3.1, equations 4 and the loss window; §4.3. */
static void timeout_sets_ssthresh_to_half_the_flight_and_the_window_to_one(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_after(p, 200);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    assert_int_equal(p->tcb->cc.ssthresh, 5);
    assert_int_equal(p->tcb->cc.cwnd, 1);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_quiet(p);
    peer_free(p);
}

/* RFC 5681 §3.1: when the same segment times out again ssthresh stays. */
static void repeated_timeout_leaves_ssthresh(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_after(p, 200);
    peer_after(p, 420);
    assert_int_equal(p->tcb->recovery.timeouts, 2);
    assert_int_equal(p->tcb->cc.ssthresh, 5);
    peer_free(p);
}

static void flight_is_rebuilt_by_slow_start_after_a_timeout(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_settings(p)->tcp_frto = 0;
    peer_after(p, 200);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->cc.cwnd, 2);
    peer_expect(p, TCP_ACK, 1001, 1000);
    peer_expect(p, TCP_ACK, 2001, 1000);
    peer_quiet(p);
    peer_free(p);
}

/* RFC 6675 §5.1: what was SACKed is not sent again after a timeout, unless it stands first. */
static void timeout_keeps_what_was_sacked(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    peer_sack(p, 1, BLOCK(2001, 3001), NO_BLOCK, NO_BLOCK);
    peer_settings(p)->tcp_frto = 0;
    peer_forget(p);
    peer_after(p, 220);
    peer_forget(p);
    peer_ack(p, 2001);
    peer_forget(p);
    assert_int_equal(p->tcb->records.sacked, 1);
    peer_free(p);
}

/* RFC 8985 §6.3: where reordering has been seen, so does what was sent within the reordering window
 * and a round trip. */
static void timeout_keeps_what_may_only_be_reordered(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++) {
        struct peer *p = peer_new();
        peer_settings(p)->tcp_tail_loss_probe = 0;
        peer_open(p, PEER_SACK);
        peer_flight(p, 1, 1);
        peer_after(p, 10);
        peer_ack(p, 1001); /* RACK.rtt is 10 ms, a quarter of it 2.5 */
        peer_flight(p, 1001, 1);
        peer_after(p, 199);
        p->tcb->rack.reordering_seen = seen;
        peer_flight(p, 2001, 1);
        peer_after(p, 11);
        peer_expect(p, TCP_ACK | TCP_PSH, 1001, 1000);
        assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
        assert_int_equal(p->tcb->records.lost_out, seen ? 1 : 2);
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_follow_what_the_acknowledgments_say),
        cmocka_unit_test(losses_of_one_flight_reduce_the_window_once),
        cmocka_unit_test(timeout_sets_ssthresh_to_half_the_flight_and_the_window_to_one),
        cmocka_unit_test(repeated_timeout_leaves_ssthresh),
        cmocka_unit_test(flight_is_rebuilt_by_slow_start_after_a_timeout),
        cmocka_unit_test(timeout_keeps_what_was_sacked),
        cmocka_unit_test(timeout_keeps_what_may_only_be_reordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
