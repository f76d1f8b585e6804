#include "tcp/bbr_fixture.h"

#include "tcp/chrono.h"

static void startup_ends_when_the_bandwidth_grows_no_more(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    set_in_flight(tcb, 200);
    for (uint64_t bw = BW / 8; bw <= BW; bw *= 2)
        round_trip(tcb, 20, bw);
    for (int i = 0; i < 2; i++) {
        round_trip(tcb, 20, BW * 12 / 10); /* less than a quarter more */
        assert_int_equal(bbr->state, BBR_STARTUP);
    }
    round_trip(tcb, 20, BW * 12 / 10);
    assert_true(bbr->full_bw_now && bbr->full_bw_reached);
    assert_int_equal(bbr->state, BBR_DRAIN);
    bbr_tcb_free(tcb);
}

static void startup_does_not_end_while_the_user_limits(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    for (int i = 0; i < 20; i++) {
        struct ack_event event = ack_of(tcb, 2, 2, BW);
        event.rate.app_limited = true;
        tcb->stack->now_ns += TIME_MS(RTT_MS);
        tcb->cc.operations->control(tcb, &event);
    }
    assert_int_equal(bbr_of(tcb)->state, BBR_STARTUP);
    bbr_tcb_free(tcb);
}

/* A round of two ACKs at the same bandwidth, of which the peer's window held us for `held_ns`. */
static void two_acks(struct tcb *tcb, uint64_t rtt_ns, uint64_t held_ns)
{
    tcb->stack->now_ns += TIME_MS(RTT_MS);
    tcb->chrono.spent_ns[CHRONO_PEER] += held_ns;
    for (int i = 0; i < 2; i++) {
        struct ack_event event = ack_of(tcb, 10, 20, BW);
        event.rate.prior_delivered -= (uint64_t)i * 10; /* the second is of the same round */
        event.rtt_ns = rtt_ns;
        tcb->cc.operations->control(tcb, &event);
    }
}

/* Where the draft has three rounds for the peer's window to open in. */
static void startup_does_not_end_while_the_peer_holds_us_and_no_queue_shows(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    set_in_flight(tcb, 20);
    for (int i = 0; i < 8; i++)
        two_acks(tcb, TIME_MS(RTT_MS), TIME_MS(1));
    assert_int_equal(bbr->state, BBR_STARTUP);
    for (int i = 0; i < 4 && bbr->state == BBR_STARTUP; i++)
        two_acks(tcb, TIME_MS(RTT_MS) * 11 / 10, TIME_MS(1)); /* the path is full as well */
    assert_true(bbr->full_bw_reached);
    bbr_tcb_free(tcb);
}

/* A window that never opens. */
static void startup_ends_after_ten_rounds_that_the_peer_holds_us(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    set_in_flight(tcb, 200);
    two_acks(tcb, TIME_MS(RTT_MS), 0);
    for (int i = 0; i < 10 + 2; i++)
        two_acks(tcb, TIME_MS(RTT_MS), TIME_MS(1));
    assert_int_equal(bbr_of(tcb)->state, BBR_STARTUP);
    for (int i = 0; i < 3; i++)
        two_acks(tcb, TIME_MS(RTT_MS), TIME_MS(1));
    assert_int_equal(bbr_of(tcb)->state, BBR_DRAIN);
    bbr_tcb_free(tcb);
}

static void startup_ends_once_the_peer_holds_us_no_more(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    set_in_flight(tcb, 200);
    for (int i = 0; i < 5; i++)
        two_acks(tcb, TIME_MS(RTT_MS), TIME_MS(1));
    /* What the first of these delivers was sent while it did. */
    for (int i = 0; i < 3; i++)
        two_acks(tcb, TIME_MS(RTT_MS), 0);
    assert_int_equal(bbr_of(tcb)->state, BBR_STARTUP);
    two_acks(tcb, TIME_MS(RTT_MS), 0);
    assert_int_equal(bbr_of(tcb)->state, BBR_DRAIN);
    bbr_tcb_free(tcb);
}

