/* RFC 9438, against its equations in floating point. */
#include "tcp_peer.h"

#include "tcp/ack.h"

enum { RTT_MS = 100 };

static struct peer *peer_using_cubic(uint32_t cwnd, uint32_t ssthresh)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_hystart = 0;
    peer_open(p, PEER_PLAIN);
    assert_string_equal(p->tcb->cc.operations->name, "cubic"); /* the default */
    p->tcb->cc.cwnd = cwnd;
    p->tcb->cc.ssthresh = ssthresh;
    p->tcb->cc.limited = true;
    p->tcb->rtt.srtt_ns = TIME_MS(RTT_MS);
    return p;
}

/* A round trip in which the whole window is acknowledged. */
static void round_trip_of(struct peer *p, uint32_t rtt_ms)
{
    uint32_t window = p->tcb->cc.cwnd;
    p->tcb->rtt.srtt_ns = TIME_MS(rtt_ms);
    peer_after(p, rtt_ms);
    for (uint32_t i = 0; i < window; i++) {
        struct ack_event event = {.delivered = 1, .rtt_ns = TIME_MS(rtt_ms)};
        p->tcb->cc.operations->acknowledged(p->tcb, &event);
    }
}

static void round_trip(struct peer *p)
{
    round_trip_of(p, RTT_MS);
}

static double cube(double x)
{
    return x * x * x;
}

