/* A SYN flood (security rule 9): what is open goes on as if there were none; who comes while it
 * lasts gets in; and no memory is left behind, nor much used meanwhile. */
#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "base/time.h"
#include "sim/transfer.h"
#include "sock/tern.h"
#include "tcp/tcb.h"
#include "tcp/tcp.h"
#include "wire/tcp.h"

enum {
    SERVICE = 80,
    BACKLOG = 64,
    SYNS_A_MILLISECOND = 50,
    BYTES = 4000000,
    CLIENT_EVERY_MS = 20,
    HALF_OPEN_BYTES = 512, /* an entry is smaller than this */
};

struct flood {
    struct transfer transfer;
    struct world world;
    struct random random;
    bool on;
    int service, client; /* of the connections that come meanwhile; client -1: none on its way */
    uint64_t last_ns, next_client_ns, most_memory, retransmissions;
    unsigned syns, opened;
};

static void send_syn(struct flood *f)
{
    struct test_packet packet;
    uint8_t bytes[TCP_HEADER_MAX];
    /* Addresses of the subnet, so that each is answered; nobody is there. */
    uint32_t source = 0x0a000000u + 10 + random_below(&f->random, 240);
    struct segment syn = {.source_port = (uint16_t)(1024 + random_below(&f->random, 60000)),
                          .destination_port = SERVICE,
                          .seq = random_u32(&f->random),
                          .flags = TCP_SYN,
                          .window = 65535,
                          .options = {.has_mss = true, .mss = 1460}};
    struct ipv4_header header = header_between(source, 0x0a000002u, IP_PROTOCOL_TCP);
    size_t size = tcp_build(&syn, bytes);
    syn.checksum = transport_checksum(&header, bytes, size);
    tcp_build(&syn, bytes);
    packet_make(&packet, header, bytes, size);
    tern_input(f->world.machine[1], packet.bytes, packet.length, NULL, f->world.now_ns);
    f->syns++;
}

/* One at a time comes, is accepted, and goes. */
static void visit(struct flood *f)
{
    struct tern *guest = f->world.machine[0], *host = f->world.machine[1];
    if (f->client < 0 && f->world.now_ns >= f->next_client_ns) {
        f->next_client_ns = f->world.now_ns + TIME_MS(CLIENT_EVERY_MS);
        f->client = tern_socket(guest, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(
            tern_connect(guest, f->client, world_address(1, SERVICE), world_address_length()), -1);
        assert_int_equal(errno, EINPROGRESS);
    }
    int server = tern_accept(host, f->service, NULL, NULL);
    if (server < 0)
        return;
    f->opened++;
    assert_int_equal(tern_close(host, server), 0);
    assert_int_equal(tern_close(guest, f->client), 0);
    f->client = -1;
}

/* What the host holds, without the bytes of conversations: how large their rings get depends on the
 * pieces. */
static uint64_t memory_held(const struct flood *f)
{
    const struct stack *stack = &f->world.machine[1]->stack;
    const struct list *all = &tcp_of(stack)->all;
    uint64_t bytes = stack->memory_used_bytes;
    for (const struct list *l = all->next; l != all; l = l->next) {
        const struct tcb *tcb = container_of(l, struct tcb, all);
        bytes -= tcb->snd.ring.capacity + tcb->rcv.ring.capacity;
    }
    return bytes;
}

static enum world_answer step(void *user)
{
    struct flood *f = user;
    if (f->on && f->transfer.side[0].connected && f->world.now_ns - f->last_ns >= TIME_MS(1)) {
        f->last_ns = f->world.now_ns;
        for (int i = 0; i < SYNS_A_MILLISECOND; i++)
            send_syn(f);
    }
    if (f->on)
        visit(f);
    uint64_t memory = memory_held(f);
    if (memory > f->most_memory)
        f->most_memory = memory;
    return transfer_step(&f->transfer);
}

static void listen_for_visitors(struct flood *f)
{
    struct tern *host = f->world.machine[1];
    f->service = tern_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(tern_bind(host, f->service, world_address(1, SERVICE), world_address_length()),
                     0);
    assert_int_equal(tern_listen(host, f->service, BACKLOG), 0);
}

/* When the conversation was over. */
static uint64_t play(struct flood *f, bool on)
{
    struct world_config config = {.seed = 1};
    for (int i = 0; i < 2; i++) {
        config.fault[i].delay_ns = TIME_MS(10);
        f->transfer.side[i] = (struct transfer_side){
            .to_send = BYTES, .close = CLOSE_WHEN_SENT, .write_most = 20000, .read_most = 20000};
    }
    f->on = on;
    f->client = -1;
    random_seed_number(&f->random, 2);
    world_open(&f->world, &config);
    listen_for_visitors(f);
    transfer_begin(&f->transfer, &f->world, 3);
    assert_true(world_run(&f->world, TIME_S(60), step, f));
    uint64_t over = f->world.now_ns;
    assert_int_equal(tern_counter(f->world.machine[0], "TcpRetransSegs", &f->retransmissions), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f->transfer.side[i].received, BYTES);
        assert_int_equal(f->transfer.side[i].error, 0);
    }
    if (f->client >= 0)
        tern_close(f->world.machine[0], f->client);
    tern_close(f->world.machine[1], f->service);
    assert_true(world_run(&f->world, TIME_S(600), NULL, NULL));
    assert_int_equal(tern_memory_used(f->world.machine[1]), 0);
    world_close(&f->world);
    return over;
}

static void flood_changes_nothing_for_what_is_open_and_keeps_nobody_out(void **state)
{
    (void)state;
    struct flood quiet = {0}, flooded = {0};
    uint64_t undisturbed = play(&quiet, false);
    /* The pieces that are written differ with the number of steps: two round trips, not more. */
    assert_true(play(&flooded, true) <= undisturbed + TIME_MS(40));
    assert_int_equal(flooded.retransmissions, 0);
    assert_true(flooded.syns > 1000);
    assert_true(flooded.opened >= 5);
    /* The half-open connections, and those that came meanwhile and wait in TIME-WAIT. */
    assert_true(flooded.most_memory - quiet.most_memory <
                (BACKLOG + 1) * HALF_OPEN_BYTES + flooded.opened * TCP_CONNECTION_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_changes_nothing_for_what_is_open_and_keeps_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
