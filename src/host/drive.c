/* One round of driving: poll the link, feed the machine, run its timers; and the sleep between. */
#include <errno.h>
#include <poll.h>

#include "base/time.h"
#include "host/clock.h"
#include "host/internal.h"

enum {
    POLL_BUDGET = 32, /* packets, before others get a turn at the machine */
    LOOK_BUDGET = 4,  /* the same, when a call begins that may go on to poll */
};

int driver_transmit(void *driver, const struct iovec *spans, int count,
                    const struct tern_offload *offload)
{
    struct driver *d = driver;
    gather_sent(d, count);
    look_sent(d);
    return link_send(d->link, spans, count, offload, stack_of(d)->now_ns);
}

uint64_t driver_deadline(struct driver *d)
{
    uint64_t machine = stack_deadline(stack_of(d));
    return d->broken ? machine : time_min(machine, link_deadline(d->link));
}

static bool serve(struct driver *d, int budget, bool turn)
{
    uint64_t now_ns = clock_now_ns();
    /* An acknowledgment that is here already comes before the timeout that it prevents. */
    bool more = look_take_in(d, now_ns, budget, turn);
    stack_advance(stack_of(d), now_ns);
    /* A batch can take as long as the helper's patience; one packet, or none, takes next to no
     * time. */
    atomic_store_explicit(&d->served_ns, d->look.taken > 1 ? clock_now_ns() : now_ns,
                          memory_order_relaxed);
    return more || driver_deadline(d) <= now_ns;
}

bool driver_serve(struct driver *d)
{
    return serve(d, POLL_BUDGET, false);
}

void driver_look(struct driver *d)
{
    serve(d, LOOK_BUDGET, true);
}

int driver_sleep(struct driver *d, struct seated *self, uint64_t until_ns, const sigset_t *mask)
{
    look_flush(d);
    uint64_t now_ns = clock_now_ns();
    uint64_t gather_ns = gather_until(d, now_ns);
    if (gather_ns)
        until_ns = time_min(until_ns, gather_ns);
    struct timespec timeout = clock_timespec(until_ns > now_ns ? until_ns - now_ns : 0);
    bool covered = alarm_covers(self->alarm, until_ns, now_ns);
    struct pollfd descriptors[] = {
        {.fd = self->alarm->descriptor, .events = POLLIN},
        {.fd = d->broken || gather_ns ? -1 : link_descriptor(d->link), .events = POLLIN}};
    look_slept(d, gather_ns ? 0 : now_ns);
    d->poller = self;
    d->poll_until_ns = until_ns;
    driver_unlock(d);
    int ready = ppoll(descriptors, 2, covered ? NULL : &timeout, mask);
    bool interrupted = ready < 0 && errno == EINTR;
    driver_lock(d);
    if (d->poller == self)
        d->poller = NULL;
    alarm_take_back(self->alarm);
    return interrupted ? -EINTR : 0;
}
