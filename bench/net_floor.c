/* The floor: the least that the kernel takes for TCP over a TUN device, with offloads. No timers,
 * no checks, no loss, no options but what a SYN needs, no memory of what was sent: what it costs is
 * the system calls, and what the kernel does in them. It ends the program when a packet is missing.
 *
 * Text of several connections, or that nobody waits for, is read to one place over and over: who
 * asks for it is told how much there is.
 *
 * FLOOR_TEXT is how much text a packet that it sends has at the most. With FLOOR_KEEPS, text is
 * copied before it is sent, to where it could be sent from again, and from where it was read to who
 * asks for it: the least that it takes to lose nothing. What is copied is not looked at. */
#include "net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "floor_wire.h"

enum {
    FLOWS_MAX = 1024, /* a power of two; the oldest is forgotten for the next */
    LISTENER = FLOWS_MAX,
    TOGETHER = 4,    /* super-segments to an acknowledgment */
    IN_A_BATCH = 16, /* packets read before what has come is looked at */
    KEPT = 4 << 20,  /* bytes that may be under way, or unread, of one that keeps them */
    ASKED = 1 << 20, /* for so many at once, at the most */
    FIRST_PORT = 10000,
    PORTS = 50000,
};

struct flow {
    bool open, ended;      /* our SYN is acknowledged; the other's FIN has come */
    bool finished;         /* our FIN is sent */
    uint8_t shift;         /* of the other's windows */
    uint16_t ours, theirs; /* ports */
    uint32_t sent, acked, got, window;
    unsigned owed; /* super-segments not acknowledged yet */
    size_t unread;
};

static struct flow flows[FLOWS_MAX];
static unsigned begun, accepted;
static uint16_t by_port[65536]; /* 1 + the flow, by the caller's port */
static uint16_t listens;        /* a port, or 0 */
static uint8_t elsewhere[WIRE_SUPER_PACKET];
static size_t text_max = WIRE_BIG_TEXT; /* of a packet that we send */
static uint8_t *kept;                   /* of all flows, in either direction; NULL: nothing is */

/* Later ones are greater, also from one run to the next: the kernel, which remembers connections
 * that are over, wants it so. */
