/* What iperf3's client does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/perf.h"
#include "cli/perf_talk.h"
#include "cli/units.h"

enum {
    HELLO_TRIES = 10,
    HELLO_EVERY_MS = 1000,
};

/* Waits for the answer to a hello: 1 when it came, 0 when it did not, or a negative errno. */
static int answer_hear(struct trial *t, int socket, struct wait_note *note)
{
    struct pollfd waiting = {.fd = socket, .events = POLLIN};
    uint64_t until_ns = stopwatch_ns() + TIME_MS(HELLO_EVERY_MS);
    while (!interrupt_signal() && stopwatch_ns() < until_ns) {
        uint32_t word = 0;
        if (tern_poll(t->session->stack, &waiting, 1, INTERRUPT_TICK_MS) <= 0)
            continue;
        ssize_t n = tern_recv(t->session->stack, socket, &word, sizeof word, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n == sizeof word && (word == PERF_ANSWER || word == PERF_ANSWER_OLD))
            return 1;
    }
    session_note_wait(t->session, note, "waiting for %s to answer to UDP", t->peer);
    return interrupt_signal() ? -EINTR : 0;
}

/* A socket; -ENOMSG when its hellos are not answered, or no port is there to take them, or another
 * negative errno. */
static int datagrams_open(struct trial *t)
{
    struct wait_note note = wait_note_begin();
    uint32_t hello = PERF_HELLO;
    int socket = tern_socket(t->session->stack, AF_INET, SOCK_DGRAM, 0), result = 0;
    if (socket < 0)
        return -errno;
    if (tern_connect(t->session->stack, socket, (struct sockaddr *)&t->to, sizeof t->to) < 0)
        result = -errno;
    for (int tries = 0; result == 0 && tries < HELLO_TRIES; tries++)
        result = tern_send(t->session->stack, socket, &hello, sizeof hello, 0) < 0
                     ? -errno
                     : answer_hear(t, socket, &note);
    if (result == 1)
        return socket;
    tern_close(t->session->stack, socket);
    return result < 0 && result != -ECONNREFUSED ? result : -ENOMSG;
}

static int stream_open(struct trial *t, bool sends)
{
    int socket = t->test.udp ? datagrams_open(t) : session_connect(t->session, &t->to);
    if (socket < 0)
        return socket;
    trial_add_stream(t, socket, sends);
    return t->test.udp ? 0 : talk_say(t, socket, t->cookie, sizeof t->cookie);
}

/* With both ways, those on which the client sends come first: the server counts on it. */
static int streams_open(struct trial *t)
{
    int result = 0;
    for (int way = 0; way < 2; way++) {
        bool sends = way == 0;
        if (!(sends ? trial_sends(t) : trial_receives(t)))
            continue;
        for (unsigned i = 0; i < t->test.streams && result == 0; i++)
            result = stream_open(t, sends);
    }
    return result;
}

static int parameters_say(struct trial *t)
{
    char text[512];
    struct perf_test told = t->test;
    if (!trial_receives(t)) /* the server sends nothing that it would have to control */
        told.congestion[0] = 0;
    return talk_say_message(t, text, perf_write_parameters(&told, text, sizeof text));
}

static int measure(struct trial *t)
{
    int result = trial_run(t);
    return result < 0 ? result : talk_say_state(t, PERF_TEST_END);
}

static int results_exchange(struct trial *t)
{
    int result = talk_say_results(t);
    return result < 0 ? result : talk_hear_results(t);
}

/* Why the server ends the test: -ENOENT when it lacks the congestion control that it was told. */
static int refusal_hear(struct trial *t)
{
    uint8_t said[8];
    int result = talk_hear(t, t->control, said, sizeof said);
    struct cursor cursor = cursor_over(said, sizeof said);
    if (result < 0)
        return result;
    return cursor_u32(&cursor) == PERF_ERROR_CONGESTION ? -ENOENT : -EPROTO;
}

/* Does what the server says, until it has results to display: 0 or a negative errno. */
static int client_run(struct trial *t)
{
    int result = talk_say(t, t->control, t->cookie, sizeof t->cookie);
    while (result == 0) {
        enum perf_state state;
        result = talk_hear_state(t, &state);
        if (result < 0)
            break;
        switch (state) {
        case PERF_PARAMETERS:
            result = parameters_say(t);
            break;
        case PERF_CREATE_STREAMS:
            result = t->count ? -EPROTO : streams_open(t);
            break;
        case PERF_TEST_START:
            break;
        case PERF_TEST_RUNNING:
            result = measure(t);
            break;
        case PERF_EXCHANGE_RESULTS:
            result = results_exchange(t);
            break;
        case PERF_DISPLAY_RESULTS:
            return talk_say_state(t, PERF_DONE);
        case PERF_ACCESS_DENIED:
            result = -EBUSY;
            break;
        case PERF_SERVER_ERROR:
            result = refusal_hear(t);
            break;
        case PERF_SERVER_TERMINATE:
            result = -ECONNRESET;
            break;
        default:
            result = -EPROTO;
        }
    }
    if (result == -EINTR)
        talk_say_state(t, PERF_CLIENT_TERMINATE); /* so that the server need not wonder */
    return result;
}

static enum status congestion_lacking(const struct trial *t)
{
    return status_say(STATUS_USAGE, t->session->command->name,
                      "-C '%s': tern has no such congestion control; 'tern help settings' names "
                      "those it has, at tcp.congestion_control",
                      t->test.congestion);
}

/* iperf3 sends as it likes when it cannot as it was told, and says only in its results how. */
static enum status congestion_compare(const struct trial *t)
{
    const char *wished = t->test.congestion, *used = t->there.congestion;
    if (!wished[0] || !trial_receives(t) || !used[0] || strcmp(wished, used) == 0)
        return STATUS_OK;
    return status_say(
        STATUS_FAILED, t->session->command->name,
        "the server at %s sent by '%s', for it cannot by '%s'; what a kernel has is in "
        "net.ipv4.tcp_available_congestion_control there",
        t->peer, used, wished);
}

enum status perf_client(struct trial *t, uint64_t wait_ns)
{
    if (trial_check_congestion(t) == -ENOENT)
        return congestion_lacking(t);
    uint8_t random[PERF_COOKIE_SIZE];
    int result = -EIO;
    if (getrandom(random, sizeof random, 0) == sizeof random) {
        perf_cookie_make(random, t->cookie);
        result = session_connect_patiently(t->session, &t->to, "server", wait_ns);
    }
    if (result >= 0)
        result = talk_set_control(t, result);
    t->block = calloc(1, t->test.length);
    if (result == 0)
        result = t->block ? client_run(t) : -ENOMEM;
    if (result == 0)
        t->show->end(t);
    enum status status = result < 0 ? perf_failed(t, -result) : congestion_compare(t);
    trial_close(t);
    if (result == 0)
        session_quiesce(t->session);
    return status;
}
