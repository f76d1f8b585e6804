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

uint64_t driver_deadline(struct driver *d)
{
    uint64_t machine = stack_deadline(stack_of(d));
    return d->broken ? machine : time_min(machine, link_deadline(d->link));
}

/* Whether there may be more. */
static bool take_batch(struct driver *d, uint64_t now_ns, int budget)
{
    struct stack *stack = stack_of(d);
    int delivered = d->broken ? 0 : 1;
    stack_batch_begin(stack);
    /* One at a time: a reader that has enough shall not wait for the look that finds no more. */
    for (int total = 0; total < budget && delivered > 0 && !stack->batch_enough; total++)
        delivered = link_poll(d->link, now_ns, 1, driver_deliver, d);
    if (delivered < 0)
        d->broken = delivered;
    stack_batch_end(stack);
    return delivered > 0;
}

static bool serve(struct driver *d, int budget)
{
    uint64_t now_ns = clock_now_ns();
    /* An acknowledgment that is here already comes before the timeout that it prevents. */
    bool more = take_batch(d, now_ns, budget);
    stack_advance(stack_of(d), now_ns);
    d->served_ns = clock_now_ns(); /* a batch can take as long as the helper's patience */
    return more || driver_deadline(d) <= now_ns;
}

bool driver_serve(struct driver *d)
{
    return serve(d, POLL_BUDGET);
}

void driver_look(struct driver *d)
{
    serve(d, LOOK_BUDGET);
}

int driver_sleep(struct driver *d, struct seated *self, uint64_t until_ns)
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