static uint32_t first_number(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void put(struct flow *flow, uint8_t flags, const void *text, size_t length)
{
    const struct wire_segment segment = {.ours = flow->ours,
                                         .theirs = flow->theirs,
                                         .seq = flow->sent,
                                         .ack = flow->got,
                                         .flags = flags};
    wire_put(&segment, text, length);
    flow->sent += (uint32_t)length + ((flags & (TH_SYN | TH_FIN)) != 0);
    flow->owed = 0;
}

static struct flow *begin(uint16_t ours, uint16_t theirs)
{
    struct flow *flow = &flows[begun % FLOWS_MAX];
    uint32_t number = first_number();
    *flow = (struct flow){.ours = ours, .theirs = theirs, .sent = number, .acked = number};
    by_port[listens ? theirs : ours] = (uint16_t)(1 + begun++ % FLOWS_MAX);
    return flow;
}

/* ── In ── */

/* A SYN, the answer to ours or one that asks. */
static void take_syn(struct flow *flow, const struct wire_segment *segment)
{
    flow->got = segment->seq + 1;
    flow->shift = segment->window_shift;
    flow->window = segment->window;
    if (listens)
        put(flow, TH_SYN | TH_ACK, NULL, 0);
    else
        flow->acked = segment->ack;
    flow->open = true;
}

static void take(struct flow *flow, const struct wire_segment *segment, size_t length)
{
    if (segment->flags & TH_ACK) {
        flow->acked = segment->ack;
        flow->window = segment->window << flow->shift;
    }
    int32_t ahead = (int32_t)(segment->seq - flow->got);
    bool fin = segment->flags & TH_FIN;
    if (segment->flags & TH_RST || ahead > 0)
        fail("a packet is missing");
    if (ahead < 0) { /* it was sent again: for want of an ACK, of a small one for instance */
        put(flow, TH_ACK, NULL, 0);
        return;
    }
    flow->ended |= fin;
    flow->got += (uint32_t)length + fin;
    flow->unread += length;
    flow->owed += length > WIRE_MSS; /* smaller ones have an answer coming */
    if (flow->owed >= TOGETHER || (fin && flow->finished))
        put(flow, TH_ACK, NULL, 0);
}

/* Takes in a packet, its text to `place`: whose it was, or NULL. */
static struct flow *take_in(uint8_t *place, bool *more)
{
    struct wire_segment segment;
    ssize_t length = wire_take(&segment, place);
    *more = length >= 0;
    if (!*more || !segment.flags)
        return NULL;
    if (listens && segment.flags == TH_SYN && segment.ours == listens)
        begin(segment.ours, segment.theirs);
    uint16_t at = by_port[listens ? segment.theirs : segment.ours];
    if (!at)
        return NULL;
    struct flow *flow = &flows[at - 1];
    if (segment.flags & TH_SYN)
        take_syn(flow, &segment);
    else
        take(flow, &segment, (size_t)length);
    return flow;
}

static void acknowledge_all(void)
{
    for (unsigned i = 0; i < begun && i < FLOWS_MAX; i++)
        if (flows[i].owed)
            put(&flows[i], TH_ACK, NULL, 0);
}

/* Where text goes that nobody waits for: to its own place, if it is kept until it is asked for. */
static uint8_t *place(void)
{
    static size_t at;
    if (!kept)
        return elsewhere;
    at = (at + WIRE_SUPER_PACKET) % KEPT;
    return kept + at;
}

/* Takes in what there is. `sleeps`: at least one packet. */
static void look(bool sleeps)
{
    bool more = true;
    for (unsigned i = 0; i < IN_A_BATCH && more; i++) {
        take_in(place(), &more);
        if (more)
            sleeps = false;
    }
    if (more)
        return;
    if (listens && begun < FLOWS_MAX)
        acknowledge_all();
    if (sleeps)
        wire_sleep();
}

/* ── The calls ── */

void net_begin(void)
{
    const char *text = getenv("FLOOR_TEXT");
    if (text)
        text_max = (size_t)atoi(text);
    if (getenv("FLOOR_KEEPS") && !(kept = malloc(KEPT + ASKED)))
        fail("no memory to keep text in");
    wire_open();
}

static bool all_are_over(void)
{
    for (unsigned i = 0; i < begun && i < FLOWS_MAX; i++)
        if (flows[i].finished && (!flows[i].ended || flows[i].acked != flows[i].sent))
            return false;
    return true;
}

/* The kernel is not left with connections that the next run's ports might meet. */
void net_end(void)
{
    while (!all_are_over())
        look(true);
}

int net_listen(uint16_t port)
{
    listens = port;
    return LISTENER;
}

int net_accept(int listener)
{
    (void)listener;
    while (accepted == begun)
        look(true);
    return (int)(accepted++ % FLOWS_MAX);
}

int net_connect(const char *host, uint16_t port, bool blocking)
{
    static unsigned next;
    (void)host;
    if (!next)
        next = first_number();
    struct flow *flow = begin((uint16_t)(FIRST_PORT + next++ % PORTS), port);
    put(flow, TH_SYN, NULL, 0);
    while (blocking && !flow->open)
        look(true);
    return (int)(flow - flows);
}

static uint32_t room(const struct flow *flow)
{
    uint32_t flying = flow->sent - flow->acked;
    uint32_t most = kept && flow->window > KEPT ? KEPT : flow->window;
    return flow->open && flying < most ? most - flying : 0;
}

ssize_t net_send(int socket, const void *bytes, size_t length, int flags)
{
    struct flow *flow = &flows[socket];
    while (room(flow) == 0 && !(flags & MSG_DONTWAIT))
        look(true);
    if (length > room(flow))
        length = room(flow);
    if (length > text_max)
        length = text_max;
    if (length == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (kept)
        bytes = memcpy(kept + flow->sent % KEPT, bytes, length);
    put(flow, TH_ACK | TH_PUSH, bytes, length);
    return (ssize_t)length;
}

/* Text that has been read elsewhere, and is copied from there; to NULL, not. */
static ssize_t take_unread(struct flow *flow, uint8_t *bytes, size_t length)
{
    static size_t at;
    size_t part = flow->unread < length ? flow->unread : length;
    if (kept && bytes && part <= ASKED) {
        memcpy(bytes, kept + at, part);
        at = (at + part) % KEPT;
    }
    flow->unread -= part;
    return (ssize_t)part;
}

/* Reads super-segments into the reader's memory while the largest has room there; small ones, of a
 * question and answer, one at a time. */
static ssize_t receive(struct flow *flow, uint8_t *bytes, size_t length, bool sleeps)
{
    bool large = length >= WIRE_SUPER_PACKET, more = true;
    size_t done = 0;
    while (!flow->ended && (done == 0 || (large && length - done >= WIRE_SUPER_PACKET))) {
        take_in(large ? bytes + done : elsewhere, &more);
        if (!more && flow->owed)
            put(flow, TH_ACK, NULL, 0);
        if (!more && done > 0)
            break;
        if (!more && sleeps)
            wire_sleep();
        done += (size_t)take_unread(flow, NULL, length - done);
    }
    if (!large)
        memcpy(bytes, elsewhere, done);
    return (ssize_t)done;
}

ssize_t net_recv(int socket, void *bytes, size_t length, int flags)
{
    struct flow *flow = &flows[socket];
    if (flow->unread)
        return take_unread(flow, bytes, length);
    if (!(flags & MSG_DONTWAIT))
        return receive(flow, bytes, length, true);
    if (flow->ended)
        return 0;
    errno = EAGAIN;
    return -1;
}

ssize_t net_recv_spinning(int socket, void *bytes, size_t length)
{
    return receive(&flows[socket], bytes, length, false);
}

static short readiness(const struct pollfd *one)
{
    if (one->fd < 0)
        return 0;
    if (one->fd == LISTENER)
        return accepted < begun ? POLLIN : 0;
    const struct flow *flow = &flows[one->fd];
    bool readable = flow->unread || flow->ended;
    return (short)(one->events & ((readable ? POLLIN : 0) | (room(flow) ? POLLOUT : 0)));
}

int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms)
{
    int ready = 0;
    for (bool looked = false;; looked = true) {
        for (nfds_t i = 0; i < count; i++)
            ready += (sockets[i].revents = readiness(&sockets[i])) != 0;
        if (ready || (looked && timeout_ms == 0))
            return ready;
        look(timeout_ms != 0);
    }
}

void net_finish(int socket)
{
    struct flow *flow = &flows[socket];
    if (!flow->finished)
        put(flow, TH_ACK | TH_FIN, NULL, 0);
    flow->finished = true;
}

void net_no_delay(int socket)
{
    (void)socket;
}

void net_close(int socket)
{
    if (socket != LISTENER)
        net_finish(socket);
}
