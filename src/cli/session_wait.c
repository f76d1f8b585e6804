/* Calls that wait for somebody else: they notice an interruption, and tell what takes long. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>

#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"

enum { RETRY_INTERVAL_MS = 200 };
#define WONDER_NS TIME_S(1) /* how long one waits before one wonders */

int session_tick(struct session *session, int socket)
{
    struct timeval tick = {.tv_usec = INTERRUPT_TICK_MS * 1000};
    if (tern_setsockopt(session->stack, socket, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) < 0 ||
        tern_setsockopt(session->stack, socket, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick) < 0)
        return -errno;
    return 0;
}

struct wait_note wait_note_begin(void)
{
    return (struct wait_note){.since_ns = stopwatch_ns()};
}

void session_note_wait(const struct session *session, struct wait_note *note, const char *format,
                       ...)
{
    if (session->quiet || note->told || stopwatch_ns() - note->since_ns < WONDER_NS)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    note->told = true;
}

/* Waits a moment for `socket` to be ready for `events`: 1 when it is, 0 when it is not yet, or a
 * negative errno. */
static int session_wait(struct session *session, int socket, short events)
{
    struct pollfd waiting = {.fd = socket, .events = events};
    int ready = tern_poll(session->stack, &waiting, 1, INTERRUPT_TICK_MS);
    if (interrupt_signal())
        return -EINTR;
    return ready < 0 && errno != EINTR ? -errno : ready > 0;
}

/* The handshake on a non-blocking socket: 0 or a negative errno. */
static int connection_open(struct session *session, int socket, const struct sockaddr_in *to)
{
    char peer[ENDPOINT_TEXT_MAX];
    struct wait_note note = wait_note_begin();
    if (tern_connect(session->stack, socket, (const struct sockaddr *)to, sizeof *to) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    int result;
    while ((result = session_wait(session, socket, POLLOUT)) == 0)
        session_note_wait(session, &note,
                          "connecting to %s, which has not answered yet; interrupt (Ctrl-C) to end",
                          endpoint_format(to, peer));
    if (result < 0)
        return result;
    int error = 0;
    socklen_t length = sizeof error;
    if (tern_getsockopt(session->stack, socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

int session_connect(struct session *session, const struct sockaddr_in *to)
{
    int socket = tern_socket(session->stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (socket < 0)
        return -errno;
    int result = connection_open(session, socket, to);
    if (result == 0 && tern_fcntl(session->stack, socket, F_SETFL, 0) < 0)
        result = -errno;
    if (result == 0)
        result = session_tick(session, socket);
    if (result < 0)
        tern_close(session->stack, socket);
    return result < 0 ? result : socket;
}

int session_connect_patiently(struct session *session, const struct sockaddr_in *to,
                              const char *whom, uint64_t wait_ns)
{
    char peer[ENDPOINT_TEXT_MAX];
    uint64_t until_ns = stopwatch_ns() + wait_ns;
    int socket = session_connect(session, to);
    if (socket == -ECONNREFUSED && wait_ns > 0 && !session->quiet)
        fprintf(stderr, "waiting for a %s at %s\n", whom, endpoint_format(to, peer));
    while (socket == -ECONNREFUSED && stopwatch_ns() < until_ns && !interrupt_signal()) {
        poll(NULL, 0, RETRY_INTERVAL_MS); /* nothing tells when a remote port opens */
        socket = session_connect(session, to);
    }
    return socket < 0 && interrupt_signal() ? -EINTR : socket;
}

int session_accept(struct session *session, int listener, struct sockaddr_in *from)
{
    for (;;) {
        int result = session_wait(session, listener, POLLIN);
        if (result < 0)
            return result;
        if (result == 0)
            continue;
        socklen_t length = sizeof *from;
        int socket = tern_accept(session->stack, listener, (struct sockaddr *)from, &length);
        if (socket >= 0)
            return socket;
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return -errno;
    }
}

int session_bind(struct tern *stack, int type, uint16_t port)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
    int socket = tern_socket(stack, AF_INET, type, 0);
    if (socket < 0)
        return -errno;
    int on = 1;
    tern_setsockopt(stack, socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (tern_bind(stack, socket, (const struct sockaddr *)&local, sizeof local) == 0)
        return socket;
    int result = -errno;
    tern_close(stack, socket);
    return result;
}
