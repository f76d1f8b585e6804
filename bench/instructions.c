/* bench_instructions ROW COUNT: COUNT rounds of one row of instructions.tsv, for callgrind.
 *
 * Two engines in one thread and in virtual time, joined by a queue without loss or delay: nothing
 * is measured but the pure machine, and every run is the same to the instruction. What the near
 * engine is called for goes through near_side(), what the far one is called for through far_side():
 * callgrind is told to collect within one of them. What both need beside (the queue, the clock) is
 * outside, but for a packet's copy into the queue. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tern/tern.h>

enum {
    PORT = 7000,
    LISTENERS = 5,     /* sockets 0 to 4 of the far end, on PORT and those after it */
    ON_A_PORT = 25000, /* connections: less than there are ephemeral ports */
    IN_TURN = 100,     /* connections whose state no first-level cache holds together */
    QUEUE_PACKETS = 16384,
    QUEUE_BYTES = 64 << 20,
    ROUND_NS = 20000,
    LOST_ONE_IN = 64,
    HOLES_BYTES = 16 << 20, /* sent with holes in a round, in as many flights as it takes */
};

struct packet {
    const uint8_t *bytes;
    size_t length;
    struct tern_offload offload;
};

/* One engine, and the packets on their way to it. */
struct end {
    struct tern *t;
    struct end *peer;
    struct packet queue[QUEUE_PACKETS];
    unsigned queued;
    uint8_t *bytes;
    size_t used;
    int socket;
};

#define IDLE_NS 10000000000u /* after the connections beside were opened */

static struct end near_end, far_end;
static uint64_t now_ns = 1000000000;
static uint8_t block[256 * 1024];
static unsigned listener; /* that connections are opened to */
static bool losing;       /* one in LOST_ONE_IN of the near end's full packets is lost */

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int output(void *user, const struct iovec *spans, int count,
                  const struct tern_offload *offload)
{
    struct end *to = ((struct end *)user)->peer;
    struct packet *packet = &to->queue[to->queued];
    static unsigned full;
    if (losing && to == &far_end && count > 1 && ++full % LOST_ONE_IN == 0)
        return 0;
    if (to->queued == QUEUE_PACKETS || QUEUE_BYTES - to->used < 65536 + 256)
        return -ENOBUFS;
    packet->bytes = to->bytes + to->used;
    packet->length = 0;
    packet->offload = *offload;
    for (int i = 0; i < count; i++) {
        memcpy(to->bytes + to->used + packet->length, spans[i].iov_base, spans[i].iov_len);
        packet->length += spans[i].iov_len;
    }
    to->used += (packet->length + 15) & ~(size_t)15;
    to->queued++;
    return 0;
}

/* ── What an engine is called for ── */

enum work { TAKE_PACKETS, SEND, SEND_LITTLE, RECEIVE, ADVANCE, OPEN, ACCEPT, CLOSE };

/* Both sides do the same; they are two so that callgrind can tell them apart. */
static inline ssize_t side(struct end *end, enum work work)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(PORT + listener))};
    switch (work) {
    case TAKE_PACKETS:
        for (unsigned i = 0; i < end->queued; i++)
            tern_input(end->t, end->queue[i].bytes, end->queue[i].length, &end->queue[i].offload,
                       now_ns);
        return end->queued;
    case SEND:
        return tern_send(end->t, end->socket, block, sizeof block, MSG_DONTWAIT);
    case SEND_LITTLE:
        return tern_send(end->t, end->socket, block, 64, MSG_DONTWAIT);
    case RECEIVE:
        return tern_recv(end->t, end->socket, block, sizeof block, MSG_DONTWAIT);
    case ADVANCE:
        tern_advance(end->t, now_ns);
        return 0;
    case OPEN:
        to.sin_addr.s_addr = htonl(0x0a000002);
        end->socket = tern_socket(end->t, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        return tern_connect(end->t, end->socket, (struct sockaddr *)&to, sizeof to);
    case ACCEPT:
        return end->socket = tern_accept(end->t, (int)listener, NULL, NULL);
    case CLOSE:
        return tern_close(end->t, end->socket);
    }
    return -1;
}

