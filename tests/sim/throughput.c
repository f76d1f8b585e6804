/* Prints the throughput of one flow over paths that lose and reorder, both ways, as a table:
 *
 *   congestion control, reordering, loss in percent, RTT in ms, Mbit/s, standard error
 *
 * The arguments name the congestion control and the reordering of the rows that are wanted, and
 * "quick" a few of them only. scripts/throughput runs this and compares. */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sim/dumbbell.h"

enum {
    RATE_MBIT = 100,
    SEEDS = 8,
    LEAST_QUEUE = 50, /* packets; else the bandwidth-delay product */
    PACKET_BITS = 1500 * 8,
};

static const double losses[] = {0, 0.001, 0.005, 0.01, 0.02, 0.05};
static const unsigned rtts_ms[] = {1, 10, 50, 100, 200};

/* A packet in so many travels longer by up to half an RTT, or a millisecond where that is more. */
static const struct {
    const char *name;
    double part;
} reorderings[] = {{"none", 0}, {"mild", 0.01}, {"strong", 0.1}};

static const struct {
    double loss;
    unsigned rtt_ms;
} quick_cells[] = {{0.01, 10}, {0.01, 100}, {0.05, 50}};

static uint64_t duration_ns(unsigned rtt_ms)
{
    return TIME_S(4) + 50 * TIME_MS(rtt_ms);
}

static double run(const char *settings, double reorder, double loss, unsigned rtt_ms, uint64_t seed)
{
    uint32_t product = RATE_MBIT * 1000 * rtt_ms / PACKET_BITS;
    struct fault_profile there = {.loss = loss,
                                  .reorder = reorder,
                                  .delay_ns = TIME_MS(rtt_ms) / 2,
                                  .rate_bits = RATE_MBIT * 1000000,
                                  .queue_packets = product > LEAST_QUEUE ? product : LEAST_QUEUE};
    struct fault_profile back = {.loss = loss, .reorder = reorder, .delay_ns = TIME_MS(rtt_ms) / 2};
    struct dumbbell_config config = {.seed = seed, .bottleneck = {there, back}, .flows = 1};
    config.flow[0].settings = settings;
    struct dumbbell d;
    dumbbell_open(&d, &config);
    dumbbell_run(&d, duration_ns(rtt_ms), 0, NULL, NULL);
    double mbit = (double)d.received[0] * 8 * 1000 / (double)duration_ns(rtt_ms);
    dumbbell_close(&d);
    return mbit;
}

static double square_root(double x)
{
    double root = x > 1 ? x : 1;
    for (int i = 0; i < 60; i++)
        root = (root + x / root) / 2;
    return root;
}

static void cell(const char *control, size_t reordering, double loss, unsigned rtt_ms)
{
    char settings[80];
    double sum = 0, squares = 0;
    snprintf(settings, sizeof settings, "tcp.congestion_control=%s,tcp.sndbuf=4194304", control);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        double mbit = run(settings, reorderings[reordering].part, loss, rtt_ms, seed);
        sum += mbit;
        squares += mbit * mbit;
    }
    double mean = sum / SEEDS;
    double variance = (squares - sum * mean) / (SEEDS - 1);
    double error = variance > 0 ? square_root(variance / SEEDS) : 0;
    printf("%s\t%s\t%g\t%u\t%.3f\t%.3f\n", control, reorderings[reordering].name, 100 * loss,
           rtt_ms, mean, error);
    fflush(stdout);
}

static void rows(const char *control, size_t reordering, bool quick)
{
    if (quick) {
        for (size_t i = 0; i < sizeof quick_cells / sizeof quick_cells[0]; i++)
            cell(control, reordering, quick_cells[i].loss, quick_cells[i].rtt_ms);
        return;
    }
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        for (size_t j = 0; j < sizeof rtts_ms / sizeof rtts_ms[0]; j++)
            cell(control, reordering, losses[i], rtts_ms[j]);
}

int main(int count, char **arguments)
{
    for (size_t i = 0; count >= 3 && i < sizeof reorderings / sizeof reorderings[0]; i++) {
        if (strcmp(arguments[2], reorderings[i].name) != 0)
            continue;
        rows(arguments[1], i, count > 3 && strcmp(arguments[3], "quick") == 0);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "throughput CONTROL none|mild|strong [quick]\n");
    return EXIT_FAILURE;
}
