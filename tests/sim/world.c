#include "sim/world.h"

#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "link/capture.h"
#include "link/memory.h"

enum { QUEUE_PACKETS = 1 << 16, POLL_BUDGET = 256 };

struct capture_sink {
    struct world *world;
    FILE *file;
};

static int capture_bytes(void *user, const void *bytes, size_t length)
{
    struct capture_sink *sink = user;
    struct hash_key key = {{sink->world->capture_hash, length}};
    sink->world->capture_hash = hash_bytes(&key, bytes, length);
    if (sink->file)
        fwrite(bytes, 1, length, sink->file);
    return 0;
}

static int capture_close(void *user)
{
    struct capture_sink *sink = user;
    int result = sink->file && fclose(sink->file) != 0 ? -errno : 0;
    free(sink);
    return result;
}

static void capture_around(struct world *world, const char *path)
{
    struct capture_sink *sink = calloc(1, sizeof *sink);
    assert_non_null(sink);
    sink->world = world;
    sink->file = path ? fopen(path, "wb") : NULL;
    assert_int_equal(capture_link_new(world->link[0], "sim0", 0, capture_bytes, capture_close, sink,
                                      &world->link[0]),
                     0);
}

/* What a machine calls to send: it finds its link in the world. */
static int send_packet(void *user, const struct iovec *packet, int count,
                       const struct tern_offload *offload)
{
    struct world_end *end = user;
    if (end->refuse_percent && random_below(&end->refusals, 100) < end->refuse_percent)
        return -ENOBUFS;
    end->world->packets++;
    return link_send(end->world->link[end->index], packet, count, offload, end->world->now_ns);
}

static struct tern *open_machine(struct world *world, const struct world_config *config, int index)
{
    static const char *const addresses[2] = {"10.0.0.1/24", "10.0.0.2/24"};
    struct random random;
    uint8_t seed[RANDOM_SEED_SIZE];
    random_seed_number(&random, config->seed * 2 + (uint64_t)index);
    random_bytes(&random, seed, sizeof seed);
    world->end[index] = (struct world_end){
        .world = world, .index = index, .refuse_percent = config->refuse_percent[index]};
    random_seed_number(&world->end[index].refusals, config->seed * 2 + (uint64_t)index);
    struct tern_engine_config engine = {.seed = seed,
                                        .now_ns = world->now_ns,
                                        .address = addresses[index],
                                        .mtu = config->mtu,
                                        .link_features = config->link_features,
                                        .output = send_packet,
                                        .user = &world->end[index],
                                        .settings = config->settings[index]};
    struct tern_error error;
    struct tern *t = tern_engine_new(&engine, &error);
    if (!t)
        fail_msg("%s", error.text);
    return t;
}

void world_open(struct world *world, const struct world_config *config)
{
    *world = (struct world){.now_ns = TIME_S(1)};
    uint32_t mtu = config->mtu ? config->mtu : 1500;
    assert_int_equal(memory_link_pair(mtu, config->link_features, QUEUE_PACKETS, world->link), 0);
    struct fault_profile fault[2] = {config->fault[0], config->fault[1]};
    fault[0].seed = config->seed * 2;
    fault[1].seed = config->seed * 2 + 1;
    assert_int_equal(fault_link_new(world->link[0], fault, &world->link[0]), 0);
    capture_around(world, config->capture_path);
    for (int i = 0; i < 2; i++)
        world->machine[i] = open_machine(world, config, i);
}

void world_close(struct world *world)
{
    for (int i = 0; i < 2; i++)
        tern_close_stack(world->machine[i]);
    for (int i = 0; i < 2; i++)
        link_close(world->link[i]);
}

static enum drop_reason deliver(void *user, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    struct world_end *end = user;
    struct world *world = end->world;
    const char *dropped = tern_input(world->machine[end->index], packet, length, offload, now_ns);
    if (world->arrived)
        world->arrived(world, end->index);
    return dropped ? DROP_LINK : DROP_NONE;
}

void world_inject(struct world *world, int machine, const void *packet, size_t length)
{
    struct tern_offload offload = {.flags = TERN_OFFLOAD_VERIFIED};
    deliver(&world->end[machine], packet, length, &offload, world->now_ns);
}

void world_settle(struct world *world)
{
    int moved;
    do {
        moved = 0;
        for (int i = 0; i < 2; i++)
            moved += link_poll(world->link[i], world->now_ns, POLL_BUDGET, deliver, &world->end[i]);
    } while (moved);
}

uint64_t world_deadline(const struct world *world)
{
    uint64_t next = TIME_NEVER;
    for (int i = 0; i < 2; i++) {
        next = time_min(next, tern_deadline(world->machine[i]));
        next = time_min(next, link_deadline(world->link[i]));
    }
    return next;
}

void world_advance(struct world *world, uint64_t now_ns)
{
    world->now_ns = time_max(world->now_ns, now_ns);
    for (int i = 0; i < 2; i++)
        tern_advance(world->machine[i], world->now_ns);
}

bool world_run(struct world *world, uint64_t until_ns, enum world_answer (*step)(void *user),
               void *user)
{
    for (;;) {
        enum world_answer answer;
        do {
            world_settle(world);
            answer = step ? step(user) : WORLD_IDLE;
            if (answer == WORLD_STOP)
                return true;
        } while (answer == WORLD_BUSY);
        world_settle(world);
        uint64_t next = world_deadline(world);
        if (next == TIME_NEVER)
            return true;
        if (next > until_ns)
            return false;
        world_advance(world, next);
    }
}

struct sockaddr *world_address(int machine, uint16_t port)
{
    static struct sockaddr_in address;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)machine);
    return (struct sockaddr *)&address;
}

socklen_t world_address_length(void)
{
    return sizeof(struct sockaddr_in);
}
