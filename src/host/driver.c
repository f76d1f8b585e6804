#include "host/driver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/time.h"
#include "host/clock.h"
#include "host/fork.h"
#include "sock/tern.h"

enum {
    POLL_BUDGET = 32, /* packets, before others get a turn at the machine */
};

#define HELPER_GRACE_NS TIME_MS(2)
#define LOOK_AFTER_NS   TIME_US(50)

/* A way out of poll(2). */
struct kick {
    int descriptor;
    bool pending; /* written and not yet read */
};

/* A thread that drives or may come to drive. */
struct seated {
    struct kick *kick;
    sem_t semaphore;  /* of a waiting thread: posted when it is woken or summoned */
    bool asleep;      /* on the semaphore, and nobody has decided to post it yet */
    struct list link; /* in `asleep`, then in `to_post` */
};

struct driver {
    struct sock_host host;
    unsigned generation; /* of the process that made it */
    struct link *link;
    struct tern *t;

    /* The machine's lock. Taken through `turn`, so that who gives it away for a moment cannot have
     * it back before those who were waiting for it. */
    pthread_mutex_t turn;
    pthread_mutex_t lock;
    atomic_uint wanting; /* threads that are about to take it */
    int cancel_state;    /* what the lock's holder goes back to */

    struct seated *seat;   /* who drives; NULL: nobody */
    struct seated *poller; /* the one in the seat, while in poll(2) */
    uint64_t poll_until_ns;
    struct list asleep;
    struct list to_post;      /* semaphores to post once the lock is given away */
    struct kick waiting_kick; /* of whichever waiting thread has the seat */
    int broken;               /* the negative errno with which the link has ended */

    struct seated helper; /* its semaphore ends its naps */
    struct kick helper_kick;
    pthread_t helper_thread;
    bool helper_started;

    /* What the helper looks at without the lock, so that it is in nobody's way while it has nothing
     * to do. Written with the lock. */
    _Atomic uint64_t served_ns; /* when the link was last polled */
    atomic_uint waiters;
    _Atomic uint64_t waiting_since_ns; /* that there are any */
    atomic_bool helper_parked;         /* until there are none */
    atomic_bool stopping;
};

static struct driver *driver_of(struct sock_host *host)
{
    return container_of(host, struct driver, host);
}

static struct stack *stack_of(struct driver *d)
{
    return &d->t->stack;
}

/* ── The lock ── */

static void driver_lock(struct driver *d)
{
    atomic_fetch_add_explicit(&d->wanting, 1, memory_order_relaxed);
    pthread_mutex_lock(&d->turn);
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->turn);
    atomic_fetch_sub_explicit(&d->wanting, 1, memory_order_relaxed);
}

static bool driver_trylock(struct driver *d)
{
    if (pthread_mutex_trylock(&d->turn) != 0)
        return false;
    bool locked = pthread_mutex_trylock(&d->lock) == 0;
    pthread_mutex_unlock(&d->turn);
    return locked;
}

static bool is_wanted(struct driver *d)
{
    return atomic_load_explicit(&d->wanting, memory_order_relaxed) > 0;
}

/* Those who were woken are let go only when the lock is about to be given away: before, they would
 * only run into it. */
static void post_woken(struct driver *d)
{
    while (!list_empty(&d->to_post)) {
        struct seated *seated = container_of(d->to_post.next, struct seated, link);
        list_remove(&seated->link);
        sem_post(&seated->semaphore);
    }
}

static void driver_unlock(struct driver *d)
{
    post_woken(d);
    pthread_mutex_unlock(&d->lock);
}

/* Lets others have the machine for a moment, if there are any. */
static void driver_yield(struct driver *d)
{
    if (!is_wanted(d) && list_empty(&d->to_post))
        return;
    driver_unlock(d);
    driver_lock(d);
}

static void kick(struct kick *kick)
{
    if (kick->pending)
        return;
    kick->pending = true;
    eventfd_write(kick->descriptor, 1);
}

static void kick_take(struct kick *kick)
{
    eventfd_t count;
    if (kick->pending)
        eventfd_read(kick->descriptor, &count);
    kick->pending = false;
}

static void kick_poller(struct driver *d)
{
    kick(d->poller->kick);
    d->poller = NULL;
}

/* ── Driving ── */

static enum drop_reason driver_deliver(void *machine, const void *packet, size_t length,
                                       const struct tern_offload *offload, uint64_t now_ns)
{
    struct driver *d = machine;
    return stack_input(stack_of(d), d->t->interface, packet, length, offload, now_ns);
}