static double cube_root(double x)
{
    double low = 0, high = 1000;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (cube(middle) < x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* §4.6: beta 0.7, and never below two. */
static void reduction_leaves_seven_tenths(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(100, 100);
    assert_in_range(p->tcb->cc.operations->reduced(p->tcb), 70, 70);
    for (uint32_t cwnd = 1; cwnd < 4; cwnd++) {
        p->tcb->cc.cwnd = cwnd;
        assert_int_equal(p->tcb->cc.operations->reduced(p->tcb), 2);
    }
    peer_free(p);
}

/* §4.2: W(t) = C (t - K)^3 + W_max with K = cbrt((W_max - cwnd) / C). */
static void window_follows_the_cubic_function(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    uint32_t reduced = p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = reduced;
    double k = cube_root((400.0 - reduced) / 0.4), t = 0;
    bool below = true;
    for (int i = 0; i < 120; i++, t += RTT_MS / 1000.0) {
        double expected = 0.4 * cube(t - k) + 400;
        double cwnd = p->tcb->cc.cwnd;
        /* A round trip behind the curve it is led to, and growing by no more than a half of it. */
        if (i > 3 && i < 110)
            assert_true(cwnd > 0.94 * expected - 2 && cwnd < 1.06 * expected + 2);
        below = below && (t > k || cwnd <= 402);
        round_trip(p);
    }
    assert_true(below); /* concave up to the plateau */
    assert_true(p->tcb->cc.cwnd > 400);
    peer_free(p);
}

/* §4.2: the target is W_cubic(t + RTT), of the smoothed round trip. */
static void curve_is_read_a_round_trip_ahead(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = p->tcb->cc.operations->reduced(p->tcb);
    double k = cube_root((400.0 - p->tcb->cc.cwnd) / 0.4);
    uint32_t target = (uint32_t)(0.4 * cube(1 - k) + 400);
    uint32_t way = target - p->tcb->cc.cwnd;
    round_trip_of(p, 1000); /* all its ACKs at t = 0: each goes 1 / cwnd of what is left to go */
    assert_in_range(p->tcb->cc.cwnd, target - way * 4 / 10, target - way * 3 / 10);
    peer_free(p);
}

/* §4.2: from one round trip to the next by no more than a half, however far the curve is above. */
static void window_grows_by_no_more_than_half_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(1000, 1000);
    p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 20;
    round_trip(p); /* the stage begins */
    uint32_t before = p->tcb->cc.cwnd;
    p->tcb->stack->now_ns += TIME_S(12); /* the curve is at the plateau, fifty times as high */
    round_trip(p);
    assert_in_range(p->tcb->cc.cwnd, before + before / 2 - 2, before + before / 2);
    peer_free(p);
}

/* §4.2: where the curve lies below the window, the window stays. */
static void window_above_the_curve_stays(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(2000, 2000);
    p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 1400;
    round_trip(p);
    p->tcb->cc.cwnd = 1990; /* where the curve leads to in eleven seconds only */
    for (int i = 0; i < 20; i++)
        round_trip_of(p, 10);
    assert_int_equal(p->tcb->cc.cwnd, 1990);
    peer_free(p);
}

/* §4.3: in the Reno-friendly region never less than Reno's share would be. */
static void small_windows_grow_at_least_as_reno_s_do(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(10, 10);
    uint32_t reduced = p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = reduced;
    double reno = reduced;
    for (int i = 0; i < 30; i++) {
        round_trip(p);
        reno += 3 * (1 - 0.7) / (1 + 0.7);
        assert_true(p->tcb->cc.cwnd + 2 >= reno);
    }
    peer_free(p);
}

/* §4.3: on a short path the cubic function stands still, and W_est is all there is to follow: alpha
 * is 0.53 up to the window before the reduction, and 1 from there on. */
static void short_paths_see_the_growth_of_reno(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(10, 10);
    uint32_t reduced = p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = reduced;
    uint32_t window[25] = {reduced};
    for (int i = 1; i < 25; i++) {
        round_trip_of(p, 1);
        window[i] = p->tcb->cc.cwnd;
    }
    assert_in_range(window[6], 9, 10);
    assert_in_range(window[24] - window[14], 8, 10);
    peer_free(p);
}

/* §4.7: fast convergence. */
static void loss_below_the_last_maximum_gives_room_to_others(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(100, 100);
    p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 80;
    uint32_t reduced = p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = reduced;
    /* The plateau is 80 * (1 + 0.7) / 2 = 68, not 80: there it rests. */
    for (int i = 0; i < 20; i++)
        round_trip(p);
    assert_in_range(p->tcb->cc.cwnd, 64, 71); /* with the other it were 77 */
    peer_free(p);
}

/* §4.10: after slow start without a loss K is 0 and W_max the window; and as nothing has shown
 * where to rest, it grows by a twentieth a round trip until the curve is steeper. */
static void window_before_any_loss_grows_by_a_twentieth(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(200, 200);
    round_trip_of(p, 10);
    assert_in_range(p->tcb->cc.cwnd, 209, 211);
    for (int i = 0; i < 120; i++)
        round_trip_of(p, 100);
    p->tcb->cc.cwnd = 700; /* at t = 12.01 s the curve is at 200 + 0.4 * 12^3 = 893 */
    round_trip_of(p, 100);
    assert_in_range(p->tcb->cc.cwnd, 820, 900);
    peer_free(p);
}

static void slow_start_is_slow_start(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(10, 100);
    round_trip(p);
    assert_int_equal(p->tcb->cc.cwnd, 20);
    peer_free(p);
}

/* §4.8. */
static void timeout_starts_everything_anew(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    p->tcb->cc.operations->reduced(p->tcb);
    p->tcb->cc.operations->timed_out(p->tcb);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = 50;
    for (int i = 0; i < 10; i++)
        round_trip(p);
    assert_true(p->tcb->cc.cwnd < 100); /* the old curve would have led to 155 */
    peer_free(p);
}

/* §4.9.2: W_max, K, t_epoch, W_est and cwnd_prior are as they were, and the curve goes on. */
static void undone_reduction_leaves_the_curve_as_it_was(void **state)
{
    (void)state;
    uint32_t window[2];
    for (int undone = 0; undone < 2; undone++) {
        struct peer *p = peer_using_cubic(400, 400);
        struct tcb *tcb = p->tcb;
        tcb->cc.cwnd = tcb->cc.ssthresh = tcb->cc.operations->reduced(tcb);
        for (int i = 0; i < 20; i++)
            round_trip(p);
        if (undone) {
            uint32_t before = tcb->cc.cwnd;
            tcb->cc.cwnd = tcb->cc.operations->reduced(tcb);
            tcb->cc.operations->undone(tcb);
            tcb->cc.cwnd = before;
        }
        for (int i = 0; i < 60; i++)
            round_trip(p);
        window[undone] = tcb->cc.cwnd;
        peer_free(p);
    }
    assert_in_range(window[1], window[0] - 1, window[0]);
}

/* And after a timeout (§4.9.1). */
static void undone_timeout_leaves_the_curve_as_it_was(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    struct tcb *tcb = p->tcb;
    tcb->cc.cwnd = tcb->cc.ssthresh = tcb->cc.operations->reduced(tcb);
    round_trip(p);
    uint32_t before = tcb->cc.cwnd;
    tcb->cc.operations->reduced(tcb);
    tcb->cc.operations->timed_out(tcb);
    tcb->cc.cwnd = 1;
    tcb->cc.operations->undone(tcb);
    tcb->cc.cwnd = before;
    for (int i = 0; i < 60; i++)
        round_trip(p);
    assert_in_range(tcb->cc.cwnd, 390, 402); /* the plateau; without it, it is far beyond */
    peer_free(p);
}

/* §4.9.2: what has grown beyond cwnd_prior meanwhile goes on by what is new. */
static void late_undoing_leaves_what_has_grown(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    struct tcb *tcb = p->tcb;
    tcb->cc.operations->reduced(tcb);
    tcb->cc.cwnd = tcb->cc.ssthresh = 100;
    tcb->cc.operations->reduced(tcb);
    tcb->cc.cwnd = tcb->cc.ssthresh = 101;
    tcb->cc.operations->undone(tcb);
    for (int i = 0; i < 20; i++)
        round_trip(p);
    assert_true(tcb->cc.cwnd < 130); /* the plateau of 400 is not gone back to */
    peer_free(p);
}

/* §4.2, §4.6: a window that is not filled does not grow, and its time is none of the curve's,
 * though something is out all the while. */
static void time_of_an_unfilled_window_does_not_count(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = p->tcb->cc.operations->reduced(p->tcb);
    round_trip(p);
    uint32_t before = p->tcb->cc.cwnd;
    p->tcb->cc.limited = false;
    for (int i = 0; i < 200; i++)
        round_trip(p);
    assert_int_equal(p->tcb->cc.cwnd, before);
    p->tcb->cc.limited = true;
    round_trip(p);
    assert_in_range(p->tcb->cc.cwnd, before, before + 20);
    peer_free(p);
}

/* §4.1.2: t_epoch is when congestion avoidance began; slow start, after a pause, is no part of it.
 */
static void slow_start_begins_another_stage(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = p->tcb->cc.operations->reduced(p->tcb);
    for (int i = 0; i < 60; i++)
        round_trip(p);
    p->tcb->cc.cwnd = 100;
    p->tcb->cc.ssthresh = 200;
    for (int i = 0; i < 2; i++)
        round_trip(p); /* slow start, and the first of the new stage */
    uint32_t before = p->tcb->cc.cwnd;
    round_trip(p);
    assert_in_range(p->tcb->cc.cwnd, before + 4, before + 15); /* concave, not the half of it */
    peer_free(p);
}

/* §5.8: time in which nothing was sent is not time on the curve. */
static void idle_time_does_not_move_the_window_along_the_curve(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = p->tcb->cc.operations->reduced(p->tcb);
    round_trip(p);
    uint32_t before = p->tcb->cc.cwnd;
    peer_after(p, 60000);
    p->tcb->cc.operations->resumed(p->tcb, TIME_S(60));
    round_trip(p);
    assert_true(p->tcb->cc.cwnd < before + before / 4);
    peer_free(p);
}

/* §4.3: alpha is exact for whatever window: with one of three million and below cwnd_prior, Reno's
 * grows by one for more than five million segments acknowledged. */
static void Reno_of_a_huge_window_is_no_faster(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(3000000, 2000000);
    p->tcb->cc.operations->wake(p->tcb, UINT64_C(5000000) << 32 | 2000000);
    struct ack_event event = {.delivered = 2000000, .rtt_ns = TIME_MS(RTT_MS)};
    for (int i = 0; i < 2; i++)
        p->tcb->cc.operations->acknowledged(p->tcb, &event);
    assert_int_equal(p->tcb->cc.cwnd, 3000000);
    assert_int_equal(p->tcb->cc.fraction, 0);
    peer_free(p);
}

/* Time is left out of the curve only from when it was restored: an epoch ahead of the clock would
 * have the window grow by half each round trip. */
static void undone_timeout_leaves_the_epoch_behind_the_clock(void **state)
{
    (void)state;
    struct peer *p = peer_using_cubic(400, 400);
    struct tcb *tcb = p->tcb;
    tcb->cc.cwnd = tcb->cc.ssthresh = tcb->cc.operations->reduced(tcb);
    for (int i = 0; i < 100; i++)
        round_trip(p);
    const uint32_t before = tcb->cc.cwnd;
    tcb->cc.operations->reduced(tcb);
    tcb->cc.operations->timed_out(tcb);
    tcb->cc.cwnd = 1;
    tcb->cc.operations->undone(tcb);
    tcb->cc.cwnd = before;
    tcb->cc.limited = false;
    tcb->cc.operations->acknowledged(
        tcb, &(struct ack_event){.delivered = 1, .rtt_ns = TIME_MS(RTT_MS)});
    tcb->cc.limited = true;
    for (int i = 0; i < 12; i++)
        round_trip(p);
    assert_in_range(tcb->cc.cwnd, before, before + before / 10);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Reno_of_a_huge_window_is_no_faster),
        cmocka_unit_test(reduction_leaves_seven_tenths),
        cmocka_unit_test(window_follows_the_cubic_function),
        cmocka_unit_test(curve_is_read_a_round_trip_ahead),
        cmocka_unit_test(window_grows_by_no_more_than_half_a_round_trip),
        cmocka_unit_test(window_above_the_curve_stays),
        cmocka_unit_test(small_windows_grow_at_least_as_reno_s_do),
        cmocka_unit_test(short_paths_see_the_growth_of_reno),
        cmocka_unit_test(loss_below_the_last_maximum_gives_room_to_others),
        cmocka_unit_test(window_before_any_loss_grows_by_a_twentieth),
        cmocka_unit_test(slow_start_is_slow_start),
        cmocka_unit_test(timeout_starts_everything_anew),
        cmocka_unit_test(undone_reduction_leaves_the_curve_as_it_was),
        cmocka_unit_test(undone_timeout_leaves_the_curve_as_it_was),
        cmocka_unit_test(late_undoing_leaves_what_has_grown),
        cmocka_unit_test(time_of_an_unfilled_window_does_not_count),
        cmocka_unit_test(slow_start_begins_another_stage),
        cmocka_unit_test(idle_time_does_not_move_the_window_along_the_curve),
        cmocka_unit_test(undone_timeout_leaves_the_epoch_behind_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
