/* epoll_create(2), epoll_ctl(2), epoll_wait(2). */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/epoll.h"
#include "sock/open.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

/* As many as fit in what a count of bytes can say: Linux's bound. */
#define EVENTS_MAX ((int)(INT_MAX / sizeof(struct epoll_event)))

static int create(struct tern *t, bool allowed, int flags)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0 && !allowed)
        result = -EINVAL;
    if (result == 0)
        result = open_descriptor(t, &epoll_kind, flags);
    return (int)call_end(&call, result);
}

int tern_epoll_create1(struct tern *t, int flags)
{
    return create(t, (flags & ~EPOLL_CLOEXEC) == 0, flags);
}

/* The size is a hint that nobody needs any more, but it must be one. */
int tern_epoll_create(struct tern *t, int size)
{
    return create(t, size > 0, 0);
}

static int control(struct epoll *epoll, int operation, struct socket *target,
                   const struct epoll_event *event)
{
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(epoll, target, event);
    case EPOLL_CTL_MOD:
        return epoll_modify(epoll, target, event);
    case EPOLL_CTL_DEL:
        return epoll_remove(epoll, target);
    default:
        return -EINVAL;
    }
}

int tern_epoll_ctl(struct tern *t, int epoll, int operation, int socket, struct epoll_event *event)
{
    struct socket *target = NULL;
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0 && operation != EPOLL_CTL_DEL && event == NULL)
        result = -EFAULT;
    if (result == 0)
        result = call_find(&call, epoll);
    if (result == 0) {
        target = descriptor_find(&t->descriptors, socket);
        result = target ? 0 : -EBADF;
    }
    if (result == 0 && (epoll_of(call.socket) == NULL || target == call.socket))
        result = -EINVAL;
    if (result == 0)
        result = control(epoll_of(call.socket), operation, target, event);
    return (int)call_end(&call, result);
}

/* How many events; 0 when the time is over; -EBADF, -EINTR, -ENETDOWN. */
static int await_events(struct epoll *epoll, struct epoll_event *events, int most,
                        uint64_t deadline_ns)
{
    struct tern *t = epoll->socket->tern;
    int count, error = 0;
    while ((count = epoll_take(epoll, events, most)) == 0 && error == 0) {
        struct waiting waiting = {.at = &epoll->sleepers};
        error = wait_for(t, &waiting, 1, deadline_ns);
        if (waiting.over)
            return -waiting.over;
    }
    /* Whoever was woken may have taken what another was woken for, or left something behind. */
    if (!list_empty(&epoll->ready))
        epoll_wake(epoll);
    /* The last look counts, whatever ended the wait. */
    if (count > 0 || error == -ETIMEDOUT || error == -EAGAIN)
        return count;
    return error;
}

int tern_epoll_wait(struct tern *t, int epoll, struct epoll_event *events, int most, int timeout)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = call_find(&call, epoll);
    if (result == 0 && (most <= 0 || most > EVENTS_MAX))
        result = -EINVAL;
    if (result == 0 && events == NULL)
        result = -EFAULT;
    if (result == 0 && epoll_of(call.socket) == NULL)
        result = -EINVAL;
    if (result == 0) {
        uint64_t timeout_ns = timeout < 0 ? TIME_NEVER : TIME_MS(timeout);
        result = await_events(epoll_of(call.socket), events, most, wait_deadline(t, timeout_ns));
    }
    return (int)call_end(&call, result);
}
