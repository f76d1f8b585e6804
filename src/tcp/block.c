#include "tcp/block.h"

#include <errno.h>
#include <string.h>

#include "tcp/memory.h"

/* Little, for one span is in use as long as the stack is: nine blocks. */
enum { BLOCK_SPAN = 1 << 14 };

int block_init(struct tcp *tcp)
{
    slab_init(&tcp->tcb_slab, sizeof *tcp->reserve, BLOCK_SPAN, tcp->stack->pages);
    tcp->reserve = slab_take(&tcp->tcb_slab);
    return tcp->reserve ? 0 : -ENOMEM;
}

void block_release(struct tcp *tcp)
{
    slab_give(&tcp->tcb_slab, tcp->reserve);
    tcp->reserve = NULL;
    slab_release(&tcp->tcb_slab);
}

struct tcb *block_take(struct tcp *tcp)
{
    struct tcb *tcb = slab_take(&tcp->tcb_slab);
    return tcb ? memset(tcb, 0, sizeof *tcb) : NULL;
}

struct tcb *block_take_to_end(struct tcp *tcp)
{
    struct tcb *tcb = block_take(tcp);
    if (tcb)
        return tcb;
    tcb = tcp->reserve;
    tcp->reserve = NULL;
    return memset(tcb, 0, sizeof *tcb);
}

void block_give(struct tcp *tcp, struct tcb *tcb)
{
    tcp_memory_not_woken(tcp, &tcb->beyond);
    if (tcp->reserve)
        slab_give(&tcp->tcb_slab, tcb);
    else
        tcp->reserve = tcb;
    if (list_empty(&tcp->all))
        slab_trim(&tcp->tcb_slab);
}
