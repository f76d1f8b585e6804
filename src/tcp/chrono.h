/* What a connection has spent its time on, for TCP_INFO: sending, and of that, waiting for the
 * peer's window or for the user to fill the send buffer again. */
#ifndef TERN_TCP_CHRONO_H
#define TERN_TCP_CHRONO_H

#include <stdint.h>

#include "tcp/burst.h"

struct tcb;

enum tcp_chrono {
    CHRONO_IDLE,   /* nothing to send, nothing out */
    CHRONO_BUSY,   /* something is to be sent, or is out */
    CHRONO_PEER,   /* and the peer's window keeps it from going */
    CHRONO_BUFFER, /* and the send buffer is too small for more to be at hand */
    CHRONO_KINDS
};

/* Something was sent or acknowledged, or has come to be sent; `held` keeps more from going. */
void chrono_update(struct tcb *tcb, enum tcp_held held);
uint64_t chrono_ns(const struct tcb *tcb, enum tcp_chrono kind);

#endif
