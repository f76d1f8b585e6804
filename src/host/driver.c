/* The driver's life, and the two ends of each call: enter and leave. What goes on while a call
 * waits is in wait.c, while none does in helper.c; a loop of the user's own is served by loop.c. */
#include "host/driver.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "host/clock.h"
#include "host/fork.h"
#include "host/internal.h"

#define LOOK_AFTER_NS TIME_US(50)

/* ── Entering and leaving ── */

static int driver_enter(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    int cancel_state;
    if (fork_generation_now() != d->generation)
        return -ENODEV;
    if (driver_is_held(d))
        return -EBUSY;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    driver_lock(d);
    d->cancel_state = cancel_state;
    return 0;
}

static void driver_catch_up(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    uint64_t now_ns = clock_now_ns();
    if (!d->seat && now_ns - d->served_ns >= LOOK_AFTER_NS)
        driver_look(d);
    else
        stack_advance(stack_of(d), now_ns);
}

/* The helper thread comes when nobody has looked at the link for a while: that is where a turn
 * ends. Who drives already sleeps on what he knows; and a loop of the user's own is not to be
 * relied on. */
static uint64_t driver_may_put_off(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    return d->seat || d->waiters > 0 || d->dismissed || d->broken ? 0 : clock_now_ns();
}

static void driver_leave(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    int cancel_state = d->cancel_state;
    loop_arm(d);
    driver_unlock(d);
    pthread_setcancelstate(cancel_state, &cancel_state);
}

/* ── The end ── */

static void stop_helper(struct driver *d)
{
    d->stopping = true;
    sem_post(&d->helper.semaphore);
    driver_lock(d);
    if (d->poller == &d->helper)
        kick_poller(d);
    driver_unlock(d);
    pthread_join(d->helper_thread, NULL);
}

/* The lock stays taken, so that callbacks of what still leaves are refused as ever. */
static int driver_stop(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    if (fork_generation_now() != d->generation)
        return -ENODEV;
    stop_helper(d);
    driver_lock(d);
    look_flush(d);
    stack_advance(stack_of(d), clock_now_ns());
    return 0;
}

/* A child of a fork closes its copies of the descriptors and leaves the rest as it caught it: a
 * capture that it flushed would be there twice. */
static int driver_release(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    alarm_release(&d->waiting_alarm);
    alarm_release(&d->helper_alarm);
    alarm_release(&d->loop.alarm);
    if (fork_generation_now() != d->generation) {
        close(link_descriptor(d->link));
        if (d->member)
            group_leave_child(d->member);
        return 0;
    }
    int result = link_close(d->link);
    if (d->member)
        group_leave(d->member);
    if (driver_is_held(d))
        driver_unlock(d);
    sem_destroy(&d->helper.semaphore);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->turn);
    free(d);
    return result;
}

static uint64_t driver_epoch(struct sock_host *host)
{
    (void)host;
    return clock_epoch_ns();
}

static const struct sock_host_operations driver_operations = {
    .enter = driver_enter,
    .catch_up = driver_catch_up,
    .leave = driver_leave,
    .wait = driver_wait,
    .look = look_behind,
    .look_back = look_back,
    .may_put_off = driver_may_put_off,
    .wake = driver_wake,
    .descriptor = driver_descriptor,
    .announce = driver_announce,
    .epoch = driver_epoch,
    .stop = driver_stop,
    .release = driver_release,
};

/* ── The beginning ── */

static int threads_init(struct driver *d)
{
    sem_init(&d->helper.semaphore, 0, 0); /* which cannot fail: 0 is no too great a count */
    int error = pthread_mutex_init(&d->turn, NULL);
    if (error == 0)
        error = pthread_mutex_init(&d->lock, NULL);
    return -error;
}

int driver_new(struct link *link, struct group_member *member, struct driver **out)
{
    struct driver *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->host.operations = &driver_operations;
    d->link = link;
    d->member = member;
    d->helper.alarm = &d->helper_alarm;
    alarm_init(&d->waiting_alarm);
    alarm_init(&d->helper_alarm);
    alarm_init(&d->loop.alarm);
    list_init(&d->asleep);
    list_init(&d->to_post);
    list_init(&d->helper.link);
    const int handed_over = member ? group_descriptor(member) : -1;
    int error = fork_generation(&d->generation);
    if (error == 0)
        error = alarm_open(&d->waiting_alarm, &handed_over, 1);
    if (error == 0)
        error = alarm_open(&d->helper_alarm, &handed_over, 1);
    if (error == 0)
        error = threads_init(d);
    if (error < 0)
        goto fail;
    *out = d;
    return 0;
fail:
    alarm_release(&d->waiting_alarm);
    alarm_release(&d->helper_alarm);
    free(d);
    return error;
}

/* Signals are for the program's own threads. */
int driver_start(struct driver *d, struct tern *t)
{
    sigset_t all, before;
    d->t = t;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&d->helper_thread, NULL, helper_run, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return -error;
    pthread_setname_np(d->helper_thread, "tern");
    return 0;
}

struct sock_host *driver_host(struct driver *driver)
{
    return &driver->host;
}