ssize_t near_side(enum work work);
ssize_t far_side(enum work work);

__attribute__((noinline)) ssize_t near_side(enum work work)
{
    return side(&near_end, work);
}

__attribute__((noinline)) ssize_t far_side(enum work work)
{
    return side(&far_end, work);
}

/* ── Time and packets ── */

static void queue_empty(struct end *end)
{
    end->queued = 0;
    end->used = 0;
}

/* A little time, and every packet that is on its way when it has passed. */
static void round_trip_half(void)
{
    now_ns += ROUND_NS;
    if (tern_deadline(near_end.t) <= now_ns)
        near_side(ADVANCE);
    if (tern_deadline(far_end.t) <= now_ns)
        far_side(ADVANCE);
    far_side(TAKE_PACKETS);
    queue_empty(&far_end);
    near_side(TAKE_PACKETS);
    queue_empty(&near_end);
}

static void settle(void)
{
    do
        round_trip_half();
    while (near_end.queued || far_end.queued);
}

/* What the handshakes have left behind, as timers that will find nothing to do, goes off. */
static void rest(void)
{
    now_ns += IDLE_NS;
    near_side(ADVANCE);
    far_side(ADVANCE);
    settle();
}

static void end_open(struct end *end, struct end *peer, const char *address, uint32_t features,
                     const char *settings)
{
    static const uint8_t seed[32] = {7};
    struct tern_error error;
    struct tern_engine_config config = {.seed = seed,
                                        .now_ns = now_ns,
                                        .address = address,
                                        .link_features = features,
                                        .output = output,
                                        .user = end,
                                        .settings = settings};
    end->peer = peer;
    end->bytes = malloc(QUEUE_BYTES);
    end->t = tern_engine_new(&config, &error);
    if (!end->bytes || !end->t)
        check(-1, "an engine");
}

static void open_one(void)
{
    near_side(OPEN);
    settle();
    check((int)far_side(ACCEPT), "accept");
    tern_fcntl(far_end.t, far_end.socket, F_SETFL, O_NONBLOCK);
}

/* ── The rows ── */

/* `count` blocks of 256 KB from the near end to the far one. */
static void bulk(unsigned count)
{
    uint64_t left = (uint64_t)count * sizeof block, came = 0;
    while (came < (uint64_t)count * sizeof block) {
        ssize_t n = left ? near_side(SEND) : 0;
        left -= n > 0 ? (uint64_t)n : 0;
        round_trip_half();
        while ((n = far_side(RECEIVE)) > 0)
            came += (uint64_t)n;
    }
}

/* `count` times 64 bytes there and back. */
static void ask(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        near_side(SEND_LITTLE);
        round_trip_half();
        far_side(RECEIVE);
        far_side(SEND_LITTLE);
        round_trip_half();
        check((int)near_side(RECEIVE), "the answer");
    }
}

/* The same of IN_TURN connections, one after the other: each has been thrown out of the cache by
 * the others since it was last asked. */
static void ask_in_turn(unsigned count)
{
    static struct {
        int near, far;
    } sockets[IN_TURN];
    for (unsigned i = 0; i < IN_TURN; i++) {
        open_one();
        sockets[i].near = near_end.socket;
        sockets[i].far = far_end.socket;
    }
    for (unsigned i = 0; i < count; i++) {
        near_end.socket = sockets[i % IN_TURN].near;
        far_end.socket = sockets[i % IN_TURN].far;
        ask(1);
    }
}

/* `count` connections, each opened, asked once, and closed from both ends. */
static void call(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        open_one();
        ask(1);
        near_side(CLOSE);
        settle();
        far_side(CLOSE);
        settle();
    }
}

