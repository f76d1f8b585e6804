#include "base/wheel.h"

#include <stddef.h>

#include "base/time.h"

/* A slot of level k spans 64^k ticks. A timer stands on the level of the highest digit, base 64, in
 * which its tick differs from the present one; so all timers of a level come before those of the
 * levels above, and on each level but the last, no slot before the present one has any. When the
 * present tick enters a slot, its timers move to lower levels. The last level is a circle. */

enum {
    SLOTS = 1 << WHEEL_LEVEL_SHIFT,
    LAST_LEVEL = WHEEL_LEVELS - 1,
    HORIZON = 65, /* ticks: a deadline less than 64 away lies in one of these */
};

static uint64_t tick_of(uint64_t time_ns)
{
    return time_ns >> WHEEL_TICK_SHIFT;
}

/* The tick counted in slots of a level. */
static uint64_t slots_of(uint64_t tick, unsigned level)
{
    return tick >> level * WHEEL_LEVEL_SHIFT;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
    *wheel = (struct wheel){.now_ns = now_ns};
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
}

void timer_init(struct timer *timer)
{
    list_init(&timer->link);
    timer->deadline_ns = TIME_NEVER;
}

static struct timer *timer_of(struct list *link)
{
    return container_of(link, struct timer, link);
}

static unsigned level_of(uint64_t tick, uint64_t now_tick)
{
    unsigned highest = 63 - (unsigned)__builtin_clzll((tick ^ now_tick) | 1);
    unsigned level = highest / WHEEL_LEVEL_SHIFT;
    return level < LAST_LEVEL ? level : LAST_LEVEL;
}

/* The slot where a timer of this deadline stands. */
static struct list *slot_for(struct wheel *wheel, uint64_t deadline_ns)
{
    uint64_t now_tick = tick_of(wheel->now_ns);
    uint64_t tick = time_max(tick_of(deadline_ns), now_tick);
    unsigned level = level_of(tick, now_tick);
    uint64_t present = slots_of(now_tick, level);
    /* What lies beyond the last level waits in the slot that comes last. */
    uint64_t slot = time_min(slots_of(tick, level), present + SLOTS - 1) % SLOTS;
    wheel->occupied[level] |= UINT64_C(1) << slot;
    return &wheel->slots[level][slot];
}

static struct list *present_slot(struct wheel *wheel)
{
    return &wheel->slots[0][tick_of(wheel->now_ns) % SLOTS];
}

static void forget_soonest(struct wheel *wheel)
{
    wheel->soonest = NULL;
    wheel->soonest_known = false;
}

static void take(struct wheel *wheel, struct timer *timer)
{
    struct list *neighbour = timer->link.next;
    if (wheel->soonest == timer)
        forget_soonest(wheel);
    list_remove(&timer->link);
    if (!list_empty(neighbour))
        return;
    /* What is left alone is the head of the slot. */
    size_t index = (size_t)(neighbour - &wheel->slots[0][0]);
    wheel->occupied[index / SLOTS] &= ~(UINT64_C(1) << index % SLOTS);
}

void wheel_cancel(struct wheel *wheel, struct timer *timer)
{
    if (!timer_armed(timer))
        return;
    take(wheel, timer);
    timer->deadline_ns = TIME_NEVER;
}

/* Puts a timer among those of the present tick, which stand in the order of their deadlines. */
static void insert_sorted(struct list *slot, struct timer *timer)
{
    struct list *after = slot;
    while (after->prev != slot && timer_of(after->prev)->deadline_ns > timer->deadline_ns)
        after = after->prev;
    list_insert(after, &timer->link);
}

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t deadline_ns)
{
    wheel_cancel(wheel, timer);
    timer->deadline_ns = deadline_ns;
    if (!timer_armed(timer))
        return;
    struct list *slot = slot_for(wheel, deadline_ns);
    if (slot == present_slot(wheel))
        insert_sorted(slot, timer);
    else
        list_append(slot, &timer->link);
    if (!wheel->soonest)
        wheel->soonest_known = false;
    else if (deadline_ns < wheel->soonest->deadline_ns)
        wheel->soonest = timer;
}

/* Where the earliest timers are: the first slot with any on the lowest level that has any. */
struct position {
    unsigned level;
    unsigned slot;
    uint64_t tick; /* at which the slot begins; TIME_NEVER when the wheel is empty */
};

static struct position first_occupied(const struct wheel *wheel)
{
    uint64_t now_tick = tick_of(wheel->now_ns);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t occupied = wheel->occupied[level];
        if (occupied == 0)
            continue;
        uint64_t present = slots_of(now_tick, level);
        unsigned shift = present % SLOTS;
        uint64_t from_present = occupied >> shift | occupied << (-shift % SLOTS);
        uint64_t at = present + (unsigned)__builtin_ctzll(from_present);
        return (struct position){level, at % SLOTS, at << level * WHEEL_LEVEL_SHIFT};
    }
    return (struct position){.tick = TIME_NEVER};
}

