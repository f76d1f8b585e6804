/* Losses that are the path's own, and those that are ours: BBR tells them apart (tcp/bbr_noise.c),
 * and what that gains on the one kind of path costs nobody on the other. */
#include "unit.h"

#include <stdio.h>

#include "base/time.h"
#include "sim/dumbbell.h"

enum {
    MBIT = 50,
    RTT_MS = 40,
    LENGTH_S = 30,
    SETTLED_S = 10, /* from then on it is counted */
    SHORT_QUEUE = 20,
};

#define BBR         "tcp.congestion_control=bbr"
#define DRAFT_S_BBR BBR ",tcp.bbr_noise=0"
#define CUBIC       "tcp.congestion_control=cubic"

struct outcome {
    double mbit[DUMBBELL_FLOWS], sum;
    double overflow; /* part of what came to the bottleneck */
};

static struct outcome play(double loss, uint32_t queue, const char *const *settings, unsigned flows)
{
    struct fault_profile there = {
        .loss = loss, .rate_bits = MBIT * 1000000u, .queue_packets = queue};
    struct dumbbell_config config = {.seed = 1, .bottleneck = {there, {.loss = loss}}};
    struct fault_counts before[2], after[2];
    uint64_t settled[DUMBBELL_FLOWS];
    struct outcome outcome = {0};
    struct dumbbell d;
    config.flows = flows;
    for (unsigned i = 0; i < flows; i++) {
        config.flow[i].settings = settings[i];
        config.flow[i].access_ns = TIME_MS(RTT_MS) / 2;
        config.flow[i].start_ns = i * TIME_MS(300);
    }
    dumbbell_open(&d, &config);
    dumbbell_run(&d, TIME_S(SETTLED_S), 0, NULL, NULL);
    for (unsigned i = 0; i < flows; i++)
        settled[i] = d.received[i];
    fault_link_counts(d.bottleneck[0], before);
    dumbbell_run(&d, TIME_S(LENGTH_S), 0, NULL, NULL);
    fault_link_counts(d.bottleneck[0], after);
    for (unsigned i = 0; i < flows; i++) {
        outcome.mbit[i] = (double)(d.received[i] - settled[i]) * 8 / 1e6 / (LENGTH_S - SETTLED_S);
        outcome.sum += outcome.mbit[i];
    }
    uint64_t overflowed = after[0].overflowed - before[0].overflowed;
    outcome.overflow =
        (double)overflowed / (double)(overflowed + after[0].passed - before[0].passed);
    dumbbell_close(&d);
    return outcome;
}

/* 3 % lost each way: the draft's LossThresh is 2. */
static void noise_does_not_keep_bbr_from_filling_the_line(void **state)
{
    (void)state;
    struct outcome ours = play(0.03, 167, (const char *[]){BBR}, 1);
    struct outcome draft_s = play(0.03, 167, (const char *[]){DRAFT_S_BBR}, 1);
    print_message("%.1f Mbit/s, by the draft %.1f\n", ours.sum, draft_s.sum);
    assert_true(ours.sum > 0.8 * MBIT);
    assert_true(draft_s.sum < 0.6 * MBIT);
}

/* Whose losses come from a full queue has no noise to learn, and leaves CUBIC what it had. */
static void cubic_has_its_share_of_a_short_queue(void **state)
{
    (void)state;
    struct outcome ours = play(0, SHORT_QUEUE, (const char *[]){BBR, CUBIC}, 2);
    struct outcome draft_s = play(0, SHORT_QUEUE, (const char *[]){DRAFT_S_BBR, CUBIC}, 2);
    print_message("beside BBR CUBIC has %.1f Mbit/s, by the draft %.1f\n", ours.mbit[1],
                  draft_s.mbit[1]);
    assert_true(ours.mbit[1] > 0.2 * MBIT);
    assert_true(ours.mbit[1] > 0.8 * draft_s.mbit[1]);
}

/* Eight that are too many for an eighth of a bandwidth-delay product of queue do not take for noise
 * what they do to each other. */
static void many_flows_do_not_take_each_other_for_noise(void **state)
{
    (void)state;
    static const char *const eight[] = {BBR, BBR, BBR, BBR, BBR, BBR, BBR, BBR};
    struct outcome ours = play(0, SHORT_QUEUE, eight, 8);
    print_message("%.1f Mbit/s together, %.2f %% overflow\n", ours.sum, 100 * ours.overflow);
    assert_true(ours.sum > 0.85 * MBIT);
    assert_true(ours.overflow < 0.035);
    for (int i = 0; i < 8; i++)
        assert_true(ours.mbit[i] > ours.sum / 8 / 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_does_not_keep_bbr_from_filling_the_line),
        cmocka_unit_test(cubic_has_its_share_of_a_short_queue),
        cmocka_unit_test(many_flows_do_not_take_each_other_for_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
