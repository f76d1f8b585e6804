#include "fuzz/calls/world.h"

#include <sys/mman.h>

#include "common/allocation.h"
#include "common/every_call.h"
#include "fuzz/fuzz.h"

enum {
    WAITS_MOST = 300,      /* in one step: then the call is interrupted */
    PACKETS_AT_ONCE = 200, /* that arrive at one time */
    SENT_PER_STEP_MOST = 50000,
    TIMERS_AT_ONCE = 100000, /* that are due at one time */
    ENDING_MOST = 200000,    /* things that may happen after all is closed */
};

uint8_t in_buffer[BUFFER];

/* ── The user's spans ── */

static void forget(struct iovec kept[NUMBERS][2], int socket)
{
    if (socket >= 0 && socket < NUMBERS)
        memset(kept[socket], 0, sizeof kept[socket]);
}

void forget_reserved(struct end *end, int socket)
{
    forget(end->reserved, socket);
}

void forget_shown(struct end *end, int socket)
{
    forget(end->shown, socket);
}

/* Reads or writes all of them: ASan sees those that are not valid. */
static void touch_spans(struct end *end)
{
    volatile uint8_t sum = 0;
    for (int i = 0; i < NUMBERS; i++) {
        for (int k = 0; k < 2; k++) {
            const struct iovec *room = &end->reserved[i][k], *text = &end->shown[i][k];
            if (room->iov_len > 0)
                memset(room->iov_base, i, room->iov_len);
            for (size_t at = 0; at < text->iov_len; at++)
                sum = (uint8_t)(sum + ((const uint8_t *)text->iov_base)[at]);
        }
    }
}

/* ── The link ── */

static void remember(struct end *to, const struct flight *flight)
{
    if (flight->length > SEEN_MOST)
        return;
    unsigned index = to->seen_count++ % SEEN;
    to->seen[index].length = flight->length;
    memcpy(to->seen[index].bytes, flight->bytes, flight->length);
}

/* Each is refused, whatever is at work. */
static void call_from_within(struct tern *t)
{
    for (size_t i = 0; i < EVERY_CALL_COUNT; i++) {
        errno = 0;
        FUZZ_CHECK(every_call[i].call(t) == -1 && errno == EBUSY);
    }
}

/* A link that lies about what it has done or wants done. */
static void spoil_offload(struct world *w, struct tern_offload *offload)
{
    uint16_t *const fields[] = {&offload->segment_size, &offload->header_length,
                                &offload->checksum_start, &offload->checksum_offset};
    if (pick(w, 2))
        *CHOOSE(w, fields) = (uint16_t)pick(w, pick(w, 2) ? 100 : 65536);
    else
        offload->flags ^= 1u << pick(w, 4);
}

static int link_take(void *user, const struct iovec *packet, int count,
                     const struct tern_offload *offload)
{
    struct end *from = user;
    struct world *w = from->world;
    struct end *to = &w->ends[!from->index];
    size_t length = 0;
    FUZZ_CHECK(++w->sent < SENT_PER_STEP_MOST);
    if (w->calls_back && once_in(w, w->calls_back))
        call_from_within(from->t);
    if (pick(w, 100) < w->loss)
        return pick(w, 2) ? 0 : -ENOBUFS;
    for (int i = 0; i < count; i++)
        length += packet[i].iov_len;
    struct flight *flight = allocation_certain(sizeof *flight + length);
    flight->next = NULL;
    flight->at_ns = w->now_ns + (once_in(w, 4) ? TIME_US(pick(w, 30000)) : TIME_US(10));
    flight->offload = offload ? *offload : (struct tern_offload){0};
    flight->length = 0;
    for (int i = 0; i < count; i++) {
        if (packet[i].iov_len > 0)
            memcpy(flight->bytes + flight->length, packet[i].iov_base, packet[i].iov_len);
        flight->length += packet[i].iov_len;
    }
    remember(to, flight);
    if (pick(w, 100) < w->spoil)
        flight->bytes[pick(w, 65536) % length] ^= (uint8_t)(1u << pick(w, 8));
    if (pick(w, 100) < w->spoil)
        spoil_offload(w, &flight->offload);
    *to->last = flight;
    to->last = &flight->next;
    return 0;
}

static struct flight *link_first(struct end *end)
{
    struct flight *flight = end->first;
    end->first = flight->next;
    if (end->first == NULL)
        end->last = &end->first;
    return flight;
}

