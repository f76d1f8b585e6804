/* poll(2). */
#include "sock/poll.h"

#include <errno.h>
#include <stdlib.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

/* What a call asks of which sockets. */
struct question {
    struct pollfd *fds;
    nfds_t count;
    unsigned always;
    struct waiting *waiting; /* room for `count` */
    size_t waited;           /* how many of them the last wait was for */
};

/* Fills in revents: how many are not 0. */
static int look(struct tern *t, const struct question *q)
{
    int ready = 0;
    for (nfds_t i = 0; i < q->count; i++) {
        struct pollfd *fd = &q->fds[i];
        const struct socket *socket = descriptor_find(&t->descriptors, fd->fd);
        unsigned events = POLLNVAL;
        if (socket != NULL)
            events = socket->kind->readiness(socket) & ((unsigned)fd->events | q->always);
        fd->revents = fd->fd < 0 ? 0 : (short)events;
        ready += fd->revents != 0;
    }
    return ready;
}

/* Those that were closed while the call waited for them: their numbers may be others' by now. */
static int tell_closed(const struct question *q, int ready)
{
    const struct waiting *waiting = q->waiting;
    for (nfds_t i = 0; i < q->count && waiting < q->waiting + q->waited; i++) {
        struct pollfd *fd = &q->fds[i];
        if (fd->fd < 0 || waiting++->over != EBADF)
            continue;
        ready += fd->revents == 0;
        fd->revents = POLLNVAL;
    }
    return ready;
}

/* Waits for any of those that look() has just found idle. 0 when it is worth another look. */
static int wait_for_any(struct tern *t, struct question *q, uint64_t deadline_ns)
{
    size_t used = 0;
    for (nfds_t i = 0; i < q->count; i++) {
        struct socket *socket = descriptor_find(&t->descriptors, q->fds[i].fd);
        if (socket == NULL)
            continue;
        q->waiting[used++] = (struct waiting){.at = &socket->waiting,
                                              .events = (unsigned)q->fds[i].events,
                                              .busy_poll_us = socket->preferences->busy_poll_us};
    }
    q->waited = used;
    return wait_for(t, q->waiting, used, deadline_ns);
}

static int poll_until(struct tern *t, struct question *q, uint64_t deadline_ns)
{
    int ready, error = 0;
    while ((ready = tell_closed(q, look(t, q))) == 0 && error == 0)
        error = wait_for_any(t, q, deadline_ns);
    /* The last look counts, whatever ended the wait. */
    if (ready > 0 || error == -ETIMEDOUT || error == -EAGAIN)
        return ready;
    return error;
}

/* How many fit without asking for memory: most calls look at one or two. */
enum { FEW = 8 };

int poll_call(struct tern *t, struct pollfd *fds, nfds_t count, unsigned always,
              uint64_t timeout_ns)
{
    struct waiting few[FEW];
    struct question question = {fds, count, always, few, 0};
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0 && count > (nfds_t)t->stack.settings.descriptors)
        result = -EINVAL;
    if (result == 0 && fds == NULL && count > 0)
        result = -EFAULT;
    if (result == 0 && count > FEW) {
        question.waiting = malloc(count * sizeof *question.waiting);
        result = question.waiting ? 0 : -ENOMEM;
    }
    if (result == 0)
        result = poll_until(t, &question, wait_deadline(t, timeout_ns));
    result = (int)call_end(&call, result);
    if (question.waiting != few) {
        int saved = errno;
        free(question.waiting);
        errno = saved;
    }
    return result;
}

int tern_poll(struct tern *t, struct pollfd *sockets, nfds_t count, int timeout)
{
    const unsigned always = POLLERR | POLLHUP | POLLNVAL;
    return poll_call(t, sockets, count, always, timeout < 0 ? TIME_NEVER : TIME_MS(timeout));
}
