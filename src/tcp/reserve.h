/* Bytes written and read in place (tern_send_reserve, tern_recv_peek): room at the end of the send
 * ring that its user fills and then commits, and the front of the receive ring, shown as it is. */
#ifndef TERN_TCP_RESERVE_H
#define TERN_TCP_RESERVE_H

struct tcb;

/* The connection is about to be freed: who has reserved room keeps the memory until
 * it ends that. */
void reserve_orphan(struct tcb *tcb);

#endif
