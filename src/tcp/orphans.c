#include "tcp/orphans.h"

#include "tcp/connection.h"
#include "tcp/output.h"
#include "tcp/persist.h"

bool orphan_reset_oldest(struct tcp *tcp, const struct tcb *spared)
{
    struct list *at = tcp->orphans.next;
    if (at != &tcp->orphans && container_of(at, struct tcb, queue) == spared)
        at = at->next;
    if (at == &tcp->orphans)
        return false;
    struct tcb *tcb = container_of(at, struct tcb, queue);
    stack_count(tcp->stack, COUNTER_TcpExtTCPAbortOnMemory);
    stack_trace(tcp->stack, TERN_TRACE_NOTE, NULL, 0, NULL,
                "reset: its user has closed it, and memory is short or there are too many such",
                "RFC 6429 §4");
    tcp_send_reset(tcb);
    tcp_connection_end(tcb, 0);
    return true;
}

void orphan_begin(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    list_append(&tcp->orphans, &tcb->queue);
    tcb->orphan = true;
    tcp->orphan_count++;
    persist_orphaned(tcb);
    while (tcp->orphan_count > tcp->stack->settings.tcp_max_orphans)
        if (!orphan_reset_oldest(tcp, tcb))
            return;
}

void orphan_end(struct tcb *tcb)
{
    if (!tcb->orphan)
        return;
    tcb->orphan = false;
    list_remove(&tcb->queue);
    if (--tcb->tcp->orphan_count == 0 && tcb->stack->notify)
        tcb->stack->notify(tcb->stack, NULL, 0);
}

unsigned tcp_orphan_count(const struct stack *stack)
{
    return tcp_of(stack)->orphan_count;
}
