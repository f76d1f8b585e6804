/* Making sockets and joining them to others: socket, bind, listen, accept, connect; and who they
 * are joined to: getsockname, getpeername. */
#include "sock/open.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>

#include "sock/address.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

static int reserve_descriptor(struct tern *t)
{
    return descriptor_reserve(&t->descriptors, (uint32_t)t->stack.settings.descriptors);
}

/* As Linux tells them apart: no such type at all, none in this domain, none with this protocol. */
static int find_kind(int domain, int type, int protocol, const struct socket_kind **out)
{
    static const struct socket_kind *const kinds[] = {&tcp_kind, &udp_kind, &echo_kind};
    bool type_known = type == SOCK_RAW;
    if (type < 0 || type > SOCK_PACKET)
        return -EINVAL;
    if (domain != AF_INET)
        return -EAFNOSUPPORT;
    if (protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i]->type != type)
            continue;
        type_known = true;
        /* Protocol 0 is the type's first. */
        if (protocol == 0 || protocol == kinds[i]->protocol) {
            *out = kinds[i];
            return 0;
        }
    }
    return type_known ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
}

static void set_flags(struct socket *socket, int flags)
{
    socket->nonblocking = (flags & SOCK_NONBLOCK) != 0;
    socket->close_on_exec = (flags & SOCK_CLOEXEC) != 0;
}

int open_descriptor(struct tern *t, const struct socket_kind *kind, int flags)
{
    int error = reserve_descriptor(t);
    if (error < 0)
        return error;
    struct socket *socket = socket_new(t, kind);
    if (socket == NULL)
        return -ENOMEM;
    error = kind->open(socket);
    if (error < 0) {
        socket_free(socket);
        return error;
    }
    set_flags(socket, flags);
    return descriptor_take(&t->descriptors, socket);
}

int tern_socket(struct tern *t, int domain, int type, int protocol)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const struct socket_kind *kind = NULL;
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0 && (domain < 0 || domain >= AF_MAX))
        result = -EAFNOSUPPORT;
    if (result == 0)
        result = find_kind(domain, type & ~flags, protocol, &kind);
    if (result == 0)
        result = open_descriptor(t, kind, type & flags);
    return (int)call_end(&call, result);
}

int tern_bind(struct tern *t, int socket, const struct sockaddr *address, socklen_t length)
{
    struct endpoint local;
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        result = endpoint_from_sockaddr(address, length, &local);
    if (result == 0)
        result = call.socket->kind->bind(call.socket, &local);
    return (int)call_end(&call, result);
}

int tern_listen(struct tern *t, int socket, int backlog)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        result = call.socket->kind->listen(call.socket, backlog < 1 ? 1 : backlog);
    return (int)call_end(&call, result);
}

/* One attempt: the new descriptor, -EAGAIN, or why not. The descriptor is made sure of first: a
 * connection that cannot have one stays in the listener's queue. */
static int accept_one(struct socket *listener, int flags, struct endpoint *remote)
{
    struct socket *socket;
    int error = reserve_descriptor(listener->tern);
    if (error < 0)
        return error;
    error = listener->kind->accept(listener, &socket);
    if (error < 0)
        return error;
    set_flags(socket, flags);
    /* Its own answer would be none if the peer has reset it meanwhile; as on Linux it says who it
     * was. */
    *remote = *tcp_connection_remote(socket->of.connection);
    return descriptor_take(&listener->tern->descriptors, socket);
}

static int accept_socket(struct call *call, int flags, struct endpoint *remote)
{
    call_patience(call, 0, socket_receive_timeout_ns(call->socket));
    for (;;) {
        int result = accept_one(call->socket, flags, remote);
        if (result != -EAGAIN)
            return result;
        result = call_wait(call, POLLIN);
        if (result < 0)
            return result;
    }
}

int tern_accept4(struct tern *t, int socket, struct sockaddr *address, socklen_t *length, int flags)
{
    struct endpoint remote;
    struct call call;
    int result = call_begin(&call, t, socket);
    if ((result == 0 || result == -ENOTSOCK) && (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
        result = -EINVAL;
    /* Found before a connection is taken, which nobody could be told of. */
    bool no_room = address != NULL && (length == NULL || *length > INT_MAX);
    if (result == 0 && no_room && call.socket->kind == &listener_kind)
        result = length == NULL ? -EFAULT : -EINVAL;
    if (result == 0)
        result = accept_socket(&call, flags, &remote);
    if (result >= 0 && address != NULL)
        endpoint_to_sockaddr(&remote, address, length);
    return (int)call_end(&call, result);
}

int tern_accept(struct tern *t, int socket, struct sockaddr *address, socklen_t *length)
{
    return tern_accept4(t, socket, address, length, 0);
}

/* `result` is what the attempt said: it is under way from now on (-EINPROGRESS) or was before
 * (-EALREADY), which is also what the call says when it may not wait for the end. */
static int await_connection(struct call *call, const struct endpoint *remote, int result)
{
    const int under_way = result;
    call_patience(call, 0, socket_send_timeout_ns(call->socket));
    while (result == -EINPROGRESS || result == -EALREADY) {
        int error = call_wait(call, POLLOUT);
        if (error < 0)
            return error == -EAGAIN ? under_way : error;
        result = call->socket->kind->connect(call->socket, remote);
    }
    return result;
}

/* A listener, or a connection that is there or under way: no address matters. */
static bool has_business(const struct socket *socket)
{
    return socket->kind == &listener_kind || socket->connect_progress != CONNECT_NONE;
}

int tern_connect(struct tern *t, int socket, const struct sockaddr *address, socklen_t length)
{
    struct endpoint remote = {.port = 0};
    struct call call;
    bool dissolve = sockaddr_is_unspecified(address, length);
    int result = call_begin(&call, t, socket);
    int wrong = sockaddr_check(address, length);
    if (result == 0 && !dissolve)
        result = remote_from_sockaddr(address, length, &remote);
    /* One that has a peer, or is about to, says so whoever is asked for. */
    if ((result == -EINVAL || result == -EAFNOSUPPORT) && length >= sizeof(sa_family_t) &&
        has_business(call.socket))
        result = 0;
    if ((result == 0 || result == -ENOTSOCK) && wrong < 0)
        result = wrong; /* Linux looks at that first */
    if (result == 0)
        result = call.socket->kind->connect(call.socket, dissolve ? NULL : &remote);
    if (result == -EINPROGRESS || result == -EALREADY)
        result = await_connection(&call, &remote, result);
    return (int)call_end(&call, result);
}

int tern_getsockname(struct tern *t, int socket, struct sockaddr *address, socklen_t *length)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        result = endpoint_to_sockaddr(call.socket->kind->local(call.socket), address, length);
    return (int)call_end(&call, result);
}

int tern_getpeername(struct tern *t, int socket, struct sockaddr *address, socklen_t *length)
{
    const struct endpoint *remote = NULL;
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0)
        remote = call.socket->kind->remote(call.socket);
    if (result == 0 && remote == NULL)
        result = -ENOTCONN;
    if (result == 0)
        result = endpoint_to_sockaddr(remote, address, length);
    return (int)call_end(&call, result);
}
