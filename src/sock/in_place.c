/* Streams without a copy: the send ring written to, and the receive ring read, in place. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"

static int check(const struct socket *socket, const struct iovec *spans)
{
    if (!socket_is_stream(socket))
        return -EOPNOTSUPP;
    return spans ? 0 : -EFAULT;
}

static ssize_t reserve(struct call *call, struct iovec spans[2], size_t length)
{
    ssize_t n;
    if (length == 0)
        return -EINVAL;
    if (socket_is_reserved(call->socket))
        return -EBUSY;
    if (!call->socket->reservation)
        call->socket->reservation = calloc(1, sizeof(struct tcp_reservation));
    if (!call->socket->reservation)
        return -ENOBUFS;
    call_patience(call, 0, socket_send_timeout_ns(call->socket));
    while ((n = call->socket->kind->reserve(call->socket, call->socket->reservation, length,
                                            spans)) == -EAGAIN) {
        int error = call_wait(call, POLLOUT);
        if (error < 0)
            return error;
    }
    return n;
}

ssize_t tern_send_reserve(struct tern *t, int socket, size_t length, struct iovec spans[2])
{
    struct call call;
    ssize_t result = call_begin(&call, t, socket);
    if (result == 0)
        result = check(call.socket, spans);
    if (result == 0)
        result = reserve(&call, spans, length);
    return call_end(&call, result);
}

ssize_t tern_send_commit(struct tern *t, int socket, size_t length, int flags)
{
    enum { FLAGS = MSG_MORE | MSG_EOR | MSG_NOSIGNAL | MSG_DONTWAIT };
    struct call call;
    ssize_t result = call_begin_write(&call, t, socket);
    if (result == 0 && !socket_is_stream(call.socket))
        result = -EOPNOTSUPP;
    if (result == 0 && flags & ~FLAGS)
        result = -EOPNOTSUPP;
    if (result == 0 && !call.socket->reservation)
        result = -EINVAL;
    if (result == 0)
        result = tcp_commit(call.socket->reservation, length, flags);
    return call_end(&call, result);
}

static ssize_t peek(struct call *call, struct iovec spans[2])
{
    ssize_t n;
    call_patience(call, 0, socket_receive_timeout_ns(call->socket));
    while ((n = call->socket->kind->peek(call->socket, spans)) == -EAGAIN) {
        int error = call_wait(call, POLLIN | POLLRDHUP);
        if (error < 0)
            return error;
    }
    return n;
}

ssize_t tern_recv_peek(struct tern *t, int socket, struct iovec spans[2])
{
    struct call call;
    ssize_t result = call_begin(&call, t, socket);
    if (result == 0)
        result = check(call.socket, spans);
    if (result == 0)
        result = peek(&call, spans);
    return call_end(&call, result);
}

int tern_recv_consume(struct tern *t, int socket, size_t length)
{
    struct call call;
    struct iovec none;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        result = check(call.socket, &none);
    if (result == 0)
        result = call.socket->kind->consume(call.socket, length);
    return (int)call_end(&call, result);
}
