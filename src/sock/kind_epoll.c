/* Instances of epoll as descriptors: they can be polled, closed and watched, but are no sockets,
 * and every call that wants one says so (call.h). */
#include <errno.h>
#include <poll.h>

#include "sock/epoll.h"
#include "sock/socket.h"

static int epoll_kind_open(struct socket *socket)
{
    socket->of.epoll = epoll_new(socket);
    return socket->of.epoll ? 0 : -ENOMEM;
}

static void epoll_kind_close(struct socket *socket, bool abort)
{
    (void)abort;
    epoll_free(socket->of.epoll);
}

static unsigned epoll_kind_readiness(const struct socket *socket)
{
    return epoll_ready(socket->of.epoll) ? POLLIN | POLLRDNORM : 0;
}

const struct socket_kind epoll_kind = {
    .open = epoll_kind_open,
    .close = epoll_kind_close,
    .readiness = epoll_kind_readiness,
};

struct epoll *epoll_of(const struct socket *socket)
{
    return socket->kind == &epoll_kind ? socket->of.epoll : NULL;
}
