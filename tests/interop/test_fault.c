/* Streams through a network that loses, repeats, reorders and breaks packets. Several networks,
 * each with its own seed, run at a time: most of what they do is wait. */
#include <stdio.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

enum { NETWORKS = 6 };

static struct exchange exchanges[NETWORKS];
static struct scenario *scenarios[NETWORKS];
static struct pair pairs[NETWORKS];

/* The profile's seeds count from `seed` on. */
static void exchange_through(const char *profile, unsigned seed, unsigned mtu, uint64_t out,
                             uint64_t in)
{
    for (unsigned i = 0; i < NETWORKS; i++) {
        char fault[128];
        snprintf(fault, sizeof fault, "%s,seed=%u", profile, seed + i);
        scenarios[i] = scenario_open(&(struct wish){.mtu = mtu, .fault = fault});
        pairs[i] = i & 1 ? pair_accept(scenarios[i]) : pair_connect(scenarios[i]);
    }
    for (unsigned i = 0; i < NETWORKS; i++)
        exchange_start(&exchanges[i], pairs[i], out, in);
    for (unsigned i = 0; i < NETWORKS; i++)
        exchange_finish(&exchanges[i]);
    for (unsigned i = 0; i < NETWORKS; i++) {
        pair_close(pairs[i]);
        scenario_close(scenarios[i]);
    }
}

#define ALL_FAULTS "loss=5%,dup=1%,reorder=5%,corrupt=1%,delay=2ms"

static void stream_from_us_survives_all_faults(void **state)
{
    (void)state;
    exchange_through(ALL_FAULTS, 1, 1500, 600000, 0);
}

static void stream_to_us_survives_all_faults(void **state)
{
    (void)state;
    exchange_through(ALL_FAULTS, 11, 1500, 0, 600000);
}

static void streams_both_ways_survive_all_faults(void **state)
{
    (void)state;
    exchange_through(ALL_FAULTS, 21, 1500, 300000, 300000);
}

static void streams_survive_a_jumble_of_reordering(void **state)
{
    (void)state;
    exchange_through("reorder=50%,dup=10%,delay=3ms,jitter=2ms", 31, 1500, 1000000, 1000000);
}

static void streams_survive_a_narrow_line(void **state)
{
    (void)state;
    exchange_through("rate=20mbit,queue=20,delay=2ms", 41, 1500, 600000, 600000);
}

static void small_segments_survive_all_faults(void **state)
{
    (void)state;
    exchange_through(ALL_FAULTS, 51, 576, 100000, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(stream_from_us_survives_all_faults),
        scenario_test(stream_to_us_survives_all_faults),
        scenario_test(streams_both_ways_survive_all_faults),
        scenario_test(streams_survive_a_jumble_of_reordering),
        scenario_test(streams_survive_a_narrow_line),
        scenario_test(small_segments_survive_all_faults),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
