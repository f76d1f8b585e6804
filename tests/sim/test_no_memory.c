/* Seeded conversations on machines to which the system gives memory only now and then. What is lost
 * for want of it is as what the network loses: every byte arrives once and in order all the same,
 * and nothing is left behind. Calls may say ENOMEM, and are made again.
 *
 * SIM_SEED=n plays that one alone, SIM_CAPTURE=file keeps its capture, SIM_RUNS=n plays more. */
#include "unit.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "common/allocation.h"
#include "sim/checks.h"
#include "sim/seeds.h"
#include "sim/transfer.h"
#include "sim/world.h"

enum { RUNS = 1000 };

static void choose_side(struct random *random, struct transfer_side *side)
{
    side->to_send = random_below(random, 200000);
    side->close = (enum transfer_close)random_below(random, TRANSFER_CLOSES);
    side->write_most = 1 + random_below(random, 60000);
    side->read_most = 1 + random_below(random, 60000);
    side->no_delay = random_below(random, 2);
    if (random_below(random, 5) > 0)
        return;
    side->to_send = LIMIT_LENT_BYTES + random_below(random, 300000);
    side->write_most = LIMIT_LENT_BYTES + random_below(random, 300000);
    side->spans = random_below(random, 2);
}

static void choose(struct random *random, struct world_config *config, struct transfer *transfer)
{
    /* All must arrive, however long it takes. */
    static const char *const settings[] = {"tcp.orphan_retries=15",
                                           "tcp.orphan_retries=15,tcp.sack=0",
                                           "tcp.orphan_retries=15,tcp.congestion_control=bbr",
                                           "tcp.orphan_retries=15,tcp.ecn=3,tcp.pacing=1"};
    config->link_features = random_below(random, 2) ? TERN_LINK_CHECKSUM | TERN_LINK_TSO : 0;
    for (int i = 0; i < 2; i++) {
        config->settings[i] = settings[random_below(random, 4)];
        config->fault[i].loss = random_below(random, 30) / 1000.0;
        config->fault[i].reorder = random_below(random, 50) / 1000.0;
        config->fault[i].delay_ns = TIME_MS(1 + random_below(random, 20));
        choose_side(random, &transfer->side[i]);
    }
    transfer->side[random_below(random, 2)].close = CLOSE_WHEN_SENT;
}

static enum world_answer checked_step(void *user)
{
    struct transfer *transfer = user;
    check_connections(transfer->world);
    return transfer_step(transfer);
}

static uint64_t play(uint64_t seed)
{
    struct world world;
    struct random random;
    struct world_config config = {.seed = seed, .capture_path = getenv("SIM_CAPTURE")};
    struct transfer transfer = {.memory_fails = true};
    random_seed_number(&random, seed);
    choose(&random, &config, &transfer);
    world_open(&world, &config);
    transfer_begin(&transfer, &world, seed);
    allocations_fail_at_random(seed, 1 + random_below(&random, 200));
    bool over = world_run(&world, TIME_S(100000), checked_step, &transfer);
    bool quiet = world_run(&world, world.now_ns + TIME_S(3600), NULL, NULL);
    allocations_succeed();
    if (!over || !quiet)
        fail_msg("seed %llu: %s, sockets closed: %d and %d", (unsigned long long)seed,
                 over ? "something is still pending" : "not over", transfer.side[0].closed,
                 transfer.side[1].closed);
    for (int i = 0; i < 2; i++) {
        const struct transfer_side *side = &transfer.side[i];
        if (!side->closed || side->error || side->received != transfer.side[1 - i].to_send)
            fail_msg("seed %llu, side %d: %llu of %llu sent, %llu received, errno %d",
                     (unsigned long long)seed, i, (unsigned long long)side->sent,
                     (unsigned long long)side->to_send, (unsigned long long)side->received,
                     side->error);
        check_nothing_left(&world, i);
    }
    world_close(&world);
    return world.capture_hash;
}

static void conversations_survive_without_memory(void **state)
{
    (void)state;
    uint64_t played = seeds_play(RUNS, play);
    assert_true(seeds_number("SIM_SEED", 0) || allocations_failed() > 10 * played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations_survive_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
