/* TCP connections as sockets: what socket(2) makes, connect(2) joins and accept(2) yields. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"
#include "tcp/tcp.h"

static int tcp_kind_open(struct socket *socket)
{
    return tcp_create(&socket->tern->stack, socket, &socket->of.tcb);
}

static void tcp_kind_close(struct socket *socket, bool abort)
{
    if (abort)
        tcp_abort(socket->of.tcb);
    else
        tcp_detach(socket->of.tcb);
}

static int tcp_kind_bind(struct socket *socket, const struct endpoint *local)
{
    return tcp_bind(socket->of.tcb, local, socket->reuse_address);
}

/* The socket is as socket(2) made it, but for its options, its name, and an error to tell. */
static int start_anew(struct socket *socket, int told)
{
    int error = tcp_renew(socket->of.tcb, told, &socket->of.tcb);
    if (error < 0)
        return error;
    socket->connect_progress = CONNECT_NONE;
    wait_wake_all(socket->tern, &socket->waiting); /* what they waited for is no more */
    return 0;
}

/* What has become of a connect(2) that was under way. The first call after its end is told how it
 * ended; after a failure the socket may try again. */
static int connect_outcome(struct socket *socket)
{
    struct tcb *tcb = socket->of.tcb;
    int error = tcp_error(tcb, true);
    if (error == 0 && tcp_connected(tcb)) {
        socket->connect_progress = CONNECT_DONE;
        return 0;
    }
    /* Over, but somebody else has been told why (SO_ERROR). */
    if (error == 0 && (tcp_readiness(tcb) & POLLHUP))
        error = ECONNABORTED;
    if (error == 0)
        return -EALREADY;
    start_anew(socket, 0);
    return -error;
}

/* connect(2) with AF_UNSPEC. */
static int dissolve(struct socket *socket)
{
    struct tcb *tcb = socket->of.tcb;
    bool there = tcp_asking(tcb) || tcp_has_peer(tcb);
    return start_anew(socket, there ? ECONNRESET : tcp_error(tcb, false));
}

static int tcp_kind_connect(struct socket *socket, const struct endpoint *remote)
{
    if (remote == NULL)
        return dissolve(socket);
    if (socket->connect_progress == CONNECT_DONE)
        return -EISCONN;
    if (socket->connect_progress == CONNECT_UNDER_WAY)
        return connect_outcome(socket);
    int result = tcp_connect(socket->of.tcb, remote);
    if (result == -EINPROGRESS)
        socket->connect_progress = CONNECT_UNDER_WAY;
    if (result == 0)
        socket->connect_progress =
            CONNECT_DONE; /* TCP_FASTOPEN_CONNECT: as far as its user can tell */
    return result;
}

static int tcp_kind_opened(struct socket *socket, bool more)
{
    tcp_expect_text(socket->of.tcb, more);
    if (socket->connect_progress == CONNECT_UNDER_WAY)
        return connect_outcome(socket);
    if (tcp_opening(socket->of.tcb))
        return -EALREADY;
    return -tcp_error(socket->of.tcb, true);
}

