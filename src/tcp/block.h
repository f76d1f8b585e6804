/* Memory of control blocks: taken when a connection begins or wakes, given back when it rests or
 * ends. */
#ifndef TERN_TCP_BLOCK_H
#define TERN_TCP_BLOCK_H

#include "tcp/tcb.h"

/* Makes the one that is held in reserve. 0 or -ENOMEM. */
int block_init(struct tcp *tcp);
void block_release(struct tcp *tcp);

/* All zero; NULL without memory. */
struct tcb *block_take(struct tcp *tcp);
/* The same for a connection that is about to end, and gives it back before another does: never
 * NULL. */
struct tcb *block_take_to_end(struct tcp *tcp);
/* Once nothing goes on in any connection, no block is kept but those beside the reserve. */
void block_give(struct tcp *tcp, struct tcb *tcb);

#endif
