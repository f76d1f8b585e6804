/* Looking at the link for packets, and when to do without. A look is a system call, also where
 * nothing is there to be found. Who waits is better off without it where the last ones were in
 * vain, for poll(2), in which it goes to sleep, tells as well; and who has just been given what it
 * waits for, without the look for more behind it. */
#include "base/limits.h"
#include "base/time.h"
#include "host/clock.h"
#include "host/internal.h"

/* Who was woken has so long for what may carry the acknowledgments, and at most twice as long. */
#define TURN_NS TIME_US(500)

/* Who comes back so soon from poll(2) has not slept: a packet was there. */
#define AT_ONCE_NS TIME_US(2)

static enum drop_reason deliver(void *machine, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    struct driver *d = machine;
    d->look.super = gather_received(d, length);
    if (d->look.super)
        guess_learn(&d->look.behind, true); /* streams come in bunches */
    return queue_deliver(d, packet, length, offload, now_ns);
}

/* What a reader waits for is read to where it belongs, unless somebody else may want the packet
 * whole. */
static struct text_place place(const struct driver *d)
{
    const struct stack *stack = &d->t->stack;
    return d->member || stack->trace.function ? (struct text_place){0} : stack->place;
}

void look_slept(struct driver *d, uint64_t from_ns)
{
    d->look.slept_from_ns = from_ns;
}

void look_sent(struct driver *d)
{
    d->look.stopped = false;
    if (guess_is(&d->look.waiting))
        d->look.empty = false; /* the answer may be there already */
}

bool look_pays(struct driver *d)
{
    return !d->look.empty;
}

static bool has_enough(struct driver *d)
{
    return stack_of(d)->batch_enough || (d->look.woke && !guess_is(&d->look.behind));
}

/* What a batch begins with: what the sleep before it has told, or else what this look will. */
static void learn_first(struct driver *d, bool told, bool found)
{
    if (!told)
        guess_learn(&d->look.waiting, found);
    if (d->look.stopped && found)
        guess_learn(&d->look.behind, true);
    d->look.stopped = false;
}

/* What packets that came at once tell: each of them was behind another, but for the first; and
 * where the link is drained there was none behind the last. */
static void learn_behind(struct look *look, int delivered, bool drained)
{
    if (delivered > 1)
        guess_learn(&look->behind, true);
    if (delivered > 0 && drained)
        guess_learn(&look->behind, false);
}

void look_flush(struct driver *d)
{
    d->look.paused_ns = 0;
    stack_batch_end(stack_of(d));
}

/* Acknowledgments need not go ahead of what a reader answers, or of its FIN: a question, an answer
 * and two ends are a packet each then. They go when it waits again, or when the helper finds that
 * nobody does; a loop of the user's own is not to be relied on. */
static void batch_over(struct driver *d, uint64_t now_ns, bool turn)
{
    struct look *look = &d->look;
    if (!turn || d->dismissed) {
        look->paused_ns = 0;
        stack_batch_end(stack_of(d));
    } else if (look->paused_ns && now_ns - look->paused_ns >= TURN_NS) {
        look->paused_ns = now_ns;
        stack_batch_pause_late(stack_of(d));
    } else {
        if (look->paused_ns == 0)
            look->paused_ns = now_ns;
        stack_batch_pause(stack_of(d));
    }
}

bool look_take_in(struct driver *d, uint64_t now_ns, int budget, bool turn)
{
    struct look *look = &d->look;
    bool told = look->slept_from_ns != 0;
    if (told)
        learn_first(d, false, now_ns - look->slept_from_ns < AT_ONCE_NS);
    look->slept_from_ns = 0;
    look->empty = look->woke = false;
    look->taken = 0;
    stack_batch_begin(stack_of(d));
    bool more = queue_take_over(d, now_ns, budget);
    /* One at a time, unless more are likely: a reader that has enough shall not wait for the look
     * that finds no more. */
    for (int total = 0; total < budget && !d->broken && !look->empty && !has_enough(d);) {
        int most = guess_is(&look->behind) ? budget - total : 1;
        d->link->place = place(d);
        int delivered = link_poll(d->link, now_ns, most, deliver, d);
        if (delivered < 0)
            d->broken = delivered;
        if (total > 0)
            guess_learn(&look->behind, delivered > 0);
        else
            learn_first(d, told, delivered > 0);
        learn_behind(look, delivered, d->link->drained);
        look->empty = delivered == 0 || d->link->drained;
        total += delivered > 0 ? delivered : 1;
    }
    if (look->woke && !guess_is(&look->behind))
        look->empty = look->stopped = true;
    batch_over(d, now_ns, turn || look->woke);
    return more || (!look->empty && !d->broken);
}

/* A reader with room for very much must keep neither the machine from others nor its timers from
 * running for as long as a sender can fill that. */
static bool others_come_first(struct driver *d, uint64_t now_ns)
{
    return d->seat || driver_is_wanted(d) || stack_deadline(stack_of(d)) <= now_ns;
}

/* Whether there was a packet; up to `budget` of them have been taken in. */
static bool take_in_passing(struct driver *d, int budget)
{
    uint64_t now_ns = clock_now_ns();
    if (others_come_first(d, now_ns))
        return false;
    look_take_in(d, now_ns, budget, true);
    atomic_store_explicit(&d->served_ns, now_ns, memory_order_relaxed);
    return d->look.taken > 0;
}

bool look_behind(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    if (d->broken || !guess_is(&d->look.behind))
        return false;
    /* Small packets the link reads together. Of super-segments it is one, for the next may have its
     * text read to where it belongs. */
    bool taken = take_in_passing(d, d->look.super ? 1 : LIMIT_READ_AHEAD);
    guess_learn(&d->look.behind, taken);
    return taken && !stack_of(d)->batch_enough;
}

/* Also where the last such looks were in vain: one costs little beside the copy that it may spare.
 * Who waits for an answer learns nothing from it. */
bool look_back(struct sock_host *host)
{
    struct driver *d = driver_of(host);
    const struct guess waiting = d->look.waiting;
    bool taken = !d->broken && take_in_passing(d, 1);
    if (!taken)
        d->look.waiting = waiting;
    return taken;
}
