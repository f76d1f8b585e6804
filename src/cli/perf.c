/* tern perf: how fast TCP is to a host where `iperf3 -s` runs. tern is iperf3's client, so that the
 * other end is what people have. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/perf_control.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"

enum {
    PERF_BLOCK = 256 * 1024,
    PERF_INTERVAL_S = 1,
    PERF_PATIENCE_S = 10, /* for what the server has to say next */
};

static struct perf_options {
    uint64_t seconds, streams;
    bool reverse, json;
} perf_options = {.seconds = 10, .streams = 1};

/* One test and its connections. */
struct trial {
    struct session session;
    struct perf_test test;
    char peer[ENDPOINT_TEXT_MAX];
    struct sockaddr_in to;
    char cookie[PERF_COOKIE_SIZE];
    int control;
    int sockets[PERF_STREAMS_MAX];
    struct perf_count counts[PERF_STREAMS_MAX];
    unsigned open; /* of sockets */
    uint64_t elapsed_ns;
    struct perf_count there; /* the server's sums */
    bool json;
    unsigned intervals;
};

static int take_time(void *target, const char *value, struct tern_error *error)
{
    return value_number("-t", value, 1, 86400, &((struct perf_options *)target)->seconds, error);
}

static int take_parallel(void *target, const char *value, struct tern_error *error)
{
    return value_number("-P", value, 1, PERF_STREAMS_MAX, &((struct perf_options *)target)->streams,
                        error);
}

static int take_reverse(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct perf_options *)target)->reverse = true;
    return 0;
}

static int take_json(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct perf_options *)target)->json = true;
    return 0;
}

/* ── The control connection ── */

/* After a call that did not do what it should have: 0 to try again, or a negative errno. */
static int may_go_on(uint64_t until_ns)
{
    if (interrupt_signal())
        return -EINTR;
    if (errno != EAGAIN && errno != EINTR)
        return -errno;
    return stopwatch_ns() < until_ns ? 0 : -ETIMEDOUT;
}