static void send_all(uint64_t bytes)
{
    uint64_t left = bytes, came = 0;
    while (came < bytes) {
        ssize_t n = 0;
        while (left && (n = near_side(SEND)) > 0)
            left = (uint64_t)n < left ? left - (uint64_t)n : 0;
        round_trip_half();
        while ((n = far_side(RECEIVE)) > 0)
            came += (uint64_t)n;
    }
}

/* `count` times HOLES_BYTES with losses, in flights of `bytes`, each on a connection that has got
 * so far without. What a flight costs shall not depend on how much is in flight. */
static void holes(unsigned count, uint64_t bytes)
{
    int window = (int)bytes;
    tern_setsockopt(far_end.t, 0, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    for (uint64_t i = 0; i < count * HOLES_BYTES / bytes; i++) {
        open_one();
        send_all(4 * bytes);
        losing = true;
        send_all(bytes);
        losing = false;
        near_side(CLOSE);
        settle();
        far_side(CLOSE);
        settle();
    }
}

static void holes_64k(unsigned count)
{
    holes(count, 64 << 10);
}

static void holes_1m(unsigned count)
{
    holes(count, 1 << 20);
}

static void holes_16m(unsigned count)
{
    holes(count, 16 << 20);
}

#define SETTINGS "tcp.sndbuf=4194304,socket.descriptors=1048576,tcp.time_wait_s=1"
#define LARGE \
    "tcp.sndbuf_max=67108864,tcp.rcvbuf_max=67108864,tcp.sndbuf=67108864,tcp.time_wait_s=1"

static const struct row {
    const char *name;
    void (*work)(unsigned count);
    const char *settings;
    uint32_t features;
    unsigned idle; /* connections open beside */
} rows[] = {
    {"bulk", bulk, SETTINGS, 0, 0},
    {"bulk_beside_5000", bulk, SETTINGS, 0, 5000},
    {"bulk_offloaded", bulk, SETTINGS, TERN_LINK_CHECKSUM | TERN_LINK_TSO, 0},
    {"ask", ask, SETTINGS, TERN_LINK_CHECKSUM, 0},
    {"ask_beside_100000", ask, SETTINGS, TERN_LINK_CHECKSUM, 100000},
    {"ask_in_turn", ask_in_turn, SETTINGS, TERN_LINK_CHECKSUM, 0},
    {"call", call, SETTINGS, TERN_LINK_CHECKSUM, 0},
    {"call_beside_5000", call, SETTINGS, TERN_LINK_CHECKSUM, 5000},
    {"call_beside_100000", call, SETTINGS, TERN_LINK_CHECKSUM, 100000},
    {"holes_64k", holes_64k, LARGE, 0, 0},
    {"holes_1m", holes_1m, LARGE, 0, 0},
    {"holes_16m", holes_16m, LARGE, 0, 0},
};

int main(int argc, char **argv)
{
    const struct row *row = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof rows / sizeof rows[0]; i++)
        if (!strcmp(rows[i].name, argv[1]))
            row = &rows[i];
    if (!row) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            puts(rows[i].name);
        return argc == 1 ? 0 : 2;
    }
    end_open(&near_end, &far_end, "10.0.0.1/24", row->features, row->settings);
    end_open(&far_end, &near_end, "10.0.0.2/24", row->features, row->settings);
    for (listener = 0; listener < LISTENERS; listener++) {
        char port[8];
        snprintf(port, sizeof port, "%u", PORT + listener);
        check(tern_listen_on(far_end.t, port, 128), "listen");
    }
    for (unsigned i = 0; i < row->idle; i++) {
        listener = i / ON_A_PORT + 1;
        open_one();
    }
    listener = 0;
    rest();
    if (row->work != call)
        open_one();
    row->work((unsigned)strtoul(argv[2], NULL, 10));
    return 0;
}
