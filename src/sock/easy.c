/* What people always write by hand, and need not: dial, listen on, write all, read full, drain. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "sock/address.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"

/* Closes the socket of a call that went wrong and lets its errno stand: -1. One that is gone has
 * been closed meanwhile, and its number may be another's. */
static int give_up(struct tern *t, int socket)
{
    int error = errno;
    if (error != EBADF)
        tern_close(t, socket);
    errno = error;
    return -1;
}

/* A TCP socket and the endpoint that `text` names, as an address. */
static int open_for(struct tern *t, const char *text, bool host_optional,
                    struct sockaddr_storage *address, socklen_t *length)
{
    struct endpoint endpoint;
    if (text == NULL) {
        errno = EFAULT;
        return -1;
    }
    if (endpoint_parse(text, host_optional, &endpoint) < 0) {
        errno = EINVAL;
        return -1;
    }
    *length = sizeof *address;
    endpoint_to_sockaddr(&endpoint, (struct sockaddr *)address, length);
    return tern_socket(t, address->ss_family, SOCK_STREAM, 0);
}

int tern_dial(struct tern *t, const char *host_port)
{
    struct sockaddr_storage address;
    socklen_t length;
    int socket = open_for(t, host_port, false, &address, &length);
    if (socket < 0)
        return -1;
    /* EINPROGRESS: an engine that cannot wait. */
    if (tern_connect(t, socket, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS)
        return give_up(t, socket);
    return socket;
}

int tern_listen_on(struct tern *t, const char *host_port, int backlog)
{
    struct sockaddr_storage address;
    socklen_t length;
    int on = 1;
    int socket = open_for(t, host_port, true, &address, &length);
    if (socket < 0)
        return -1;
    if (tern_setsockopt(t, socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        tern_bind(t, socket, (struct sockaddr *)&address, length) < 0 ||
        tern_listen(t, socket, backlog) < 0)
        return give_up(t, socket);
    return socket;
}

int tern_write_all(struct tern *t, int socket, const void *bytes, size_t length)
{
    const char *at = bytes;
    for (;;) {
        ssize_t n = tern_send(t, socket, at, length, 0);
        if (n < 0)
            return -1;
        length -= (size_t)n;
        if (length == 0)
            return 0;
        at += n;
    }
}

ssize_t tern_read_full(struct tern *t, int socket, void *bytes, size_t length)
{
    char *at = bytes;
    size_t left = length;
    while (left > 0) {
        ssize_t n = tern_recv(t, socket, at, left, MSG_WAITALL);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        at += n;
        left -= (size_t)n;
    }
    return (ssize_t)(length - left);
}

int tern_drain(struct tern *t, int socket)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        call_patience(&call, 0, socket_send_timeout_ns(call.socket));
    while (result == 0 && (result = call.socket->kind->drain(call.socket, false)) == -EAGAIN)
        result = call_wait(&call, 0);
    return (int)call_end(&call, result);
}
