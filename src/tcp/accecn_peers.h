/* Where SYNs that ask for AccECN get lost (RFC 9768 §3.1.4.1).
 *
 * A client whose SYNs are not answered goes without at the third. That may have been chance; where
 * it happened on two connections in a row to the same peer, the next do not ask at all, and lose no
 * time, for tcp.ecn_retry_s seconds. Then one asks again: its answer clears the peer, another loss
 * begins the time anew. */
#ifndef TERN_TCP_ACCECN_PEERS_H
#define TERN_TCP_ACCECN_PEERS_H

#include <stdbool.h>

struct tcb;

/* Whether the peer is not to be asked; the trace and a counter are told if so. */
bool accecn_peer_avoided(struct tcb *tcb);
/* A SYN that asked was answered, or agreed to. */
void accecn_peer_answers(struct tcb *tcb);
/* Only a SYN that did not ask was answered. */
void accecn_peer_lost(struct tcb *tcb);

#endif
