/* Thousands of seeded conversations over networks that lose, duplicate, reorder, corrupt, mark and
 * delay, through links that do not take everything. Of each is asked: every byte once and in order,
 * both ends closed, nothing left behind; and that the same seed gives the same capture, to the
 * byte.
 *
 * SIM_SEED=n plays that one alone, SIM_CAPTURE=file keeps its capture, SIM_RUNS=n plays more. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "sim/chance.h"
#include "sim/checks.h"
#include "sim/seeds.h"
#include "sim/transfer.h"
#include "sim/world.h"

enum { RUNS = 4000, RUNS_LARGE = 150 };

/* With much loss and no SACK a transfer can take longer than a connection is kept whose user has
 * closed it: here all must arrive. */
#define PATIENT "tcp.orphan_retries=15"

static struct fault_profile random_fault(struct random *random)
{
    struct fault_profile f = {0};
    f.loss = chance_share(random, 70, 120);
    f.duplicate = chance_share(random, 50, 50);
    f.reorder = chance_share(random, 50, 150);
    f.corrupt = chance_share(random, 50, 50);
    f.delay_ns = TIME_US(100) + TIME_US(random_below(random, 60000));
    f.jitter_ns = chance(random, 50) ? f.delay_ns / (2 + random_below(random, 10)) : 0;
    if (chance(random, 30))
        f.rate_bits = 1000000u * (1 + random_below(random, 100));
    return f;
}

static void random_side(struct random *random, struct transfer_side *side)
{
    static const uint32_t sizes[] = {0, 1, 535, 1459, 1460, 1461, 20000, 120000};
    uint32_t size = sizes[random_below(random, sizeof sizes / sizeof sizes[0])];
    side->to_send = size > 1461 ? random_below(random, size) : size;
    side->close = (enum transfer_close)random_below(random, TRANSFER_CLOSES);
    side->write_most = 1 + random_below(random, chance(random, 20) ? 200 : 30000);
    side->read_most = 1 + random_below(random, chance(random, 20) ? 300 : 60000);
    side->no_delay = chance(random, 50);
    side->send_buffer = chance(random, 20) ? 2000 + (int)random_below(random, 20000) : 0;
    side->receive_buffer = chance(random, 20) ? 1500 + (int)random_below(random, 20000) : 0;
}

/* Any kind of ECN on either side, and a network that marks. */
static void choose_marks(struct random *random, struct world_config *config, int i)
{
    static char settings[2][160];
    config->fault[i].mark = chance_share(random, 50, 300);
    snprintf(settings[i], sizeof settings[i], "%s,tcp.ecn=%u,tcp.ecn_option=%u",
             config->settings[i], random_below(random, 6), random_below(random, 4));
    config->settings[i] = settings[i];
}

static void choose(uint64_t seed, struct world_config *config, struct transfer *transfer)
{
    static const uint32_t mtus[] = {1500, 1500, 1500, 576, 1280, 9000};
    struct random random;
    random_seed_number(&random, seed);
    *config = (struct world_config){.seed = seed};
    config->mtu = mtus[random_below(&random, 6)];
    if (chance(&random, 50))
        config->link_features = TERN_LINK_CHECKSUM | TERN_LINK_TSO;
    for (int i = 0; i < 2; i++) {
        config->fault[i] = random_fault(&random);
        config->settings[i] =
            chance(&random, 15)   ? PATIENT ",tcp.sack=0"
            : chance(&random, 15) ? PATIENT ",tcp.timestamps=0,tcp.congestion_control=reno"
            : chance(&random, 10) ? PATIENT ",tcp.sack=0,tcp.timestamps=0,tcp.window_scaling=0"
            : chance(&random, 20) ? PATIENT ",tcp.congestion_control=bbr"
            : chance(&random, 10) ? PATIENT ",tcp.pacing=1"
                                  : PATIENT;
        random_side(&random, &transfer->side[i]);
    }
    /* Two who both wait for the other to end first would wait for ever. */
    if (transfer->side[0].close != CLOSE_WHEN_SENT && transfer->side[1].close != CLOSE_WHEN_SENT)
        transfer->side[random_below(&random, 2)].close = CLOSE_WHEN_SENT;
    for (int i = 0; i < 2; i++)
        choose_marks(&random, config, i);
    for (int i = 0; i < 2; i++)
        config->refuse_percent[i] = chance(&random, 15) ? 1 + random_below(&random, 30) : 0;
}

