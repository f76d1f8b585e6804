#include "tcp/bbr_fixture.h"

static void bandwidth_is_the_most_of_two_cycles(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    round_trip(tcb, 10, BW);
    round_trip(tcb, 10, BW / 2);
    assert_int_equal(bbr_max_bw(bbr), BW);
    bbr_advance_max_bw_filter(bbr);
    round_trip(tcb, 10, BW / 4);
    assert_int_equal(bbr_max_bw(bbr), BW); /* of the cycle before */
    bbr_advance_max_bw_filter(bbr);
    assert_int_equal(bbr_max_bw(bbr), BW / 4);
    bbr_advance_max_bw_filter(bbr); /* a cycle without samples: what is known stays */
    assert_int_equal(bbr_max_bw(bbr), BW / 4);
    bbr_tcb_free(tcb);
}

static void sample_that_the_user_limited_counts_only_when_higher(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    round_trip(tcb, 10, BW);
    bbr_advance_max_bw_filter(bbr_of(tcb));
    bbr_advance_max_bw_filter(bbr_of(tcb));
    struct ack_event event = ack_of(tcb, 10, 10, BW / 2);
    event.rate.app_limited = true;
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr_of(tcb)->max_bw[1], 0);
    event = ack_of(tcb, 10, 10, 2 * BW);
    event.rate.app_limited = true;
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr_of(tcb)->max_bw[1], 2 * BW);
    bbr_tcb_free(tcb);
}

/* A round ends with the ACK of something sent after what was delivered when it began. */
static void rounds_are_counted_in_deliveries(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    ack(tcb, 10, 10, BW);
    assert_int_equal(bbr->round_count, 1);
    struct ack_event event = ack_of(tcb, 5, 10, BW);
    event.rate.prior_delivered = 9; /* sent before the round began */
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr->round_count, 1);
    assert_false(bbr->round_start);
    event = ack_of(tcb, 5, 10, BW);
    event.rate.prior_delivered = 10;
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr->round_count, 2);
    assert_true(bbr->round_start);
    bbr_tcb_free(tcb);
}

static void round_trip_is_the_least_of_ten_seconds(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    struct ack_event event = {.rtt_ns = TIME_MS(30)};
    bbr_update_min_rtt(tcb, bbr, &event);
    assert_int_equal(bbr->min_rtt_ns, TIME_MS(30));
    for (int second = 0; second < 11; second++) {
        assert_int_equal(bbr->min_rtt_ns, TIME_MS(30));
        tcb->stack->now_ns += TIME_S(1);
        event.rtt_ns = TIME_MS(50);
        bbr_update_min_rtt(tcb, bbr, &event);
    }
    assert_int_equal(bbr->min_rtt_ns, TIME_MS(50));
    bbr_tcb_free(tcb);
}

static void volumes_follow_from_bandwidth_and_round_trip(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    assert_int_equal(bbr_bdp(tcb, bbr, BW, 100), 10); /* nothing is known: the initial window */
    bbr->min_rtt_ns = TIME_MS(RTT_MS);
    tcb->cc.pacing_rate = BW;
    assert_int_equal(bbr_bdp(tcb, bbr, BW, 100), BDP);
    assert_int_equal(bbr_bdp(tcb, bbr, BW, 225), 90);
    assert_int_equal(bbr_bdp(tcb, bbr, BW + 25, 100), BDP + 1);
    assert_int_equal(bbr_inflight(tcb, bbr, BW, 100), BDP);
    bbr->state = BBR_PROBE_UP;
    assert_int_equal(bbr_inflight(tcb, bbr, BW, 100), BDP + 2);
    bbr->state = BBR_PROBE_CRUISE;
    tcb->cc.pacing_rate = 1000;                             /* bursts of two */
    assert_int_equal(bbr_inflight(tcb, bbr, 1000, 100), 6); /* three bursts */
    bbr_tcb_free(tcb);
}

static void headroom_is_a_part_of_the_longterm_volume(void **state)
{
    (void)state;
    struct bbr bbr = {.inflight_longterm = BBR_NO_VOLUME};
    assert_int_equal(bbr_inflight_with_headroom(&bbr), BBR_NO_VOLUME);
    bbr.inflight_longterm = 100;
    assert_int_equal(bbr_inflight_with_headroom(&bbr), 85);
    bbr.inflight_longterm = 5;
    assert_int_equal(bbr_inflight_with_headroom(&bbr), BBR_MIN_PIPE_CWND);
    bbr.inflight_longterm = 0;
    assert_int_equal(bbr_inflight_with_headroom(&bbr), BBR_MIN_PIPE_CWND);
}

static void too_much_is_lost_above_two_percent_or_at_all_without_sack(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    assert_false(bbr_is_inflight_too_high(tcb, &(struct bbr_flight){.in_flight = 100, .lost = 2}));
    assert_true(bbr_is_inflight_too_high(tcb, &(struct bbr_flight){.in_flight = 100, .lost = 3}));
    tcb->opt.sack = false;
    assert_true(bbr_is_inflight_too_high(tcb, &(struct bbr_flight){.in_flight = 100, .lost = 1}));
    bbr_tcb_free(tcb);
}