static void lose(struct tcb *tcb, uint32_t stretches, uint32_t flight)
{
    for (uint32_t i = 0; i < stretches; i++) {
        struct sent_record record = {.start = 2 * i * MSS,
                                     .end = (2 * i + 1) * MSS,
                                     .segments = 1,
                                     .flight = flight,
                                     .lost_before = tcb->rate.lost};
        tcb->rate.lost++;
        tcb->cc.operations->lost(tcb, &record);
    }
}

static struct ack_event lossy_ack(struct tcb *tcb, uint32_t lost)
{
    struct ack_event event = ack_of(tcb, 50, 100, BW);
    event.rate.lost = lost;
    event.rate.app_limited = true; /* which makes no difference here */
    return event;
}

static void startup_ends_at_high_loss_in_recovery(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    set_in_flight(tcb, 100);
    round_trip(tcb, 50, BW);
    tcb->recovery.phase = TCP_PHASE_RECOVERY;

    lose(tcb, BBR_STARTUP_LOSS_MIN - 1, 100); /* in too few places */
    struct ack_event event = lossy_ack(tcb, 5);
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr->state, BBR_STARTUP);

    lose(tcb, BBR_STARTUP_LOSS_MIN, 100);
    event = lossy_ack(tcb, 2); /* too few in all */
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr->state, BBR_STARTUP);

    lose(tcb, BBR_STARTUP_LOSS_MIN, 100);
    event = lossy_ack(tcb, 6);
    tcb->cc.operations->control(tcb, &event);
    assert_true(bbr->full_bw_reached);
    assert_int_equal(bbr->state, BBR_DRAIN);
    assert_int_equal(bbr->inflight_longterm, 100); /* delivered in the round */
    bbr_tcb_free(tcb);
}

static void drain_ends_when_the_queue_is_gone(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    set_in_flight(tcb, 100);
    for (int i = 0; i < 4; i++)
        round_trip(tcb, BDP, BW);
    assert_int_equal(bbr->state, BBR_DRAIN);
    assert_int_equal(tcb->cc.pacing_rate, BW / 2 / 100 * 99);
    set_in_flight(tcb, BDP + 1);
    round_trip(tcb, 60, BW);
    assert_int_equal(bbr->state, BBR_DRAIN);
    set_in_flight(tcb, BDP);
    ack(tcb, 1, BDP, BW);
    assert_int_equal(bbr->state, BBR_PROBE_CRUISE); /* through DOWN, which has nothing to do */
    bbr_tcb_free(tcb);
}

static void drain_ends_after_three_rounds_at_the_latest(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    set_in_flight(tcb, 100);
    for (int i = 0; i < 4; i++)
        round_trip(tcb, BDP, BW);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bbr_of(tcb)->state, BBR_DRAIN);
        round_trip(tcb, 60, BW);
    }
    assert_int_equal(bbr_of(tcb)->state, BBR_DRAIN);
    round_trip(tcb, 60, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_DOWN);
    bbr_tcb_free(tcb);
}

/* A Reno with a window of 40 would halve it after so many rounds; here these come before the two
 * seconds. */
static void cruise_lasts_as_many_rounds_as_reno_would_take(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    int rounds = 0;
    while (bbr_of(tcb)->state == BBR_PROBE_CRUISE) {
        round_trip(tcb, BDP, BW);
        rounds++;
    }
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_REFILL);
    assert_in_range(rounds, BDP - 2, BDP + 1);
    bbr_tcb_free(tcb);
}

static void down_gives_way_to_a_new_probe_after_its_time(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_probe_bw(tcb);
    bbr_of(tcb)->state = BBR_PROBE_DOWN;
    set_in_flight(tcb, 100); /* never drains */
    bbr_of(tcb)->rounds_since_probe_up = 0;
    tcb->stack->now_ns = bbr_of(tcb)->cycle_ns + bbr_of(tcb)->bw_probe_wait_ns;
    ack(tcb, 1, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_DOWN);
    tcb->stack->now_ns++;
    ack(tcb, 1, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_REFILL);
    bbr_tcb_free(tcb);
}

