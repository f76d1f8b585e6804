/* Header prediction (tcp/predict.c) changes nothing but what it costs. Each seed is a conversation
 * that is played twice, with prediction and without, in lockstep: after each segment that arrives,
 * all that the machine knows of its connections is what the other one's knows, all its counters and
 * all it has sent; and so it is after each call, and each time that time has passed.
 *
 * SIM_SEED=n plays that one alone, SIM_CAPTURE=file keeps the capture of the first, SIM_RUNS=n
 * plays more. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "common/allocation.h"
#include "sim/chance.h"
#include "sim/forge.h"
#include "sim/image.h"
#include "sim/seeds.h"
#include "sim/transfer.h"
#include "sim/world.h"
#include "sock/tern.h"
#include "tcp/tcb.h"

enum { RUNS = 500, LANDING = 70000, SETTINGS = 640 };

/* One of the two ways in which a conversation is played. */
struct way {
    struct world world;
    struct transfer transfer;
    struct random moods; /* when a user pauses, and what he does about reading */
    struct tcp_landing landing[2];
    struct iovec span[2];
    uint8_t landed[2][LANDING];
    char settings[2][SETTINGS];
};

static struct way ways[2];
static struct image images[2];

/* ── What is played ── */

struct conversation {
    uint64_t seed;
    struct world_config config;
    struct transfer transfer;
    char settings[2][SETTINGS - 32];
    unsigned without_memory; /* of a thousand allocations, so many fail */
    bool pauses, lands;
    bool batches;   /* what comes together is acknowledged together */
    uint32_t turns; /* so far */
};

static struct fault_profile choose_fault(struct random *random)
{
    struct fault_profile f = {.delay_ns = TIME_US(100 + random_below(random, 40000))};
    f.loss = chance_share(random, 40, 60);
    f.duplicate = chance_share(random, 30, 50);
    f.reorder = chance_share(random, 40, 100);
    f.corrupt = chance_share(random, 20, 30);
    f.mark = chance_share(random, 30, 200);
    if (chance(random, 30))
        f.jitter_ns = f.delay_ns / 2;
    if (chance(random, 30))
        f.rate_bits = 1000000u * (1 + random_below(random, 100));
    return f;
}

/* Text one way, questions and answers, or both at once. */
static void choose_side(struct random *random, struct transfer_side *side)
{
    static const uint32_t sizes[] = {0, 3000, 60000, 150000};
    side->to_send = 1 + sizes[random_below(random, 4)];
    side->write_most = 1 + random_below(random, chance(random, 30) ? 300 : 60000);
    side->read_most = 300 + random_below(random, chance(random, 20) ? 500 : 60000);
    side->no_delay = chance(random, 50);
    side->send_buffer = chance(random, 80) ? 2000 + (int)random_below(random, 20000) : 0;
    side->receive_buffer = chance(random, 50) ? 1500 + (int)random_below(random, 20000) : 0;
    side->keepalive_s = chance(random, 40) ? 1 : 0;
    side->urgent = chance(random, 20);
}

/* Who has more to send ends first, as a rule: prediction is for connections that are open. */
static void choose_ends(struct random *random, struct transfer_side side[2])
{
    int first = side[0].to_send < side[1].to_send;
    for (int i = 0; i < 2; i++)
        side[i].close = (enum transfer_close)random_below(random, TRANSFER_CLOSES);
    if (chance(random, 80))
        side[1 - first].close = CLOSE_AFTER_PEER;
    side[first].close = CLOSE_WHEN_SENT;
}

/* None on both sides, AccECN, or what comes of what either likes. */
static uint32_t choose_ecn(struct random *random, uint32_t kind)
{
    return kind < 4 ? 0 : kind < 7 ? 3 : random_below(random, 6);
}

