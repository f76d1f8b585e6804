#include "exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

/* ── Ends ── */

ssize_t end_send(struct end end, const void *bytes, size_t length)
{
    return end.tern ? tern_send(end.tern, end.socket, bytes, length, 0)
                    : send(end.socket, bytes, length, MSG_NOSIGNAL);
}

ssize_t end_receive(struct end end, void *bytes, size_t length)
{
    return end.tern ? tern_recv(end.tern, end.socket, bytes, length, 0)
                    : recv(end.socket, bytes, length, 0);
}

int end_shutdown(struct end end, int how)
{
    return end.tern ? tern_shutdown(end.tern, end.socket, how) : shutdown(end.socket, how);
}

int end_close(struct end end)
{
    return end.tern ? tern_close(end.tern, end.socket) : close(end.socket);
}

void end_linger(struct end end, int seconds)
{
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};
    if (end.tern)
        must(tern_setsockopt(end.tern, end.socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    else
        must(setsockopt(end.socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* ── Pairs ── */

static void give_patience(struct end ours)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    must(tern_setsockopt(ours.tern, ours.socket, SOL_SOCKET, SO_RCVTIMEO, &patience,
                         sizeof patience));
    must(tern_setsockopt(ours.tern, ours.socket, SOL_SOCKET, SO_SNDTIMEO, &patience,
                         sizeof patience));
}

struct pair pair_connect_to(const struct scenario *s, int listener, uint16_t port)
{
    struct sockaddr_in to = scenario_sockaddr(s->kernels, port);
    struct end ours = {s->tern, must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0))};
    give_patience(ours);
    must(tern_connect(s->tern, ours.socket, (struct sockaddr *)&to, sizeof to));
    return (struct pair){ours, {NULL, kernel_accept(listener)}};
}

struct pair pair_connect(const struct scenario *s)
{
    uint16_t port;
    int listener = kernel_listen(s, &port);
    struct pair pair = pair_connect_to(s, listener, port);
    close(listener);
    return pair;
}

int tern_listener(const struct scenario *s, uint16_t *port)
{
    struct sockaddr_in address = scenario_sockaddr(s->ours, 0);
    socklen_t length = sizeof address;
    int listener = must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0));
    give_patience((struct end){s->tern, listener});
    must(tern_bind(s->tern, listener, (struct sockaddr *)&address, sizeof address));
    must(tern_listen(s->tern, listener, 1024));
    must(tern_getsockname(s->tern, listener, (struct sockaddr *)&address, &length));
    *port = ntohs(address.sin_port);
    return listener;
}

struct pair pair_accept_from(const struct scenario *s, int listener, uint16_t port)
{
    struct end kernels = {NULL, kernel_connect(s, SOCK_STREAM, port)};
    struct end ours = {s->tern, must(tern_accept(s->tern, listener, NULL, NULL))};
    give_patience(ours);
    return (struct pair){ours, kernels};
}

struct pair pair_accept(const struct scenario *s)
{
    uint16_t port;
    int listener = tern_listener(s, &port);
    struct pair pair = pair_accept_from(s, listener, port);
    must(tern_close(s->tern, listener));
    return pair;
}

void pair_close(struct pair pair)
{
    must(end_close(pair.ours));
    must(end_close(pair.kernels));
}

/* ── The pattern ── */

