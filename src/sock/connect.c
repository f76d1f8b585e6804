#include "sock/connect.h"

#include <errno.h>
#include <poll.h>

#include "sock/kind_tcp.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"
#include "tcp/tcp.h"

int connect_anew(struct socket *socket, int told, int waiting_told)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error == 0)
        error = tcp_renew(tcb, told, &tcb);
    if (error < 0)
        return error;
    socket->of.connection = tcp_connection_keep(tcb);
    socket->connect_progress = CONNECT_NONE;
    wait_end(socket->tern, &socket->waiting, waiting_told);
    return 0;
}

/* What has become of a connect(2) that was under way. The first call after its end is told how it
 * ended; after a failure the socket may try again. */
static int outcome(struct socket *socket)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error < 0)
        return error;
    error = tcp_error(tcb, true);
    if (error == 0 && tcp_connected(tcb)) {
        socket->connect_progress = CONNECT_DONE;
        return 0;
    }
    /* Over, but somebody else has been told why (SO_ERROR). */
    if (error == 0 && (tcp_readiness(tcb) & POLLHUP))
        error = ECONNABORTED;
    if (error == 0)
        return -EALREADY;
    connect_anew(socket, 0, EPIPE);
    return -error;
}

/* connect(2) with AF_UNSPEC. */
static int dissolve(struct socket *socket)
{
    struct tcb *tcb;
    int error = tcp_kind_wake(socket, &tcb);
    if (error < 0)
        return error;
    bool there = tcp_asking(tcb) || tcp_has_peer(tcb);
    return connect_anew(socket, there ? ECONNRESET : tcp_error(tcb, false), EPIPE);
}

int connect_to_peer(struct socket *socket, const struct endpoint *remote)
{
    if (remote == NULL)
        return dissolve(socket);
    if (socket->connect_progress == CONNECT_DONE)
        return -EISCONN;
    if (socket->connect_progress == CONNECT_UNDER_WAY)
        return outcome(socket);
    struct tcb *tcb;
    int result = tcp_kind_wake(socket, &tcb);
    if (result == 0)
        result = tcp_connect(tcb, remote);
    if (result == -EINPROGRESS)
        socket->connect_progress = CONNECT_UNDER_WAY;
    if (result == 0)
        socket->connect_progress =
            CONNECT_DONE; /* TCP_FASTOPEN_CONNECT: as far as its user can tell */
    return result;
}

int connect_opened(struct socket *socket, bool more)
{
    struct tcb *tcb = tcp_kind_awake(socket);
    if (tcb == NULL) {
        socket->connect_progress = CONNECT_DONE;
        return 0;
    }
    tcp_expect_text(tcb, more);
    if (socket->connect_progress == CONNECT_UNDER_WAY)
        return outcome(socket);
    if (tcp_opening(tcb))
        return -EALREADY;
    return -tcp_error(tcb, true);
}

/* The first bytes open the connection. The first call after that finds it open, and its bytes go
 * like any others; the next ones are wrong to ask for it again. */
ssize_t connect_send(struct socket *socket, struct tcb *tcb, const struct iovec *spans, int count,
                     const struct endpoint *to, int flags)
{
    if (socket->connect_progress == CONNECT_UNDER_WAY) {
        int error = outcome(socket);
        return error < 0 ? error : tcp_send(tcb, spans, count, flags);
    }
    if (to == NULL)
        return socket->connect_progress == CONNECT_DONE ? -EISCONN : -EINVAL;
    ssize_t n = tcp_connect_send(tcb, to, spans, count);
    if (socket->connect_progress == CONNECT_NONE && tcp_opening(tcb))
        socket->connect_progress = CONNECT_UNDER_WAY; /* these bytes are on the SYN */
    return n;
}
