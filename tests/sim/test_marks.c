/* AccECN (RFC 9768) over networks that mark: what the sender believes of marks against what has
 * arrived marked. SIM_SEED=n plays that one alone. */
#include "unit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "base/time.h"
#include "sim/transfer.h"
#include "sim/world.h"

enum {
    RUNS = 200,
    BYTES = 150000,
    MARKS_UNSAID = 2, /* §3.2.2.5.1: that many, or fewer, need not be told */
};

/* Nobody ends it: it is over once all has been acknowledged. */
static enum world_answer until_acknowledged(void *user)
{
    struct transfer *transfer = user;
    enum world_answer answer = transfer_step(transfer);
    struct transfer_side *from = &transfer->side[0], *to = &transfer->side[1];
    int unacknowledged = 1;
    if (to->received == from->to_send && from->received == to->to_send)
        tern_ioctl(transfer->world->machine[0], from->socket, SIOCOUTQ, &unacknowledged);
    return unacknowledged ? answer : WORLD_STOP;
}

static struct tern_tcp_info info_of(const struct transfer *transfer, int index)
{
    struct tern_tcp_info info;
    socklen_t length = sizeof info;
    assert_int_equal(tern_getsockopt(transfer->world->machine[index], transfer->side[index].socket,
                                     IPPROTO_TCP, TCP_INFO, &info, &length),
                     0);
    return info;
}

struct outcome {
    struct tern_tcp_info from, to;
};

/* Machine 0 sends; `back` bytes come back. */
static struct outcome play(uint64_t seed, const struct fault_profile *fault, const char *settings,
                           uint64_t back)
{
    struct world world;
    struct world_config config = {.seed = seed, .settings = {settings, settings}};
    config.fault[0] = config.fault[1] = *fault;
    struct transfer transfer = {0};
    transfer.side[0] = (struct transfer_side){
        .to_send = BYTES, .close = CLOSE_AFTER_PEER, .write_most = 30000, .read_most = 60000};
    transfer.side[1] = transfer.side[0];
    transfer.side[1].to_send = back;
    world_open(&world, &config);
    transfer_begin(&transfer, &world, seed);
    assert_true(world_run(&world, TIME_S(600), until_acknowledged, &transfer));
    struct outcome outcome = {info_of(&transfer, 0), info_of(&transfer, 1)};
    world_close(&world);
    return outcome;
}

static uint64_t first_seed(void)
{
    const char *text = getenv("SIM_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static uint64_t last_seed(void)
{
    return getenv("SIM_SEED") ? first_seed() : RUNS;
}

static struct fault_profile marking(uint64_t seed)
{
    return (struct fault_profile){.mark = (double)(seed % 40) / 100,
                                  .delay_ns = TIME_MS(1 + seed % 30)};
}

/* Where no ACK is lost the count is exact, with the option or without. */
static void without_loss_every_mark_is_known(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed <= last_seed(); seed++) {
        struct fault_profile fault = marking(seed);
        struct outcome o =
            play(seed, &fault, seed % 2 ? "tcp.ecn=3" : "tcp.ecn=3,tcp.ecn_option=0", 0);
        assert_true(o.from.tcpi_ecn_mode == 2 && o.to.tcpi_ecn_mode == 2);
        if (fault.mark > 0.05)
            assert_true(o.to.tcpi_received_ce > 0);
        if (o.to.tcpi_received_ce < o.from.tcpi_delivered_ce ||
            o.to.tcpi_received_ce > o.from.tcpi_delivered_ce + MARKS_UNSAID)
            fail_msg("seed %llu: %u came marked, %u are known", (unsigned long long)seed,
                     o.to.tcpi_received_ce, o.from.tcpi_delivered_ce);
        if (seed % 2 && o.from.tcpi_delivered_ce_bytes != o.to.tcpi_received_ce_bytes)
            fail_msg("seed %llu: %u bytes came marked, %u are known", (unsigned long long)seed,
                     o.to.tcpi_received_ce_bytes, o.from.tcpi_delivered_ce_bytes);
    }
}

/* ACKs that get lost or come late take no counts with them: the bytes are exact in the end, and of
 * packets no fewer are known than bytes tell. */
static void with_loss_and_reordering_the_option_is_exact(void **state)
{
    (void)state;
    unsigned without = 0;
    for (uint64_t seed = first_seed(); seed <= last_seed(); seed++) {
        struct fault_profile fault = marking(seed);
        fault.loss = (double)(seed % 7) / 100;
        fault.reorder = (double)(seed % 11) / 100;
        fault.duplicate = (double)(seed % 3) / 100;
        struct outcome o = play(seed, &fault, "tcp.ecn=3,tcp.ecn_option=3", BYTES);
        assert_int_equal(o.from.tcpi_accecn_fail_mode & 2, 0);
        if (o.from.tcpi_accecn_opt_seen != 2) {
            without++; /* the SYN,ACK that had the option was lost, or more */
            continue;
        }
        /* What came after the last ACK that had the option, SACK aside, may still be unsaid. */
        uint32_t known = o.from.tcpi_delivered_ce_bytes, came = o.to.tcpi_received_ce_bytes;
        if (known > came || came - known > 2 * 1460)
            fail_msg("seed %llu: %u bytes came marked, %u are known", (unsigned long long)seed,
                     came, known);
    }
    assert_in_range(without, 0, RUNS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_loss_every_mark_is_known),
        cmocka_unit_test(with_loss_and_reordering_the_option_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
