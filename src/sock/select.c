/* select(2), by way of poll(2): the sets are turned into an array and its answers
 * back into sets. */
#include <errno.h>
#include <sys/select.h>
#include <tern/tern.h>

#include "base/time.h"
#include "sock/poll.h"

/* What makes a descriptor ready for a set (POSIX's words for it, Linux's bits). */
enum {
    READABLE = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    WRITABLE = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
    EXCEPTIONAL = POLLPRI,
    SETS = 3,
};

static const int set_events[SETS] = {READABLE, WRITABLE, EXCEPTIONAL};

/* A descriptor for each that is in any set: how many. */
static nfds_t gather(int count, fd_set *const sets[SETS], struct pollfd *fds)
{
    nfds_t used = 0;
    for (int fd = 0; fd < count; fd++) {
        int events = 0;
        for (int i = 0; i < SETS; i++)
            if (sets[i] != NULL && FD_ISSET(fd, sets[i]))
                events |= set_events[i];
        if (events != 0)
            fds[used++] = (struct pollfd){.fd = fd, .events = (short)events};
    }
    return used;
}

/* Leaves in the sets what is ready: the number of bits, or -EBADF. */
static int spread(const struct pollfd *fds, nfds_t used, fd_set *const sets[SETS])
{
    int ready = 0;
    for (nfds_t n = 0; n < used; n++)
        if (fds[n].revents & POLLNVAL)
            return -EBADF;
    for (nfds_t n = 0; n < used; n++) {
        for (int i = 0; i < SETS; i++) {
            if (sets[i] == NULL || !FD_ISSET(fds[n].fd, sets[i]))
                continue;
            if (fds[n].revents & set_events[i])
                ready++;
            else
                FD_CLR(fds[n].fd, sets[i]);
        }
    }
    return ready;
}

static int take_timeout(const struct timeval *timeout, uint64_t *out_ns)
{
    *out_ns = TIME_NEVER;
    if (timeout == NULL)
        return 0;
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
        return -EINVAL;
    uint64_t seconds = (uint64_t)timeout->tv_sec + (uint64_t)timeout->tv_usec / 1000000;
    if (seconds < TIME_NEVER / TIME_S(2))
        *out_ns = TIME_S(seconds) + TIME_US(timeout->tv_usec % 1000000);
    return 0;
}

int tern_select(struct tern *t, int count, fd_set *read, fd_set *write, fd_set *except,
                const struct timeval *timeout)
{
    fd_set *const sets[SETS] = {read, write, except};
    struct pollfd fds[FD_SETSIZE];
    uint64_t timeout_ns;
    int result = count < 0 || count > FD_SETSIZE ? -EINVAL : take_timeout(timeout, &timeout_ns);
    if (result == 0) {
        nfds_t used = gather(count, sets, fds);
        if (poll_call(t, fds, used, POLLNVAL, timeout_ns) < 0)
            return -1;
        result = spread(fds, used, sets);
    }
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}
