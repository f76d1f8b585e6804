/* What iperf3's server does: one measurement at a time; who comes meanwhile is told so. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/perf.h"
#include "cli/perf_callers.h"
#include "cli/perf_talk.h"
#include "cli/units.h"

enum {
    BACKLOG = 128,
    STREAMS_PATIENCE_S = 10,
};

struct server {
    struct trial *trial;
    uint16_t port;
    int datagrams; /* where the next UDP stream says hello; -1: none expected */
    struct perf_callers callers;
};

/* ── Who calls ── */

/* Waits for who calls or says something: 0 or a negative errno. */
static int wait_for_callers(struct server *s, bool *called)
{
    struct trial *t = s->trial;
    struct pollfd waiting[2 + PERF_CALLERS_MAX] = {
        {.fd = s->datagrams >= 0 ? s->datagrams : t->listener, .events = POLLIN},
        {.fd = t->control, .events = POLLIN}};
    callers_wait_for(&s->callers, waiting + 2);
    int found = tern_poll(t->session->stack, waiting, 2 + s->callers.count, INTERRUPT_TICK_MS);
    if (found < 0 && errno != EINTR)
        return -errno;
    if (interrupt_signal())
        return -EINTR;
    *called = waiting[0].revents != 0;
    /* a client has nothing to say now but that it gives up */
    return waiting[1].revents ? -ECONNRESET : 0;
}

/* The client is who has first said a cookie: its control connection, or a negative errno. The
 * others come at the wrong time. */
static int client_await(struct server *s)
{
    struct trial *t = s->trial;
    for (;;) {
        bool called = false;
        int result = wait_for_callers(s, &called);
        if (result == 0 && called)
            result = callers_accept(&s->callers, t);
        if (result < 0)
            return result;
        callers_hear(&s->callers, t, NULL);
        int socket = callers_take_client(&s->callers, t);
        if (socket >= 0)
            return socket;
    }
}

/* ── The streams come ── */

/* A hello: its socket becomes the stream's, and the next one waits on the same port. 1 when there
 * was one, 0 when there was none, or a negative errno. */
