/* Theory of operation.
 *
 * What sockets hold is counted in stack->memory_used_bytes, against two marks. What gives way, in
 * this order:
 *
 *   above memory.pressure, until below memory.low again
 *     1. rings give back the spare room that they have grown, and connections with nothing going on
 *        their blocks (rest.h)
 *     2. no window and no send buffer grows, and what is offered anew is a few segments
 *     3. text behind a hole is not kept where it would need more memory
 *   where more would be held than memory.high
 *     4. the connection that needs it gives up what it holds behind holes
 *     5. and so do all others
 *     6. connections without a user are reset, those first that were closed longest ago
 *     7. no connection begins, and no datagram is queued; and of those at rest only so many wake at
 *        a time (LIMIT_WOKEN_BEYOND), and fewer of any one peer's (LIMIT_WOKEN_BY_PEER), who may
 *        keep his awake for as long as he likes: what comes for others is dropped, to be sent again
 *     8. who writes waits, and text in order is dropped, to be sent again
 *
 * What is open lives on: a connection that holds nothing may always send a segment, and take one
 * that is in order; so each gets on, one segment at a time, and what it takes is given back when it
 * is read or acknowledged. Of those at rest a few at a time do, for their blocks are more than a
 * segment of the smallest, and a peer that has many such connections must not wake them all. */
#include "tcp/memory.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/orphans.h"

/* All connections are looked through no more often than this. */
#define RELIEF_INTERVAL TIME_MS(100)

static void give_back_spare(struct tcb *tcb)
{
    const struct ranges *held = &tcb->rcv.out_of_order;
    uint32_t beyond = held->count ? held->items[held->count - 1].end - tcb->rcv.nxt : 0;
    if (!tcb->snd.reservation) /* its memory lies behind the ring's length */
        ring_shrink(&tcb->snd.ring, tcb->snd.ring.length);
    ring_shrink(&tcb->rcv.ring, tcb->rcv.ring.length + beyond);
    tcp_connection_charge(tcb);
}

void tcp_memory_prune(struct tcb *tcb)
{
    if (tcb->rcv.out_of_order.count == 0)
        return;
    stack_count(tcb->stack, COUNTER_TcpExtOfoPruned);
    ranges_release(&tcb->rcv.out_of_order);
    give_back_spare(tcb);
}

static void for_each(struct tcp *tcp, void (*act)(struct tcb *))
{
    for (struct list *at = tcp->all.next; at != &tcp->all; at = at->next)
        act(container_of(at, struct tcb, all));
}

/* Whether it is time to look through all connections again. */
static bool relief_is_due(struct tcp *tcp)
{
    uint64_t now = tcp->stack->now_ns;
    if (tcp->relieved_ns && now - tcp->relieved_ns < RELIEF_INTERVAL)
        return false;
    tcp->relieved_ns = now;
    return true;
}

/* For `tcb`, or NULL: for one that has no block yet. In the order that stands above. */
static bool find_memory(struct tcp *tcp, struct tcb *tcb, uint32_t bytes)
{
    struct stack *stack = tcp->stack;
    if (!stack->memory_short)
        return stack_memory_allows(stack, bytes);
    bool due = relief_is_due(tcp);
    if (due) {
        stack_count(stack, COUNTER_TcpExtTCPMemoryPressures);
        ring_spares_release(&tcp->spares);
        for_each(tcp, give_back_spare);
        for_each(tcp, rest_hasten);
    }
    if (stack_memory_allows(stack, bytes))
        return true;
    stack_count(stack, COUNTER_TcpExtPruneCalled);
    if (tcb)
        tcp_memory_prune(tcb);
    if (due && !stack_memory_allows(stack, bytes)) {
        for_each(tcp, tcp_memory_prune);
        while (!stack_memory_allows(stack, bytes) && orphan_reset_oldest(tcp, tcb))
            ;
    }
    return stack_memory_allows(stack, bytes);
}

bool tcp_memory_for(struct tcb *tcb, uint32_t bytes)
{
    return find_memory(tcb->tcp, tcb, bytes);
}

/* There is room for one more, so those that are awake are all within the mark. */
static void shortage_is_over(struct tcp *tcp)
{
    if (tcp->woken.all)
        tcp->woken = (struct tcp_woken){.shortage = tcp->woken.shortage + 1};
}

static uint8_t peer_number(const struct tcp *tcp, const struct address *peer)
{
    return (uint8_t)(hash_bytes(&tcp->stack->hash_key, peer, sizeof *peer) %
                     sizeof tcp->woken.by_peer);
}

bool tcp_memory_to_wake(struct tcp *tcp, const struct address *peer, struct tcp_beyond *beyond)
{
    *beyond = (struct tcp_beyond){.counted = false};
    if (find_memory(tcp, NULL, sizeof(struct tcb))) {
        shortage_is_over(tcp);
        return true;
    }
    *beyond = (struct tcp_beyond){true, peer_number(tcp, peer), tcp->woken.shortage};
    return tcp->woken.all < LIMIT_WOKEN_BEYOND &&
           tcp->woken.by_peer[beyond->peer] < LIMIT_WOKEN_BY_PEER;
}

void tcp_memory_woken(struct tcp *tcp, const struct tcp_beyond *beyond)
{
    if (!beyond->counted)
        return;
    tcp->woken.all++;
    tcp->woken.by_peer[beyond->peer]++;
}

void tcp_memory_not_woken(struct tcp *tcp, const struct tcp_beyond *beyond)
{
    if (!beyond->counted || beyond->shortage != tcp->woken.shortage)
        return;
    tcp->woken.all--;
    tcp->woken.by_peer[beyond->peer]--;
}
