#include "tcp/zerocopy.h"

#include "base/seq.h"
#include "tcp/connection.h"

void zerocopy_init(struct tcb *tcb)
{
    list_init(&tcb->zerocopy.waiting);
}

static void complete(struct tcb *tcb, struct error_note *note)
{
    if (!tcb->connection->owner) {
        error_note_free(tcb->stack, note); /* nobody is left to read it */
        return;
    }
    error_queue_complete(tcb->stack, &tcb->errors, note);
    tcp_notify(tcb, POLLERR);
}

/* As many notes as there may be wait: the send joins the one before, and both are told of once the
 * later is acknowledged. */
static void join_last(struct tcb *tcb, struct error_note *note)
{
    struct error_note *last = container_of(tcb->zerocopy.waiting.prev, struct error_note, link);
    last->data = note->data;
    last->until = note->until;
    error_note_free(tcb->stack, note);
}

void zerocopy_sent(struct tcb *tcb, struct error_note *note)
{
    error_queue_number(&tcb->errors, note);
    note->until = tcb->snd.base + tcb->snd.ring.length;
    if (tcb->state == TCP_CLOSED || seq_leq(note->until, tcb->snd.una)) {
        complete(tcb, note); /* the call has waited for that long */
    } else if (tcb->zerocopy.count >= LIMIT_ZEROCOPY_WAITING) {
        join_last(tcb, note);
    } else {
        list_append(&tcb->zerocopy.waiting, &note->link);
        tcb->zerocopy.count++;
    }
}

static struct error_note *first_waiting(const struct tcb *tcb)
{
    if (list_empty(&tcb->zerocopy.waiting))
        return NULL;
    return container_of(tcb->zerocopy.waiting.next, struct error_note, link);
}

static void complete_first(struct tcb *tcb, struct error_note *first)
{
    list_remove(&first->link);
    tcb->zerocopy.count--;
    complete(tcb, first);
}

void zerocopy_acknowledged(struct tcb *tcb)
{
    struct error_note *first;
    while ((first = first_waiting(tcb)) != NULL && seq_leq(first->until, tcb->snd.una))
        complete_first(tcb, first);
}

void zerocopy_release(struct tcb *tcb)
{
    struct error_note *first;
    while ((first = first_waiting(tcb)) != NULL)
        complete_first(tcb, first);
}
