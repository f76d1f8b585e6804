#include "tcp/units.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seq.h"
#include "tcp/tcb.h"

static struct send_unit *unit_at(const struct send_units *units, uint32_t index)
{
    return &units->items[(units->start + index) & (units->capacity - 1)];
}

struct send_unit *units_first(const struct tcb *tcb)
{
    const struct send_units *units = &tcb->snd.units;
    return units->count ? unit_at(units, 0) : NULL;
}

struct send_unit *units_last(const struct tcb *tcb)
{
    const struct send_units *units = &tcb->snd.units;
    return units->count ? unit_at(units, units->count - 1) : NULL;
}

static void let_go(struct send_units *units)
{
    if (units->items != units->few)
        free(units->items);
}

int units_reserve(struct tcb *tcb)
{
    struct send_units *units = &tcb->snd.units;
    if (units->count < units->capacity)
        return 0;
    if (units->capacity == 0) {
        units->items = units->few;
        units->capacity = SEND_UNITS_FEW;
        return 0;
    }
    uint32_t capacity = 2 * units->capacity;
    struct send_unit *items = malloc(capacity * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (uint32_t i = 0; i < units->count; i++)
        items[i] = *unit_at(units, i);
    let_go(units);
    units->items = items;
    units->capacity = capacity;
    units->start = 0;
    return 0;
}

void units_open(struct tcb *tcb)
{
    struct send_units *units = &tcb->snd.units;
    const struct send_unit *last = units_last(tcb);
    uint32_t start = last ? last->end : tcb->snd.nxt;
    *unit_at(units, units->count++) = (struct send_unit){.end = start};
}

void units_extend(struct tcb *tcb, uint32_t bytes)
{
    units_last(tcb)->end += bytes;
}

uint32_t units_last_start(const struct tcb *tcb)
{
    const struct send_units *units = &tcb->snd.units;
    return units->count > 1 ? unit_at(units, units->count - 2)->end : tcb->snd.nxt;
}

uint32_t units_room(const struct tcb *tcb, uint32_t goal)
{
    const struct send_unit *last = units_last(tcb);
    if (!last || last->ends_record || last->spans >= LIMIT_ZEROCOPY_SPANS)
        return 0;
    uint32_t length = last->end - units_last_start(tcb);
    return length < goal ? goal - length : 0;
}

void units_grow(struct tcb *tcb, uint32_t length)
{
    struct send_units *units = &tcb->snd.units;
    struct send_unit *first = units_first(tcb);
    if (units->count < 2 || first->ends_record || first->end - tcb->snd.nxt >= length)
        return;
    struct send_unit *next = unit_at(units, 1);
    if (first->spans || next->spans)
        return; /* each keeps to its own */
    if (seq_lt(tcb->snd.nxt + length, next->end)) {
        first->end = tcb->snd.nxt + length;
        return;
    }
    next->push |= first->push;
    units->start = (units->start + 1) & (units->capacity - 1);
    units->count--;
}

void units_sent(struct tcb *tcb, uint32_t seq)
{
    struct send_units *units = &tcb->snd.units;
    if (units->count == 0 || seq_lt(seq, units_first(tcb)->end))
        return;
    units->start = (units->start + 1) & (units->capacity - 1);
    units->count--;
}

void units_release(struct tcb *tcb)
{
    let_go(&tcb->snd.units);
    tcb->snd.units.items = NULL;
    tcb->snd.units.capacity = tcb->snd.units.start = tcb->snd.units.count = 0;
}