static int say(struct trial *t, int socket, const void *bytes, size_t length)
{
    uint64_t until_ns = stopwatch_ns() + TIME_S(PERF_PATIENCE_S);
    for (size_t done = 0; done < length;) {
        ssize_t n =
            tern_send(t->session.stack, socket, (const uint8_t *)bytes + done, length - done, 0);
        int result = n < 0 ? may_go_on(until_ns) : 0;
        if (result < 0)
            return result;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* All of `length` bytes, or a negative errno; -ECONNRESET at an early end. */
static int hear(struct trial *t, void *bytes, size_t length)
{
    uint64_t until_ns = stopwatch_ns() + TIME_S(PERF_PATIENCE_S);
    for (size_t done = 0; done < length;) {
        ssize_t n =
            tern_recv(t->session.stack, t->control, (uint8_t *)bytes + done, length - done, 0);
        int result = n == 0 ? -ECONNRESET : n < 0 ? may_go_on(until_ns) : 0;
        if (result < 0)
            return result;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int say_state(struct trial *t, enum perf_state state)
{
    int8_t byte = (int8_t)state;
    return say(t, t->control, &byte, 1);
}

static int say_message(struct trial *t, const char *text, size_t length)
{
    uint8_t size[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                       (uint8_t)length};
    int result = length ? say(t, t->control, size, sizeof size) : -EMSGSIZE;
    return result < 0 ? result : say(t, t->control, text, length);
}

/* Into `text` of PERF_MESSAGE_MAX bytes, terminated. */
static int hear_message(struct trial *t, char *text)
{
    uint8_t size[4];
    int result = hear(t, size, sizeof size);
    if (result < 0)
        return result;
    size_t length = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    if (length >= PERF_MESSAGE_MAX)
        return -EPROTO;
    text[length] = 0;
    return hear(t, text, length);
}

/* ── The streams ── */

static int streams_open(struct trial *t)
{
    while (t->open < t->test.streams) {
        int socket = session_connect(&t->session, &t->to);
        if (socket < 0)
            return socket;
        t->sockets[t->open++] = socket;
        int result = say(t, socket, t->cookie, sizeof t->cookie);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Moves what can be moved now: 0 or a negative errno. */
static int stream_move(struct trial *t, unsigned index)
{
    static uint8_t block[PERF_BLOCK];
    int socket = t->sockets[index];
    ssize_t n = t->test.reverse
                    ? tern_recv(t->session.stack, socket, block, sizeof block, MSG_DONTWAIT)
                    : tern_send(t->session.stack, socket, block, sizeof block, MSG_DONTWAIT);
    if (n == 0)
        return -ECONNRESET;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    t->counts[index].bytes += (uint64_t)n;
    return 0;
}

static uint64_t bytes_moved(const struct trial *t)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < t->open; i++)
        sum += t->counts[i].bytes;
    return sum;
}

static double gbit_of(uint64_t bytes, uint64_t elapsed_ns)
{
    return elapsed_ns ? 8.0 * (double)bytes / (double)elapsed_ns : 0;
}

static void interval_print(struct trial *t, uint64_t from_ns, uint64_t to_ns, uint64_t bytes)
{
    char size[UNITS_TEXT_MAX];
    double from = (double)from_ns / 1e9, to = (double)to_ns / 1e9;
    double gbit = gbit_of(bytes, to_ns - from_ns);
    if (t->json)
        printf("%s{\"start\":%.3f,\"end\":%.3f,\"bytes\":%" PRIu64 ",\"bits_per_second\":%.0f}",
               t->intervals ? ",\n  " : "{\"intervals\":[\n  ", from, to, bytes, gbit * 1e9);
    else
        printf("%7.2f to %7.2f s   %10s   %8.3f Gbit/s\n", from, to, units_bytes(bytes, size),
               gbit);
    fflush(stdout);
    t->intervals++;
}

/* Waits for a stream, for the control connection, or until `until_ns`: 0 or a negative errno. */
static int streams_wait(struct trial *t, uint64_t until_ns)
{
    struct pollfd ready[PERF_STREAMS_MAX + 1];
    short events = t->test.reverse ? POLLIN : POLLOUT;
    uint64_t now_ns = stopwatch_ns();
    int left_ms = until_ns > now_ns ? (int)((until_ns - now_ns) / TIME_MS(1)) + 1 : 0;
    for (unsigned i = 0; i < t->open; i++)
        ready[i] = (struct pollfd){.fd = t->sockets[i], .events = events};
    ready[t->open] = (struct pollfd){.fd = t->control, .events = POLLIN};
    if (tern_poll(t->session.stack, ready, t->open + 1,
                  left_ms < INTERRUPT_TICK_MS ? left_ms : INTERRUPT_TICK_MS) < 0 &&
        errno != EINTR)
        return -errno;
    if (ready[t->open].revents)
        return -ECONNRESET; /* the server has nothing to say now unless something is wrong */
    int result = interrupt_signal() ? -EINTR : 0;
    for (unsigned i = 0; i < t->open && result == 0; i++)
        if (ready[i].revents)
            result = stream_move(t, i);
    return result;
}

static int streams_run(struct trial *t)
{
    uint64_t start_ns = stopwatch_ns(), end_ns = start_ns + TIME_S(t->test.seconds);
    uint64_t from_ns = start_ns, before = 0;
    int result = 0;
    while (result == 0 && from_ns < end_ns) {
        uint64_t until_ns = time_min(from_ns + TIME_S(PERF_INTERVAL_S), end_ns);
        while (result == 0 && stopwatch_ns() < until_ns)
            result = streams_wait(t, until_ns);
        uint64_t now_ns = stopwatch_ns(), bytes = bytes_moved(t);
        if (result == 0)
            interval_print(t, from_ns - start_ns, now_ns - start_ns, bytes - before);
        before = bytes;
        from_ns = now_ns;
    }
    t->elapsed_ns = from_ns - start_ns;
    return result < 0 ? result : say_state(t, PERF_TEST_END);
}

/* ── What the server says, and what is done about it ── */

static int exchange_results(struct trial *t)
{
    static char text[PERF_MESSAGE_MAX];
    for (unsigned i = 0; i < t->open; i++) {
        struct tcp_info info = {0};
        socklen_t length = sizeof info;
        tern_getsockopt(t->session.stack, t->sockets[i], IPPROTO_TCP, TCP_INFO, &info, &length);
        t->counts[i].retransmits = info.tcpi_total_retrans;
    }
    size_t length =
        perf_write_results(&t->test, t->counts, (double)t->elapsed_ns / 1e9, text, sizeof text);
    int result = say_message(t, text, length);
    if (result == 0)
        result = hear_message(t, text);
    return result == 0 && !perf_read_results(text, &t->there) ? -EPROTO : result;
}

static int parameters_say(struct trial *t)
{
    char text[512];
    return say_message(t, text, perf_write_parameters(&t->test, text, sizeof text));
}

/* Until the server has results to display: 0 or a negative errno. */
static int trial_run(struct trial *t)
{
    int result = say(t, t->control, t->cookie, sizeof t->cookie);
    while (result == 0) {
        int8_t state;
        result = hear(t, &state, 1);
        if (result < 0)
            break;
        switch (state) {
        case PERF_PARAMETERS:
            result = parameters_say(t);
            break;
        case PERF_CREATE_STREAMS:
            result = streams_open(t);
            break;
        case PERF_TEST_START:
            break;
        case PERF_TEST_RUNNING:
            result = streams_run(t);
            break;
        case PERF_EXCHANGE_RESULTS:
            result = exchange_results(t);
            break;
        case PERF_DISPLAY_RESULTS:
            return say_state(t, PERF_DONE);
        case PERF_ACCESS_DENIED:
            result = -EBUSY;
            break;
        default:
            result = -EPROTO;
        }
    }
    return result;
}

static void report(const struct trial *t)
{
    struct perf_count here = {.bytes = bytes_moved(t)};
    for (unsigned i = 0; i < t->open; i++)
        here.retransmits += t->counts[i].retransmits;
    const struct perf_count *from = t->test.reverse ? &t->there : &here;
    const struct perf_count *into = t->test.reverse ? &here : &t->there;
    double sent = gbit_of(from->bytes, t->elapsed_ns);
    double received = gbit_of(into->bytes, t->elapsed_ns);
    if (t->json)
        printf("],\n \"seconds\":%.3f,\"sent_bytes\":%" PRIu64 ",\"sent_bits_per_second\":%.0f,"
               "\"retransmits\":%u,\"received_bytes\":%" PRIu64
               ",\"received_bits_per_second\":%.0f}\n",
               (double)t->elapsed_ns / 1e9, from->bytes, sent * 1e9, from->retransmits, into->bytes,
               received * 1e9);
    else
        printf("%s sent %" PRIu64 " bytes, %.3f Gbit/s, %u retransmission%s; %s received %" PRIu64
               " bytes, %.3f Gbit/s\n",
               t->test.reverse ? t->peer : "tern", from->bytes, sent, from->retransmits,
               from->retransmits == 1 ? "" : "s", t->test.reverse ? "tern" : t->peer, into->bytes,
               received);
}

static enum status trial_failed(const struct trial *t, int error)
{
    const char *name = t->session.command->name;
    if (error == EINTR)
        return session_interrupted(&t->session, "the test was not finished");
    if (error == EBUSY)
        return status_say(STATUS_FAILED, name, "the server at %s is busy with another test",
                          t->peer);
    if (error == EPROTO)
        return status_say(STATUS_FAILED, name, "%s does not speak iperf3's protocol, or refuses",
                          t->peer);
    return session_failed(&t->session, error, t->peer);
}

static enum status trial_connect_and_run(struct trial *t)
{
    uint8_t random[PERF_COOKIE_SIZE];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return status_say(STATUS_FAILED, t->session.command->name, "no random numbers: %s",
                          strerror(errno));
    perf_cookie_make(random, t->cookie);
    t->control = session_connect(&t->session, &t->to);
    if (t->control < 0)
        return trial_failed(t, -t->control);
    int result = trial_run(t);
    if (result == 0)
        report(t);
    for (unsigned i = 0; i < t->open; i++)
        tern_close(t->session.stack, t->sockets[i]);
    tern_close(t->session.stack, t->control);
    if (result < 0 && t->json && t->intervals)
        printf("]}\n"); /* what there was is still JSON */
    if (result < 0)
        return trial_failed(t, -result);
    session_quiesce(&t->session);
    return STATUS_OK;
}

/* "HOST" or "HOST:PORT". */
static int take_peer(const char *text, struct sockaddr_in *to, struct tern_error *error)
{
    if (strchr(text, ':'))
        return value_endpoint(text, to, error);
    int result = value_host("host", text, to, error);
    to->sin_port = htons(PERF_PORT);
    return result;
}

static enum status perf_run(const struct command *command, const struct common *common, int count,
                            char **arguments)
{
    static struct trial t;
    struct tern_error error;
    (void)count;
    t.test = (struct perf_test){.streams = (unsigned)perf_options.streams,
                                .seconds = (unsigned)perf_options.seconds,
                                .reverse = perf_options.reverse};
    t.json = perf_options.json;
    if (take_peer(arguments[0], &t.to, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    endpoint_format(&t.to, t.peer);
    enum status status = session_open(&t.session, command, common);
    if (status != STATUS_OK)
        return status;
    return session_close(&t.session, trial_connect_and_run(&t));
}

static const struct option_entry perf_entries[] = {
    {"time", 't', "SECONDS", "how long to measure (10)", take_time},
    {"parallel", 'P', "N", "connections at the same time (1)", take_parallel},
    {"reverse", 'R', NULL, "the server sends, tern receives", take_reverse},
    {"json", 'J', NULL, "the figures as JSON", take_json},
    {0},
};

const struct command perf_command = {
    .name = "perf",
    .synopsis = "HOST[:PORT]",
    .summary = "measure TCP's speed against an iperf3 server",
    .text = "Is a client of 'iperf3 -s' at HOST (port 5201): sends from memory to memory for some\n"
            "seconds, and prints what went through in each and in all, as both ends count it.\n"
            "\n"
            "Examples:\n"
            "  iperf3 -s &  tern perf 10.0.0.2\n"
            "  tern perf -R -P 4 -t 5 10.0.0.2\n",
    .options = perf_entries,
    .values = &perf_options,
    .arguments_least = 1,
    .arguments_most = 1,
    .arguments_missing = "of whom? give the address of a host where iperf3 -s runs",
    .run = perf_run,
};
