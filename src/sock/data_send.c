/* Sending within a call: data_send(), which knows streams from datagrams. A stream call may move
 * its bytes in several goes; what it has moved counts for more than an error that comes after,
 * which is then left for the next call (POSIX). */
#include "sock/data.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "base/limits.h"
#include "sock/address.h"
#include "sock/call.h"
#include "sock/control.h"
#include "sock/lend.h"
#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/streak.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

enum {
    /* The flags that sending goes by. As on Linux the others mean nothing, those that no call knows
     * and those of other calls; but none of a datagram's bytes can be urgent. Each datagram is a
     * record of its own: MSG_EOR asks for what is the case anyway. */
    SEND_DATAGRAM_FLAGS = MSG_ZEROCOPY | MSG_MORE,
    SEND_STREAM_FLAGS = SEND_DATAGRAM_FLAGS | MSG_EOR | MSG_OOB | MSG_FASTOPEN,
};

/* Whether sending will get somewhere, if only an error. POLLERR alone may be a note in the error
 * queue. */
static bool may_send(struct socket *socket)
{
    return socket->kind->readiness(socket) & (POLLOUT | POLLHUP) ||
           socket->kind->error(socket, false);
}

/* Waits until a stream takes more. */
static int wait_to_send(struct call *call)
{
    int error;
    do {
        error = call_wait(call, POLLOUT);
        /* A little room is not worth waking for: that poll() shows it is what ends the wait. */
    } while (error == 0 && call->blocks && !may_send(call->socket));
    return error;
}

/* Who writes on the SYN (Fast Open) and may wait learns how the opening ends, and of the bytes only
 * if it ends well. */
static int await_opening(struct call *call, ssize_t n, size_t left)
{
    struct socket *socket = call->socket;
    int error = 0;
    if ((n < 0 && n != -EINPROGRESS) || !call->blocks)
        return 0;
    while (error == 0 && (error = socket->kind->opened(socket, left > 0)) == -EALREADY)
        error = call_wait(call, POLLOUT);
    return error;
}

static ssize_t send_all(struct call *call, const struct iovec *spans, int count, size_t length,
                        const struct endpoint *to, int flags, struct tcp_lending *lending)
{
    struct spans left = {.first = spans, .count = count};
    size_t done = 0;
    do {
        const struct iovec *next;
        struct iovec partial;
        struct socket *socket = call->socket;
        int next_count = spans_next(&left, &partial, &next);
        int more = next == &partial && left.count > 1 ? MSG_MORE : 0;
        if (done > 0 && socket->kind->error(socket, false))
            break;
        ssize_t n = lend_send(call, lending, next, next_count, to, flags | more);
        flags &= ~MSG_FASTOPEN; /* the rest follows like any other */
        int opened = await_opening(call, n, length - done - (n > 0 ? (size_t)n : 0));
        if (opened < 0)
            return opened;
        if (n >= 0) {
            done += (size_t)n;
            spans_consume(&left, (size_t)n);
            continue;
        }
        if (n == -EINPROGRESS && call->blocks)
            continue; /* it is open now */
        if (n == -EAGAIN)
            n = wait_to_send(call);
        if (n < 0)
            return data_done_or(done, n);
    } while (done < length);
    return (ssize_t)done;
}

static ssize_t send_stream(struct call *call, const struct iovec *spans, int count, size_t length,
                           const struct endpoint *to, int flags)
{
    struct tcp_lending lending = {0};
    if (length >= LIMIT_STREAK_BYTES)
        flags |= streak_flags(call);
    ssize_t result = send_all(call, spans, count, length, to, flags, &lending);
    lend_end(call, &lending);
    return result;
}

/* What its control messages ask for is for this datagram alone. */
static ssize_t send_datagram(struct call *call, const struct iovec *spans, int count,
                             const struct endpoint *to, int flags, uint32_t stamps)
{
    struct socket *socket = call->socket;
    struct datagram_options *options = socket->kind->datagram_options(socket);
    const struct datagram_options usual = *options;
    options->stamps = stamps;
    ssize_t result = call->message ? control_read(socket, call->message, options) : 0;
    if (result == 0)
        result = socket->kind->send(socket, spans, count, to, flags);
    *options = usual;
    return result;
}

/* Sends what has been found to be in order, and notes what its user wants to be told of it. */
static ssize_t send_checked(struct call *call, const struct iovec *spans, int count, size_t length,
                            const struct endpoint *to, int flags)
{
    struct receipt receipt;
    if (socket_is_reserved(call->socket))
        return -EBUSY; /* it would never be their turn */
    ssize_t result = receipt_begin(&receipt, call, flags);
    if (result == -EINVAL && socket_is_stream(call->socket)) {
        /* What is wrong with its control messages is told of a stream that could be sent to. */
        ssize_t none = call->socket->kind->send(call->socket, NULL, 0, NULL, flags & ~MSG_FASTOPEN);
        if (none == -EAGAIN)
            none = wait_to_send(call);
        return none < 0 ? none : result;
    }
    if (result < 0)
        return result;
    if (socket_is_stream(call->socket))
        result = send_stream(call, spans, count, length, to, flags);
    else
        result = send_datagram(call, spans, count, to, flags, receipt.stamps);
    receipt_end(&receipt, call, result);
    return result;
}

/* Where to send. UDP takes an address without a family for one of its own (as on Linux). */
static int destination(const struct socket *socket, const struct sockaddr *address,
                       socklen_t length, struct endpoint *to)
{
    struct sockaddr_in in;
    if (!socket_is_stream(socket) && length < sizeof in)
        return -EINVAL;
    if (socket->kind->protocol == IPPROTO_UDP && sockaddr_is_unspecified(address, length)) {
        memcpy(&in, address, sizeof in);
        in.sin_family = AF_INET;
        return remote_from_sockaddr((const struct sockaddr *)&in, sizeof in, to);
    }
    int error = remote_from_sockaddr(address, length, to);
    return socket_is_stream(socket) && error == -EAFNOSUPPORT ? -EOPNOTSUPP : error;
}

/* Of several things that are wrong with a datagram, the one is told that Linux would tell: that no
 * port is left, its length and flags, whom it is for, its control messages, the way there. */
ssize_t data_send(struct call *call, const struct iovec *spans, int count, int flags,
                  const struct sockaddr *address, socklen_t address_length)
{
    struct endpoint to;
    const struct socket_kind *kind = call->socket->kind;
    bool stream = socket_is_stream(call->socket);
    ssize_t length = spans_length(spans, count, false);
    if (length < 0)
        return length;
    int error = kind->autobind ? kind->autobind(call->socket) : 0;
    if (error == 0 && kind->check)
        error = kind->check(spans, count, (size_t)length, flags);
    if (error < 0)
        return error;
    call_patience(call, flags, socket_send_timeout_ns(call->socket));
    flags &= stream ? SEND_STREAM_FLAGS : SEND_DATAGRAM_FLAGS;
    if (!call->socket->zero_copy)
        flags &= ~MSG_ZEROCOPY; /* as if it had not been said */
    if (kind->settled && kind->settled(call->socket)) {
        address = NULL;
        call->message = NULL;
    }
    /* A stream's peer is known, except to Fast Open. */
    if (stream && !(flags & MSG_FASTOPEN))
        address = NULL;
    if (address != NULL)
        error = destination(call->socket, address, address_length, &to);
    if (error == 0 && kind->directed)
        error = kind->directed(call->socket, address ? &to : NULL);
    if (error < 0)
        return error;
    return send_checked(call, spans, count, (size_t)length, address ? &to : NULL, flags);
}