/* The earliest timer, or NULL: a slot that begins far away may hold many and is not searched, and
 * one of the last level may hold none but timers from beyond it. */
static struct timer *find_soonest(const struct wheel *wheel)
{
    struct position first = first_occupied(wheel);
    if (first.tick >= tick_of(wheel->now_ns) + HORIZON)
        return NULL;
    const struct list *slot = &wheel->slots[first.level][first.slot];
    struct timer *soonest = timer_of(slot->next);
    for (struct list *link = slot->next->next; link != slot; link = link->next)
        if (timer_of(link)->deadline_ns < soonest->deadline_ns)
            soonest = timer_of(link);
    uint64_t tick = tick_of(soonest->deadline_ns);
    return slots_of(tick, first.level) <= slots_of(first.tick, first.level) ? soonest : NULL;
}

uint64_t wheel_deadline(const struct wheel *wheel)
{
    const struct timer *soonest = wheel->soonest_known ? wheel->soonest : find_soonest(wheel);
    if (soonest)
        return soonest->deadline_ns;
    struct position first = first_occupied(wheel);
    return first.tick == TIME_NEVER ? TIME_NEVER : first.tick << WHEEL_TICK_SHIFT;
}

/* Merges two chains that end in NULL and are sorted; of equals, those of `a` come first. */
static struct list *merge(struct list *a, struct list *b)
{
    struct list head, *last = &head;
    while (a && b) {
        struct list **lower = timer_of(b)->deadline_ns < timer_of(a)->deadline_ns ? &b : &a;
        last->next = *lower;
        last = *lower;
        *lower = last->next;
    }
    last->next = a ? a : b;
    return head.next;
}

/* Merge sort from the bottom up: runs[i] is a sorted chain of 2^i timers or NULL. */
static void sort(struct list *slot)
{
    struct list *runs[32] = {NULL};
    struct list *next, *sorted = NULL;

    slot->prev->next = NULL;
    for (struct list *node = slot->next; node; node = next) {
        unsigned i = 0;
        next = node->next;
        node->next = NULL;
        for (; runs[i]; runs[i++] = NULL)
            node = merge(runs[i], node);
        runs[i] = node;
    }
    for (unsigned i = 0; i < 32; i++)
        sorted = merge(runs[i], sorted);

    list_init(slot);
    for (; sorted; sorted = next) {
        next = sorted->next;
        list_append(slot, sorted);
    }
}

/* Moves the timers of a slot that the present tick has entered to where they stand now. */
static void spread(struct wheel *wheel, struct position from)
{
    struct list *slot = &wheel->slots[from.level][from.slot];
    struct list *next;

    slot->prev->next = NULL;
    struct list *moving = slot->next;
    list_init(slot);
    wheel->occupied[from.level] &= ~(UINT64_C(1) << from.slot);
    for (; moving; moving = next) {
        next = moving->next;
        list_append(slot_for(wheel, timer_of(moving)->deadline_ns), moving);
    }
}

static void go_on(struct wheel *wheel, uint64_t now_ns)
{
    if (!wheel->soonest && tick_of(now_ns) != tick_of(wheel->now_ns))
        wheel->soonest_known = false; /* what was far may be near by now */
    wheel->now_ns = now_ns;
}

/* Lets the present tick be that at which the slot begins. */
static void enter(struct wheel *wheel, struct position first)
{
    go_on(wheel, first.tick << WHEEL_TICK_SHIFT);
    if (first.level > 0)
        spread(wheel, first);
    struct list *present = present_slot(wheel);
    if (present->next != present->prev)
        sort(present);
}

struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ns)
{
    now_ns = time_max(now_ns, wheel->now_ns);
    for (;;) {
        const struct list *present = present_slot(wheel);
        if (!list_empty(present)) {
            struct timer *timer = timer_of(present->next);
            if (timer->deadline_ns > now_ns)
                break;
            wheel_cancel(wheel, timer);
            return timer;
        }
        if (tick_of(now_ns) == tick_of(wheel->now_ns))
            break; /* what is in other slots is of later ticks */
        struct position first = first_occupied(wheel);
        if (first.tick > tick_of(now_ns))
            break;
        enter(wheel, first);
    }
    go_on(wheel, now_ns);
    if (!wheel->soonest_known)
        wheel->soonest = find_soonest(wheel);
    wheel->soonest_known = true;
    return NULL;
}
