/* poll(2). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

enum { ALWAYS = POLLERR | POLLHUP | POLLNVAL };

/* Fills in revents: how many are not 0. */
static int look(struct tern *t, struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        const struct socket *socket = descriptor_find(&t->descriptors, fds[i].fd);
        unsigned events = POLLNVAL;
        if (socket != NULL)
            events = socket->kind->readiness(socket) & ((unsigned)fds[i].events | ALWAYS);
        fds[i].revents = fds[i].fd < 0 ? 0 : (short)events;
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Waits for any of those that look() has just found idle. 0 when it is worth another look. */
static int wait_for_any(struct tern *t, const struct pollfd *fds, struct waiting *waiting,
                        nfds_t count, uint64_t deadline_ns)
{
    size_t used = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct socket *socket = descriptor_find(&t->descriptors, fds[i].fd);
        if (socket == NULL)
            continue;
        waiting[used++] =
            (struct waiting){.at = &socket->waiting, .events = (unsigned)fds[i].events};
    }
    return wait_for(t, waiting, used, deadline_ns);
}

static int poll_until(struct tern *t, struct pollfd *fds, struct waiting *waiting, nfds_t count,
                      uint64_t deadline_ns)
{
    int ready, error = 0;
    while ((ready = look(t, fds, count)) == 0 && error == 0)
        error = wait_for_any(t, fds, waiting, count, deadline_ns);
    /* The last look counts, whatever ended the wait. */
    if (ready > 0 || error == -ETIMEDOUT || error == -EAGAIN)
        return ready;
    return error;
}

/* How many fit without asking for memory: most calls look at one or two. */
enum { FEW = 8 };

int tern_poll(struct tern *t, struct pollfd *sockets, nfds_t count, int timeout)
{
    struct waiting few[FEW], *waiting = few;
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0 && count > (nfds_t)t->stack.settings.descriptors)
        result = -EINVAL;
    if (result == 0 && sockets == NULL && count > 0)
        result = -EFAULT;
    if (result == 0 && count > FEW) {
        waiting = malloc(count * sizeof *waiting);
        result = waiting ? 0 : -ENOMEM;
    }
    if (result == 0) {
        uint64_t timeout_ns = timeout < 0 ? TIME_NEVER : TIME_MS(timeout);
        result = poll_until(t, sockets, waiting, count, wait_deadline(t, timeout_ns));
    }
    result = (int)call_end(&call, result);
    if (waiting != few) {
        int saved = errno;
        free(waiting);
        errno = saved;
    }
    return result;
}