int driver_transmit(void *driver, const struct iovec *spans, int count,
                    const struct tern_offload *offload)
{
    struct driver *d = driver;
    return link_send(d->link, spans, count, offload, stack_of(d)->now_ns);
}

/* When there is something to do although no packet arrives. */
static uint64_t driver_deadline(struct driver *d)
{
    uint64_t machine = stack_deadline(stack_of(d));
    return d->broken ? machine : time_min(machine, link_deadline(d->link));
}

/* Takes in what has arrived, then does what is due: an acknowledgment that is here already comes
 * before the timeout that it prevents. Whether there may be more. */
static bool serve(struct driver *d)
{
    uint64_t now_ns = clock_now_ns();
    int delivered = 0;
    if (!d->broken)
        delivered = link_poll(d->link, now_ns, POLL_BUDGET, driver_deliver, d);
    if (delivered < 0)
        d->broken = delivered;
    stack_advance(stack_of(d), now_ns);
    d->served_ns = clock_now_ns(); /* a batch can take as long as the helper's patience */
    return delivered >= POLL_BUDGET || driver_deadline(d) <= now_ns;
}

/* Sleeps in poll(2), the machine given away, until something arrives, it is kicked, or the time has
 * come. 0 or -EINTR. */
static int driver_sleep(struct driver *d, struct seated *self, uint64_t until_ns)
{
    uint64_t now_ns = clock_now_ns();
    struct timespec timeout = clock_timespec(until_ns > now_ns ? until_ns - now_ns : 0);
    struct pollfd descriptors[2] = {
        {.fd = self->kick->descriptor, .events = POLLIN},
        {.fd = d->broken ? -1 : link_descriptor(d->link), .events = POLLIN}};
    d->poller = self;
    d->poll_until_ns = until_ns;
    driver_unlock(d);
    int ready = ppoll(descriptors, 2, until_ns == TIME_NEVER ? NULL : &timeout, NULL);
    bool interrupted = ready < 0 && errno == EINTR;
    driver_lock(d);
    if (d->poller == self)
        d->poller = NULL;
    kick_take(self->kick);
    return interrupted ? -EINTR : 0;
}

/* ── Waiting ── */

/* Drives until the waiter is woken: 0, -ETIMEDOUT, -EINTR, -ENETDOWN. */
static int wait_in_seat(struct driver *d, struct seated *self, struct sock_waiter *waiter,
                        uint64_t deadline_ns)
{
    for (;;) {
        bool more = serve(d);
        if (waiter->woken)
            return 0;
        if (d->broken)
            return -ENETDOWN;
        if (stack_of(d)->now_ns >= deadline_ns)
            return -ETIMEDOUT;
        if (more) {
            driver_yield(d);
            continue;
        }
        int error = driver_sleep(d, self, time_min(deadline_ns, driver_deadline(d)));
        if (error && !waiter->woken)
            return error;
    }
}

/* Sleeps while another thread drives, until woken, summoned to the seat (both 0), -EINTR or
 * -ETIMEDOUT. */
static int wait_asleep(struct driver *d, struct seated *self, uint64_t deadline_ns)
{
    /* A wait without end would be restarted by the kernel after a signal, instead of ended. */
    static const uint64_t far_ns = TIME_S(1) * 86400 * 365;
    uint64_t until_ns = time_min(deadline_ns, stack_of(d)->now_ns + far_ns);
    struct timespec until = clock_timespec(until_ns);
    self->asleep = true;
    list_append(&d->asleep, &self->link);
    driver_unlock(d);
    int error = sem_clockwait(&self->semaphore, CLOCK_MONOTONIC, &until) < 0 ? -errno : 0;
    driver_lock(d);
    list_remove(&self->link);
    self->asleep = false;
    return error == -ETIMEDOUT && until_ns < deadline_ns ? 0 : error;
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
    struct seated self = {.kick = &d->waiting_kick};
    if (seat_take(d, &self))
        seat_leave(d, &self);
    serve(d);
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
    if (--d->waiters == 0 && atomic_exchange(&d->helper_parked, false))
        sem_post(&d->helper.semaphore);
}

static int driver_wait(struct sock_host *host, struct sock_waiter *waiter, uint64_t deadline_ns)
{
    struct driver *d = driver_of(host);
    int error;
    if (waiter->woken) {
        error = 0;
    } else if (stack_of(d)->now_ns >= deadline_ns) {
        error = wait_not_at_all(d, waiter);
    } else {
        struct seated self = {.kick = &d->waiting_kick};
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
        stack_advance(stack_of(d), clock_now_ns());
    }
    waiter->woken = false;
    return error;
}