static int tcp_kind_listen(struct socket *socket, int backlog)
{
    struct tcp_listener *listener;
    if (socket->connect_progress != CONNECT_NONE)
        return -EINVAL;
    int error = tcp_listen(socket->of.tcb, (unsigned)backlog, socket, &listener);
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

/* MSG_FASTOPEN: the first bytes open the connection. The first call after that finds it open, and
 * its bytes go like any others; the next ones are wrong to ask for it again. */
static ssize_t send_opening(struct socket *socket, const struct iovec *spans, int count,
                            const struct endpoint *to, int flags)
{
    struct tcb *tcb = socket->of.tcb;
    if (to == NULL)
        return -EINVAL;
    if (socket->connect_progress != CONNECT_UNDER_WAY)
        return tcp_connect_send(tcb, to, spans, count);
    int error = connect_outcome(socket);
    return error < 0 ? error : tcp_send(tcb, spans, count, flags);
}

static ssize_t tcp_kind_send(struct socket *socket, const struct iovec *spans, int count,
                             const struct endpoint *to, int flags)
{
    /* A connection has its peer: only Fast Open, which makes one, asks where to. */
    ssize_t n;
    if (!(flags & MSG_FASTOPEN))
        n = tcp_send(socket->of.tcb, spans, count, flags);
    else
        n = send_opening(socket, spans, count, to, flags & ~MSG_FASTOPEN);
    /* Not a connection block of before: an attempt that failed has been replaced. */
    if (socket->connect_progress == CONNECT_NONE && tcp_opening(socket->of.tcb))
        socket->connect_progress = CONNECT_UNDER_WAY; /* these bytes are on the SYN */
    return n;
}

static ssize_t tcp_kind_receive(struct socket *socket, const struct iovec *spans, int count,
                                int flags, struct datagram_info *info)
{
    (void)info;
    return tcp_receive(socket->of.tcb, spans, count, flags);
}

static bool tcp_kind_at_mark(const struct socket *socket)
{
    return tcp_at_mark(socket->of.tcb);
}

static bool tcp_kind_land(struct socket *socket, struct tcp_landing *landing)
{
    return tcp_landing_begin(socket->of.tcb, landing);
}

static int tcp_kind_shutdown(struct socket *socket, bool receive, bool send)
{
    /* As on Linux, this is how a connect(2) under way is called off. */
    if (tcp_asking(socket->of.tcb))
        return start_anew(socket, ECONNRESET);
    int error = send ? tcp_shutdown_send(socket->of.tcb) : 0;
    int other = receive ? tcp_shutdown_receive(socket->of.tcb) : 0;
    return error ? error : other;
}

static int tcp_kind_drain(struct socket *socket, bool finish)
{
    struct tcb *tcb = socket->of.tcb;
    if (finish) {
        /* What was not read is answered with a reset: there is nothing to wait for. */
        if (tcp_queued_in(tcb) > 0 || tcp_shutdown_send(tcb) < 0)
            return 0;
        return tcp_drained(tcb) ? 0 : -EAGAIN;
    }
    int error = tcp_error(tcb, true);
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
    unsigned events = tcp_readiness(socket->of.tcb);
    if (!(events & (POLLHUP | POLLRDHUP)) && tcp_error(socket->of.tcb, false) == 0 &&
        tcp_queued_in(socket->of.tcb) < socket->receive_low_water)
        events &= ~(unsigned)(POLLIN | POLLRDNORM);
    return events;
}

static int tcp_kind_error(struct socket *socket, bool clear)
{
    int error = tcp_error(socket->of.tcb, clear);
    return error || !clear ? error : tcp_soft_error(socket->of.tcb);
}

static void tcp_kind_sent(struct socket *socket, const struct receipt *receipt)
{
    tcp_sent(socket->of.tcb, receipt->completion, receipt->stamps);
}

static ssize_t tcp_kind_reserve(struct socket *socket, struct tcp_reservation *reservation,
                                size_t length, struct iovec spans[2])
{
    return tcp_reserve(socket->of.tcb, reservation, length, spans);
}

static ssize_t tcp_kind_peek(struct socket *socket, struct iovec spans[2])
{
    return tcp_peek(socket->of.tcb, spans);
}

static int tcp_kind_consume(struct socket *socket, size_t length)
{
    return tcp_consume(socket->of.tcb, length);
}

static int tcp_kind_stamps_begin(struct socket *socket, bool from_next)
{
    return tcp_stamps_begin(socket->of.tcb, from_next);
}

static void tcp_kind_note_arrivals(struct socket *socket, bool on)
{
    tcp_note_arrivals(socket->of.tcb, on);
}

static uint64_t tcp_kind_arrived_ns(struct socket *socket, size_t ahead)
{
    return tcp_arrived_ns(socket->of.tcb, (uint32_t)ahead);
}

static int tcp_kind_inq(struct socket *socket)
{
    return tcp_inq(socket->of.tcb);
}

static struct error_note *tcp_kind_take_note(struct socket *socket)
{
    return tcp_take_note(socket->of.tcb);
}

static const struct endpoint *tcp_kind_local(const struct socket *socket)
{
    return tcp_local(socket->of.tcb);
}

static const struct endpoint *tcp_kind_remote(const struct socket *socket)
{
    return tcp_has_peer(socket->of.tcb) ? tcp_remote(socket->of.tcb) : NULL;
}

static int64_t tcp_kind_queued_in(const struct socket *socket)
{
    return tcp_queued_in(socket->of.tcb);
}

static int64_t tcp_kind_queued_out(const struct socket *socket)
{
    return tcp_queued_out(socket->of.tcb);
}

static uint32_t tcp_kind_low_water(struct socket *socket, uint32_t bytes)
{
    return tcp_low_water(socket->of.tcb, bytes);
}

static int tcp_kind_set_option(struct socket *socket, int level, int option, const void *value,
                               socklen_t length)
{
    return tcp_set_option(socket->of.tcb, level, option, value, length);
}

static int tcp_kind_get_option(struct socket *socket, int level, int option, void *value,
                               socklen_t *length)
{
    return tcp_get_option(socket->of.tcb, level, option, value, length);
}

const struct socket_kind tcp_kind = {
    .type = SOCK_STREAM,
    .protocol = IPPROTO_TCP,
    .open = tcp_kind_open,
    .close = tcp_kind_close,
    .bind = tcp_kind_bind,
    .connect = tcp_kind_connect,
    .opened = tcp_kind_opened,
    .listen = tcp_kind_listen,
    .accept = tcp_kind_accept,
    .send = tcp_kind_send,
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
