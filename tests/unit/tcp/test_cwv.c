/* RFC 7661, and RFC 5681 §4.1. */
#include "tcp_peer.h"

#include "tcp/cwv.h"

/* A connection with Reno whose window is far larger than what its user sends. */
static struct peer *peer_with_window(uint32_t cwnd)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_congestion_control = 1;
    peer_settings(p)->tcp_slow_start_after_idle = 0;
    peer_settings(p)->tcp_window_validation = 1;
    peer_open(p, PEER_SACK);
    p->tcb->cc.cwnd = cwnd;
    p->tcb->cc.ssthresh = cwnd;
    return p;
}

/* Sends `segments` and has them acknowledged a round trip later; the next number. */
static uint32_t round_trip(struct peer *p, uint32_t seq, uint32_t segments)
{
    peer_flight(p, seq, segments);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, seq + segments * PEER_MSS);
    return seq + segments * PEER_MSS;
}

/* §4.3 */
static void window_is_validated_while_half_of_it_is_acknowledged_in_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(20);
    assert_true(cwv_is_validated(p->tcb)); /* nothing is known yet */
    uint32_t seq = round_trip(p, 1, 4);
    seq = round_trip(p, seq, 4);
    assert_false(cwv_is_validated(p->tcb));
    seq = round_trip(p, seq, 10);
    seq = round_trip(p, seq, 4);
    assert_true(cwv_is_validated(p->tcb)); /* the most of the last second counts */
    for (int i = 0; i < 5; i++) {
        peer_after(p, 500);
        seq = round_trip(p, seq, 4);
    }
    assert_false(cwv_is_validated(p->tcb));
    p->tcb->cc.cwnd = 10; /* what every connection begins with */
    assert_true(cwv_is_validated(p->tcb));
    peer_free(p);
}

/* §4.4 */
static void window_that_is_not_filled_is_kept_and_does_not_grow(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(40);
    uint32_t seq = 1;
    for (int i = 0; i < 50; i++) {
        seq = round_trip(p, seq, 4);
        peer_after(p, 1000);
    }
    assert_int_equal(p->tcb->cc.cwnd, 40);
    peer_free(p);
}

/* §4.4.1 */
static void congestion_makes_it_fall_from_what_was_really_in_the_pipe(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct peer *p = peer_with_window(40);
        peer_settings(p)->tcp_window_validation = on;
        uint32_t seq = round_trip(p, 1, 8);
        seq = round_trip(p, seq, 8);
        peer_flight(p, seq, 6);
        peer_after(p, PEER_RTT_MS);
        peer_sack(p, seq, BLOCK(seq + 1000, seq + 6000), NO_BLOCK, NO_BLOCK);
        assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
        assert_int_equal(p->tcb->cc.ssthresh, on ? 4 : 20);
        assert_true(cwv_is_validated(p->tcb)); /* measured anew */
        peer_free(p);
    }
}

/* §4.4.1 is about congestion: where there was none, the window is as it was. */
static void recovery_that_is_taken_back_gives_back_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(40);
    uint32_t seq = round_trip(p, 1, 8);
    seq = round_trip(p, seq, 8);
    peer_flight(p, seq, 6);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, seq, BLOCK(seq + 1000, seq + 6000), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_after(p, 2);
    peer_ack(p, seq + 5000);
    peer_after(p, 2);
    peer_sack(p, seq + 5000, BLOCK(seq, seq + 1000), NO_BLOCK, NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPDSACKUndo"), 1);
    assert_int_equal(p->tcb->cc.cwnd, 40);
    peer_free(p);
}

static void after_a_timeout_too(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(40);
    uint32_t seq = round_trip(p, 1, 8);
    seq = round_trip(p, seq, 8);
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_flight(p, seq, 6);
    peer_after(p, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    assert_int_equal(p->tcb->cc.ssthresh, 4);
    assert_int_equal(p->tcb->recovery.prior_cwnd, 40); /* had it been a mistake, it is taken back */
    peer_free(p);
}

static void filled_window_falls_from_itself(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(12);
    uint32_t seq = round_trip(p, 1, 8);
    seq = round_trip(p, seq, 8);
    peer_flight(p, seq, 6);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, seq, BLOCK(seq + 1000, seq + 6000), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->cc.ssthresh, 6);
    peer_free(p);
}

/* §4.4.2 */
static void after_five_minutes_it_halves(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(40);
    uint32_t seq = round_trip(p, 1, 4);
    for (int i = 0; i < 29; i++) {
        peer_after(p, 10000);
        seq = round_trip(p, seq, 4);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->cc.cwnd, 40);
    peer_after(p, 20000);
    seq = round_trip(p, seq, 4);
    assert_int_equal(p->tcb->cc.cwnd, 20);
    assert_int_equal(p->tcb->cc.ssthresh, 40);
    for (int i = 0; i < 100; i++) {
        peer_after(p, 10000);
        seq = round_trip(p, seq, 4);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->cc.cwnd, 10); /* not below the initial one */
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_is_validated_while_half_of_it_is_acknowledged_in_a_round_trip),
        cmocka_unit_test(window_that_is_not_filled_is_kept_and_does_not_grow),
        cmocka_unit_test(congestion_makes_it_fall_from_what_was_really_in_the_pipe),
        cmocka_unit_test(recovery_that_is_taken_back_gives_back_the_window),
        cmocka_unit_test(after_a_timeout_too),
        cmocka_unit_test(filled_window_falls_from_itself),
        cmocka_unit_test(after_five_minutes_it_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