static void up_ends_when_the_bandwidth_grows_no_more(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_up(tcb);
    assert_int_equal(tcb->cc.pacing_rate, BW * 125 / 100 / 100 * 99);
    round_trip(tcb, BDP, BW);
    round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_UP);
    round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_DOWN);
    assert_int_equal(tcb->cc.pacing_rate, BW * 9 / 10 / 100 * 99);
    bbr_tcb_free(tcb);
}

/* At most 2 % of what was in flight with the lost one, which was sent while probing. */
static void up_ends_at_high_loss_and_remembers_how_much_was_safe(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_up(tcb);
    assert_true(bbr->is_bw_probe_sample);
    struct sent_record record = {.segments = 10, .flight = 110, .lost_before = tcb->rate.lost};
    tcb->rate.lost += 10;
    tcb->cc.operations->lost(tcb, &record);
    assert_int_equal(bbr->state, BBR_PROBE_DOWN);
    assert_true(bbr->prev_probe_too_high);
    /* 100 were in flight before the burst; of the 102nd, 2 % are lost. */
    assert_int_equal(bbr->inflight_longterm, 102);
    assert_int_equal(bbr->undo_state, BBR_PROBE_UP);

    bbr->is_bw_probe_sample = false; /* once a probe */
    tcb->rate.lost += 10;
    tcb->cc.operations->lost(tcb, &record);
    assert_int_equal(bbr->inflight_longterm, 102);
    bbr_tcb_free(tcb);
}

static void longterm_volume_falls_by_beta_at_most(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    reach_up(tcb);
    struct bbr_flight flight = {.in_flight = 5, .lost = 5};
    bbr_handle_inflight_too_high(tcb, bbr_of(tcb), &flight);
    assert_int_equal(bbr_of(tcb)->inflight_longterm, BDP * 7 / 10);
    bbr_tcb_free(tcb);
}

/* After a probe that went too high the next turns back where that one was; and, if this went well,
 * another follows at once. */
static void probe_after_a_bad_one_is_short_and_repeated_when_good(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_up(tcb);
    bbr->prev_probe_too_high = true;
    bbr->inflight_longterm = 60;
    set_in_flight(tcb, 59);
    ack(tcb, 1, 50, BW);
    assert_int_equal(bbr->state, BBR_PROBE_UP);
    set_in_flight(tcb, 60);
    ack(tcb, 1, 50, BW);
    assert_int_equal(bbr->state, BBR_PROBE_DOWN);
    assert_true(bbr->prev_probe_precautionary);
    round_trip(tcb, BDP, BW);
    assert_int_equal(bbr->state, BBR_PROBE_REFILL);
    assert_false(bbr->prev_probe_precautionary);
    bbr_tcb_free(tcb);
}

/* By 1, 2, 4, 8 segments in rounds that use it up. */
static void longterm_volume_grows_ever_faster_while_it_is_what_limits(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_up(tcb);
    bbr->inflight_longterm = bbr->probe_up_acked_per_inc = 64;
    tcb->cc.cwnd = 64;
    tcb->cc.limited = true;
    set_in_flight(tcb, 50);
    uint32_t before = bbr->inflight_longterm;
    uint64_t bw = BW;
    for (uint32_t grown = 1; grown <= 8; grown *= 2) {
        bw = bw * 13 / 10;
        round_trip(tcb, tcb->cc.cwnd, bw);
        assert_int_equal(bbr->state, BBR_PROBE_UP);
        assert_in_range(bbr->inflight_longterm - before, grown, grown + grown / 2);
        before = bbr->inflight_longterm;
    }
    tcb->cc.limited = false;
    round_trip(tcb, 64, bw * 13 / 10);
    assert_int_equal(bbr->inflight_longterm, before);
    bbr_tcb_free(tcb);
}

