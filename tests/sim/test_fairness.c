/* Flows that meet at a bottleneck share it. */
#include "unit.h"

#include <stdio.h>

#include "base/time.h"
#include "sim/dumbbell.h"

enum {
    MBIT = 50,
    QUEUE = 167, /* one bandwidth-delay product of 40 ms */
    LENGTH_S = 45,
    SETTLED_S = 15, /* from then on shares are counted */
};

struct share {
    const char *control;
    unsigned rtt_ms, start_ms;
    double mbit; /* what came of it */
};

static void play(struct share *shares, unsigned flows)
{
    static char settings[DUMBBELL_FLOWS][64];
    uint64_t settled[DUMBBELL_FLOWS];
    struct dumbbell d;
    struct dumbbell_config config = {
        .seed = 1,
        .bottleneck = {{.rate_bits = MBIT * 1000000u, .queue_packets = QUEUE}},
        .flows = flows,
    };
    for (unsigned i = 0; i < flows; i++) {
        snprintf(settings[i], sizeof settings[i], "tcp.congestion_control=%s", shares[i].control);
        config.flow[i].settings = settings[i];
        config.flow[i].access_ns = TIME_MS(shares[i].rtt_ms) / 2;
        config.flow[i].start_ns = TIME_MS(shares[i].start_ms);
    }
    dumbbell_open(&d, &config);
    dumbbell_run(&d, TIME_S(SETTLED_S), 0, NULL, NULL);
    for (unsigned i = 0; i < flows; i++)
        settled[i] = d.received[i];
    dumbbell_run(&d, TIME_S(LENGTH_S), 0, NULL, NULL);
    double sum = 0;
    for (unsigned i = 0; i < flows; i++) {
        shares[i].mbit = (double)(d.received[i] - settled[i]) * 8 / 1e6 / (LENGTH_S - SETTLED_S);
        sum += shares[i].mbit;
    }
    dumbbell_close(&d);
    assert_true(sum > 0.9 * MBIT * 1448 / 1500); /* and nothing of it is wasted */
}

/* Jain's index: 1 when all are alike, 1 / n when one has it all. */
static double jain(const struct share *shares, unsigned flows)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < flows; i++) {
        sum += shares[i].mbit;
        squares += shares[i].mbit * shares[i].mbit;
    }
    return sum * sum / (flows * squares);
}

static const char *const controls[] = {"reno", "cubic", "bbr"};

static void two_alike_share_evenly(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++) {
        struct share shares[] = {{controls[c], 40, 0, 0}, {controls[c], 40, 2000, 0}};
        play(shares, 2);
        print_message("%s: %.1f and %.1f Mbit/s, index %.3f\n", controls[c], shares[0].mbit,
                      shares[1].mbit, jain(shares, 2));
        assert_true(jain(shares, 2) > 0.95);
    }
}

static void four_alike_share_fairly(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++) {
        struct share shares[] = {{controls[c], 40, 0, 0},
                                 {controls[c], 40, 500, 0},
                                 {controls[c], 40, 1000, 0},
                                 {controls[c], 40, 1500, 0}};
        play(shares, 4);
        print_message("%s: %.1f, %.1f, %.1f and %.1f Mbit/s, index %.3f\n", controls[c],
                      shares[0].mbit, shares[1].mbit, shares[2].mbit, shares[3].mbit,
                      jain(shares, 4));
        assert_true(jain(shares, 4) > 0.85);
    }
}

/* Reno's share goes with 1 / RTT to the power of one to two, CUBIC's with less (RFC 9438 §5.1: it
 * grows by time, not by round trips); BBR's does not fall with the RTT. */
static void nobody_starves_for_a_longer_way(void **state)
{
    (void)state;
    static const double most[] = {8, 6, 2}; /* so much more may the shorter way have */
    for (int c = 0; c < 3; c++) {
        struct share shares[] = {{controls[c], 20, 0, 0}, {controls[c], 80, 1000, 0}};
        play(shares, 2);
        print_message("%s: %.1f with 20 ms, %.1f with 80 ms\n", controls[c], shares[0].mbit,
                      shares[1].mbit);
        assert_true(shares[0].mbit < most[c] * shares[1].mbit);
        assert_true(shares[1].mbit < 2.5 * shares[0].mbit);
    }
}

/* Reno needs seven seconds to have back what a loss here costs it, and BBR probes sooner. */
static void nobody_starves_beside_another_control(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"cubic", "bbr"}, {"cubic", "reno"}, {"reno", "bbr"}};
    for (int i = 0; i < 3; i++) {
        struct share shares[] = {{pairs[i][0], 40, 0, 0}, {pairs[i][1], 40, 2000, 0}};
        play(shares, 2);
        print_message("%s %.1f, %s %.1f Mbit/s\n", pairs[i][0], shares[0].mbit, pairs[i][1],
                      shares[1].mbit);
        assert_true(shares[0].mbit > 0.15 * MBIT);
        assert_true(shares[1].mbit > 0.15 * MBIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_alike_share_evenly),
        cmocka_unit_test(four_alike_share_fairly),
        cmocka_unit_test(nobody_starves_for_a_longer_way),
        cmocka_unit_test(nobody_starves_beside_another_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