/* Adds each of these to the settings, so many times in a hundred. */
static void choose_settings(struct random *random, uint32_t ecn, char *out)
{
    static const struct {
        uint32_t percent;
        const char *text;
    } rare[] = {
        {20, ",tcp.timestamps=0"},
        {20, ",tcp.sack=0"},
        {10, ",tcp.timestamps_strict=0"},
        {10, ",tcp.window_scaling=0"},
        {10, ",tcp.congestion_control=reno"},
        {15, ",tcp.congestion_control=bbr"},
        {10, ",tcp.pacing=1"},
        {10, ",tcp.window_validation=1"},
        {10, ",tcp.user_timeout_option=1,tcp.user_timeout_s=600"},
        {10, ",tcp.rcvbuf_overhead=1"},
        {10, ",tcp.mtu_probing=2"},
        {10, ",tcp.tail_loss_probe=0"},
        {10, ",tcp.reordering=1"},
    };
    int length = snprintf(out, SETTINGS - 96, "tcp.orphan_retries=15,tcp.ecn=%u", ecn);
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++)
        if (chance(random, rare[i].percent))
            length += snprintf(out + length, (size_t)(SETTINGS - 96 - length), "%s", rare[i].text);
}

/* The SYN brings text without a cookie (4), which the other end takes (0x602) or does not. */
static void choose_fast_open(struct random *random, struct conversation *c)
{
    if (!chance(random, 20))
        return;
    strcat(c->settings[0], ",tcp.fastopen=5");
    strcat(c->settings[1], chance(random, 50) ? ",tcp.fastopen=1538" : ",tcp.fastopen=0");
    c->transfer.side[0].fast_open = true;
    /* To shut down what is not open yet is to give it up. */
    c->transfer.side[0].close = CLOSE_AFTER_PEER;
    c->transfer.side[1].close = CLOSE_WHEN_SENT;
}

static void choose(uint64_t seed, struct conversation *c)
{
    static const uint32_t mtus[] = {1500, 1500, 576, 9000};
    struct random random;
    random_seed_number(&random, seed);
    *c = (struct conversation){.seed = seed, .config = {.seed = seed}};
    c->config.mtu = mtus[random_below(&random, 4)];
    if (chance(&random, 50))
        c->config.link_features = TERN_LINK_CHECKSUM | TERN_LINK_TSO;
    uint32_t ecn = random_below(&random, 10);
    for (int i = 0; i < 2; i++) {
        c->config.fault[i] = choose_fault(&random);
        c->config.refuse_percent[i] = chance(&random, 20) ? 1 + random_below(&random, 40) : 0;
        choose_settings(&random, choose_ecn(&random, ecn), c->settings[i]);
        choose_side(&random, &c->transfer.side[i]);
    }
    choose_ends(&random, c->transfer.side);
    c->pauses = chance(&random, 50);
    c->lands = chance(&random, 40);
    c->batches = chance(&random, 50);
    c->without_memory = chance(&random, 15) ? 1 + random_below(&random, 100) : 0;
    c->transfer.memory_fails = c->without_memory;
    c->transfer.forged = chance(&random, 30);
    if (!c->without_memory) /* without which there may be no SYN, and who reads is not connected */
        choose_fast_open(&random, c);
}

/* ── A user who reads when he likes, and may have memory at hand for what comes ── */

static struct tcb *tcb_of(const struct world *world, int index)
{
    const struct list *all = &tcp_of(&world->machine[index]->stack)->all;
    return list_empty(all) ? NULL : container_of(all->next, struct tcb, all);
}

static void begin_landing(struct way *way, int index)
{
    struct tcb *tcb = tcb_of(&way->world, index);
    if (!tcb || !tcb->connection->owner || tcb->state != TCP_ESTABLISHED || tcb->rcv.landing)
        return;
    uint32_t size = 1 + random_below(&way->moods, LANDING);
    way->span[index] = (struct iovec){way->landed[index], size};
    way->landing[index] = (struct tcp_landing){.spans = &way->span[index], .count = 1};
    tcp_landing_begin(tcb, &way->landing[index]);
}

static void end_landing(struct way *way, int index)
{
    struct tcp_landing *landing = &way->landing[index];
    if (!landing->spans)
        return;
    tcp_landing_end(landing);
    transfer_arrived(&way->transfer, index, way->landed[index], landing->filled);
    *landing = (struct tcp_landing){0};
}

static enum world_answer step(struct way *way, const struct conversation *c)
{
    for (int i = 0; i < 2 && c->transfer.forged; i++)
        if (chance(&way->moods, 50))
            forge_segment(&way->world, i, &way->moods);
    for (int i = 0; i < 2; i++) {
        end_landing(way, i);
        way->transfer.side[i].paused = c->pauses && chance(&way->moods, 60);
    }
    enum world_answer answer = transfer_step(&way->transfer);
    for (int i = 0; i < 2; i++)
        if (c->lands && chance(&way->moods, 50))
            begin_landing(way, i);
    return answer;
}