static void lose_one(struct tcb *tcb)
{
    struct sent_record record = {.segments = 1, .flight = BDP, .lost_before = tcb->rate.lost};
    tcb->rate.lost++;
    tcb->cc.operations->lost(tcb, &record);
}

/* Once a round with losses: what it delivered, but no less than 0.7 of what held before. */
static void cruise_slows_down_to_what_a_lossy_round_delivered(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    uint32_t cwnd = tcb->cc.cwnd;
    round_trip(tcb, 20, BW / 10);
    round_trip(tcb, 20, BW / 10);
    assert_int_equal(bbr->bw_shortterm, BBR_NO_RATE);
    lose_one(tcb);
    round_trip(tcb, 20, BW / 10);
    assert_int_equal(bbr->bw_shortterm, BW * 7 / 10);
    assert_int_equal(bbr->bw, BW * 7 / 10);
    assert_int_equal(bbr->inflight_shortterm, cwnd * 7 / 10);
    round_trip(tcb, 20, BW / 10); /* no more losses */
    assert_int_equal(bbr->bw_shortterm, BW * 7 / 10);
    lose_one(tcb);
    round_trip(tcb, 20, BW * 6 / 10);
    assert_int_equal(bbr->bw_shortterm, BW * 6 / 10);
    bbr_tcb_free(tcb);
}

/* A round trip in cruise, of which `lost` of a hundred are lost; the rest is delivered as fast as
 * the pacer has let it go, or at half of that. */
static void cruise_with_losses(struct tcb *tcb, uint32_t lost, bool as_sent)
{
    for (uint32_t i = 0; i < lost; i++)
        lose_one(tcb);
    uint64_t rate = bbr_of(tcb)->bw * 99 / 100 * 99 / 100;
    struct ack_event event = ack_of(tcb, 100 - lost, 100, as_sent ? rate : rate / 2);
    event.rate.delivered = 100 - lost;
    event.rate.lost = lost;
    event.rate.send_ns = as_sent ? event.rate.interval_ns : event.rate.interval_ns / 2;
    tcb->cc.operations->control(tcb, &event);
}

/* That is no reason to come down, round by round. */
static void cruise_keeps_its_bandwidth_where_few_losses_are_all_that_is_missing(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    for (int i = 0; i < 20; i++)
        cruise_with_losses(tcb, 1, true);
    assert_int_equal(bbr->bw_shortterm, BBR_NO_RATE);
    assert_int_equal(bbr->bw, BW);
    cruise_with_losses(tcb, 3, true); /* more than LossThresh */
    assert_in_range(bbr->bw_shortterm, BW * 7 / 10, BW * 98 / 100);
    bbr_tcb_free(tcb);
}

/* The path itself was slower than we were. */
static void cruise_slows_down_where_a_queue_has_grown(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    cruise_with_losses(tcb, 1, true);
    cruise_with_losses(tcb, 1, false);
    cruise_with_losses(tcb, 1, false);
    assert_in_range(bbr_of(tcb)->bw_shortterm, BW * 49 / 100, BW * 98 / 100);
    bbr_tcb_free(tcb);
}

static void startup_does_not_slow_down_for_losses(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    round_trip(tcb, 20, BW);
    lose_one(tcb);
    round_trip(tcb, 20, BW / 2);
    assert_int_equal(bbr_of(tcb)->bw_shortterm, BBR_NO_RATE);
    bbr_tcb_free(tcb);
}

/* ACKs that come in heaps of 30 every 30 ms: up to 30 more than the bandwidth explains. */
static void aggregation_widens_the_window(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    tcb->stack->now_ns += TIME_MS(RTT_MS);
    for (int i = 0; i < 4; i++) {
        tcb->stack->now_ns += TIME_MS(30);
        for (int j = 0; j < 3; j++)
            ack(tcb, 10, BDP, BW);
    }
    uint32_t extra =
        bbr->extra_acked[0] > bbr->extra_acked[1] ? bbr->extra_acked[0] : bbr->extra_acked[1];
    assert_in_range(extra, 20, 40);
    assert_true(tcb->cc.cwnd > 2 * BDP);
    bbr_tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bandwidth_is_the_most_of_two_cycles),
        cmocka_unit_test(sample_that_the_user_limited_counts_only_when_higher),
        cmocka_unit_test(rounds_are_counted_in_deliveries),
        cmocka_unit_test(round_trip_is_the_least_of_ten_seconds),
        cmocka_unit_test(volumes_follow_from_bandwidth_and_round_trip),
        cmocka_unit_test(headroom_is_a_part_of_the_longterm_volume),
        cmocka_unit_test(too_much_is_lost_above_two_percent_or_at_all_without_sack),
        cmocka_unit_test(cruise_slows_down_to_what_a_lossy_round_delivered),
        cmocka_unit_test(cruise_keeps_its_bandwidth_where_few_losses_are_all_that_is_missing),
        cmocka_unit_test(cruise_slows_down_where_a_queue_has_grown),
        cmocka_unit_test(startup_does_not_slow_down_for_losses),
        cmocka_unit_test(aggregation_widens_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
