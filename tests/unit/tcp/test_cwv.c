/* RFC 7661, and RFC 5681 §4.1. */
#include "tcp_peer.h"

#include "tcp/cwv.h"

/* A connection with Reno whose window is far larger than what its user sends. */
static struct peer *peer_with_window(uint32_t cwnd)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_congestion_control = 1;
    peer_settings(p)->tcp_window_validation = 1;
    peer_open(p, PEER_SACK);
    p->tcb->cc.cwnd = cwnd;
    p->tcb->cc.ssthresh = cwnd;
    return p;
}

/* Sends `segments`, which may be paced. */
static void flight(struct peer *p, uint32_t segments)
{
    assert_int_equal(peer_write_flags(p, segments * PEER_MSS, 0), segments * PEER_MSS);
    peer_after(p, PEER_RTT_MS / 2);
    assert_int_equal(tcb_unsent(p->tcb), 0);
    peer_forget(p);
}

/* Sends `segments` and has them acknowledged a round trip later; the next number. */
static uint32_t round_trip(struct peer *p, uint32_t seq, uint32_t segments)
{
    flight(p, segments);
    peer_after(p, PEER_RTT_MS / 2);
    peer_ack(p, seq + segments * PEER_MSS);
    return seq + segments * PEER_MSS;
}

/* Two round trips that do not fill the window, and of the next few segments the first is lost; its
 * number. */
static uint32_t lose_of_little(struct peer *p)
{
    uint32_t seq = round_trip(p, 1, 8);
    seq = round_trip(p, seq, 8);
    flight(p, 6);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, seq, BLOCK(seq + 1000, seq + 6000), NO_BLOCK, NO_BLOCK);
    return seq;
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
        lose_of_little(p);
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
    uint32_t seq = lose_of_little(p);
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
    flight(p, 6);
    peer_after(p, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    assert_int_equal(p->tcb->cc.ssthresh, 4);
    assert_int_equal(p->tcb->undo.prior_cwnd, 40); /* had it been a mistake, it is taken back */
    peer_free(p);
}

static void filled_window_falls_from_itself(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(12);
    lose_of_little(p);
    assert_int_equal(p->tcb->cc.ssthresh, 6);
    peer_free(p);
}

/* §4.4.3 */
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

/* §4.4.1: at the end of recovery what was sent again comes off what was in the pipe, before a half
 * of it is left. */
static void what_was_sent_again_comes_off_at_the_end(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(40);
    uint32_t seq = round_trip(p, 1, 8);
    seq = round_trip(p, seq, 8);
    flight(p, 8);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, seq, BLOCK(seq + 3000, seq + 8000), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->cc.ssthresh, 4);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, seq + 8000);
    assert_int_equal(p->tcb->stat.retransmits, 3);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_int_equal(p->tcb->cc.cwnd, 2); /* (8 - 3) / 2 */
    assert_int_equal(p->tcb->cc.ssthresh, 2);
    peer_free(p);
}

/* §4.4: a pause leaves the window as it is, but for the periods that have gone by in it (§4.5.2).
 */
static void pause_leaves_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(80);
    uint32_t seq = round_trip(p, 1, 10);
    seq = round_trip(p, seq, 10);
    peer_after(p, 290000);
    seq = round_trip(p, seq, 10);
    assert_int_equal(p->tcb->cc.cwnd, 80);
    peer_after(p, 601000);
    flight(p, 1);
    assert_int_equal(p->tcb->cc.cwnd, 20);
    assert_int_equal(p->tcb->cc.ssthresh, 80);
    peer_free(p);
}

/* §4.5.1: what was acknowledged before a pause does not make the window a validated one after it.
 */
static void pause_makes_what_was_measured_void(void **state)
{
    (void)state;
    struct peer *p = peer_with_window(20);
    uint32_t seq = round_trip(p, 1, 15);
    seq = round_trip(p, seq, 15);
    assert_true(cwv_is_validated(p->tcb));
    p->tcb->cc.cwnd = 20;
    peer_after(p, 3000);
    flight(p, 1);
    assert_false(cwv_is_validated(p->tcb));
    peer_free(p);
}

/* §4.4.2: what a window that is not validated lets go is spread over the round trip. */
static void window_that_is_not_validated_is_paced(void **state)
{
    (void)state;
    for (int validated = 0; validated < 2; validated++) {
        struct peer *p = peer_with_window(40);
        uint32_t seq = 1;
        for (int i = 0; i < 4; i++)
            seq = round_trip(p, seq, validated ? 20 : 4);
        p->tcb->cc.cwnd = 40;
        assert_int_equal(cwv_paces(p->tcb), !validated);
        uint64_t before = p->tcb->stat.bytes_sent;
        const uint32_t text = 20 * PEER_MSS;
        assert_int_equal(peer_write_flags(p, text, 0), text);
        uint64_t at_once = p->tcb->stat.bytes_sent - before;
        assert_true(validated ? at_once == text : at_once < text);
        peer_after(p, PEER_RTT_MS);
        assert_int_equal(p->tcb->stat.bytes_sent - before, text);
        peer_free(p);
    }
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
        cmocka_unit_test(what_was_sent_again_comes_off_at_the_end),
        cmocka_unit_test(pause_leaves_the_window),
        cmocka_unit_test(pause_makes_what_was_measured_void),
        cmocka_unit_test(window_that_is_not_validated_is_paced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