static void probe_rtt_holds_half_for_200_ms_and_a_round(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    bbr->bw_probe_wait_ns = TIME_S(60);
    uint32_t cwnd = tcb->cc.cwnd;
    struct ack_event event = {.rtt_ns = TIME_MS(RTT_MS + 1)};
    tcb->stack->now_ns = bbr->probe_rtt_min_stamp_ns + TIME_S(5) + 1;
    bbr->rounds_since_probe_up = 0;
    event = ack_of(tcb, 1, BDP, BW);
    tcb->cc.operations->control(tcb, &event);
    assert_int_equal(bbr->state, BBR_PROBE_RTT);
    assert_int_equal(tcb->cc.cwnd, BDP / 2);
    assert_int_equal(bbr->probe_rtt_done_ns, 0); /* more is in flight still */
    assert_int_not_equal(tcb->rate.app_limited, 0);
    set_in_flight(tcb, BDP / 2);
    ack(tcb, 1, BDP, BW);
    uint64_t done = tcb->stack->now_ns + TIME_MS(200);
    assert_int_equal(bbr->probe_rtt_done_ns, done);
    while (tcb->stack->now_ns < done) {
        assert_int_equal(bbr->state, BBR_PROBE_RTT);
        round_trip(tcb, BDP / 2, BW / 2);
    }
    assert_in_range(tcb->stack->now_ns, done, done + TIME_MS(RTT_MS));
    round_trip(tcb, BDP / 2, BW / 2);
    assert_int_equal(bbr->state, BBR_PROBE_CRUISE);
    assert_int_equal(tcb->cc.cwnd, cwnd);
    assert_int_equal(bbr_max_bw(bbr), BW);
    bbr_tcb_free(tcb);
}

static void probe_rtt_in_startup_leads_back_there(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    round_trip(tcb, 10, BW);
    tcb->stack->now_ns += TIME_S(5) + 1;
    ack(tcb, 1, 10, BW);
    assert_int_equal(bbr->state, BBR_PROBE_RTT);
    for (int i = 0; i < 8 && bbr->state == BBR_PROBE_RTT; i++)
        round_trip(tcb, 4, BW / 10);
    assert_int_equal(bbr->state, BBR_STARTUP);
    bbr_tcb_free(tcb);
}

static void idle_time_stands_for_probe_rtt(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    set_in_flight(tcb, 0);
    rate_mark_app_limited(tcb);
    tcb->stack->now_ns += TIME_S(6);
    tcb->cc.operations->resumed(tcb, TIME_S(6));
    assert_true(bbr->idle_restart);
    bbr->bw_probe_wait_ns = TIME_S(60);
    ack(tcb, 1, 1, BW / 10);
    assert_int_equal(bbr->state, BBR_PROBE_CRUISE);
    assert_false(bbr->idle_restart);
    bbr_tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup_ends_when_the_bandwidth_grows_no_more),
        cmocka_unit_test(startup_does_not_end_while_the_user_limits),
        cmocka_unit_test(startup_does_not_end_while_the_peer_holds_us_and_no_queue_shows),
        cmocka_unit_test(startup_ends_after_ten_rounds_that_the_peer_holds_us),
        cmocka_unit_test(startup_ends_once_the_peer_holds_us_no_more),
        cmocka_unit_test(startup_ends_at_high_loss_in_recovery),
        cmocka_unit_test(drain_ends_when_the_queue_is_gone),
        cmocka_unit_test(drain_ends_after_three_rounds_at_the_latest),
        cmocka_unit_test(cruise_lasts_as_many_rounds_as_reno_would_take),
        cmocka_unit_test(down_gives_way_to_a_new_probe_after_its_time),
        cmocka_unit_test(up_ends_when_the_bandwidth_grows_no_more),
        cmocka_unit_test(up_ends_at_high_loss_and_remembers_how_much_was_safe),
        cmocka_unit_test(longterm_volume_falls_by_beta_at_most),
        cmocka_unit_test(probe_after_a_bad_one_is_short_and_repeated_when_good),
        cmocka_unit_test(longterm_volume_grows_ever_faster_while_it_is_what_limits),
        cmocka_unit_test(probe_rtt_holds_half_for_200_ms_and_a_round),
        cmocka_unit_test(probe_rtt_in_startup_leads_back_there),
        cmocka_unit_test(idle_time_stands_for_probe_rtt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
