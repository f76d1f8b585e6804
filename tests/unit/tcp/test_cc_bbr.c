#include "tcp/bbr_fixture.h"

#include "common/allocation.h"

static void first_rate_is_the_initial_window_in_a_round_trip(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    assert_int_equal(tcb->cc.pacing_rate,
                     10 * MSS * 2770); /* a millisecond, for want of a sample */
    tcb->rtt.srtt_ns = TIME_MS(100);
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, 10 * MSS * 10 * 277 / 100);
    bbr_tcb_free(tcb);
}

static void rate_does_not_fall_before_the_pipe_was_full(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    tcb->rtt.srtt_ns = TIME_MS(RTT_MS);
    pacing_update_rate(tcb);
    uint64_t first = tcb->cc.pacing_rate;
    ack(tcb, 1, 1, BW / 100);
    assert_int_equal(tcb->cc.pacing_rate, first);
    ack(tcb, 1, 1, BW);
    assert_int_equal(tcb->cc.pacing_rate, BW / 100 * 277 / 100 * 99);
    bbr_tcb_free(tcb);
}

/* The margin lets a queue go, of which a cruise at the shortest round trip shows none. */
static void cruise_without_a_queue_needs_no_margin(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    round_trip(tcb, BDP, BW);
    assert_int_equal(tcb->cc.pacing_rate, BW);
    for (int queue_ms = 1; queue_ms >= 0; queue_ms--) {
        struct ack_event event = ack_of(tcb, BDP, BDP, BW);
        event.rtt_ns = TIME_MS(RTT_MS + queue_ms);
        tcb->cc.operations->control(tcb, &event);
        pacing_update_rate(tcb);
        assert_int_equal(tcb->cc.pacing_rate, queue_ms ? BW / 100 * 99 : BW);
    }
    bbr_of(tcb)->state = BBR_PROBE_DOWN;
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, BW / 100 * 90 / 100 * 99);
    bbr_tcb_free(tcb);
}

static void window_grows_by_what_is_delivered_up_to_twice_what_the_path_holds(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    round_trip(tcb, 7, BW);
    assert_int_equal(tcb->cc.cwnd, 17);
    reach_probe_bw(tcb);
    for (int i = 0; i < 12; i++) /* until Startup's heaps of ACKs are forgotten */
        round_trip(tcb, BDP, BW);
    uint32_t extra = bbr_of(tcb)->extra_acked[0] > bbr_of(tcb)->extra_acked[1]
                         ? bbr_of(tcb)->extra_acked[0]
                         : bbr_of(tcb)->extra_acked[1];
    assert_int_equal(tcb->cc.cwnd, 2 * BDP + extra);
    bbr_tcb_free(tcb);
}

static void window_keeps_to_the_model_in_each_state(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    bbr->bw_probe_wait_ns = TIME_S(60);
    bbr->inflight_longterm = 60;
    ack(tcb, 1, BDP, BW);
    assert_int_equal(bbr->state, BBR_PROBE_CRUISE);
    assert_int_equal(tcb->cc.cwnd, 51); /* with headroom */
    bbr->state = BBR_PROBE_REFILL;
    for (int i = 0; i < 20; i++) {
        struct ack_event event = ack_of(tcb, 1, BDP, BW);
        event.rate.prior_delivered = 0;
        tcb->cc.operations->control(tcb, &event);
    }
    assert_int_equal(tcb->cc.cwnd, 60);
    bbr->inflight_shortterm = 20;
    struct ack_event event = ack_of(tcb, 1, BDP, BW);
    event.rate.prior_delivered = 0;
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(tcb->cc.cwnd, 20);
    bbr_tcb_free(tcb);
}

static void window_is_never_below_four(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    bbr_of(tcb)->inflight_shortterm = 1;
    ack(tcb, 1, BDP, BW);
    assert_int_equal(tcb->cc.cwnd, BBR_MIN_PIPE_CWND);
    bbr_tcb_free(tcb);
}

/* A timeout closes the window; when what was lost has been repaired it is had again. */
static void window_before_a_timeout_is_restored_after_recovery(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    uint32_t cwnd = tcb->cc.cwnd;
    assert_int_equal(tcb->cc.operations->reduced(tcb), UINT32_MAX);
    tcb->cc.operations->timed_out(tcb);
    tcb->cc.cwnd = 1;
    tcb->recovery.phase = TCP_PHASE_LOSS;
    ack(tcb, 1, 1, 0);
    assert_true(tcb->cc.cwnd < cwnd);
    tcb->recovery.phase = TCP_PHASE_OPEN;
    struct ack_event nothing = {.rtt_ns = TIME_NEVER};
    tcb->cc.operations->control(tcb, &nothing);
    assert_int_equal(tcb->cc.cwnd, cwnd);
    bbr_tcb_free(tcb);
}

