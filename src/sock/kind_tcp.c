/* TCP connections as sockets: what socket(2) makes, connect(2) joins (connect.c) and accept(2)
 * yields. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "core/error_queue.h"
#include "sock/connect.h"
#include "sock/kind_tcp.h"
#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

static int tcp_kind_open(struct socket *socket)
{
    struct tcb *tcb;
    int error = tcp_create(&socket->tern->stack, socket, &tcb);
    if (error == 0)
        socket->of.connection = tcp_connection_keep(tcb);
    return error;
}

/* Without memory for an end in good order it is a bad one. */
static void tcp_kind_close(struct socket *socket, bool abort)
{
    struct tcb *tcb;
    if (!abort && tcp_kind_wake(socket, &tcb) == 0)
        tcp_detach(tcb);
    else
        tcp_abort(tcp_connection_wake_to_end(socket->of.connection));
}

static int tcp_kind_bind(struct socket *socket, const struct endpoint *local)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    return error < 0 ? error : tcp_bind(tcb, local, socket->reuse_address);
}

static int tcp_kind_listen(struct socket *socket, int backlog)
{
    struct tcp_listener *listener;
    if (socket->connect_progress != CONNECT_NONE)
        return -EINVAL;
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error == 0)
        error = tcp_listen(tcb, (unsigned)backlog, socket, &listener);
    if (error < 0)
        return error;
    socket->kind = &listener_kind;
    socket->of.listener = listener;
    return 0;
}

static int tcp_kind_accept(struct socket *socket, struct socket **out)
{
    (void)socket;
    (void)out;
    return -EINVAL;
}

static ssize_t tcp_kind_send(struct socket *socket, const struct iovec *spans, int count,
                             const struct endpoint *to, int flags)
{
    /* A connection has its peer: only Fast Open, which makes one, asks where to. */
    ssize_t n;
    struct tcb *tcb;
    if (tcp_kind_wake(socket, &tcb) < 0)
        return -ENOBUFS;
    if (!(flags & MSG_FASTOPEN))
        n = tcp_send(tcb, spans, count, flags);
    else
        n = connect_send(socket, tcb, spans, count, to, flags & ~MSG_FASTOPEN);
    /* Not of the connection of before: an attempt that failed has been replaced. */
    tcb = tcp_kind_awake(socket);
    if (tcb && n > 0 && flags & MSG_ZEROCOPY)
        tcp_numbers_sends(tcb);
    return n;
}

/* One that rests has nothing to send. */
static bool tcp_kind_await_write(struct socket *socket, bool on)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    return tcb && tcp_await_write(tcb, on);
}

static bool tcp_kind_lend(struct socket *socket, struct tcp_lending *lending)
{
    struct tcb *tcb;
    return tcp_kind_wake(socket, &tcb) == 0 && tcp_lending_begin(tcb, lending);
}

static ssize_t tcp_kind_receive(struct socket *socket, const struct iovec *spans, int count,
                                int flags, struct datagram_info *info)
{
    (void)info;
    if (tcp_kind_rests(socket) && !(flags & MSG_OOB))
        return tcp_rest_at_end(socket->of.connection) ? 0 : -EAGAIN;
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    return error < 0 ? error : tcp_receive(tcb, spans, count, flags);
}

static bool tcp_kind_at_mark(const struct socket *socket)
{
    const struct tcb *tcb = tcp_kind_awake(socket);
    return tcb && tcp_at_mark(tcb);
}

static bool tcp_kind_land(struct socket *socket, struct tcp_landing *landing)
{
    struct tcb *tcb;
    return tcp_kind_wake(socket, &tcb) == 0 && tcp_landing_begin(tcb, landing);
}

static int tcp_kind_shutdown(struct socket *socket, bool receive, bool send)
{
    /* As on Linux, this is how a connect(2) under way is called off. */
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error < 0)
        return error;
    if (tcp_asking(tcb))
        return connect_anew(socket, ECONNRESET, ECONNRESET);
    error = send ? tcp_shutdown_send(tcb) : 0;
    int other = receive ? tcp_shutdown_receive(tcb) : 0;
    return error ? error : other;
}

static int tcp_kind_drain(struct socket *socket, bool finish)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error < 0)
        return finish ? 0 : error;
    if (finish) {
        /* What was not read is answered with a reset: there is nothing to wait for. */
        if (tcp_queued_in(tcb) > 0 || tcp_shutdown_send(tcb) < 0)
            return 0;
        return tcp_drained(tcb) ? 0 : -EAGAIN;
    }
    error = tcp_error(tcb, true);
    if (error)
        return -error;
    if (socket->connect_progress == CONNECT_NONE)
        return -ENOTCONN;
    bool connecting = !tcp_connected(tcb) && !(tcp_readiness(tcb) & POLLHUP);
    return !connecting && tcp_drained(tcb) ? 0 : -EAGAIN;
}

/* SO_RCVLOWAT: less is not worth waking for, unless there will not be more. */
static unsigned tcp_kind_readiness(const struct socket *socket)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    if (tcb == NULL)
        return tcp_rest_readiness(socket->of.connection);
    unsigned events = tcp_readiness(tcb);
    if (!(events & (POLLHUP | POLLRDHUP)) && tcp_error(tcb, false) == 0 &&
        tcp_queued_in(tcb) < socket->preferences->receive_low_water)
        events &= ~(unsigned)(POLLIN | POLLRDNORM);
    return events;
}

