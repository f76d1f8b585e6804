#include "base/wheel.h"

#include <stddef.h>

#include "base/time.h"

/* A slot of level k spans 64^k ticks. A timer stands on the level of the highest digit, base 64, in
 * which its tick differs from the present one; so all timers of a level come before those of the
 * levels above, and on each level but the last, no slot before the present one has any. When the
 * present tick enters a slot, its timers move to lower levels. The last level is a circle. */

enum { SLOTS = 1 << WHEEL_LEVEL_SHIFT, LAST_LEVEL = WHEEL_LEVELS - 1 };

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

static void place(struct wheel *wheel, struct timer *timer)
{
    uint64_t now_tick = tick_of(wheel->now_ns);
    uint64_t tick = time_max(tick_of(timer->deadline_ns), now_tick);
    unsigned level = level_of(tick, now_tick);
    uint64_t present = slots_of(now_tick, level);
    /* What lies beyond the last level waits in the slot that comes last. */
    uint64_t slot = time_min(slots_of(tick, level), present + SLOTS - 1) % SLOTS;
    list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static void take(struct wheel *wheel, struct timer *timer)
{
    struct list *neighbour = timer->link.next;
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

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t deadline_ns)
{
    wheel_cancel(wheel, timer);
    timer->deadline_ns = deadline_ns;
    if (timer_armed(timer))
        place(wheel, timer);
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

static uint64_t earliest_in(const struct list *slot)
{
    uint64_t earliest = TIME_NEVER;
    for (struct list *link = slot->next; link != slot; link = link->next)
        earliest = time_min(earliest, timer_of(link)->deadline_ns);
    return earliest;
}

uint64_t wheel_deadline(const struct wheel *wheel)
{
    struct position first = first_occupied(wheel);
    if (first.tick == TIME_NEVER)
        return TIME_NEVER;
    if (first.tick < tick_of(wheel->now_ns) + SLOTS)
        return earliest_in(&wheel->slots[first.level][first.slot]);
    return first.tick << WHEEL_TICK_SHIFT;
}

/* The present tick enters the slot. */
static void enter(struct wheel *wheel, struct position slot)
{
    struct list moving;
    struct list *head = &wheel->slots[slot.level][slot.slot];

    wheel->now_ns = slot.tick << WHEEL_TICK_SHIFT;
    if (slot.level == 0)
        return;
    list_insert(head, &moving);
    list_remove(head);
    wheel->occupied[slot.level] &= ~(UINT64_C(1) << slot.slot);
    while (!list_empty(&moving)) {
        struct timer *timer = timer_of(moving.next);
        list_remove(&timer->link);
        place(wheel, timer);
    }
}

static struct timer *due_in(const struct list *slot, uint64_t now_ns)
{
    for (struct list *link = slot->next; link != slot; link = link->next)
        if (timer_of(link)->deadline_ns <= now_ns)
            return timer_of(link);
    return NULL;
}

struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ns)
{
    now_ns = time_max(now_ns, wheel->now_ns);
    for (;;) {
        struct list *present = &wheel->slots[0][tick_of(wheel->now_ns) % SLOTS];
        struct timer *timer = due_in(present, now_ns);
        if (timer) {
            wheel_cancel(wheel, timer);
            return timer;
        }
        struct position first = first_occupied(wheel);
        if (first.tick == TIME_NEVER || first.tick > tick_of(now_ns) || !list_empty(present))
            break;
        enter(wheel, first);
    }
    wheel->now_ns = now_ns;
    return NULL;
}
