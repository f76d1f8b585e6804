/* Each congestion control behaves over time as its paper plots it: one flow alone at a bottleneck,
 * its window looked at as it goes. docs/performance.md shows the same as pictures. */
#include "unit.h"

#include <stdlib.h>

#include "base/time.h"
#include "sim/dumbbell.h"
#include "tcp/bbr.h"
#include "tcp/tcb.h"

enum { SAMPLES_MOST = 1 << 14 };

struct sample {
    uint64_t at_ns, rtt_ns;
    uint32_t cwnd, ssthresh, in_flight, resent;
    enum tcp_phase phase;
    enum bbr_state state; /* of BBR only */
    uint64_t received;
};

struct film {
    struct dumbbell network;
    unsigned count;
    struct sample sample[SAMPLES_MOST];
};

static void look(void *user, struct dumbbell *d)
{
    struct film *film = user;
    const struct tcb *tcb = dumbbell_tcb(d, 0);
    if (!tcb || film->count == SAMPLES_MOST)
        return;
    film->sample[film->count++] =
        (struct sample){.at_ns = dumbbell_time(d),
                        .rtt_ns = tcb->rtt.latest_ns,
                        .cwnd = tcb->cc.cwnd,
                        .ssthresh = tcb->cc.ssthresh,
                        .in_flight = tcb_in_flight(tcb),
                        .resent = tcb->stat.retransmits,
                        .phase = tcb->recovery.phase,
                        .state = tcb->cc.operations == &cc_bbr ? bbr_of(tcb)->state : BBR_STATES,
                        .received = d->received[0]};
}

/* A flow alone over `mbit`, `rtt_ms` and a queue of so many packets. */
static struct film *play(const char *settings, uint64_t mbit, uint64_t rtt_ms, uint32_t queue,
                         uint64_t seconds)
{
    struct film *film = calloc(1, sizeof *film);
    assert_non_null(film);
    struct dumbbell_config config = {
        .seed = 1,
        .bottleneck = {{.delay_ns = TIME_MS(rtt_ms) / 2,
                        .rate_bits = mbit * 1000000,
                        .queue_packets = queue},
                       {.delay_ns = TIME_MS(rtt_ms) / 2}},
        .flows = 1,
        .flow = {{.settings = settings}},
    };
    dumbbell_open(&film->network, &config);
    dumbbell_run(&film->network, TIME_S(seconds), TIME_MS(10), look, film);
    dumbbell_close(&film->network);
    return film;
}

/* From `from` on, the first sample in (or out of) a recovery; film->count: none. */
static unsigned find_recovery(const struct film *film, unsigned from, bool in)
{
    while (from < film->count && (film->sample[from].phase == TCP_PHASE_RECOVERY) != in)
        from++;
    return from;
}

/* ── Reno ── */

/* Round trips that pass between two samples. */
static double rounds_between(const struct film *film, unsigned from, unsigned to)
{
    double rounds = 0;
    for (unsigned i = from; i < to; i++)
        rounds += (double)(film->sample[i + 1].at_ns - film->sample[i].at_ns) /
                  (double)film->sample[i].rtt_ns;
    return rounds;
}

/* RFC 5681 §3.1: one segment a round trip. Equation 4: half. */
static void reno_climbs_a_segment_a_round_trip_and_halves(void **state)
{
    (void)state;
    struct film *film = play("tcp.congestion_control=reno", 20, 40, 67, 30);
    unsigned teeth = 0;
    /* The first loss ends slow start. */
    unsigned climb = find_recovery(film, find_recovery(film, 0, true), false);
    for (;; teeth++) {
        unsigned loss = find_recovery(film, climb, true);
        if (loss == film->count)
            break;
        double climbed = film->sample[loss - 1].cwnd - film->sample[climb].cwnd;
        assert_in_range(100 * climbed / rounds_between(film, climb, loss - 1), 90, 105);
        climb = find_recovery(film, loss, false);
        assert_in_range(2 * film->sample[climb].ssthresh, film->sample[loss - 1].cwnd - 1,
                        film->sample[loss - 1].cwnd + 2);
        assert_in_range(film->sample[climb].cwnd, film->sample[climb].ssthresh,
                        film->sample[climb].ssthresh + 2);
    }
    assert_in_range(teeth, 4, 10);
    /* A queue of one bandwidth-delay product keeps the line busy through the halving. */
    assert_true((double)film->sample[film->count - 1].received * 8 > 20e6 * 30 * 0.94);
    free(film);
}

/* ── CUBIC ── */

static double cube(double x)
{
    return x * x * x;
}

/* K = cbrt((W_max - cwnd) / C), in seconds. */
static double time_to_plateau(double w_max, double cwnd)
{
    double low = 0, high = 100;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.4 * cube(middle) < w_max - cwnd)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* RFC 9438 figure 1: concave up to W_max, convex beyond: 0.4 (t - K)^3 + W_max at every moment.
 * Counts in `beyond` the samples with the window beyond W_max. */
static bool follows_curve(const struct film *film, unsigned from, unsigned to, double w_max,
                          unsigned *beyond)
{
    double start = film->sample[from].cwnd, plateau = time_to_plateau(w_max, start);
    for (unsigned i = from; i < to; i++) {
        double t = (double)(film->sample[i].at_ns - film->sample[from].at_ns) / 1e9;
        double wanted = 0.4 * cube(t - plateau) + w_max;
        double got = film->sample[i].cwnd;
        if (got < 0.98 * wanted || got > 1.02 * wanted)
            return false;
        *beyond += t > plateau && got > 1.02 * w_max;
    }
    return true;
}

