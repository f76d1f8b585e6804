#include "tcp/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int block_init(struct tcp *tcp)
{
    list_init(&tcp->spare_blocks);
    tcp->reserve = malloc(sizeof *tcp->reserve);
    return tcp->reserve ? 0 : -ENOMEM;
}

static struct tcb *take_spare(struct tcp *tcp)
{
    if (list_empty(&tcp->spare_blocks))
        return NULL;
    struct tcb *tcb = container_of(tcp->spare_blocks.next, struct tcb, all);
    list_remove(&tcb->all);
    tcp->spare_count--;
    return tcb;
}

void block_release(struct tcp *tcp)
{
    for (struct tcb *tcb; (tcb = take_spare(tcp));)
        free(tcb);
    free(tcp->reserve);
    tcp->reserve = NULL;
}

struct tcb *block_take(struct tcp *tcp)
{
    struct tcb *tcb = take_spare(tcp);
    if (!tcb)
        tcb = malloc(sizeof *tcb);
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

/* The latest comes back first: it is the likeliest to be in the cache. */
void block_give(struct tcp *tcp, struct tcb *tcb)
{
    if (!tcp->reserve) {
        tcp->reserve = tcb;
    } else if (tcp->spare_count < LIMIT_TCB_SPARES) {
        list_insert(tcp->spare_blocks.next, &tcb->all);
        tcp->spare_count++;
    } else {
        free(tcb);
    }
}