static int datagrams_accept(struct server *s, bool sends)
{
    struct trial *t = s->trial;
    struct tern *stack = t->session->stack;
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    uint32_t word = 0, answer = PERF_ANSWER;
    ssize_t n = tern_recvfrom(stack, s->datagrams, &word, sizeof word, MSG_DONTWAIT,
                              (struct sockaddr *)&from, &length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if ((word != PERF_HELLO && word != PERF_HELLO_OLD) ||
        from.sin_addr.s_addr != t->to.sin_addr.s_addr)
        return 0;
    int socket = s->datagrams;
    if (tern_connect(stack, socket, (struct sockaddr *)&from, sizeof from) < 0)
        return -errno;
    trial_add_stream(t, socket, sends);
    s->datagrams = session_bind(t->session->stack, SOCK_DGRAM, s->port);
    if (s->datagrams < 0)
        return s->datagrams;
    return tern_send(stack, socket, &answer, sizeof answer, 0) < 0 ? -errno : 1;
}

/* The same for TCP: a stream says the cookie of its measurement. 0 or a negative errno. */
static int connections_accept(struct server *s, bool called, unsigned incoming, unsigned wanted)
{
    struct trial *t = s->trial;
    int result = called ? callers_accept(&s->callers, t) : 0;
    callers_hear(&s->callers, t, t->cookie);
    while (result == 0 && t->count < wanted) {
        int socket = callers_take(&s->callers);
        if (socket < 0)
            break;
        trial_add_stream(t, socket, t->count >= incoming);
    }
    return result;
}

/* Until all are there. With both ways, those come first on which the client sends. */
static int streams_accept(struct server *s)
{
    struct trial *t = s->trial;
    unsigned incoming = trial_receives(t) ? t->test.streams : 0;
    unsigned wanted = incoming + (trial_sends(t) ? t->test.streams : 0);
    uint64_t until_ns = stopwatch_ns() + TIME_S(STREAMS_PATIENCE_S);
    while (t->count < wanted) {
        bool called = false;
        int result = wait_for_callers(s, &called);
        if (result == 0 && !t->test.udp)
            result = connections_accept(s, called, incoming, wanted);
        else if (result == 0 && called)
            result = datagrams_accept(s, t->count >= incoming);
        if (result < 0)
            return result;
        if (stopwatch_ns() > until_ns)
            return -ETIMEDOUT;
    }
    return 0;
}

/* ── One measurement ── */

static int parameters_hear(struct trial *t)
{
    static char text[PERF_MESSAGE_MAX];
    int result = talk_say_state(t, PERF_PARAMETERS);
    if (result == 0)
        result = talk_hear_message(t, text);
    if (result < 0)
        return result;
    if (!perf_read_parameters(text, &t->test))
        return -EPROTO;
    result = trial_check_congestion(t);
    if (result == -ENOENT)
        talk_refuse(t, PERF_ERROR_CONGESTION, -result);
    if (result < 0)
        return result;
    t->block = calloc(1, t->test.length);
    return t->block ? 0 : -ENOMEM;
}

static int results_exchange(struct trial *t)
{
    int result = talk_say_state(t, PERF_EXCHANGE_RESULTS);
    if (result == 0)
        result = talk_hear_results(t);
    if (result == 0)
        result = talk_say_results(t);
    if (result == 0)
        result = talk_say_state(t, PERF_DISPLAY_RESULTS);
    return result;
}

/* Hears the client say what it must say now, and nothing else. */
static int state_hear(struct trial *t, enum perf_state wanted)
{
    enum perf_state state;
    int result = talk_hear_state(t, &state);
    if (result < 0 || state == wanted)
        return result;
    return state == PERF_CLIENT_TERMINATE ? -ECONNRESET : -EPROTO;
}

static int client_serve(struct server *s)
{
    struct trial *t = s->trial;
    int result = parameters_hear(t);
    if (result == 0 && t->test.udp)
        result = s->datagrams = session_bind(t->session->stack, SOCK_DGRAM, s->port);
    if (result >= 0)
        result = talk_say_state(t, PERF_CREATE_STREAMS);
    if (result == 0)
        result = streams_accept(s);
    callers_deny(&s->callers, t);
    if (result == 0)
        result = talk_say_state(t, PERF_TEST_START);
    if (result == 0)
        result = talk_say_state(t, PERF_TEST_RUNNING);
    if (result == 0)
        result = trial_run(t);
    if (result == 0)
        result = state_hear(t, PERF_TEST_END);
    trial_end_streams(t);
    if (result == 0)
        result = results_exchange(t);
    if (result < 0)
        return result;
    t->show->end(t);
    state_hear(t, PERF_DONE); /* what it says now changes nothing any more */
    return 0;
}

/* One measurement, with the client whose control connection it is. */
static enum status client_take(struct server *s, int socket)
{
    struct trial *t = s->trial;
    callers_deny(&s->callers, t);
    t->begun = t->counted = false;
    t->intervals = 0;
    endpoint_format(&t->to, t->peer);
    int result = talk_set_control(t, socket);
    if (result == 0)
        result = client_serve(s);
    if (result == -EINTR)
        talk_say_state(t, PERF_SERVER_TERMINATE);
    enum status status = result < 0 ? perf_failed(t, -result) : STATUS_OK;
    if (s->datagrams >= 0)
        tern_close(t->session->stack, s->datagrams);
    s->datagrams = -1;
    trial_close(t);
    return status;
}

/* Until interrupted, which is success for who has no measurement under way; or `once`. */
static enum status clients_serve(struct server *s, bool once)
{
    enum status status = STATUS_OK;
    int socket;
    do {
        socket = client_await(s);
        if (socket >= 0)
            status = client_take(s, socket);
    } while (socket >= 0 && !once && !interrupt_signal());
    callers_deny(&s->callers, s->trial);
    if (socket < 0 && socket != -EINTR)
        return status_say(STATUS_FAILED, s->trial->session->command->name,
                          "cannot take a client: %s", status_reason(-socket));
    return once ? status : STATUS_OK;
}

static void announce(const struct session *session, uint16_t port)
{
    char address[INET_ADDRSTRLEN], option[16] = "";
    session_address(session, address);
    if (port != PERF_PORT)
        snprintf(option, sizeof option, " -p %u", port);
    fprintf(stderr, "listening on %s:%u; iperf3 -c %s%s measures; interrupt (Ctrl-C) to end\n",
            address, port, address, option);
}

enum status perf_server(struct trial *t, uint16_t port, bool once)
{
    struct server s = {.trial = t, .port = port, .datagrams = -1};
    t->server = true;
    t->control = -1;
    t->listener = session_bind(t->session->stack, SOCK_STREAM | SOCK_NONBLOCK, port);
    if (t->listener < 0 || tern_listen(t->session->stack, t->listener, BACKLOG) < 0)
        return status_say(STATUS_FAILED, t->session->command->name, "cannot listen on port %u: %s",
                          port, strerror(t->listener < 0 ? -t->listener : errno));
    announce(t->session, port);
    enum status status = clients_serve(&s, once);
    tern_close(t->session->stack, t->listener);
    session_quiesce(t->session);
    return status;
}
