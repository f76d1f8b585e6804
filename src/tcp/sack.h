/* Selective acknowledgment on the wire, both sides (RFC 2018, RFC 2883). */
#ifndef TERN_TCP_SACK_H
#define TERN_TCP_SACK_H

#include "tcp/ack.h"
#include "tcp/tcb.h"

/* Sender: marks what the blocks say has arrived; recognises D-SACK. */
void sack_process(struct tcb *tcb, const struct segment *segment, struct ack_event *event);
/* Receiver: what is held out of order has changed at `seq`, or came again there: its block is
 * reported first from now on. */
void sack_note(struct tcb *tcb, uint32_t seq);
/* Writes up to `most` blocks: D-SACK, then those that changed lately, newest first, then what there
 * is still room for (RFC 2018 §4). */
void sack_fill(struct tcb *tcb, struct tcp_options *options, unsigned most);

/* Blocks that the next segment is to have, if they fit. */
unsigned sack_blocks(const struct tcb *tcb);

#endif
