#include "cli/perf_trial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/perf_talk.h"
#include "cli/units.h"

enum {
    PATIENCE_RUN_S = 120, /* while nothing at all moves, as iperf3 has it */
    OVERTIME_S = 10,      /* a server's, for its client to say that the time is over */
    /* This part of an interval tells something. Less is left over at the end of most tests, for the
     * two sides' clocks end apart, and is in the sum alone. */
    REMAINDER_SHOWN = 10,
};

bool trial_sends(const struct trial *t)
{
    return t->test.bidirectional || t->test.reverse == t->server;
}

bool trial_receives(const struct trial *t)
{
    return t->test.bidirectional || t->test.reverse != t->server;
}

void trial_add_stream(struct trial *t, int socket, bool sends)
{
    t->streams[t->count] =
        (struct perf_stream){.socket = socket, .id = perf_stream_id(t->count), .sends = sends};
    t->count++;
}

/* Congestion control is a sender's: who receives need not have the other's. */
static bool congestion_is_ours(const struct trial *t)
{
    return t->test.congestion[0] && !t->test.udp && trial_sends(t);
}

static int congestion_set(const struct trial *t, int socket)
{
    const char *name = t->test.congestion;
    return tern_setsockopt(t->session->stack, socket, IPPROTO_TCP, TCP_CONGESTION, name,
                           (socklen_t)strlen(name)) < 0
               ? -errno
               : 0;
}

int trial_check_congestion(const struct trial *t)
{
    if (!congestion_is_ours(t))
        return 0;
    int socket = tern_socket(t->session->stack, AF_INET, SOCK_STREAM, 0);
    if (socket < 0)
        return -errno;
    int result = congestion_set(t, socket);
    tern_close(t->session->stack, socket);
    return result;
}

static int streams_set_congestion(struct trial *t)
{
    for (unsigned i = 0; i < t->count && congestion_is_ours(t); i++) {
        int result = t->streams[i].sends ? congestion_set(t, t->streams[i].socket) : 0;
        if (result < 0)
            return result;
    }
    return 0;
}

/* What is told of this side; of its streams the first speaks for all. */
static void side_note(struct trial *t)
{
    t->here = t->there = (struct perf_side){0};
    socklen_t length = sizeof t->here.congestion - 1;
    if (!t->test.udp)
        tern_getsockopt(t->session->stack, t->streams[0].socket, IPPROTO_TCP, TCP_CONGESTION,
                        t->here.congestion, &length);
}

static void streams_restart(struct trial *t)
{
    t->start_ns = stopwatch_ns();
    t->cpu = cpu_time_now();
    for (unsigned i = 0; i < t->count; i++)
        perf_stream_restart(&t->streams[i], t->start_ns);
}

/* The most that went one way. */
static uint64_t bytes_moved(const struct trial *t)
{
    uint64_t sums[2] = {0};
    for (unsigned i = 0; i < t->count; i++)
        sums[t->streams[i].sends] += t->streams[i].count.bytes;
    return sums[0] > sums[1] ? sums[0] : sums[1];
}

/* Fills in what to wait for; the time until which, in milliseconds. */
static int streams_wait_for(const struct trial *t, uint64_t until_ns, struct pollfd *ready)
{
    uint64_t now_ns = stopwatch_ns(), wake_ns = until_ns;
    for (unsigned i = 0; i < t->count; i++) {
        const struct perf_stream *stream = &t->streams[i];
        uint64_t due_ns = stream->sends ? perf_stream_due(stream, t->test.rate) : 0;
        short events = stream->sends ? POLLOUT : POLLIN;
        ready[i] = (struct pollfd){.fd = stream->socket, .events = due_ns <= now_ns ? events : 0};
        if (due_ns > now_ns)
            wake_ns = time_min(wake_ns, due_ns);
    }
    ready[t->count] = (struct pollfd){.fd = t->control, .events = POLLIN};
    ready[t->count + 1] = (struct pollfd){.fd = t->listener, .events = POLLIN};
    uint64_t left_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
    return left_ns < TIME_MS(INTERRUPT_TICK_MS) ? (int)((left_ns + TIME_MS(1) - 1) / TIME_MS(1))
                                                : INTERRUPT_TICK_MS;
}

/* Waits for a stream, for the other side to say something (1), or until `until_ns`: 0 or a negative
 * errno. */
