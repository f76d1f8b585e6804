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
    return p;
}

/* A round trip in which the whole window is acknowledged. */
static void round_trip_of(struct peer *p, uint32_t rtt_ms)
{
    uint32_t window = p->tcb->cc.cwnd;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduction_leaves_seven_tenths),
        cmocka_unit_test(window_follows_the_cubic_function),
        cmocka_unit_test(small_windows_grow_at_least_as_reno_s_do),
        cmocka_unit_test(short_paths_see_the_growth_of_reno),
        cmocka_unit_test(loss_below_the_last_maximum_gives_room_to_others),
        cmocka_unit_test(slow_start_is_slow_start),
        cmocka_unit_test(timeout_starts_everything_anew),
        cmocka_unit_test(idle_time_does_not_move_the_window_along_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
