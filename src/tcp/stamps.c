#include "tcp/stamps.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seq.h"
#include "base/time.h"
#include "core/stamps.h"
#include "tcp/connection.h"
#include "tcp/records.h"

struct stamp_mark {
    struct list link;
    uint32_t seq; /* of the byte */
    uint32_t flags;
};

void stamps_init(struct tcb *tcb)
{
    list_init(&tcb->stamps.marks);
}

int tcp_stamps_begin(struct tcb *tcb, bool from_next)
{
    if (tcb->state == TCP_CLOSED)
        return -EINVAL;
    tcb->stamps.base = from_next ? tcb->snd.base + tcb->snd.ring.length : tcb->snd.una;
    return 0;
}

static struct stamp_mark *mark_at(const struct list *link)
{
    return container_of(link, struct stamp_mark, link);
}

static void forget(struct tcb *tcb, struct stamp_mark *mark)
{
    list_remove(&mark->link);
    tcb->stamps.count--;
    stack_charge(tcb->stack, -(int64_t)sizeof *mark);
    free(mark);
}

void stamps_release(struct tcb *tcb)
{
    while (!list_empty(&tcb->stamps.marks))
        forget(tcb, mark_at(tcb->stamps.marks.next));
}

static void tell(struct tcb *tcb, const struct stamp_mark *mark, enum stamp_kind kind,
                 uint64_t time_ns)
{
    if (tcb->connection->owner && stamp_note(tcb->stack, &tcb->errors, mark->flags, kind, time_ns,
                                             mark->seq - tcb->stamps.base))
        tcp_notify(tcb, POLLERR);
}

static struct stamp_mark *add(struct tcb *tcb, uint32_t seq, uint32_t flags)
{
    struct stamp_mark *mark =
        tcb->stamps.count < LIMIT_STAMPS_WAITING ? malloc(sizeof *mark) : NULL;
    if (!mark) {
        stack_count(tcb->stack, COUNTER_ErrorQueueDrops);
        return NULL;
    }
    *mark = (struct stamp_mark){.seq = seq, .flags = flags};
    list_append(&tcb->stamps.marks, &mark->link);
    tcb->stamps.count++;
    stack_charge(tcb->stack, sizeof *mark);
    return mark;
}

/* What has gone in the call itself did so before there was a mark. */
void stamps_mark(struct tcb *tcb, uint32_t flags)
{
    uint32_t end = tcb->snd.base + tcb->snd.ring.length;
    struct stamp_mark *mark = tcb->state == TCP_CLOSED ? NULL : add(tcb, end - 1, flags);
    if (!mark)
        return;
    const struct sent_record *record = records_find(tcb, end - 1);
    if (record) {
        /* Records of one moment are told apart by a nanosecond each. */
        uint64_t at = time_min(record->sent_ns, tcb->stack->now_ns);
        tell(tcb, mark, STAMP_SCHEDULED, at);
        tell(tcb, mark, STAMP_SENT, at);
    }
    stamps_acknowledged(tcb);
}

void stamps_joined(struct tcb *tcb, uint32_t start)
{
    if (list_empty(&tcb->stamps.marks))
        return;
    struct stamp_mark *last = mark_at(tcb->stamps.marks.prev);
    if (seq_geq(last->seq, start))
        forget(tcb, last);
}

void stamps_sent(struct tcb *tcb, uint32_t start, uint32_t end)
{
    uint64_t now = tcb->stack->now_ns;
    for (struct list *l = tcb->stamps.marks.next; l != &tcb->stamps.marks; l = l->next) {
        const struct stamp_mark *mark = mark_at(l);
        if (seq_lt(mark->seq, start) || seq_geq(mark->seq, end))
            continue;
        tell(tcb, mark, STAMP_SCHEDULED, now);
        tell(tcb, mark, STAMP_SENT, now);
    }
}

void stamps_acknowledged(struct tcb *tcb)
{
    while (!list_empty(&tcb->stamps.marks)) {
        struct stamp_mark *first = mark_at(tcb->stamps.marks.next);
        if (seq_geq(first->seq, tcb->snd.una))
            return;
        tell(tcb, first, STAMP_ACKNOWLEDGED, tcb->stack->now_ns);
        forget(tcb, first);
    }
}
