/* Memory for all connections together, and what gives way when it runs short. */
#ifndef TERN_TCP_MEMORY_H
#define TERN_TCP_MEMORY_H

#include "tcp/tcb.h"

/* Whether `tcb` may take `bytes` more for its rings. First does what can be done for it, at the
 * cost of this connection's out-of-order text, then of others'. */
bool tcp_memory_for(struct tcb *tcb, uint32_t bytes);
/* Whether a connection at rest may take a block, for a segment of its peer's; likewise. If so,
 * `beyond` tells whether it counts as one beyond memory.high. */
bool tcp_memory_to_wake(struct tcp *tcp, const struct address *peer, struct tcp_beyond *beyond);
/* It has taken one; and has given it back. */
void tcp_memory_woken(struct tcp *tcp, const struct tcp_beyond *beyond);
void tcp_memory_not_woken(struct tcp *tcp, const struct tcp_beyond *beyond);
/* Gives up what is held behind holes: the peer must send it again (RFC 2018 §8). */
void tcp_memory_prune(struct tcb *tcb);

#endif
