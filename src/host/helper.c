/* The helper thread, for while nobody waits. */
#include "base/time.h"
#include "host/clock.h"
#include "host/internal.h"

#define HELPER_GRACE_NS TIME_MS(2)

/* Who has driven within that time is likely to go on. */
#define GOES_ON_NS TIME_US(100)

/* The kernel's own tick comes at multiples of it (since Linux 6.4) where there are 250 a second,
 * and among others where there are 1000. */
#define TICK_NS TIME_MS(4)

static void helper_nap(struct driver *d, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    sem_clockwait(&d->helper.semaphore, CLOCK_MONOTONIC, &until);
}

/* Sleeps until nobody waits any more. Who is the last to leave looks at helper_parked after it has
 * left, and we look whether it has after we have set that: one of the two sees the other. */
static void helper_park(struct driver *d)
{
    d->helper_parked = true;
    if (d->waiters == 0)
        d->helper_parked = false;
    while (d->helper_parked && !d->stopping)
        sem_wait(&d->helper.semaphore);
}

/* Drives until the seat is taken from it, or until it is in the way of others who come: they will
 * look at the device themselves. */
static void helper_drive(struct driver *d)
{
    d->seat = &d->helper;
    while (d->seat == &d->helper && !d->stopping && !d->dismissed) {
        bool more = driver_serve(d);
        if (driver_is_wanted(d))
            break;
        if (!more)
            driver_sleep(d, &d->helper, driver_deadline(d), NULL);
    }
    if (d->seat == &d->helper)
        d->seat = NULL;
}

/* When others have begun to wait, or have last polled the link. */
static uint64_t others_drove_ns(const struct driver *d)
{
    return d->waiters > 0 ? d->waiting_since_ns : d->served_ns;
}

/* When nobody may be driving: not as long as others wait, or have polled the link of late. */
static uint64_t helper_due(const struct driver *d)
{
    return others_drove_ns(d) + HELPER_GRACE_NS;
}

uint64_t helper_looks_again(const struct driver *d, uint64_t now_ns)
{
    if (now_ns < others_drove_ns(d) + GOES_ON_NS)
        return (now_ns / TICK_NS + 1) * TICK_NS;
    return helper_due(d);
}

/* The user's own loop drives: there is nothing to do but to end. */
static void helper_retire(struct driver *d)
{
    while (!d->stopping)
        sem_wait(&d->helper.semaphore);
}

/* Whoever holds the lock is at work, and so is looked at again later. */
static void helper_step_in(struct driver *d)
{
    if (!driver_trylock(d)) {
        helper_nap(d, clock_now_ns() + HELPER_GRACE_NS);
        return;
    }
    if (!d->seat && d->waiters == 0 && clock_now_ns() >= helper_due(d))
        helper_drive(d);
    driver_unlock(d);
}

void *helper_run(void *argument)
{
    struct driver *d = argument;
    while (!d->stopping) {
        uint64_t now_ns = clock_now_ns();
        if (d->dismissed)
            helper_retire(d);
        else if (now_ns < helper_due(d))
            helper_nap(d, helper_looks_again(d, now_ns));
        else if (d->waiters > 0)
            helper_park(d);
        else
            helper_step_in(d);
    }
    return NULL;
}
