/* What listen(2) makes of a TCP socket.
 *
 * What is asked only of a stream that has moved bytes, or waits to, is not asked of a listener: a
 * call that waits ends when its connection is given up, before there can be a listener in its
 * place (connect_anew). */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "ip/ip.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"
#include "tcp/tcp.h"

static int listener_shutdown(struct socket *socket, bool receive, bool send);

static void listener_close(struct socket *socket, bool abort)
{
    (void)abort;
    tcp_listener_close(socket->of.listener);
}

static int listener_bind(struct socket *socket, const struct endpoint *local)
{
    bool ours = address_is_unspecified(&local->address) ||
                ip_is_ours(&socket->tern->stack, &local->address);
    return ours ? -EINVAL : -EADDRNOTAVAIL;
}

/* A peer of none ends the listening. */
static int listener_connect(struct socket *socket, const struct endpoint *remote)
{
    return remote ? -EISCONN : listener_shutdown(socket, true, false);
}

static int listener_listen(struct socket *socket, int backlog)
{
    return tcp_listener_backlog(socket->of.listener, (unsigned)backlog);
}

/* What an accepted socket has of its listener: all that TCP itself does not hand on (half_open.c),
 * but not O_NONBLOCK, as on Linux. */
static void inherit(struct socket *socket, const struct socket *listener)
{
    socket_preferences_join(socket, listener);
    socket->lingers = listener->lingers;
    socket->reuse_address = listener->reuse_address;
    socket->reuse_port = listener->reuse_port;
    socket->broadcast = listener->broadcast;
    socket->debug = listener->debug;
    socket->dont_route = listener->dont_route;
    socket->receive_ttl = listener->receive_ttl;
    socket->receive_tos = listener->receive_tos;
    socket->receive_pktinfo = listener->receive_pktinfo;
    socket->zero_copy = listener->zero_copy;
}

static int listener_accept(struct socket *listener, struct socket **out)
{
    if (!(tcp_listener_readiness(listener->of.listener) & POLLIN))
        return -EAGAIN;
    struct socket *socket = socket_new(listener->tern, &tcp_kind);
    if (socket == NULL)
        return -ENOMEM;
    struct tcb *tcb;
    int error = tcp_accept(listener->of.listener, socket, &tcb);
    if (error < 0) {
        socket_free(socket);
        return error;
    }
    socket->of.connection = tcp_connection_keep(tcb);
    socket->connect_progress = CONNECT_DONE;
    inherit(socket, listener);
    *out = socket;
    return 0;
}

static ssize_t listener_send(struct socket *socket, const struct iovec *spans, int count,
                             const struct endpoint *to, int flags)
{
    (void)socket;
    (void)spans;
    (void)count;
    (void)to;
    /* Linux's answers: of a socket that is not connected; and of connect(2). */
    return flags & MSG_FASTOPEN ? -EISCONN : -EPIPE;
}

static ssize_t listener_receive(struct socket *socket, const struct iovec *spans, int count,
                                int flags, struct datagram_info *info)
{
    (void)socket;
    (void)spans;
    (void)count;
    (void)flags;
    (void)info;
    return -ENOTCONN;
}

/* As on Linux, shutting the receiving side ends the listening, and wakes who waits in accept; the
 * other side means nothing. The socket keeps its name and its options, and may listen again. */
static int listener_shutdown(struct socket *socket, bool receive, bool send)
{
    (void)send;
    struct tcb *tcb;
    if (!receive)
        return 0;
    int error = tcp_renew_listener(socket->of.listener, &tcb);
    if (error < 0)
        return error;
    socket->kind = &tcp_kind;
    socket->of.connection = tcp_connection_keep(tcb);
    wait_wake_all(socket->tern, &socket->waiting);
    interest_reconsider(socket);
    return 0;
}

static int listener_drain(struct socket *socket, bool finish)
{
    (void)socket;
    return finish ? 0 : -ENOTCONN;
}

static unsigned listener_readiness(const struct socket *socket)
{
    return tcp_listener_readiness(socket->of.listener);
}

static int listener_error(struct socket *socket, bool clear)
{
    (void)socket;
    (void)clear;
    return 0;
}

static ssize_t listener_reserve(struct socket *socket, struct tcp_reservation *reservation,
                                size_t length, struct iovec spans[2])
{
    (void)socket;
    (void)reservation;
    (void)length;
    (void)spans;
    return -EPIPE; /* as to send */
}

static ssize_t listener_peek(struct socket *socket, struct iovec spans[2])
{
    (void)socket;
    (void)spans;
    return -ENOTCONN;
}

static int listener_consume(struct socket *socket, size_t length)
{
    (void)socket;
    (void)length;
    return -ENOTCONN;
}

static struct error_note *listener_take_note(struct socket *socket)
{
    (void)socket;
    return NULL;
}

static int listener_stamps_begin(struct socket *socket, bool from_next)
{
    (void)socket;
    (void)from_next;
    return -EINVAL;
}

static void listener_note_arrivals(struct socket *socket, bool on)
{
    tcp_listener_note_arrivals(socket->of.listener, on);
}

static const struct endpoint *listener_local(const struct socket *socket)
{
    return tcp_listener_local(socket->of.listener);
}

static const struct endpoint *listener_remote(const struct socket *socket)
{
    (void)socket;
    return NULL;
}

static int64_t listener_queued(const struct socket *socket)
{
    (void)socket;
    return -EINVAL;
}

static uint32_t listener_low_water(struct socket *socket, uint32_t bytes)
{
    return tcp_listener_low_water(socket->of.listener, bytes);
}

static int listener_set_option(struct socket *socket, int level, int option, const void *value,
                               socklen_t length)
{
    return tcp_listener_set_option(socket->of.listener, level, option, value, length);
}

static int listener_get_option(struct socket *socket, int level, int option, void *value,
                               socklen_t *length)
{
    return tcp_listener_get_option(socket->of.listener, level, option, value, length);
}

const struct socket_kind listener_kind = {
    .type = SOCK_STREAM,
    .protocol = IPPROTO_TCP,
    .numbers_sends = true,
    .close = listener_close,
    .bind = listener_bind,
    .connect = listener_connect,
    .listen = listener_listen,
    .accept = listener_accept,
    .send = listener_send,
    .receive = listener_receive,
    .shutdown = listener_shutdown,
    .drain = listener_drain,
    .readiness = listener_readiness,
    .error = listener_error,
    .take_note = listener_take_note,
    .reserve = listener_reserve,
    .peek = listener_peek,
    .consume = listener_consume,
    .stamps_begin = listener_stamps_begin,
    .note_arrivals = listener_note_arrivals,
    .local = listener_local,
    .remote = listener_remote,
    .queued_in = listener_queued,
    .queued_out = listener_queued,
    .low_water = listener_low_water,
    .set_option = listener_set_option,
    .get_option = listener_get_option,
};
