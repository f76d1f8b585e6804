#include "common/pair.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/time.h"
#include "core/drop.h"
#include "link/fault.h"
#include "link/link.h"
#include "link/memory.h"

static const char *const addresses[2] = {PAIR_ADDRESS_0 "/24", PAIR_ADDRESS_1 "/24"};

static int output(void *user, const struct iovec *packet, int count,
                  const struct tern_offload *offload)
{
    struct pair_end *end = user;
    end->packets_out++;
    if (end->cut || end->output_error)
        return end->output_error;
    return link_send(end->link, packet, count, offload, end->pair->now_ns);
}

/* tern_input() says why in words; links want the reason. */
static enum drop_reason reason_of(const char *why)
{
    for (int reason = 0; why != NULL && reason < DROP_REASONS; reason++)
        if (drop_text((enum drop_reason)reason) == why)
            return (enum drop_reason)reason;
    return DROP_NONE;
}

static enum drop_reason deliver(void *machine, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    struct pair_end *end = machine;
    return reason_of(tern_input(end->t, packet, length, offload, now_ns));
}

static bool poll_links(struct pair *pair)
{
    int delivered = 0;
    for (int i = 0; i < 2; i++) {
        struct pair_end *end = &pair->ends[i];
        int n = link_poll(end->link, pair->now_ns, 64, deliver, end);
        assert_true(n >= 0);
        delivered += n;
    }
    return delivered > 0;
}

static uint64_t next_due(const struct pair *pair)
{
    uint64_t due = TIME_NEVER;
    for (int i = 0; i < 2; i++) {
        due = time_min(due, link_deadline(pair->ends[i].link));
        due = time_min(due, tern_deadline(pair->ends[i].t));
    }
    return due;
}

static void advance(struct pair *pair, uint64_t to_ns)
{
    pair->now_ns = time_max(pair->now_ns, to_ns);
    for (int i = 0; i < 2; i++)
        tern_advance(pair->ends[i].t, pair->now_ns);
}

bool pair_step(struct pair *pair, uint64_t until_ns)
{
    uint64_t due = next_due(pair);
    if (due > until_ns || due == TIME_NEVER) {
        if (until_ns != TIME_NEVER)
            advance(pair, until_ns);
        return false;
    }
    advance(pair, due);
    poll_links(pair);
    return true;
}

void pair_run(struct pair *pair, uint64_t duration_ns)
{
    uint64_t until_ns = pair->now_ns + duration_ns;
    while (pair_step(pair, until_ns))
        ;
}

void pair_settle(struct pair *pair)
{
    uint64_t until_ns = pair->now_ns + TIME_S(3600);
    while (next_due(pair) != TIME_NEVER)
        assert_true(pair_step(pair, until_ns));
}

/* Looks in vain, until a wait is given up: `meanwhile` may take a few to get going. */
enum { IDLE_MAX = 8 };

/* struct tern_engine_config's: one step at a time, so that the waiting call looks again at once. */
static int wait_step(void *user, uint64_t deadline_ns)
{
    struct pair *pair = ((struct pair_end *)user)->pair;
    if (pair->interrupt_in > 0 && --pair->interrupt_in == 0)
        return -EINTR;
    if (pair_step(pair, deadline_ns) || deadline_ns != TIME_NEVER)
        pair->idle = 0;
    else
        pair->idle++;
    if (pair->meanwhile)
        pair->meanwhile(pair);
    return pair->idle > IDLE_MAX ? -EDEADLK : 0;
}

static void open_links(struct pair *pair, const struct pair_options *options)
{
    struct link *links[2];
    assert_int_equal(
        memory_link_pair(options->mtu ? options->mtu : 1500, options->features, 100000, links), 0);
    if (options->fault) {
        struct fault_profile profile[2];
        char error[256] = "";
        if (fault_profile_parse(options->fault, &profile[0], error, sizeof error) < 0)
            fail_msg("%s", error);
        profile[1] = profile[0];
        profile[1].seed++;
        assert_int_equal(fault_link_new(links[0], profile, &links[0]), 0);
    }
    for (int i = 0; i < 2; i++)
        pair->ends[i].link = links[i];
}

void pair_open(struct pair *pair, const struct pair_options *options)
{
    const struct pair_options none = {0};
    if (options == NULL)
        options = &none;
    memset(pair, 0, sizeof *pair);
    pair->now_ns = TIME_S(1000);
    open_links(pair, options);
    struct random random;
    random_seed_number(&random, options->seed);
    for (int i = 0; i < 2; i++) {
        uint8_t seed[RANDOM_SEED_SIZE];
        random_bytes(&random, seed, sizeof seed);
        struct pair_end *end = &pair->ends[i];
        end->pair = pair;
        end->index = i;
        struct tern_engine_config config = {
            .seed = seed,
            .now_ns = pair->now_ns,
            .address = addresses[i],
            .mtu = options->mtu,
            .link_features = options->features,
            .output = output,
            .wait = options->cannot_wait ? NULL : wait_step,
            .user = end,
            .settings = options->settings[i],
            .trace = options->trace,
            .trace_user = end,
        };
        struct tern_error error = {.text = ""};
        end->t = tern_engine_new(&config, &error);
        if (end->t == NULL)
            fail_msg("%s", error.text);
    }
}

void pair_connect(struct pair *pair, uint16_t port, int *client, int *server)
{
    char text[32];
    snprintf(text, sizeof text, "%u", port);
    int listener = tern_listen_on(pair->ends[1].t, text, 1);
    assert_true(listener >= 0);
    snprintf(text, sizeof text, PAIR_ADDRESS_1 ":%u", port);
    *client = tern_dial(pair->ends[0].t, text);
    assert_true(*client >= 0);
    *server = tern_accept(pair->ends[1].t, listener, NULL, NULL);
    assert_true(*server >= 0);
    assert_int_equal(tern_close(pair->ends[1].t, listener), 0);
}

void pair_close(struct pair *pair)
{
    for (int i = 0; i < 2; i++)
        tern_close_stack(pair->ends[i].t);
    for (int i = 0; i < 2; i++)
        link_close(pair->ends[i].link);
}
