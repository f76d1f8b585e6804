/* The descriptor for a loop of the user's own (tern_fd): an alarm, which is readable when packets
 * have come to the link, and among several stacks over one device when others have handed some
 * over; when the machine's next deadline has; and, by a kick, while callbacks are due.
 *
 * The timer is set when a call leaves the machine and has made the deadline earlier than the timer
 * goes off. A deadline that has moved on is left to a timer that goes off for nothing and is then
 * set anew: the deadlines of a busy connection move with each packet. */
#include "host/internal.h"

static int loop_open(struct driver *d)
{
    const int others[] = {link_descriptor(d->link), d->member ? group_descriptor(d->member) : -1};
    int error = alarm_open(&d->loop.alarm, others, sizeof others / sizeof others[0]);
    if (error == 0 && d->loop.announced)
        alarm_kick(&d->loop.alarm);
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
    const struct alarm *alarm = &d->loop.alarm;
    if (alarm->descriptor >= 0)
        return alarm->descriptor;
    int error = loop_open(d);
    if (error < 0)
        return error;
    dismiss_helper(d);
    return alarm->descriptor;
}

void driver_announce(struct sock_host *host, bool on)
{
    struct loop *loop = &driver_of(host)->loop;
    if (loop->announced == on)
        return;
    loop->announced = on;
    if (loop->alarm.descriptor < 0)
        return;
    if (on)
        alarm_kick(&loop->alarm);
    else
        alarm_take_back(&loop->alarm);
}

void loop_arm(struct driver *d)
{
    struct alarm *alarm = &d->loop.alarm;
    if (alarm->descriptor < 0)
        return;
    uint64_t deadline_ns = driver_deadline(d);
    bool gone_off = alarm->set_ns <= stack_of(d)->now_ns;
    if (gone_off || deadline_ns < alarm->set_ns)
        alarm_set(alarm, deadline_ns);
}