static int tcp_kind_error(struct socket *socket, bool clear)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    if (tcb == NULL)
        return 0;
    int error = tcp_error(tcb, clear);
    return error || !clear ? error : tcp_soft_error(tcb);
}

/* A connection that numbers its sends does not rest. One that does, and cannot be woken without
 * memory, has all acknowledged that was sent on it, and the times at which it left are not told; or
 * another thread has opened it in the place of the one that was sent on, and nobody is left to be
 * told of that. */
static void tcp_kind_sent(struct socket *socket, const struct receipt *receipt)
{
    struct tcb *tcb;
    if (tcp_kind_wake(socket, &tcb) == 0)
        tcp_sent(tcb, receipt->completion, receipt->stamps);
    else if (receipt->completion)
        error_note_free(&socket->tern->stack, receipt->completion);
}

static ssize_t tcp_kind_reserve(struct socket *socket, struct tcp_reservation *reservation,
                                size_t length, struct iovec spans[2])
{
    struct tcb *tcb;
    return tcp_kind_wake(socket, &tcb) < 0 ? -ENOBUFS
                                           : tcp_reserve(tcb, reservation, length, spans);
}

static ssize_t tcp_kind_peek(struct socket *socket, struct iovec spans[2])
{
    struct tcb *tcb = tcp_kind_awake(socket);
    if (tcb)
        return tcp_peek(tcb, spans);
    spans[0] = spans[1] = (struct iovec){0};
    return tcp_rest_at_end(socket->of.connection) ? 0 : -EAGAIN;
}

static int tcp_kind_consume(struct socket *socket, size_t length)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    if (tcb == NULL)
        return length ? -EINVAL : 0;
    return tcp_consume(tcb, length);
}

static int tcp_kind_stamps_begin(struct socket *socket, bool from_next)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    return error < 0 ? error : tcp_stamps_begin(tcb, from_next);
}

static void tcp_kind_note_arrivals(struct socket *socket, bool on)
{
    struct tcb *tcb;
    if (tcp_kind_wake(socket, &tcb) == 0)
        tcp_note_arrivals(tcb, on);
}

static uint64_t tcp_kind_arrived_ns(struct socket *socket, size_t ahead)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    return tcb ? tcp_arrived_ns(tcb, (uint32_t)ahead) : 0;
}

static int tcp_kind_inq(struct socket *socket)
{
    struct tcb *tcb;
    return tcp_kind_wake(socket, &tcb) == 0 ? tcp_inq(tcb) : -1;
}

static struct error_note *tcp_kind_take_note(struct socket *socket)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    return tcb ? tcp_take_note(tcb) : NULL;
}

static const struct endpoint *tcp_kind_local(const struct socket *socket)
{
    return tcp_connection_local(socket->of.connection);
}

static const struct endpoint *tcp_kind_remote(const struct socket *socket)
{
    struct tcp_connection *connection = socket->of.connection;
    const struct tcb *tcb = tcp_kind_awake(socket);
    bool has = tcb ? tcp_has_peer(tcb) : tcp_rest_has_peer(connection);
    return has ? tcp_connection_remote(connection) : NULL;
}

static int64_t tcp_kind_queued_in(const struct socket *socket)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    return tcb ? tcp_queued_in(tcb) : 0;
}

static int64_t tcp_kind_queued_out(const struct socket *socket)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    return tcb ? tcp_queued_out(tcb) : 0;
}

static uint32_t tcp_kind_low_water(struct socket *socket, uint32_t bytes)
{
    struct tcb *tcb;
    return tcp_kind_wake(socket, &tcb) == 0 ? tcp_low_water(tcb, bytes)
                                            : 1; /* without memory, for what is the default */
}

static int tcp_kind_set_option(struct socket *socket, int level, int option, const void *value,
                               socklen_t length)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    return error < 0 ? error : tcp_set_option(tcb, level, option, value, length);
}

static int tcp_kind_get_option(struct socket *socket, int level, int option, void *value,
                               socklen_t *length)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    return error < 0 ? error : tcp_get_option(tcb, level, option, value, length);
}

const struct socket_kind tcp_kind = {
    .type = SOCK_STREAM,
    .protocol = IPPROTO_TCP,
    .numbers_sends = true,
    .open = tcp_kind_open,
    .close = tcp_kind_close,
    .bind = tcp_kind_bind,
    .connect = connect_to_peer,
    .opened = connect_opened,
    .listen = tcp_kind_listen,
    .accept = tcp_kind_accept,
    .send = tcp_kind_send,
    .await_write = tcp_kind_await_write,
    .lend = tcp_kind_lend,
    .receive = tcp_kind_receive,
    .at_mark = tcp_kind_at_mark,
    .land = tcp_kind_land,
    .shutdown = tcp_kind_shutdown,
    .drain = tcp_kind_drain,
    .readiness = tcp_kind_readiness,
    .error = tcp_kind_error,
    .sent = tcp_kind_sent,
    .take_note = tcp_kind_take_note,
    .reserve = tcp_kind_reserve,
    .peek = tcp_kind_peek,
    .consume = tcp_kind_consume,
    .stamps_begin = tcp_kind_stamps_begin,
    .note_arrivals = tcp_kind_note_arrivals,
    .arrived_ns = tcp_kind_arrived_ns,
    .inq = tcp_kind_inq,
    .local = tcp_kind_local,
    .remote = tcp_kind_remote,
    .queued_in = tcp_kind_queued_in,
    .queued_out = tcp_kind_queued_out,
    .low_water = tcp_kind_low_water,
    .set_option = tcp_kind_set_option,
    .get_option = tcp_kind_get_option,
};