void world_deliver(struct end *end, const uint8_t *bytes, size_t length,
                   const struct tern_offload *offload)
{
    uint8_t *copy = allocation_certain(length ? length : 1);
    memcpy(copy, bytes, length);
    tern_input(end->t, copy, length, offload, end->world->now_ns);
    free(copy);
}

/* ── Time ── */

static uint64_t end_due(struct end *end)
{
    uint64_t due = tern_deadline(end->t);
    return end->first ? time_min(due, end->first->at_ns) : due;
}

static uint64_t world_due(struct world *w)
{
    return time_min(end_due(&w->ends[0]), end_due(&w->ends[1]));
}

/* What is due by now: at the deadline nothing may be left that is due at once, for ever. */
static void run_end(struct end *end)
{
    struct world *w = end->world;
    unsigned turns = 0;
    do {
        tern_advance(end->t, w->now_ns);
        FUZZ_CHECK(++turns < TIMERS_AT_ONCE);
    } while (tern_deadline(end->t) <= w->now_ns);
    for (int i = 0; i < PACKETS_AT_ONCE && end->first && end->first->at_ns <= w->now_ns; i++) {
        struct flight *flight = link_first(end);
        world_deliver(end, flight->bytes, flight->length, &flight->offload);
        free(flight);
    }
}

static void run_both(struct world *w)
{
    for (int i = 0; i < 2; i++)
        run_end(&w->ends[i]);
}

/* A call waits: time passes, packets arrive, and at times somebody else calls. */
static int wait_a_while(void *user, uint64_t deadline_ns)
{
    struct world *w = ((struct end *)user)->world;
    if (++w->waits > WAITS_MOST || program_over(w))
        return -EINTR;
    if (w->depth < DEPTH_MOST && once_in(w, 6)) {
        w->depth++;
        world_step(w);
        w->depth--;
    }
    run_both(w);
    uint64_t next = time_min(world_due(w), deadline_ns);
    if (next == TIME_NEVER || once_in(w, 200))
        return -EINTR;
    w->now_ns = time_max(w->now_ns, next);
    run_both(w);
    return 0;
}

/* ── Steps ── */

static action *const actions[] = {
    open_something,    open_something,    bind_something,   listen_somewhere,
    connect_somewhere, connect_somewhere, accept_something, accept_something,
    shut_something,    close_something,   send_something,   send_something,
    receive_something, receive_something, send_message,     receive_message,
    reserve_room,      commit_room,       show_text,        consume_text,
    send_a_file,       make_epoll,        control_epoll,    control_epoll,
    wait_epoll,        poll_some,         watch_something,  set_an_option,
    set_an_option,     get_an_option,     ask_something,    set_a_setting,
    forge_a_packet,    forge_a_packet,    join_a_group,     drive,
};

static void act(struct world *w)
{
    struct end *end = &w->ends[pick(w, 2)];
    action *chosen = CHOOSE(w, actions);
    if (chosen == forge_a_packet && (w->depth > 0 || !w->forges))
        return;
    chosen(w, end, pick_socket(w));
}

void world_step(struct world *w)
{
    bool fails = w->depth == 0 && w->fails && once_in(w, w->fails);
    if (w->depth == 0)
        w->waits = w->sent = 0;
    if (fails) {
        if (pick(w, 2))
            allocations_fail_after(pick(w, 20));
        else
            allocations_fail_once_after(pick(w, 20));
    }
    act(w);
    if (fails)
        allocations_succeed();
    for (int i = 0; i < 2; i++)
        touch_spans(&w->ends[i]);
}

/* Time goes on to what is due, at times far. */
static void pass(struct world *w)
{
    uint64_t due = world_due(w);
    if (due != TIME_NEVER && (due < w->now_ns + TIME_MS(50) || once_in(w, 3)))
        w->now_ns = time_max(w->now_ns, due);
    run_both(w);
    for (int i = 0; i < 2; i++)
        tern_step(w->ends[i].t);
}

void world_run(struct world *w)
{
    while (!program_over(w)) {
        world_step(w);
        if (once_in(w, 3))
            pass(w);
    }
}

/* ── Beginning and end ── */

static void world_furnish(struct world *w)
{
    static int file = -1; /* the same for all worlds: it only stands at its beginning again */
    if (file < 0)
        file = memfd_create("file", MFD_CLOEXEC);
    FUZZ_CHECK(file >= 0 && ftruncate(file, 60000) == 0 && lseek(file, 0, SEEK_SET) == 0);
    w->file = file;
    FUZZ_CHECK(pipe2(w->pipe, O_NONBLOCK) == 0);
    FUZZ_CHECK(write(w->pipe[1], in_buffer, 30000) == 30000);
}

