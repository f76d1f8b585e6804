/* Moving bytes: the send and recv families.
 *
 * All of them end in two functions, data_send() and data_receive(), which know streams from
 * datagrams. A stream call may move its bytes in several goes; what it has moved counts for more
 * than an error that comes after, which is then left for the next call (POSIX). */
#include "sock/data.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "sock/address.h"
#include "sock/call.h"
#include "sock/control.h"
#include "sock/errors.h"
#include "sock/land.h"
#include "sock/lend.h"
#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

#define MESSAGE_COMPAT 0x80000000u /* MSG_CMSG_COMPAT, which the C library keeps to itself */

enum {
    /* The flags that sending goes by. As on Linux the others mean nothing, those that no call knows
     * and those of other calls; but none of a datagram's bytes can be urgent. Each datagram is a
     * record of its own: MSG_EOR asks for what is the case anyway. */
    SEND_DATAGRAM_FLAGS = MSG_ZEROCOPY | MSG_MORE,
    SEND_STREAM_FLAGS = SEND_DATAGRAM_FLAGS | MSG_EOR | MSG_OOB | MSG_FASTOPEN,
};

/* What to return when a stream call ends early. */
static ssize_t done_or(size_t done, ssize_t error)
{
    return done > 0 ? (ssize_t)done : error;
}

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
            return done_or(done, n);
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
            return done_or(done, n);
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

/* Whether `info` tells of a datagram, and not of the end of a side that is shut: none is from
 * nobody. */
static bool is_datagram(const struct datagram_info *info)
{
    return !address_is_unspecified(&info->source.address);
}

ssize_t tern_send(struct tern *t, int socket, const void *bytes, size_t length, int flags)
{
    return tern_sendto(t, socket, bytes, length, flags, NULL, 0);
}

ssize_t tern_sendto(struct tern *t, int socket, const void *bytes, size_t length, int flags,
                    const struct sockaddr *address, socklen_t address_length)
{
    struct iovec span = data_span(bytes, length);
    struct call call;
    ssize_t result = call_begin_write(&call, t, socket);
    if (result == 0 && address != NULL)
        result = sockaddr_check(address, address_length);
    if (result == 0)
        result = data_send(&call, &span, 1, flags, address, address_length);
    return call_end(&call, result);
}

static int message_check(const struct msghdr *message)
{
    if (message == NULL)
        return -EFAULT;
    if (message->msg_name != NULL && message->msg_namelen > INT_MAX)
        return -EINVAL; /* it was negative */
    return message->msg_iovlen > SPANS_MAX ? -EMSGSIZE : 0;
}

/* How sendmsg(2) and recvmsg(2) begin. MSG_CMSG_COMPAT is refused before anything else is looked
 * at: the kernel itself says it, of programs with another size of pointers. */
static int message_begin(struct call *call, struct tern *t, int socket,
                         const struct msghdr *message, int flags, call_beginning *begin)
{
    *call = (struct call){0};
    if ((unsigned)flags & MESSAGE_COMPAT)
        return -EINVAL;
    int error = begin(call, t, socket);
    return error < 0 ? error : message_check(message);
}

/* Control messages are there before anything is sent, or asked of the socket. */
static int control_check(const struct msghdr *message)
{
    if (message->msg_controllen > INT_MAX)
        return -ENOBUFS; /* Linux's answer */
    return message->msg_controllen > 0 && message->msg_control == NULL ? -EFAULT : 0;
}

/* What is behind the longest address there is means nothing here; to sendto(2) it is an error. */
static socklen_t name_length(const struct msghdr *message)
{
    const socklen_t most = sizeof(struct sockaddr_storage);
    return message->msg_namelen < most ? message->msg_namelen : most;
}

ssize_t tern_sendmsg(struct tern *t, int socket, const struct msghdr *message, int flags)
{
    struct call call;
    ssize_t result = message_begin(&call, t, socket, message, flags, call_begin_write);
    if (result == 0)
        result = control_check(message);
    call.message = message;
    if (result == 0)
        result = data_send(&call, message->msg_iov, (int)message->msg_iovlen, flags,
                           message->msg_name, name_length(message));
    return call_end(&call, result);
}

ssize_t tern_recv(struct tern *t, int socket, void *bytes, size_t length, int flags)
{
    return tern_recvfrom(t, socket, bytes, length, flags, NULL, NULL);
}

ssize_t tern_recvfrom(struct tern *t, int socket, void *bytes, size_t length, int flags,
                      struct sockaddr *address, socklen_t *address_length)
{
    struct iovec span = {bytes, length};
    struct datagram_info info;
    struct call call;
    if (flags & MSG_ERRQUEUE && (address == NULL || address_length != NULL))
        return errors_from_call(t, socket, &span, address, address_length);
    ssize_t result = call_begin(&call, t, socket);
    if (result == 0 && address != NULL && address_length == NULL)
        result = -EFAULT;
    if (result == 0)
        result = data_receive(&call, &span, 1, flags, &info);
    if (result >= 0 && address != NULL) {
        if (*address_length > INT_MAX)
            result = -EINVAL; /* it was negative; what was received is lost, as on Linux */
        /* Only a stream's call can have something although its socket was closed meanwhile. */
        if (call.socket == NULL || socket_is_stream(call.socket) || !is_datagram(&info))
            *address_length = 0; /* getpeername() says who it is */
        else
            endpoint_to_sockaddr(&info.source, address, address_length);
    }
    return call_end(&call, result);
}

/* What recvmsg() tells besides the bytes. */
static void describe(struct socket *socket, const struct datagram_info *info, ssize_t received,
                     int flags, struct msghdr *message)
{
    bool stream = socket == NULL || socket_is_stream(socket); /* as in tern_recvfrom() */
    bool nothing = socket == NULL || (!stream && !is_datagram(info));
    message->msg_flags = flags & MSG_CMSG_CLOEXEC;
    if ((stream || nothing) && message->msg_name != NULL)
        message->msg_namelen = 0;
    if (nothing) {
        message->msg_controllen = 0;
        return;
    }
    if (stream) {
        if (flags & MSG_OOB)
            message->msg_flags |= MSG_OOB | (received == 0 ? MSG_TRUNC : 0);
        control_write_stream(socket, flags & MSG_OOB ? 0 : (size_t)received, flags & MSG_PEEK,
                             message);
        return;
    }
    if (info->truncated)
        message->msg_flags |= MSG_TRUNC;
    if (message->msg_name != NULL)
        endpoint_to_sockaddr(&info->source, message->msg_name, &message->msg_namelen);
    control_write(socket, info, message);
}

ssize_t tern_recvmsg(struct tern *t, int socket, struct msghdr *message, int flags)
{
    struct datagram_info info = {0};
    struct call call;
    if (flags & MSG_ERRQUEUE && !((unsigned)flags & MESSAGE_COMPAT))
        return errors_call(t, socket, message, flags);
    ssize_t result = message_begin(&call, t, socket, message, flags, call_begin);
    if (result == 0)
        result = data_receive(&call, message->msg_iov, (int)message->msg_iovlen, flags, &info);
    if (result >= 0)
        describe(call.socket, &info, result, flags, message);
    return call_end(&call, result);
}
