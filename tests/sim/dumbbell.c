#include "sim/dumbbell.h"

#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/random.h"
#include "base/time.h"
#include "link/memory.h"
#include "sock/tern.h"
#include "tcp/tcb.h"

enum {
    PORT = 7000,
    QUEUE_PACKETS = 1 << 16,
    POLL_BUDGET = 256,
    MTU = 1500,
    PIECE = 1 << 16,
    DESTINATION = 16, /* of an IPv4 header: where the address stands */
    FIRST_SENDER = 10,
};

/* The sender's address is 10.0.0.10 and on, the receiver's 10.0.0.2. */
static uint32_t address_of(unsigned flow)
{
    return 0x0a000000u + FIRST_SENDER + flow;
}

static struct sockaddr_in receiver_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    address.sin_addr.s_addr = htonl(0x0a000002u);
    return address;
}

/* ── The machines ── */

static int send_from_sender(struct dumbbell *d, unsigned flow, const struct iovec *packet,
                            int count, const struct tern_offload *offload)
{
    return link_send(d->access[flow][0], packet, count, offload, d->now_ns);
}

/* What a machine calls to send finds its link here: the receiver's is the last. */
static struct end {
    struct dumbbell *d;
    unsigned flow;
} ends[DUMBBELL_FLOWS + 1];

static int send_packet(void *user, const struct iovec *packet, int count,
                       const struct tern_offload *offload)
{
    struct end *end = user;
    if (end->flow < DUMBBELL_FLOWS)
        return send_from_sender(end->d, end->flow, packet, count, offload);
    return link_send(end->d->bottleneck[1], packet, count, offload, end->d->now_ns);
}

static struct tern *open_machine(struct dumbbell *d, unsigned flow, const char *address,
                                 const char *settings)
{
    struct random random;
    uint8_t seed[RANDOM_SEED_SIZE];
    random_seed_number(&random, d->config->seed * (DUMBBELL_FLOWS + 1) + flow);
    random_bytes(&random, seed, sizeof seed);
    ends[flow] = (struct end){d, flow};
    struct tern_engine_config engine = {.seed = seed,
                                        .now_ns = d->now_ns,
                                        .address = address,
                                        .mtu = MTU,
                                        .link_features = TERN_LINK_CHECKSUM | TERN_LINK_TSO,
                                        .output = send_packet,
                                        .user = &ends[flow],
                                        .settings = settings};
    struct tern_error error;
    struct tern *t = tern_engine_new(&engine, &error);
    if (!t)
        fail_msg("%s", error.text);
    return t;
}

static void open_senders(struct dumbbell *d)
{
    static const char *const addresses[DUMBBELL_FLOWS] = {
        "10.0.0.10/24", "10.0.0.11/24", "10.0.0.12/24", "10.0.0.13/24",
        "10.0.0.14/24", "10.0.0.15/24", "10.0.0.16/24", "10.0.0.17/24"};
    for (unsigned i = 0; i < d->config->flows; i++) {
        struct fault_profile access[2] = {{.delay_ns = d->config->flow[i].access_ns},
                                          {.delay_ns = d->config->flow[i].access_ns}};
        assert_int_equal(
            memory_link_pair(MTU, TERN_LINK_CHECKSUM | TERN_LINK_TSO, QUEUE_PACKETS, d->access[i]),
            0);
        assert_int_equal(fault_link_new(d->access[i][0], access, &d->access[i][0]), 0);
        d->sender[i] = open_machine(d, i, addresses[i], d->config->flow[i].settings);
        d->out[i] = d->in[i] = -1;
    }
}