void world_open(struct world *w, const uint8_t *program, size_t length)
{
    static const char *const settings[] = {
        NULL,
        "tcp.rest_after_ms=0",
        "memory.low=4096,memory.pressure=4096,memory.high=4096",
        "memory.low=20000,memory.pressure=40000,memory.high=60000",
        "tcp.fastopen=1543,tcp.sndbuf=4608,tcp.rcvbuf=2304",
        "tcp.syncookies=2,tcp.congestion_control=bbr",
        "socket.descriptors=6,socket.epoll_watches=5",
        "tcp.ecn=3,tcp.mtu_probing=2,tcp.max_orphans=3"};
    static const unsigned mtus[] = {0, 0, 576, 9000};
    static const uint32_t features[] = {0,
                                        0,
                                        TERN_LINK_CHECKSUM,
                                        TERN_LINK_CHECKSUM | TERN_LINK_TSO,
                                        TERN_LINK_CHECKSUM | TERN_LINK_TSO | TERN_LINK_TSO_CWR,
                                        TERN_LINK_CHECKSUM | TERN_LINK_TSO | TERN_LINK_USO};
    static const uint8_t seed[32] = {1};
    memset(w, 0, sizeof *w);
    w->program = cursor_over(program, length);
    w->now_ns = TIME_S(1);
    w->loss = once_in(w, 4) ? pick(w, 40) : pick(w, 4);
    w->spoil = once_in(w, 4) ? pick(w, 30) : pick(w, 3);
    w->forges = pick(w, 3);
    w->fails = pick(w, 2) ? 2 + pick(w, 10) : 0;
    w->calls_back = once_in(w, 4) ? 1 + pick(w, 10) : 0;
    world_furnish(w);
    for (int i = 0; i < 2; i++) {
        struct end *end = &w->ends[i];
        end->world = w;
        end->index = i;
        end->last = &end->first;
        struct tern_engine_config config = {.seed = seed,
                                            .now_ns = w->now_ns,
                                            .address = i ? "10.0.0.2/24" : "10.0.0.1/24",
                                            .mtu = CHOOSE(w, mtus),
                                            .link_features = CHOOSE(w, features),
                                            .output = link_take,
                                            .wait = once_in(w, 4) ? NULL : wait_a_while,
                                            .user = end,
                                            .settings = CHOOSE(w, settings)};
        end->t = tern_engine_new(&config, NULL);
        FUZZ_CHECK(end->t != NULL);
    }
    /* So that there is something to begin with: a connection, and datagrams. */
    tern_listen_on(w->ends[1].t, "7", 5);
    tern_dial(w->ends[0].t, "10.0.0.2:7");
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(7)};
        int socket = tern_socket(w->ends[i].t, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        tern_bind(w->ends[i].t, socket, (struct sockaddr *)&in, sizeof in);
    }
}

/* All descriptors, in both ways, while nobody else calls. */
static void close_all(struct world *w, struct end *end)
{
    unsigned free_in_a_row = 0;
    for (int socket = 0; free_in_a_row < 4 * NUMBERS; socket++) {
        struct linger at_once = {1, 0};
        if (socket % 2)
            tern_setsockopt(end->t, socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        w->waits = WAITS_MOST; /* none waits */
        free_in_a_row = tern_close(end->t, socket) < 0 && errno == EBADF ? free_in_a_row + 1 : 0;
    }
}

void world_close(struct world *w)
{
    w->depth = DEPTH_MOST;
    w->loss = w->spoil = 0;
    for (int i = 0; i < 2; i++)
        for (int socket = 0; socket < NUMBERS; socket++) {
            forget_reserved(&w->ends[i], socket);
            forget_shown(&w->ends[i], socket);
        }
    for (int i = 0; i < 2; i++)
        close_all(w, &w->ends[i]);
    for (unsigned i = 0; world_due(w) != TIME_NEVER; i++) {
        FUZZ_CHECK(i < ENDING_MOST);
        w->sent = 0;
        w->now_ns = time_max(w->now_ns, world_due(w));
        run_both(w);
    }
    for (int i = 0; i < 2; i++) {
        FUZZ_CHECK(tern_memory_used(w->ends[i].t) == 0);
        tern_close_stack(w->ends[i].t);
    }
    close(w->pipe[0]);
    close(w->pipe[1]);
}
