/* The descriptor for a loop of the user's own (tern_fd): an epoll descriptor over others, so
 * that it is readable whenever one of them is: the link's, when packets have come, and among
 * several stacks over one device that of what others have handed over; a timer, when the machine's
 * next deadline has; and an eventfd, while callbacks are due.
 *
 * The timer is set when a call leaves the machine and has made the deadline earlier than the timer
 * goes off. A deadline that has moved on is left to a timer that goes off for nothing and is then
 * set anew: the deadlines of a busy connection move with each packet. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/time.h"
#include "host/clock.h"
#include "host/internal.h"

void loop_init(struct loop *loop)
{
    loop->descriptor = loop->timer = loop->event = -1;
    loop->armed_ns = TIME_NEVER;
}

static void close_if_open(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

void loop_release(struct loop *loop)
{
    close_if_open(&loop->descriptor);
    close_if_open(&loop->timer);
    close_if_open(&loop->event);
}

/* Each is told as a state: readable as long as it is. A link without a descriptor is not there. */
static int unite(const struct driver *d)
{
    const struct loop *loop = &d->loop;
    int handed_over = d->member ? group_descriptor(d->member) : -1;
    const int parts[] = {link_descriptor(d->link), handed_over, loop->timer, loop->event};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct epoll_event readable = {.events = EPOLLIN};
        if (parts[i] >= 0 && epoll_ctl(loop->descriptor, EPOLL_CTL_ADD, parts[i], &readable) < 0)
            return -errno;
    }
    return 0;
}

static int loop_open(struct driver *d)
{
    struct loop *loop = &d->loop;
    int error = 0;
    loop->descriptor = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->event = eventfd(loop->announced ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->descriptor < 0 || loop->timer < 0 || loop->event < 0)
        error = -errno;
    else
        error = unite(d);
    if (error < 0)
        loop_release(loop);
    return error;
}

/* The seat is nobody's from now on: who calls, drives. */
static void dismiss_helper(struct driver *d)
{
    d->dismissed = true;
    if (d->seat != &d->helper)
        return;
    d->seat = NULL;
    if (d->poller == &d->helper)
        kick_poller(d);
}

int driver_descriptor(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    if (d->loop.descriptor >= 0)
        return d->loop.descriptor;
    int error = loop_open(d);
    if (error < 0)
        return error;
    dismiss_helper(d);
    return d->loop.descriptor;
}

void driver_announce(struct sock_host *host, bool on)
{
    struct loop *loop = &driver_of(host)->loop;
    eventfd_t count;
    if (loop->announced == on)
        return;
    loop->announced = on;
    if (loop->descriptor < 0)
        return;
    if (on)
        eventfd_write(loop->event, 1);
    else
        eventfd_read(loop->event, &count);
}

void loop_arm(struct driver *d)
{
    struct loop *loop = &d->loop;
    if (loop->descriptor < 0)
        return;
    uint64_t deadline_ns = driver_deadline(d);
    bool gone_off = loop->armed_ns <= stack_of(d)->now_ns;
    if (!gone_off && deadline_ns >= loop->armed_ns)
        return;
    /* A time of 0 would stop the timer, which is what TIME_NEVER asks for. */
    struct itimerspec when = {0};
    if (deadline_ns != TIME_NEVER)
        when.it_value = clock_timespec(deadline_ns);
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
    loop->armed_ns = deadline_ns;
}
