#include "sock/call.h"

#include <errno.h>
#include <pthread.h>

#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

static int enter(struct call *call, struct tern *t)
{
    *call = (struct call){.t = t};
    int error = t->host->operations->enter(t->host);
    call->entered = error == 0;
    return error;
}

int call_enter(struct call *call, struct tern *t)
{
    int error = enter(call, t);
    if (error < 0)
        return error;
    t->host->operations->catch_up(t->host);
    streak_turn(t, NULL);
    return 0;
}

static int find_socket(struct call *call, int descriptor)
{
    int error = call_find(call, descriptor);
    return error == 0 && !socket_is_socket(call->socket) ? -ENOTSOCK : error;
}

int call_begin(struct call *call, struct tern *t, int descriptor)
{
    int error = call_enter(call, t);
    return error < 0 ? error : find_socket(call, descriptor);
}

int call_begin_write(struct call *call, struct tern *t, int descriptor)
{
    int error = enter(call, t);
    if (error < 0)
        return error;
    error = find_socket(call, descriptor);
    if (error < 0)
        t->host->operations->catch_up(t->host);
    else
        call_catch_up_to_write(call);
    streak_turn(t, error < 0 ? NULL : call->socket);
    return error;
}

void call_catch_up_to_write(struct call *call)
{
    const struct socket_kind *kind = call->socket->kind;
    call->writes = kind->await_write && kind->await_write(call->socket, true);
    call->t->host->operations->catch_up(call->t->host);
}

/* Has no effect after a write, but for one that was expected to be followed by another. */
static void stop_writing(struct call *call)
{
    if (!call->writes)
        return;
    call->writes = false;
    if (call->socket && call->socket->kind->await_write)
        call->socket->kind->await_write(call->socket, false);
}

int call_find(struct call *call, int descriptor)
{
    call->socket = descriptor_find(&call->t->descriptors, descriptor);
    return call->socket ? 0 : -EBADF;
}

void call_patience(struct call *call, int flags, uint64_t timeout_ns)
{
    call->blocks = !call->socket->nonblocking && !(flags & MSG_DONTWAIT);
    call->deadline_ns = wait_deadline(call->t, timeout_ns);
}

int call_wait(struct call *call, unsigned events)
{
    if (!call->blocks)
        return -EAGAIN;
    stop_writing(call);
    struct waiting waiting = {.at = &call->socket->waiting,
                              .events = events,
                              .busy_poll_us = call->socket->preferences->busy_poll_us};
    int error = wait_for(call->t, &waiting, 1, call->deadline_ns);
    if (waiting.over) {
        call->socket = NULL;
        return -waiting.over;
    }
    if (error != -ETIMEDOUT)
        return error;
    /* What came at the last moment still counts. */
    call->blocks = false;
    return 0;
}

ssize_t call_end(struct call *call, ssize_t result)
{
    if (call->entered) {
        if (!call->sends || !streak_leaves(call, result))
            stop_writing(call);
        call->t->host->operations->leave(call->t->host);
    }
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

int call_cancel_off(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void call_cancel_back(int before)
{
    pthread_setcancelstate(before, &before);
}
