/* Receiving within a call: data_receive(), which knows streams from datagrams, and ends as sending
 * does (data_send.c). */
#include "sock/data.h"

#include <errno.h>
#include <poll.h>

#include "base/limits.h"
#include "sock/call.h"
#include "sock/land.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"

/* Whether a stream will bring nothing more than what is there. */
static bool at_end(struct socket *socket)
{
    return socket->kind->readiness(socket) & (POLLHUP | POLLRDHUP) ||
           socket->kind->error(socket, false);
}

/* How much a call waits for: with MSG_WAITALL for all, else for SO_RCVLOWAT. */
static size_t target(const struct socket *socket, size_t length, int flags)
{
    if ((flags & MSG_WAITALL) || length < socket->preferences->receive_low_water)
        return length;
    return socket->preferences->receive_low_water;
}

static ssize_t receive_stream(struct call *call, const struct iovec *spans, int count,
                              size_t length, int flags)
{
    struct spans left = {.first = spans, .count = count};
    const size_t enough = target(call->socket, length, flags);
    size_t done = 0;
    flags &= MSG_PEEK | MSG_TRUNC;
    do {
        const struct iovec *next;
        struct iovec partial;
        struct socket *socket = call->socket;
        int next_count = spans_next(&left, &partial, &next);
        if (done > 0 && socket->kind->error(socket, false))
            break;
        ssize_t n = socket->kind->receive(socket, next, next_count, flags, NULL);
        if (n == 0)
            break;
        if (n > 0 && (flags & MSG_PEEK)) {
            /* Peeking starts anew each time. */
            done = (size_t)n;
            if (done >= enough || at_end(socket))
                break;
            n = -EAGAIN;
        }
        if (n == -EAGAIN)
            n = land_waiting(call, next, next_count, flags);
        if (n < 0)
            return data_done_or(done, n);
        if (flags & MSG_PEEK)
            continue;
        done += (size_t)n;
        spans_consume(&left, (size_t)n);
        if (flags == 0 && done >= LIMIT_READER_BYTES)
            done += land_in_passing(call, &left);
        if (call->socket == NULL)
            break; /* closed while it waited */
        /* A read ends at the mark, with MSG_WAITALL too: else nobody could find it. */
    } while (done < enough && !(done > 0 && socket_at_mark(call->socket)));
    return (ssize_t)done;
}

static ssize_t receive_datagram(struct call *call, const struct iovec *spans, int count, int flags,
                                struct datagram_info *info)
{
    const bool blocks = call->blocks;
    ssize_t n;
    flags &= MSG_PEEK | MSG_TRUNC | MSG_OOB;
    do {
        n = call->socket->kind->receive(call->socket, spans, count, flags, info);
        if (n != -EAGAIN)
            return n;
        /* With the receiving side shut there is nothing to wait for. */
        if (blocks && call->socket->kind->readiness(call->socket) & POLLRDHUP) {
            *info = (struct datagram_info){0};
            return 0;
        }
        n = call_wait(call, POLLIN);
    } while (n == 0);
    return n;
}

ssize_t data_receive(struct call *call, const struct iovec *spans, int count, int flags,
                     struct datagram_info *info)
{
    bool stream = socket_is_stream(call->socket);
    ssize_t length = spans_length(spans, count, stream && (flags & MSG_TRUNC));
    if (length < 0)
        return length;
    call_patience(call, flags, socket_receive_timeout_ns(call->socket));
    if (stream && flags & MSG_OOB) /* which never waits */
        return call->socket->kind->receive(call->socket, spans, count,
                                           flags & (MSG_OOB | MSG_PEEK | MSG_TRUNC), NULL);
    if (stream)
        return receive_stream(call, spans, count, (size_t)length, flags);
    return receive_datagram(call, spans, count, flags, info);
}