/* Writes that are sent from where they are (lending.c), now and then on a machine short of
 * memory. */
static void write_much(struct random *random, struct world_config *config,
                       struct transfer *transfer)
{
    static char settings[2][256];
    for (int i = 0; i < 2; i++) {
        struct transfer_side *side = &transfer->side[i];
        struct fault_profile *fault = &config->fault[i];
        fault->loss /= 4;
        fault->corrupt /= 4;
        if (fault->rate_bits && fault->rate_bits < 20000000)
            fault->rate_bits = 20000000;
        side->receive_buffer = 0;
        if (chance(random, 30))
            continue;
        side->to_send = LIMIT_LENT_BYTES + random_below(random, 600000);
        side->write_most =
            LIMIT_LENT_BYTES + random_below(random, TRANSFER_WRITE_MOST - LIMIT_LENT_BYTES + 1);
        side->read_most = 60000;
        side->spans = chance(random, 50);
        side->urgent = chance(random, 20);
        side->send_buffer = chance(random, 30) ? 100000 + (int)random_below(random, 400000) : 0;
        if (chance(random, 80))
            continue;
        snprintf(settings[i], sizeof settings[i],
                 "%s,memory.low=200000,memory.pressure=300000,memory.high=500000",
                 config->settings[i]);
        config->settings[i] = settings[i];
    }
}

static enum world_answer checked_step(void *user)
{
    struct transfer *transfer = user;
    check_connections(transfer->world);
    return transfer_step(transfer);
}

static bool is_complete(const struct transfer *transfer, int index)
{
    const struct transfer_side *s = &transfer->side[index];
    return s->closed && !s->error && s->received == transfer->side[1 - index].to_send;
}

static void tell(const struct transfer *transfer, int index)
{
    const struct transfer_side *s = &transfer->side[index];
    print_message(
        "side %d: sent %llu of %llu, received %llu of %llu, ended %d, closed %d, errno %d\n", index,
        (unsigned long long)s->sent, (unsigned long long)s->to_send,
        (unsigned long long)s->received, (unsigned long long)transfer->side[1 - index].to_send,
        s->ended, s->closed, s->error);
}

static uint64_t play_chosen(uint64_t seed, bool much)
{
    struct world world;
    struct world_config config;
    struct transfer transfer = {0};
    struct random random;
    choose(seed, &config, &transfer);
    random_seed_number(&random, ~seed);
    if (much)
        write_much(&random, &config, &transfer);
    config.capture_path = getenv("SIM_CAPTURE");
    world_open(&world, &config);
    transfer_begin(&transfer, &world, seed);
    bool over = world_run(&world, TIME_S(3600), checked_step, &transfer);
    bool complete = over && is_complete(&transfer, 0) && is_complete(&transfer, 1);
    bool quiet = world_run(&world, world.now_ns + TIME_S(3600), NULL, NULL);
    if (!complete || !quiet) {
        double seconds = (double)world.now_ns / 1e9;
        world_close(&world); /* the capture tells the story */
        tell(&transfer, 0);
        tell(&transfer, 1);
        fail_msg("seed %llu: %s at %.3f s", (unsigned long long)seed,
                 complete ? "something is still pending an hour after both sides closed"
                          : "not delivered whole",
                 seconds);
    }
    check_nothing_left(&world, 0);
    check_nothing_left(&world, 1);
    world_close(&world);
    return world.capture_hash;
}

static uint64_t play(uint64_t seed)
{
    return play_chosen(seed, false);
}

static uint64_t play_large(uint64_t seed)
{
    return play_chosen(seed, true);
}

static void conversations_deliver_every_byte_once_and_in_order(void **state)
{
    (void)state;
    seeds_play(RUNS, play);
}

static void and_so_do_those_of_who_writes_much_at_once(void **state)
{
    (void)state;
    seeds_play(RUNS_LARGE, play_large);
}

static void same_seed_gives_same_capture_to_the_byte(void **state)
{
    (void)state;
    if (seeds_number("SIM_SEED", 0))
        skip();
    for (uint64_t seed = 1; seed <= 25; seed++)
        assert_int_equal(play(seed), play(seed));
    assert_int_not_equal(play(1), play(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations_deliver_every_byte_once_and_in_order),
        cmocka_unit_test(and_so_do_those_of_who_writes_much_at_once),
        cmocka_unit_test(same_seed_gives_same_capture_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
