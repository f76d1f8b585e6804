/* Two stacks joined in one thread, in virtual time: the engine door.
 *
 * A wire of 10 ms each way that loses every 60th packet carries a megabyte from one to the other.
 * Nothing sleeps and no clock is read: time jumps to the next thing that is due, so that the
 * seconds of the transfer pass in a moment, and every run gives the same numbers. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tern/tern.h>

enum { BYTES = 1000000, DELAY_NS = 10000000, LOST_OF = 60 };

struct packet {
    struct packet *next;
    uint64_t arrives_ns;
    size_t length;
    unsigned char bytes[];
};

/* One end: a stack, and the packets on their way to it, in their order. */
struct end {
    struct tern *t;
    struct end *other;
    struct packet *first, **last;
    unsigned sent, lost;
};

static uint64_t now_ns; /* for both */

/* ── The wire ── */

/* struct tern_engine_config's: the packet's memory is the stack's, so a copy goes on the way. */
static int output(void *user, const struct iovec *spans, int count,
                  const struct tern_offload *offload)
{
    struct end *from = user, *to = from->other;
    size_t length = 0;
    (void)offload; /* a wire that can do nothing is asked for nothing */
    if (++from->sent % LOST_OF == 0) {
        from->lost++;
        return 0;
    }
    for (int i = 0; i < count; i++)
        length += spans[i].iov_len;
    struct packet *packet = malloc(sizeof *packet + length);
    if (!packet)
        return -ENOBUFS;
    *packet = (struct packet){.arrives_ns = now_ns + DELAY_NS};
    for (int i = 0; i < count; i++) {
        memcpy(packet->bytes + packet->length, spans[i].iov_base, spans[i].iov_len);
        packet->length += spans[i].iov_len;
    }
    *to->last = packet;
    to->last = &packet->next;
    return 0;
}

static struct packet *take_first(struct end *end)
{
    struct packet *packet = end->first;
    end->first = packet->next;
    if (!end->first)
        end->last = &end->first;
    return packet;
}

/* ── An end ── */

static void end_open(struct end *end, struct end *other, const char *address)
{
    unsigned char seed[32] = {1}; /* fixed, for runs that are the same; else: getrandom(2) */
    struct tern_engine_config config = {
        .seed = seed, .now_ns = now_ns, .address = address, .output = output, .user = end};
    struct tern_error error;
    *end = (struct end){.other = other, .last = &end->first};
    end->t = tern_engine_new(&config, &error);
    if (!end->t) {
        fprintf(stderr, "two_stacks: %s\n", error.text);
        exit(1);
    }
}

static void end_close(struct end *end)
{
    tern_close_stack(end->t); /* its last words go on the wire */
    while (end->first)
        free(take_first(end));
}

static uint64_t end_due(const struct end *end)
{
    uint64_t due_ns = tern_deadline(end->t);
    if (end->first && end->first->arrives_ns < due_ns)
        due_ns = end->first->arrives_ns;
    return due_ns;
}

/* Does all that is due at this time, and calls back for sockets that are ready then. */
static void end_run(struct end *end)
{
    tern_advance(end->t, now_ns);
    while (end->first && end->first->arrives_ns <= now_ns) {
        struct packet *packet = take_first(end);
        tern_input(end->t, packet->bytes, packet->length, NULL, now_ns);
        free(packet);
    }
    tern_step(end->t);
}

/* ── The transfer ── */

static struct end left, right;
static size_t written, bytes_read;

static void write_more(void *user, int socket, short events)
{
    static const char zeros[65536];
    (void)user, (void)events;
    size_t most = BYTES - written < sizeof zeros ? BYTES - written : sizeof zeros;
    ssize_t n = tern_send(left.t, socket, zeros, most, MSG_DONTWAIT);
    if (n > 0)
        written += (size_t)n;
    if (written == BYTES || (n < 0 && errno != EAGAIN))
        tern_close(left.t, socket); /* what was written is still delivered */
}

static bool over;

static void read_more(void *user, int socket, short events)
{
    static char bytes[65536];
    (void)user, (void)events;
    ssize_t n = tern_recv(right.t, socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        bytes_read += (size_t)n;
    else if (n == 0 || errno != EAGAIN)
        over = true;
}

static void accept_one(void *user, int listener, short events)
{
    (void)user, (void)events;
    int socket = tern_accept(right.t, listener, NULL, NULL);
    if (socket >= 0)
        tern_watch(right.t, socket, POLLIN, read_more, NULL);
}

int main(void)
{
    uint64_t again = 0;
    end_open(&left, &right, "10.0.0.1/24");
    end_open(&right, &left, "10.0.0.2/24");
    tern_watch(right.t, tern_listen_on(right.t, "7", 1), POLLIN, accept_one, NULL);
    tern_watch(left.t, tern_dial(left.t, "10.0.0.2:7"), POLLOUT, write_more, NULL);
    while (!over) {
        uint64_t left_ns = end_due(&left), right_ns = end_due(&right);
        now_ns = left_ns < right_ns ? left_ns : right_ns;
        end_run(&left);
        end_run(&right);
    }
    tern_counter(left.t, "TcpRetransSegs", &again);
    printf("%zu bytes in %" PRIu64 " ms of virtual time: %u packets out, %u of them lost, "
           "%" PRIu64 " sent again, %u back\n",
           bytes_read, now_ns / 1000000, left.sent, left.lost, again, right.sent);
    end_close(&left);
    end_close(&right);
    return bytes_read == BYTES ? 0 : 1;
}