/* ── Both ways, in lockstep ── */

static void note_arrival(struct world *world, int machine)
{
    image_add(world->user, world, machine);
}

static void begin(struct way *way, const struct conversation *c, bool prediction)
{
    *way = (struct way){.transfer = c->transfer};
    struct world_config config = c->config;
    config.capture_path = prediction ? getenv("SIM_CAPTURE") : NULL;
    for (int i = 0; i < 2; i++) {
        snprintf(way->settings[i], SETTINGS, "%s,tcp.header_prediction=%d", c->settings[i],
                 prediction);
        config.settings[i] = way->settings[i];
    }
    random_seed_number(&way->moods, c->seed);
    world_open(&way->world, &config);
    transfer_begin(&way->transfer, &way->world, c->seed);
    way->world.arrived = note_arrival;
    way->world.user = &images[way - ways];
}

static void settle(struct way *way, bool in_batches)
{
    for (int i = 0; i < 2 && in_batches; i++)
        stack_batch_begin(&way->world.machine[i]->stack);
    world_settle(&way->world);
    for (int i = 0; i < 2 && in_batches; i++)
        stack_batch_end(&way->world.machine[i]->stack);
}

enum turn { SETTLE, STEP, ADVANCE };

/* Memory fails both at the same points: those of this turn. */
static enum world_answer turn(struct way *way, const struct conversation *c, enum turn which)
{
    enum world_answer answer = WORLD_IDLE;
    struct image *image = &images[way - ways];
    image_clear(image);
    allocations_fail_at_random(c->seed << 32 | c->turns, c->without_memory);
    if (which == SETTLE)
        settle(way, c->batches);
    else if (which == STEP)
        answer = step(way, c);
    else
        world_advance(&way->world,
                      time_min(world_deadline(&way->world), way->world.now_ns + TIME_MS(200)));
    allocations_succeed();
    for (int i = 0; i < 2; i++)
        image_add(image, &way->world, i);
    return answer;
}

static enum world_answer both(struct conversation *c, enum turn which)
{
    c->turns++;
    enum world_answer answer = turn(&ways[0], c, which);
    assert_int_equal(turn(&ways[1], c, which), answer);
    image_compare(&images[0], &images[1], c->seed);
    return answer;
}

static uint64_t counted(const struct way *way, enum counter counter)
{
    return way->world.machine[0]->stack.counters.value[counter] +
           way->world.machine[1]->stack.counters.value[counter];
}

static uint64_t hits, acks, segments;

static void end(const struct conversation *c)
{
    for (int i = 0; i < 2 && !c->transfer.forged; i++)
        assert_int_equal(ways[0].transfer.side[i].received, c->transfer.side[1 - i].to_send);
    hits += counted(&ways[0], COUNTER_TcpExtTCPHPHits);
    acks += counted(&ways[0], COUNTER_TcpExtTCPHPAcks);
    segments += counted(&ways[0], COUNTER_TcpInSegs);
    assert_int_equal(counted(&ways[1], COUNTER_TcpExtTCPHPHits), 0);
    assert_int_equal(counted(&ways[1], COUNTER_TcpExtTCPHPAcks), 0);
    world_close(&ways[0].world);
    world_close(&ways[1].world);
    assert_int_equal(ways[0].world.capture_hash, ways[1].world.capture_hash);
}

static uint64_t play(uint64_t seed)
{
    static struct conversation c;
    choose(seed, &c);
    begin(&ways[0], &c, true);
    begin(&ways[1], &c, false);
    enum world_answer answer;
    do {
        do {
            both(&c, SETTLE);
            answer = both(&c, STEP);
        } while (answer == WORLD_BUSY);
        both(&c, SETTLE);
        both(&c, ADVANCE);
    } while (answer != WORLD_STOP && ways[0].world.now_ns < TIME_S(10000));
    end(&c);
    return ways[0].world.capture_hash;
}

static void prediction_changes_no_state_and_no_byte(void **state)
{
    (void)state;
    seeds_play(RUNS, play);
    if (seeds_number("SIM_SEED", 0))
        return;
    /* It is not for want of predictions. */
    assert_in_range(hits, segments / 10, segments);
    assert_in_range(acks, segments / 20, segments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prediction_changes_no_state_and_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
