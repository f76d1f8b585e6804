#include "tcp/accecn_peers.h"

#include "base/time.h"
#include "tcp/peers.h"
#include "tcp/tcb.h"

enum { LOSSES_NO_CHANCE = 2 }; /* in a row */

struct accecn_peer {
    struct peer_entry entry;
    uint8_t losses; /* connections in a row whose SYNs were answered only without flags */
    uint64_t loss_ns;
};

static struct accecn_peer *find(const struct tcb *tcb)
{
    struct peer_pair pair = tcb_pair(tcb);
    struct peer_entry *entry = peers_find(&tcb->tcp->accecn_peers, &tcb->stack->hash_key, &pair);
    return entry ? container_of(entry, struct accecn_peer, entry) : NULL;
}

bool accecn_peer_avoided(struct tcb *tcb)
{
    const struct accecn_peer *peer = find(tcb);
    uint64_t retry_ns = TIME_S((uint64_t)tcb->stack->settings.tcp_ecn_retry_s);
    if (!peer || peer->losses < LOSSES_NO_CHANCE || tcb->stack->now_ns - peer->loss_ns >= retry_ns)
        return false;
    stack_count(tcb->stack, COUNTER_TcpExtTCPAccECNAvoided);
    stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL,
                "AccECN not asked for: the last SYNs to this peer that did were lost",
                "RFC 9768 §3.1.4.1");
    return true;
}

void accecn_peer_answers(struct tcb *tcb)
{
    struct accecn_peer *peer = find(tcb);
    if (peer)
        peers_forget(&tcb->tcp->accecn_peers, &peer->entry);
}

void accecn_peer_lost(struct tcb *tcb)
{
    struct peer_pair pair = tcb_pair(tcb);
    struct peer_entry *entry =
        peers_find_or_add(&tcb->tcp->accecn_peers, &tcb->stack->hash_key, &pair,
                          sizeof(struct accecn_peer), LIMIT_ACCECN_PEERS);
    if (!entry)
        return;
    struct accecn_peer *peer = container_of(entry, struct accecn_peer, entry);
    if (peer->losses < LOSSES_NO_CHANCE)
        peer->losses++;
    peer->loss_ns = tcb->stack->now_ns;
}
