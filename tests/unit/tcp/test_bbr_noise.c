#include "tcp/bbr_fixture.h"

enum { SENT = 100 /* in a round */ };

/* A round trip in which so many of a hundred are lost. */
static void lossy_round(struct tcb *tcb, uint32_t lost, uint64_t bw, uint64_t rtt_ns)
{
    for (uint32_t i = 0; i < lost; i++) {
        struct sent_record record = {.segments = 1, .flight = SENT, .lost_before = tcb->rate.lost};
        tcb->rate.lost++;
        tcb->cc.operations->lost(tcb, &record);
    }
    struct ack_event event = ack_of(tcb, SENT - lost, SENT, bw);
    event.rate.lost = lost;
    event.rtt_ns = rtt_ns;
    tcb->stack->now_ns += rtt_ns;
    tcb->cc.operations->control(tcb, &event);
}

/* Into a cruise, of which all that comes in is part, for so long that no probe comes between. */
static struct bbr *cruise(struct tcb *tcb)
{
    struct bbr *bbr = bbr_of(tcb);
    reach_probe_bw(tcb);
    round_trip(tcb, BDP, BW);
    round_trip(tcb, BDP, BW);
    bbr->bw_probe_wait_ns = TIME_S(60);
    bbr->rounds_since_probe_up = 0;
    assert_int_equal(bbr->state, BBR_PROBE_CRUISE);
    assert_int_equal(bbr->bw, BW);
    return bbr;
}

static void noise_is_what_loss_thresh_or_chance_explains(void **state)
{
    (void)state;
    static const struct {
        uint32_t parts, of, in_flight, most;
    } cases[] = {
        {0, 0, 100, 2}, /* LossThresh */
        {0, 0, 20, 0},
        {300, UINT32_MAX, 400, 22},    /* 12, and three times 3.46 */
        {300, UINT32_MAX, 100, 8},     /* 3 and three times 1.73 */
        {300, UINT32_MAX, 20, 1},      /* 8 % are never noise */
        {300, UINT32_MAX, 10000, 351}, /* 300 and three times 17.3 */
        {100, UINT32_MAX, 10000, 200},
        {50, UINT32_MAX, 5, 0},
        {300, 10000, 10000, 378}, /* 300 and three times 26.0: the variances of both */
        {300, 400, 400, 31},      /* 12 and three times 6.6 */
        {74, 135, 129, 10},       /* who lost 1 of 135 knows little; but 8 % … */
        {74, UINT32_MAX, 129, 3}, /* if it were certain: 0.95 and three times 0.98 */
    };
    struct tcb *tcb = bbr_tcb_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bbr_of(tcb)->noise_parts = cases[i].parts;
        bbr_of(tcb)->noise_of = cases[i].of;
        assert_true(bbr_is_noise(tcb, cases[i].most, cases[i].in_flight));
        assert_false(bbr_is_noise(tcb, cases[i].most + 1, cases[i].in_flight));
    }
    tcb->opt.sack = false;
    assert_true(bbr_is_noise(tcb, 0, 100));
    assert_false(bbr_is_noise(tcb, 1, 100));
    bbr_tcb_free(tcb);
}

static void losses_that_stay_as_bbr_yields_are_noise(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = cruise(tcb);
    lossy_round(tcb, 4, BW * 96 / 100, TIME_MS(RTT_MS));
    assert_int_equal(bbr->bw, BW * 75 / 100);
    for (int i = 0; i < 6; i++) { /* the first is still of what was sent before */
        assert_int_equal(bbr->noise_parts, 0);
        lossy_round(tcb, 4, BW * 75 / 100, TIME_MS(RTT_MS));
    }
    lossy_round(tcb, 4, BW * 75 / 100, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 400);
    assert_int_equal(bbr->noise_of, 600);
    assert_int_equal(bbr->bw, BW); /* nothing speaks against it any more */
    assert_false(bbr_is_inflight_too_high(tcb, &(struct bbr_flight){.in_flight = 100, .lost = 4}));
    bbr_tcb_free(tcb);
}

