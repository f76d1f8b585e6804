/* The machine's lock, and how those who sleep are let out of their sleep. */
#include <sys/eventfd.h>

#include "host/internal.h"

void driver_lock(struct driver *d)
{
    atomic_fetch_add_explicit(&d->wanting, 1, memory_order_relaxed);
    pthread_mutex_lock(&d->turn);
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->turn);
    atomic_fetch_sub_explicit(&d->wanting, 1, memory_order_relaxed);
}

bool driver_trylock(struct driver *d)
{
    if (pthread_mutex_trylock(&d->turn) != 0)
        return false;
    bool locked = pthread_mutex_trylock(&d->lock) == 0;
    pthread_mutex_unlock(&d->turn);
    return locked;
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

void driver_unlock(struct driver *d)
{
    post_woken(d);
    pthread_mutex_unlock(&d->lock);
}

void driver_yield(struct driver *d)
{
    if (!driver_is_wanted(d) && list_empty(&d->to_post))
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

void kick_take(struct kick *kick)
{
    eventfd_t count;
    if (kick->pending)
        eventfd_read(kick->descriptor, &count);
    kick->pending = false;
}

void kick_poller(struct driver *d)
{
    kick(d->poller->kick);
    d->poller = NULL;
}
