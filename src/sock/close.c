/* Ending: shutdown, close, and waiting for what closed sockets have left to do. */
#include <errno.h>
#include <poll.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"
#include "tcp/tcp.h"

int tern_shutdown(struct tern *t, int socket, int how)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0 && how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        result = -EINVAL;
    if (result == 0) {
        result = call.socket->kind->shutdown(call.socket, how != SHUT_WR, how != SHUT_RD);
        /* As Linux does: who watches may want to know, whatever it has changed. */
        interest_changed(call.socket, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    }
    return (int)call_end(&call, result);
}

/* SO_LINGER with a time: waits until the peer has all and knows that this is all, at most that
 * long. O_NONBLOCK does not matter (as on Linux). 0, or -EINTR: in either case the rest goes on by
 * itself. */
static int linger(struct call *call)
{
    struct socket *socket = call->socket;
    int error = 0;
    call->blocks = true;
    call->deadline_ns = wait_deadline(call->t, TIME_S(socket->preferences->linger_s));
    call->t->lingering++;
    while (error == 0 && socket->kind->drain(socket, true) == -EAGAIN)
        error = call_wait(call, 0);
    call->t->lingering--;
    return error == -EINTR ? error : 0;
}

int tern_close(struct tern *t, int socket)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = call_find(&call, socket);
    if (result == 0) {
        descriptor_free(&t->descriptors, socket);
        socket_part(call.socket);
        if (call.socket->lingers && call.socket->preferences->linger_s > 0)
            result = linger(&call);
        socket_close(call.socket, call.socket->lingers && call.socket->preferences->linger_s == 0);
        wait_notify(&t->stack, NULL, 0);
    }
    return (int)call_end(&call, result);
}

int tern_quiesce(struct tern *t, uint64_t timeout_ns)
{
    struct call call;
    int result = call_enter(&call, t);
    uint64_t deadline_ns = result == 0 ? wait_deadline(t, timeout_ns) : 0;
    while (result == 0 && (t->lingering > 0 || tcp_orphan_count(&t->stack) > 0)) {
        struct waiting waiting = {.at = &t->waiting};
        result = wait_for(t, &waiting, 1, deadline_ns);
    }
    /* An engine that cannot wait has waited as long as it can. */
    if (result == -EAGAIN)
        result = -ETIMEDOUT;
    return (int)call_end(&call, result);
}