void dumbbell_open(struct dumbbell *d, const struct dumbbell_config *config)
{
    *d = (struct dumbbell){.config = config, .start_ns = TIME_S(1), .now_ns = TIME_S(1)};
    struct fault_profile fault[2] = {config->bottleneck[0], config->bottleneck[1]};
    fault[0].seed = config->seed * 2;
    fault[1].seed = config->seed * 2 + 1;
    assert_int_equal(
        memory_link_pair(MTU, TERN_LINK_CHECKSUM | TERN_LINK_TSO, QUEUE_PACKETS, d->bottleneck), 0);
    assert_int_equal(fault_link_new(d->bottleneck[0], fault, &d->bottleneck[0]), 0);
    d->receiver = open_machine(d, DUMBBELL_FLOWS, "10.0.0.2/24", NULL);
    open_senders(d);
    struct sockaddr_in address = receiver_address();
    d->listener = tern_socket(d->receiver, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(
        tern_bind(d->receiver, d->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(tern_listen(d->receiver, d->listener, DUMBBELL_FLOWS), 0);
}

void dumbbell_close(struct dumbbell *d)
{
    for (unsigned i = 0; i < d->config->flows; i++) {
        tern_close_stack(d->sender[i]);
        link_close(d->access[i][0]);
        link_close(d->access[i][1]);
    }
    tern_close_stack(d->receiver);
    link_close(d->bottleneck[0]);
    link_close(d->bottleneck[1]);
}

/* ── The packets' ways ── */

static enum drop_reason deliver(void *user, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    return tern_input(user, packet, length, offload, now_ns) ? DROP_LINK : DROP_NONE;
}

static enum drop_reason to_bottleneck(void *user, const void *packet, size_t length,
                                      const struct tern_offload *offload, uint64_t now_ns)
{
    struct dumbbell *d = user;
    struct iovec span = {.iov_base = (void *)(uintptr_t)packet, .iov_len = length};
    return link_send(d->bottleneck[0], &span, 1, offload, now_ns) ? DROP_LINK : DROP_NONE;
}

static enum drop_reason to_sender(void *user, const void *packet, size_t length,
                                  const struct tern_offload *offload, uint64_t now_ns)
{
    struct dumbbell *d = user;
    struct iovec span = {.iov_base = (void *)(uintptr_t)packet, .iov_len = length};
    uint32_t destination;
    if (length < DESTINATION + sizeof destination)
        return DROP_LINK;
    memcpy(&destination, (const uint8_t *)packet + DESTINATION, sizeof destination);
    uint32_t flow = ntohl(destination) - address_of(0);
    if (flow >= d->config->flows)
        return DROP_LINK;
    return link_send(d->access[flow][1], &span, 1, offload, now_ns) ? DROP_LINK : DROP_NONE;
}

/* Moves packets until none moves. */
static void settle(struct dumbbell *d)
{
    int moved;
    do {
        moved = link_poll(d->bottleneck[1], d->now_ns, POLL_BUDGET, deliver, d->receiver);
        moved += link_poll(d->bottleneck[0], d->now_ns, POLL_BUDGET, to_sender, d);
        for (unsigned i = 0; i < d->config->flows; i++) {
            moved += link_poll(d->access[i][0], d->now_ns, POLL_BUDGET, deliver, d->sender[i]);
            moved += link_poll(d->access[i][1], d->now_ns, POLL_BUDGET, to_bottleneck, d);
        }
    } while (moved);
}

/* ── The flows ── */

static void begin(struct dumbbell *d, unsigned flow)
{
    struct sockaddr_in address = receiver_address();
    d->out[flow] = tern_socket(d->sender[flow], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(
        tern_connect(d->sender[flow], d->out[flow], (struct sockaddr *)&address, sizeof address),
        -1);
    assert_int_equal(errno, EINPROGRESS);
}

static bool accept_all(struct dumbbell *d)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    bool any = false;
    int socket;
    while ((socket = tern_accept4(d->receiver, d->listener, (struct sockaddr *)&from, &length,
                                  SOCK_NONBLOCK)) >= 0) {
        d->in[ntohl(from.sin_addr.s_addr) - address_of(0)] = socket;
        any = true;
    }
    return any;
}

/* Writes and reads all that can be. What the bytes are, other tests ask. */
static bool work(struct dumbbell *d, unsigned flow)
{
    static uint8_t bytes[PIECE];
    bool any = false;
    ssize_t n;
    if (d->out[flow] < 0) {
        if (dumbbell_time(d) < d->config->flow[flow].start_ns)
            return false;
        begin(d, flow);
        any = true;
    }
    while ((n = tern_send(d->sender[flow], d->out[flow], bytes, sizeof bytes, 0)) > 0)
        any = true;
    assert_true(errno == EAGAIN);
    while (d->in[flow] >= 0 &&
           (n = tern_recv(d->receiver, d->in[flow], bytes, sizeof bytes, 0)) > 0) {
        d->received[flow] += (uint64_t)n;
        any = true;
    }
    return any;
}

static void settle_all(struct dumbbell *d)
{
    bool any;
    do {
        settle(d);
        any = accept_all(d);
        for (unsigned i = 0; i < d->config->flows; i++)
            any |= work(d, i);
    } while (any);
    settle(d);
}

static uint64_t next_deadline(const struct dumbbell *d)
{
    uint64_t next = time_min(tern_deadline(d->receiver), link_deadline(d->bottleneck[0]));
    for (unsigned i = 0; i < d->config->flows; i++) {
        next = time_min(next, tern_deadline(d->sender[i]));
        next = time_min(next, link_deadline(d->access[i][0]));
        if (d->out[i] < 0)
            next = time_min(next, d->start_ns + d->config->flow[i].start_ns);
    }
    return next;
}

void dumbbell_run(struct dumbbell *d, uint64_t after_ns, uint64_t every_ns,
                  void (*sample)(void *user, struct dumbbell *d), void *user)
{
    uint64_t until_ns = d->start_ns + after_ns;
    uint64_t next_sample_ns = sample ? d->now_ns : TIME_NEVER;
    for (;;) {
        settle_all(d);
        uint64_t next = time_max(next_deadline(d), d->now_ns);
        for (; next_sample_ns <= time_min(next, until_ns); next_sample_ns += every_ns) {
            d->now_ns = next_sample_ns;
            sample(user, d);
        }
        if (next > until_ns)
            break;
        d->now_ns = next;
        tern_advance(d->receiver, d->now_ns);
        for (unsigned i = 0; i < d->config->flows; i++)
            tern_advance(d->sender[i], d->now_ns);
    }
    d->now_ns = until_ns;
}

/* ── What is seen ── */

const struct tcb *dumbbell_tcb(const struct dumbbell *d, unsigned flow)
{
    const struct tcp *tcp = tcp_of(&d->sender[flow]->stack);
    return list_empty(&tcp->all) ? NULL : container_of(tcp->all.next, struct tcb, all);
}

uint64_t dumbbell_counter(const struct dumbbell *d, unsigned flow, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(tern_counter(d->sender[flow], name, &value), 0);
    return value;
}
