/* Waiting: in the seat, or asleep until it is free or the wait is over. */
#include <errno.h>

#include "base/time.h"
#include "host/clock.h"
#include "host/internal.h"
#include "host/signals.h"

/* Spinning (SO_BUSY_POLL): looking again and again instead of sleeping, as long as the waiter says,
 * once a wait. It pays where packets come sooner than the sleep would take to end. */
struct spin {
    uint64_t until_ns; /* 0: not begun */
    bool over;
};

static bool spin_goes_on(struct driver *d, struct spin *spin, const struct sock_waiter *waiter)
{
    if (spin->over || waiter->spin_ns == 0)
        return false;
    if (spin->until_ns == 0 && !chance_is_taken(&d->spins)) {
        spin->over = true;
        return false;
    }
    if (spin->until_ns == 0)
        spin->until_ns = d->served_ns + waiter->spin_ns;
    if (d->served_ns < spin->until_ns)
        return true;
    chance_failed(&d->spins);
    spin->over = true;
    return false;
}

static void spin_ended(struct driver *d, const struct spin *spin)
{
    if (spin->until_ns && !spin->over)
        chance_paid(&d->spins);
}

/* Drives until the waiter is woken: 0, -ETIMEDOUT, -EINTR, -ENETDOWN. */
static int drive_until(struct driver *d, struct seated *self, struct sock_waiter *waiter,
                       uint64_t deadline_ns, struct signals *signals)
{
    struct spin spin = {0};
    for (bool looks = look_pays(d) || waiter->spin_ns > 0;; looks = true) {
        bool more = looks && driver_serve(d);
        if (waiter->woken) {
            spin_ended(d, &spin);
            stack_advance(stack_of(d), d->served_ns); /* as late as it is, to who goes on */
            return 0;
        }
        if (d->broken)
            return -ENETDOWN;
        if (stack_of(d)->now_ns >= deadline_ns)
            return -ETIMEDOUT;
        if (!more && spin_goes_on(d, &spin, waiter)) {
            driver_yield(d);
            continue;
        }
        int error = 0;
        signals_hold(signals, d->served_ns);
        if (!more)
            error =
                driver_sleep(d, self, time_min(deadline_ns, driver_deadline(d)), &signals->before);
        else if (signals_came(signals, d->served_ns))
            error = -EINTR;
        else
            driver_yield(d);
        if (error && !waiter->woken)
            return error;
    }
}

static int wait_in_seat(struct driver *d, struct seated *self, struct sock_waiter *waiter,
                        uint64_t deadline_ns)
{
    struct signals signals = {0};
    int error = drive_until(d, self, waiter, deadline_ns, &signals);
    signals_release(&signals);
    return error;
}

/* Sleeps while another thread drives, until woken, summoned to the seat (both 0), -EINTR or
 * -ETIMEDOUT. */
static int wait_asleep(struct driver *d, struct seated *self, uint64_t deadline_ns)
{
    /* Also TIME_NEVER is a time here, centuries away: the kernel would restart a wait without one
     * after a signal instead of ending it. */
    struct timespec until = clock_timespec(deadline_ns);
    self->asleep = true;
    list_append(&d->asleep, &self->link);
    driver_unlock(d);
    int error = sem_clockwait(&self->semaphore, CLOCK_MONOTONIC, &until) < 0 ? -errno : 0;
    driver_lock(d);
    list_remove(&self->link);
    self->asleep = false;
    stack_advance(stack_of(d), clock_now_ns());
    return error;
}

/* Lets a sleeping thread go as soon as the lock is given away. */
static void let_go(struct driver *d, struct seated *seated)
{
    if (!seated->asleep)
        return;
    seated->asleep = false;
    list_remove(&seated->link);
    list_append(&d->to_post, &seated->link);
}

static bool seat_take(struct driver *d, struct seated *self)
{
    if (d->seat == &d->helper) {
        d->seat = NULL;
        if (d->poller == &d->helper)
            kick_poller(d);
    }
    if (d->seat)
        return false;
    d->seat = self;
    return true;
}

static void seat_leave(struct driver *d, const struct seated *self)
{
    if (d->seat == self)
        d->seat = NULL;
    if (!d->seat && !list_empty(&d->asleep))
        let_go(d, container_of(d->asleep.next, struct seated, link));
}

/* A look without waiting: whoever looks again and again drives, and the helper stands back. */
static int wait_not_at_all(struct driver *d, struct sock_waiter *waiter)
{
    struct seated self = {.alarm = &d->waiting_alarm};
    if (seat_take(d, &self))
        seat_leave(d, &self);
    driver_serve(d);
    if (waiter->woken)
        return 0;
    return d->broken ? -ENETDOWN : -ETIMEDOUT;
}

static int wait_until(struct driver *d, struct seated *self, struct sock_waiter *waiter,
                      uint64_t deadline_ns)
{
    int error = 0;
    while (!waiter->woken && error == 0) {
        if (seat_take(d, self))
            error = wait_in_seat(d, self, waiter, deadline_ns);
        else
            error = wait_asleep(d, self, deadline_ns);
    }
    seat_leave(d, self);
    return waiter->woken ? 0 : error;
}

static void waiters_add(struct driver *d)
{
    if (d->waiters == 0)
        d->waiting_since_ns = stack_of(d)->now_ns;
    d->waiters++;
}

static void waiters_remove(struct driver *d)
{
    if (--d->waiters == 0 && d->helper_parked && atomic_exchange(&d->helper_parked, false))
        sem_post(&d->helper.semaphore);
}

int driver_wait(struct sock_host *host, struct sock_waiter *waiter, uint64_t deadline_ns)
{
    struct driver *d = driver_of(host);
    int error;
    if (waiter->woken) {
        error = 0;
    } else if (stack_of(d)->now_ns >= deadline_ns) {
        error = wait_not_at_all(d, waiter);
    } else {
        struct seated self = {.alarm = &d->waiting_alarm};
        int cancel_state = d->cancel_state;
        sem_init(&self.semaphore, 0, 0);
        list_init(&self.link);
        waiter->sleeper = &self;
        waiters_add(d);
        error = wait_until(d, &self, waiter, deadline_ns);
        waiters_remove(d);
        waiter->sleeper = NULL;
        sem_destroy(&self.semaphore);
        d->cancel_state = cancel_state;
    }
    waiter->woken = false;
    return error;
}

void driver_wake(struct sock_host *host, struct sock_waiter *waiter)
{
    struct driver *d = driver_of(host);
    struct seated *seated = waiter->sleeper;
    waiter->woken = d->look.woke = true;
    if (!seated)
        return;
    if (d->poller == seated)
        kick_poller(d);
    else
        let_go(d, seated);
}
