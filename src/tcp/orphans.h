/* Connections that their user has closed and that have something left to do: data and a FIN to
 * deliver, the peer's FIN to answer. Nobody waits for them, and a peer can keep each for ever, with
 * a window that stays shut. So they are what goes where there are too many (tcp.max_orphans,
 * security rule 16) or memory runs short (memory.c): those closed longest ago first,
 * with a reset. */
#ifndef TERN_TCP_ORPHANS_H
#define TERN_TCP_ORPHANS_H

#include "tcp/tcb.h"

/* Its user has let go of it. May reset others. */
void orphan_begin(struct tcb *tcb);
/* It is over, in TIME-WAIT, or was none. Who waits for the last is told. */
void orphan_end(struct tcb *tcb);

/* Resets and frees the one that was closed longest ago, `spared` (may be NULL) aside: false when
 * there is none. The caller may have no other connection in hand. */
bool orphan_reset_oldest(struct tcp *tcp, const struct tcb *spared);

#endif