static void losses_that_end_as_bbr_yields_were_not(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = cruise(tcb);
    lossy_round(tcb, 4, BW * 96 / 100, TIME_MS(RTT_MS));
    for (int i = 0; i < 7; i++)
        lossy_round(tcb, 0, BW * 75 / 100, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 0);
    assert_in_range(bbr->bw, BW * 90 / 100, BW); /* as the draft has it after that first round */
    /* And asks no more in this cycle. */
    lossy_round(tcb, 4, BW * 95 / 100, TIME_MS(RTT_MS));
    assert_true(bbr->bw > BW * 75 / 100);
    assert_int_equal(bbr->yield_rounds, 0);
    bbr_tcb_free(tcb);
}

static void losses_beyond_the_setting_are_not_believed(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = cruise(tcb);
    for (int i = 0; i < 8; i++)
        lossy_round(tcb, 7, BW * 70 / 100, TIME_MS(RTT_MS));
    assert_true(bbr->has_yielded);
    assert_int_equal(bbr->yield_rounds, 0);
    assert_int_equal(bbr->noise_parts, 0);
    bbr_tcb_free(tcb);
}

static void nothing_is_learnt_where_there_is_a_queue(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = cruise(tcb);
    for (int i = 0; i < 10; i++)
        lossy_round(tcb, 4, BW * 75 / 100, TIME_MS(RTT_MS + 2));
    assert_true(bbr->has_yielded);
    assert_int_equal(bbr->yield_rounds, 0);
    assert_int_equal(bbr->noise_sent, 0);
    assert_int_equal(bbr->noise_parts, 0);
    bbr_tcb_free(tcb);
}

static void nobody_yields_when_it_is_set_to_nothing(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    tcb->stack->settings.tcp_bbr_noise = 0;
    struct bbr *bbr = cruise(tcb);
    for (int i = 0; i < 10; i++)
        lossy_round(tcb, 4, BW * 96 / 100, TIME_MS(RTT_MS));
    assert_false(bbr->has_yielded);
    assert_int_equal(bbr->noise_parts, 0);
    bbr_tcb_free(tcb);
}

static void noise_is_forgotten_after_ten_seconds(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = cruise(tcb);
    bbr->noise_parts = 300;
    bbr->noise_of = 512;
    bbr->noise_stamp_ns = tcb->stack->now_ns;
    lossy_round(tcb, 0, BW, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 300);
    tcb->stack->now_ns += TIME_S(10);
    lossy_round(tcb, 0, BW, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 0);
    bbr_tcb_free(tcb);
}

/* As long as the bandwidth grows with what is sent the path is not full. */
static void startup_learns_while_the_bandwidth_grows(void **state)
{
    (void)state;
    struct tcb *tcb = bbr_tcb_new();
    struct bbr *bbr = bbr_of(tcb);
    lossy_round(tcb, 3, BW / 4, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 300);
    assert_int_equal(bbr->noise_of, 100);
    lossy_round(tcb, 5, BW / 2, TIME_MS(RTT_MS));
    assert_int_equal(bbr->noise_parts, 400);
    lossy_round(tcb, 6, BW / 2, TIME_MS(RTT_MS)); /* it does not grow */
    assert_int_equal(bbr->noise_parts, 400);
    lossy_round(tcb, 6, BW, TIME_MS(RTT_MS + 2)); /* a queue does */
    assert_int_equal(bbr->noise_parts, 400);
    for (int i = 0; i < 3; i++)
        lossy_round(tcb, 0, BW, TIME_MS(RTT_MS));
    assert_int_not_equal(bbr->state, BBR_STARTUP);
    assert_int_equal(bbr->noise_parts, 400);
    assert_int_equal(bbr->noise_of, 200);
    assert_int_equal(bbr->noise_sent, 0); /* what comes is counted by itself */
    bbr_tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_what_loss_thresh_or_chance_explains),
        cmocka_unit_test(losses_that_stay_as_bbr_yields_are_noise),
        cmocka_unit_test(losses_that_end_as_bbr_yields_were_not),
        cmocka_unit_test(losses_beyond_the_setting_are_not_believed),
        cmocka_unit_test(nothing_is_learnt_where_there_is_a_queue),
        cmocka_unit_test(nobody_yields_when_it_is_set_to_nothing),
        cmocka_unit_test(noise_is_forgotten_after_ten_seconds),
        cmocka_unit_test(startup_learns_while_the_bandwidth_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