/* What was lost counts in the round in which it was marked so, and not once more when recovery ends
 * and another begins for the rest. ECN has no other way to be heard. */
static void recovery_that_begins_anew_is_no_new_loss(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    tcb->records.lost_out = 1;
    tcb->cc.operations->reduced(tcb);
    assert_false(bbr->is_loss_in_round);
    tcb->records.lost_out = 0;
    tcb->cc.operations->reduced(tcb);
    assert_true(bbr->is_loss_in_round);
    bbr_tcb_free(tcb);
}

static void spurious_recovery_leaves_no_trace(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_up(tcb);
    uint32_t cwnd = tcb->cc.cwnd;
    struct sent_record record = {.segments = 10, .flight = BDP, .lost_before = tcb->rate.lost};
    tcb->rate.lost += 10;
    tcb->cc.operations->lost(tcb, &record);
    tcb->cc.operations->reduced(tcb);
    tcb->recovery.phase = TCP_PHASE_RECOVERY;
    assert_int_equal(bbr->state, BBR_PROBE_DOWN);
    assert_int_not_equal(bbr->inflight_longterm, BBR_NO_VOLUME);
    ack(tcb, 1, BDP, BW / 2);
    tcb->cc.operations->undone(tcb);
    assert_int_equal(bbr->state, BBR_PROBE_REFILL);
    assert_int_equal(bbr->inflight_longterm, BBR_NO_VOLUME);
    assert_int_equal(bbr->inflight_shortterm, BBR_NO_VOLUME);
    assert_int_equal(bbr->bw_shortterm, BBR_NO_RATE);
    assert_true(tcb->cc.cwnd >= cwnd);
    bbr_tcb_free(tcb);
}

static void spurious_loss_in_startup_leads_back_there(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    round_trip(tcb, 10, BW);
    bbr->state = BBR_DRAIN;
    bbr->full_bw_reached = true;
    bbr->undo_state = BBR_STARTUP;
    tcb->cc.operations->undone(tcb);
    assert_int_equal(bbr->state, BBR_STARTUP);
    assert_false(bbr->full_bw_reached);
    bbr_tcb_free(tcb);
}

static void restart_from_idle_paces_at_the_bandwidth(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_up(tcb);
    assert_int_equal(tcb->cc.pacing_rate, BW * 125 / 100 / 100 * 99);
    tcb->cc.operations->resumed(tcb, TIME_S(1)); /* not idle for want of data */
    assert_int_equal(tcb->cc.pacing_rate, BW * 125 / 100 / 100 * 99);
    tcb->rate.app_limited = 1;
    tcb->cc.operations->resumed(tcb, TIME_S(1));
    assert_int_equal(tcb->cc.pacing_rate, BW / 100 * 99);
    bbr_tcb_free(tcb);
}

static void bursts_are_no_longer_than_a_millisecond(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    tcb->rtt.min_ns = TIME_US(100); /* where others send more at a time */
    tcb->cc.pacing_rate = 10000000;
    assert_int_equal(burst_segments(tcb, MSS), 9);
    bbr_tcb_free(tcb);
}

static void another_control_may_take_over(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    tcb->preferences.congestion_control = 0;
    cc_start(tcb);
    assert_string_equal(tcb->cc.operations->name, "cubic");
    assert_int_equal(tcb->stack->memory_used_bytes, 0);
    bbr_tcb_free(tcb);
}

static void without_memory_cubic_does(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    allocations_fail_after(0);
    cc_start(tcb);
    allocations_succeed();
    assert_string_equal(tcb->cc.operations->name, "cubic");
    bbr_tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rate_is_the_initial_window_in_a_round_trip),
        cmocka_unit_test(rate_does_not_fall_before_the_pipe_was_full),
        cmocka_unit_test(cruise_without_a_queue_needs_no_margin),
        cmocka_unit_test(window_grows_by_what_is_delivered_up_to_twice_what_the_path_holds),
        cmocka_unit_test(window_keeps_to_the_model_in_each_state),
        cmocka_unit_test(window_is_never_below_four),
        cmocka_unit_test(window_before_a_timeout_is_restored_after_recovery),
        cmocka_unit_test(recovery_that_begins_anew_is_no_new_loss),
        cmocka_unit_test(spurious_recovery_leaves_no_trace),
        cmocka_unit_test(spurious_loss_in_startup_leads_back_there),
        cmocka_unit_test(restart_from_idle_paces_at_the_bandwidth),
        cmocka_unit_test(bursts_are_no_longer_than_a_millisecond),
        cmocka_unit_test(another_control_may_take_over),
        cmocka_unit_test(without_memory_cubic_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