static void cubic_follows_its_curve_and_keeps_seven_tenths(void **state)
{
    (void)state;
    struct film *film =
        play("tcp.congestion_control=cubic,tcp.sndbuf=8388608,tcp.sndbuf_max=8388608", 100, 100,
             833, 80);
    unsigned epochs = 0, convex = 0;
    unsigned loss = find_recovery(film, 0, true); /* slow start, and what it leaves behind */
    loss = find_recovery(film, find_recovery(film, loss, false), true);
    for (; loss < film->count; epochs++) {
        double before = film->sample[loss - 1].cwnd;
        unsigned climb = find_recovery(film, loss, false);
        assert_in_range(1000 * film->sample[climb].ssthresh / before, 695, 705);
        loss = find_recovery(film, climb, true);
        /* §4.7, fast convergence, where the window was smaller than the time before. */
        assert_true(follows_curve(film, climb, loss, before, &convex) ||
                    follows_curve(film, climb, loss, before * 0.85, &convex));
    }
    assert_in_range(epochs, 3, 12);
    assert_true(convex > 100);
    free(film);
}

/* ── HyStart++ ── */

/* RFC 9406: the rise of the delay ends slow start; nothing has been lost. Without it, the queue
 * overflows. */
static void hystart_leaves_slow_start_before_anything_is_lost(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct film *film = play(on ? "tcp.hystart=++" : "tcp.hystart=off", 50, 50, 2500, 6);
        unsigned i = 0;
        while (i + 1 < film->count && film->sample[i].ssthresh == UINT32_MAX)
            i++;
        assert_true(film->sample[i].ssthresh != UINT32_MAX);
        assert_true(film->sample[i].cwnd > 208); /* the pipe is full */
        assert_int_equal(film->sample[i].phase == TCP_PHASE_RECOVERY, !on);
        if (on)
            assert_int_equal(film->sample[i].resent, 0);
        free(film);
    }
}

/* ── BBR ── */

enum { BBR_BDP = 167 /* 50 Mbit/s, 40 ms */ };

/* draft-ietf-ccwg-bbr, its state machine: DOWN, CRUISE, REFILL, UP, and round again; every five
 * seconds and some ProbeRTT, which leads into CRUISE. */
static void bbr_goes_through_its_cycle(void **state)
{
    (void)state;
    struct film *film = play("tcp.congestion_control=bbr", 50, 40, 500, 30);
    unsigned visits[BBR_STATES] = {0};
    for (unsigned i = 1; i < film->count; i++) {
        const struct sample *now = &film->sample[i], *before = now - 1;
        if (now->state == before->state)
            continue;
        visits[now->state]++;
        if (now->state == BBR_PROBE_CRUISE) /* by way of DOWN, be it for a moment */
            assert_true(before->state == BBR_PROBE_DOWN || before->state == BBR_PROBE_RTT ||
                        before->state == BBR_DRAIN);
        if (now->state == BBR_PROBE_REFILL)
            assert_true(before->state == BBR_PROBE_CRUISE || before->state == BBR_PROBE_DOWN);
        if (now->state == BBR_PROBE_UP)
            assert_int_equal(before->state, BBR_PROBE_REFILL);
    }
    assert_int_equal(visits[BBR_STARTUP], 0);
    assert_int_equal(visits[BBR_DRAIN], 1);
    assert_in_range(visits[BBR_PROBE_UP], 8, 15); /* every two to three seconds */
    assert_in_range(visits[BBR_PROBE_RTT], 2, 5);
    free(film);
}

/* Half the volume in ProbeRTT; a queue only while more is asked for, and the line is busy all the
 * same. */
static void bbr_keeps_the_queue_small_and_the_line_busy(void **state)
{
    (void)state;
    struct film *film = play("tcp.congestion_control=bbr", 50, 40, 500, 30);
    unsigned cruising = 0, quick = 0, least = UINT32_MAX;
    for (unsigned i = 0; i < film->count; i++) {
        const struct sample *s = &film->sample[i];
        if (s->state == BBR_PROBE_RTT && s->in_flight < least)
            least = s->in_flight;
        if (s->at_ns < TIME_S(2) || s->state != BBR_PROBE_CRUISE)
            continue;
        cruising++;
        quick += s->rtt_ns < TIME_MS(42);
    }
    assert_true(cruising > film->count / 2);
    assert_true(quick > cruising * 9 / 10);
    assert_in_range(least, BBR_BDP * 2 / 5, BBR_BDP * 3 / 5);
    assert_true((double)film->sample[film->count - 1].received * 8 > 50e6 * 30 * 0.9);
    assert_int_equal(film->sample[film->count - 1].resent, 0);
    free(film);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reno_climbs_a_segment_a_round_trip_and_halves),
        cmocka_unit_test(cubic_follows_its_curve_and_keeps_seven_tenths),
        cmocka_unit_test(hystart_leaves_slow_start_before_anything_is_lost),
        cmocka_unit_test(bbr_goes_through_its_cycle),
        cmocka_unit_test(bbr_keeps_the_queue_small_and_the_line_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