static int streams_step(struct trial *t, uint64_t until_ns)
{
    struct pollfd ready[PERF_STREAMS_MAX + 2];
    int timeout_ms = streams_wait_for(t, until_ns, ready);
    int found = tern_poll(t->session->stack, ready, t->count + 2, timeout_ms);
    if (interrupt_signal())
        return -EINTR;
    if (found <= 0)
        return found == 0 || errno == EINTR ? 0 : -errno;
    if (ready[t->count + 1].revents)
        talk_deny_callers(t);
    if (ready[t->count].revents)
        return 1;
    for (unsigned i = 0; i < t->count; i++) {
        int result = ready[i].revents
                         ? perf_stream_move(t->session->stack, &t->streams[i], &t->test, t->block)
                         : 0;
        if (result < 0)
            return result;
    }
    return 0;
}

static void interval_end(struct trial *t, uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    for (unsigned i = 0; i < t->count && !t->test.udp; i++)
        perf_stream_note_tcp(t->session->stack, &t->streams[i]);
    if (to_ns - from_ns >= t->interval_ns / REMAINDER_SHOWN) {
        t->show->interval(t, from_ns - t->start_ns, to_ns - t->start_ns, omitted);
        t->intervals++;
    }
    for (unsigned i = 0; i < t->count; i++)
        t->streams[i].before = t->streams[i].count;
}

/* When a server ends what its client does not: nobody is served meanwhile. A client that counts
 * bytes has as long as one may ask for. */
static uint64_t latest_ns(const struct trial *t)
{
    unsigned seconds = t->test.seconds ? t->test.seconds : PERF_SECONDS_MAX;
    return t->server ? t->start_ns + TIME_S((uint64_t)seconds + OVERTIME_S) : UINT64_MAX;
}

/* Runs for `length_ns` (0: until the other side says something), or until `enough` bytes are
 * through. As streams_step. */
static int part_run(struct trial *t, uint64_t length_ns, uint64_t enough, bool omitted)
{
    uint64_t end_ns = length_ns ? t->start_ns + length_ns : UINT64_MAX;
    uint64_t give_up_ns = length_ns ? UINT64_MAX : latest_ns(t);
    uint64_t from_ns = t->start_ns, moved_ns = t->start_ns, moved = 0;
    int result = 0;
    for (bool over = false; !over;) {
        uint64_t until_ns = time_min(from_ns + t->interval_ns, end_ns);
        result = streams_step(t, until_ns);
        uint64_t now_ns = stopwatch_ns(), bytes = bytes_moved(t);
        if (bytes != moved)
            moved_ns = now_ns;
        moved = bytes;
        if (result == 0 && now_ns - moved_ns > TIME_S(PATIENCE_RUN_S))
            result = -ETIMEDOUT;
        if (result == 0 && now_ns > give_up_ns)
            result = -ETIME;
        over = result != 0 || now_ns >= end_ns || bytes >= enough;
        if (now_ns < until_ns && !over)
            continue;
        interval_end(t, from_ns, now_ns, omitted);
        from_ns = now_ns;
    }
    t->elapsed_ns = from_ns - t->start_ns;
    t->here.cpu = cpu_share_of(t->cpu, cpu_time_now(), t->elapsed_ns);
    return result;
}

int trial_run(struct trial *t)
{
    int result = streams_set_congestion(t);
    uint64_t enough = t->test.bytes && !t->server ? t->test.bytes : UINT64_MAX;
    if (result < 0)
        return result;
    side_note(t);
    t->counted = t->told = false;
    t->begun = true;
    streams_restart(t);
    t->show->begin(t);
    if (t->test.omit_s) {
        result = part_run(t, TIME_S(t->test.omit_s), UINT64_MAX, true);
        if (result == 0)
            streams_restart(t);
    }
    t->counted = result == 0;
    if (result == 0)
        result = part_run(t, t->server ? 0 : TIME_S(t->test.seconds), enough, false);
    if (result == 1) /* a server has nothing to say now; a client says what comes next */
        return t->server ? 0 : -ECONNRESET;
    return result;
}

void trial_end_streams(struct trial *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->streams[i].socket >= 0)
            tern_close(t->session->stack, t->streams[i].socket);
        t->streams[i].socket = -1;
    }
}

void trial_close(struct trial *t)
{
    trial_end_streams(t);
    if (t->control >= 0)
        tern_close(t->session->stack, t->control);
    free(t->block);
    t->count = 0;
    t->control = -1;
    t->block = NULL;
}
