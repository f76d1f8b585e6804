/* The machine's lock, and how those who sleep are let out of their sleep. */
#include "host/internal.h"

static void hold(struct driver *d, pthread_t holder)
{
    atomic_store_explicit(&d->holder, holder, memory_order_relaxed);
}

/* Where nobody waits for the lock there is no turn to keep, and one atomic step takes it where it
 * would be five. */
void driver_lock(struct driver *d)
{
    if (!driver_is_wanted(d) && pthread_mutex_trylock(&d->lock) == 0) {
        hold(d, pthread_self());
        return;
    }
    atomic_fetch_add_explicit(&d->wanting, 1, memory_order_relaxed);
    pthread_mutex_lock(&d->turn);
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->turn);
    atomic_fetch_sub_explicit(&d->wanting, 1, memory_order_relaxed);
    hold(d, pthread_self());
}

bool driver_trylock(struct driver *d)
{
    if (pthread_mutex_trylock(&d->turn) != 0)
        return false;
    bool locked = pthread_mutex_trylock(&d->lock) == 0;
    pthread_mutex_unlock(&d->turn);
    if (locked)
        hold(d, pthread_self());
    return locked;
}

/* Only this thread itself writes its own name there, and takes it out again: whatever others write
 * meanwhile, the answer is right. A mutex that checks this itself (PTHREAD_MUTEX_ERRORCHECK) would
 * not do: who asks for it a second time may find another thread before it in `turn`. */
bool driver_is_held(struct driver *d)
{
    return pthread_equal(atomic_load_explicit(&d->holder, memory_order_relaxed), pthread_self());
}

bool driver_is_wanted(struct driver *d)
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

/* Who sleeps in poll(2) is told of what has become due before it wakes, by whoever had the machine
 * meanwhile: a call that ends, and one that goes on to sleep. */
void driver_unlock(struct driver *d)
{
    if (d->poller && driver_deadline(d) < d->poll_until_ns)
        kick_poller(d);
    post_woken(d);
    hold(d, 0);
    pthread_mutex_unlock(&d->lock);
}

void driver_yield(struct driver *d)
{
    if (!driver_is_wanted(d) && list_empty(&d->to_post))
        return;
    driver_unlock(d);
    driver_lock(d);
}

void kick_poller(struct driver *d)
{
    alarm_kick(d->poller->alarm);
    d->poller = NULL;
}
