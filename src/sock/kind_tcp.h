/* What the files of a TCP connection's socket share: reaching the connection, which may rest. */
#ifndef TERN_SOCK_KIND_TCP_H
#define TERN_SOCK_KIND_TCP_H

#include <errno.h>
#include <stdbool.h>

#include "sock/socket.h"
#include "tcp/tcp.h"

/* Most calls find the connection awake. One that rests and has nothing to tell is left so. */
static inline bool tcp_kind_rests(const struct socket *socket)
{
    return tcp_connection_rests(socket->of.connection);
}

/* NULL: it rests. */
static inline struct tcb *tcp_kind_awake(const struct socket *socket)
{
    return tcp_kind_rests(socket) ? NULL : tcp_connection_wake(socket->of.connection);
}

/* One that rests is woken: 0, or -ENOMEM. */
static inline int tcp_kind_wake(const struct socket *socket, struct tcb **out)
{
    *out = tcp_connection_wake(socket->of.connection);
    return *out ? 0 : -ENOMEM;
}

#endif