/* The finalizer of SplitMix64: word `index` of the pattern. */
static uint64_t pattern_word(uint64_t seed, uint64_t index)
{
    uint64_t x = (seed << 48) + (index + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t length)
{
    while (length > 0) {
        uint64_t word = pattern_word(seed, offset / sizeof word);
        size_t skip = offset % sizeof word, part = sizeof word - skip;
        if (part > length)
            part = length;
        memcpy(bytes, (const uint8_t *)&word + skip, part);
        bytes += part;
        offset += part;
        length -= part;
    }
}

/* ── Flows. A writer and a reader may not fail the test themselves: they say what is wrong. ── */

enum { CHUNK_MAX = 1 << 17 };

#define wrong(flow, reader, ...) \
    snprintf((flow)->wrong[reader], sizeof(flow)->wrong[reader], __VA_ARGS__)

/* Writes come in all sizes, most of them small. */
static size_t chunk(const struct flow *flow, uint64_t done)
{
    uint64_t draw = pattern_word(~flow->seed, done);
    size_t size = 1 + (draw >> 8) % (CHUNK_MAX >> draw % 9);
    return size < flow->bytes - done ? size : (size_t)(flow->bytes - done);
}

static void *flow_write(void *argument)
{
    struct flow *flow = argument;
    uint8_t *bytes = malloc(CHUNK_MAX);
    while (bytes && flow->sent < flow->bytes && !flow->stopped) {
        size_t size = chunk(flow, flow->sent);
        pattern_fill(flow->seed, flow->sent, bytes, size);
        for (size_t done = 0; done < size;) {
            ssize_t sent = end_send(flow->from, bytes + done, size - done);
            if (sent <= 0) {
                wrong(flow, 0, "send after %llu of %llu bytes: %s", (unsigned long long)flow->sent,
                      (unsigned long long)flow->bytes, strerror(errno));
                goto out;
            }
            done += (size_t)sent;
            flow->sent += (uint64_t)sent;
        }
    }
    if (flow->stopped)
        flow->bytes = flow->sent;
    if (flow->ending == END_WITH_SHUTDOWN && end_shutdown(flow->from, SHUT_WR) < 0)
        wrong(flow, 0, "shutdown: %s", strerror(errno));
    if (flow->ending == END_WITH_CLOSE && end_close(flow->from) < 0)
        wrong(flow, 0, "close: %s", strerror(errno));
out:
    free(bytes);
    return NULL;
}

/* Compares what has come: false where it is not the pattern. */
static bool flow_compare(struct flow *flow, const uint8_t *got, uint8_t *expected, size_t length)
{
    pattern_fill(flow->seed, flow->received, expected, length);
    if (memcmp(got, expected, length) == 0)
        return true;
    size_t at = 0;
    while (got[at] == expected[at])
        at++;
    wrong(flow, 1, "byte %llu differs", (unsigned long long)flow->received + at);
    return false;
}

static void *flow_read(void *argument)
{
    struct flow *flow = argument;
    uint8_t *got = malloc(CHUNK_MAX), *expected = malloc(CHUNK_MAX);
    while (got && expected && !(flow->ending == END_NOT && flow->received == flow->bytes)) {
        ssize_t length = end_receive(flow->to, got, CHUNK_MAX);
        if (length < 0)
            wrong(flow, 1, "recv after %llu of %llu bytes: %s", (unsigned long long)flow->received,
                  (unsigned long long)flow->bytes, strerror(errno));
        else if (length == 0 && flow->received != flow->bytes)
            wrong(flow, 1, "the end after %llu of %llu bytes", (unsigned long long)flow->received,
                  (unsigned long long)flow->bytes);
        if (length <= 0 || !flow_compare(flow, got, expected, (size_t)length))
            break;
        flow->received += (uint64_t)length;
    }
    free(got);
    free(expected);
    return NULL;
}

void flow_start(struct flow *flow)
{
    flow->sent = flow->received = 0;
    flow->wrong[0][0] = flow->wrong[1][0] = '\0';
    assert_int_equal(pthread_create(&flow->writer, NULL, flow_write, flow), 0);
    assert_int_equal(pthread_create(&flow->reader, NULL, flow_read, flow), 0);
}

static void flow_join(struct flow *flow)
{
    assert_int_equal(pthread_join(flow->writer, NULL), 0);
    assert_int_equal(pthread_join(flow->reader, NULL), 0);
}

static void flow_judge(const struct flow *flow)
{
    if (flow->wrong[0][0] || flow->wrong[1][0])
        fail_msg("%s: writer: %s; reader: %s",
                 flow->from.tern ? "from us to the kernel" : "from the kernel to us",
                 flow->wrong[0][0] ? flow->wrong[0] : "fine",
                 flow->wrong[1][0] ? flow->wrong[1] : "fine");
    assert_int_equal(flow->received, flow->bytes);
}

void flow_finish(struct flow *flow)
{
    flow_join(flow);
    flow_judge(flow);
}

void flow_run(struct end from, struct end to, uint64_t bytes)
{
    struct flow flow = {.from = from, .to = to, .bytes = bytes, .seed = bytes};
    flow_start(&flow);
    flow_finish(&flow);
}

/* ── Exchanges ── */

void exchange_start(struct exchange *e, struct pair pair, uint64_t out, uint64_t in)
{
    *e = (struct exchange){
        .out = {.from = pair.ours, .to = pair.kernels, .bytes = out, .seed = 1},
        .in = {.from = pair.kernels, .to = pair.ours, .bytes = in, .seed = 2},
    };
    flow_start(&e->out);
    flow_start(&e->in);
}

void exchange_stop(struct exchange *e)
{
    e->out.stopped = e->in.stopped = true;
}

void exchange_finish(struct exchange *e)
{
    flow_join(&e->out);
    flow_join(&e->in);
    flow_judge(&e->out);
    flow_judge(&e->in);
}

void exchange_run(struct pair pair, uint64_t out, uint64_t in)
{
    static struct exchange e;
    exchange_start(&e, pair, out, in);
    exchange_finish(&e);
}
