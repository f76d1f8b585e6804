#include "cli/perf_callers.h"

#include <errno.h>
#include <string.h>

#include "base/time.h"
#include "cli/perf_talk.h"
#include "cli/units.h"

/* For a cookie, which follows the handshake at once: time to send it again when it is lost. */
enum { CALLER_PATIENCE_S = 3 };

static bool caller_has_said(const struct perf_caller *caller)
{
    return caller->heard == sizeof caller->cookie;
}

static int caller_remove(struct perf_callers *callers, unsigned index)
{
    struct perf_caller *caller = &callers->each[index];
    int socket = caller->socket;
    memmove(caller, caller + 1, (--callers->count - index) * sizeof *caller);
    return socket;
}

void callers_wait_for(const struct perf_callers *callers, struct pollfd *ready)
{
    for (unsigned i = 0; i < callers->count; i++) {
        const struct perf_caller *caller = &callers->each[i];
        ready[i] =
            (struct pollfd){.fd = caller_has_said(caller) ? -1 : caller->socket, .events = POLLIN};
    }
}

int callers_accept(struct perf_callers *callers, struct trial *t)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    int socket = tern_accept(t->session->stack, t->listener, (struct sockaddr *)&from, &length);
    if (socket < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
    if (callers->count == PERF_CALLERS_MAX)
        talk_deny(t, caller_remove(callers, 0));
    callers->each[callers->count++] = (struct perf_caller){
        .socket = socket, .until_ns = stopwatch_ns() + TIME_S(CALLER_PATIENCE_S), .from = from};
    return 0;
}

/* Whether it has said the cookie, or may yet. */
static bool caller_hear(struct perf_caller *caller, struct trial *t, const char *cookie)
{
    if (caller_has_said(caller))
        return true;
    ssize_t n = tern_recv(t->session->stack, caller->socket, caller->cookie + caller->heard,
                          sizeof caller->cookie - caller->heard, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    caller->heard += n > 0 ? (size_t)n : 0;
    if (!caller_has_said(caller))
        return stopwatch_ns() < caller->until_ns;
    return !cookie || memcmp(caller->cookie, cookie, sizeof caller->cookie) == 0;
}

void callers_hear(struct perf_callers *callers, struct trial *t, const char *cookie)
{
    for (unsigned i = 0; i < callers->count;) {
        if (caller_hear(&callers->each[i], t, cookie))
            i++;
        else
            talk_deny(t, caller_remove(callers, i));
    }
}

int callers_take(struct perf_callers *callers)
{
    bool said = callers->count > 0 && caller_has_said(&callers->each[0]);
    return said ? caller_remove(callers, 0) : -1;
}

int callers_take_client(struct perf_callers *callers, struct trial *t)
{
    unsigned first = 0;
    while (first < callers->count && !caller_has_said(&callers->each[first]))
        first++;
    if (first == callers->count)
        return -1;
    t->to = callers->each[first].from;
    memcpy(t->cookie, callers->each[first].cookie, sizeof t->cookie);
    return caller_remove(callers, first);
}

void callers_deny(struct perf_callers *callers, struct trial *t)
{
    while (callers->count > 0)
        talk_deny(t, caller_remove(callers, 0));
}