static void driver_wake(struct sock_host *host, struct sock_waiter *waiter)
{
    struct driver *d = driver_of(host);
    struct seated *seated = waiter->sleeper;
    waiter->woken = true;
    if (!seated)
        return;
    if (d->poller == seated)
        kick_poller(d);
    else
        let_go(d, seated);
}

/* ── Entering and leaving ── */

static int driver_enter(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    int cancel_state;
    if (fork_generation_now() != d->generation)
        return -ENODEV;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    driver_lock(d);
    d->cancel_state = cancel_state;
    uint64_t now_ns = clock_now_ns();
    if (!d->seat && now_ns - d->served_ns >= LOOK_AFTER_NS)
        serve(d);
    else
        stack_advance(stack_of(d), now_ns);
    return 0;
}

static void driver_leave(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    int cancel_state = d->cancel_state;
    if (d->poller && driver_deadline(d) < d->poll_until_ns)
        kick_poller(d);
    driver_unlock(d);
    pthread_setcancelstate(cancel_state, &cancel_state);
}

/* ── The helper thread ── */

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
    while (d->seat == &d->helper && !d->stopping) {
        bool more = serve(d);
        if (is_wanted(d))
            break;
        if (!more)
            driver_sleep(d, &d->helper, driver_deadline(d));
    }
    if (d->seat == &d->helper)
        d->seat = NULL;
}

/* When nobody may be driving: not as long as others wait, or have polled the link of late. */
static uint64_t helper_due(const struct driver *d)
{
    return (d->waiters > 0 ? d->waiting_since_ns : d->served_ns) + HELPER_GRACE_NS;
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

static void *helper_run(void *argument)
{
    struct driver *d = argument;
    while (!d->stopping) {
        if (clock_now_ns() < helper_due(d))
            helper_nap(d, helper_due(d));
        else if (d->waiters > 0)
            helper_park(d);
        else
            helper_step_in(d);
    }
    return NULL;
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
    d->helper_started = true;
    pthread_setname_np(d->helper_thread, "tern");
    return 0;
}

/* ── The end ── */

static int driver_stop(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    if (fork_generation_now() != d->generation)
        return -ENODEV;
    if (!d->helper_started)
        return 0;
    d->stopping = true;
    sem_post(&d->helper.semaphore);
    driver_lock(d);
    if (d->poller == &d->helper)
        kick_poller(d);
    driver_unlock(d);
    pthread_join(d->helper_thread, NULL);
    stack_advance(stack_of(d), clock_now_ns());
    return 0;
}

/* A child of a fork closes its copies of the descriptors and leaves the rest as it caught it: a
 * capture that it flushed would be there twice. */
static void driver_release(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    close(d->waiting_kick.descriptor);
    close(d->helper_kick.descriptor);
    if (fork_generation_now() != d->generation) {
        close(link_descriptor(d->link));
        return;
    }
    link_close(d->link);
    sem_destroy(&d->helper.semaphore);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->turn);
    free(d);
}

static const struct sock_host_operations driver_operations = {
    .enter = driver_enter,
    .leave = driver_leave,
    .wait = driver_wait,
    .wake = driver_wake,
    .stop = driver_stop,
    .release = driver_release,
};

/* ── The beginning ── */

static int kick_init(struct kick *kick)
{
    kick->pending = false;
    kick->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return kick->descriptor < 0 ? -errno : 0;
}

static int threads_init(struct driver *d)
{
    sem_init(&d->helper.semaphore, 0, 0); /* which cannot fail: 0 is no too great a count */
    int error = pthread_mutex_init(&d->turn, NULL);
    if (error == 0)
        error = pthread_mutex_init(&d->lock, NULL);
    return -error;
}

int driver_new(struct link *link, struct driver **out)
{
    struct driver *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->host.operations = &driver_operations;
    d->link = link;
    d->waiting_kick.descriptor = d->helper_kick.descriptor = -1;
    d->helper.kick = &d->helper_kick;
    list_init(&d->asleep);
    list_init(&d->to_post);
    list_init(&d->helper.link);
    int error = fork_generation(&d->generation);
    if (error == 0)
        error = kick_init(&d->waiting_kick);
    if (error == 0)
        error = kick_init(&d->helper_kick);
    if (error == 0)
        error = threads_init(d);
    if (error < 0)
        goto fail;
    *out = d;
    return 0;
fail:
    if (d->waiting_kick.descriptor >= 0)
        close(d->waiting_kick.descriptor);
    if (d->helper_kick.descriptor >= 0)
        close(d->helper_kick.descriptor);
    free(d);
    return error;
}

struct sock_host *driver_host(struct driver *driver)
{
    return &driver->host;
}
