#include "host/alarm.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/time.h"
#include "host/clock.h"

void alarm_init(struct alarm *alarm)
{
    alarm->descriptor = alarm->kick = alarm->timer = -1;
    alarm->kicked = false;
    alarm->set_ns = alarm->asked_ns = TIME_NEVER;
}

static void close_if_open(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

void alarm_release(struct alarm *alarm)
{
    close_if_open(alarm->descriptor);
    close_if_open(alarm->kick);
    close_if_open(alarm->timer);
    alarm_init(alarm);
}

/* Each is told as a state: readable as long as it is. */
static int add(const struct alarm *alarm, const int parts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct epoll_event readable = {.events = EPOLLIN};
        if (parts[i] >= 0 && epoll_ctl(alarm->descriptor, EPOLL_CTL_ADD, parts[i], &readable) < 0)
            return -errno;
    }
    return 0;
}

static int unite(const struct alarm *alarm, const int others[], size_t count)
{
    int error = add(alarm, (const int[]){alarm->kick, alarm->timer}, 2);
    return error < 0 ? error : add(alarm, others, count);
}

int alarm_open(struct alarm *alarm, const int others[], size_t count)
{
    int error = 0;
    alarm->descriptor = epoll_create1(EPOLL_CLOEXEC);
    alarm->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    alarm->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (alarm->descriptor < 0 || alarm->kick < 0 || alarm->timer < 0)
        error = -errno;
    else
        error = unite(alarm, others, count);
    if (error < 0)
        alarm_release(alarm);
    return error;
}

void alarm_kick(struct alarm *alarm)
{
    if (alarm->kicked)
        return;
    alarm->kicked = true;
    eventfd_write(alarm->kick, 1);
}

void alarm_take_back(struct alarm *alarm)
{
    eventfd_t count;
    if (alarm->kicked)
        eventfd_read(alarm->kick, &count);
    alarm->kicked = false;
}

void alarm_set(struct alarm *alarm, uint64_t until_ns)
{
    /* A time of 0 stops the timer, which is what TIME_NEVER asks for. */
    struct itimerspec when = {0};
    if (until_ns != TIME_NEVER)
        when.it_value = clock_timespec(until_ns);
    timerfd_settime(alarm->timer, TFD_TIMER_ABSTIME, &when, NULL);
    alarm->set_ns = until_ns;
}

/* A deadline that is not asked for again, such as a pacer's, would have the timer set for each
 * sleep: then poll(2) had better be told. */
bool alarm_covers(struct alarm *alarm, uint64_t until_ns, uint64_t now_ns)
{
    bool again = until_ns == alarm->asked_ns;
    bool gone_off = alarm->set_ns <= now_ns;
    alarm->asked_ns = until_ns;
    if (again && (gone_off || alarm->set_ns > until_ns))
        alarm_set(alarm, until_ns);
    else if (gone_off)
        alarm_set(alarm, TIME_NEVER);
    return alarm->set_ns <= until_ns;
}
