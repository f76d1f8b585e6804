/* Text that waits for a write that is about to come, and goes with it; inside TCP. */
#ifndef TERN_TCP_AWAIT_H
#define TERN_TCP_AWAIT_H

#include <stdbool.h>

struct stack;
struct tcb;

/* From now on what fills no burst waits, until the next write or tcp_let_go(). */
void await_begin(struct tcb *tcb);
/* The write is there, or will not come: nothing waits for it any more. Whether something would have
 * been sent meanwhile. */
bool await_end(struct tcb *tcb);
/* Whether the last that is queued, less than a burst, is to wait although all of it may be sent. */
bool await_keeps(const struct tcb *tcb);

#endif
