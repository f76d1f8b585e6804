/* When packets leave and come (SO_TIMESTAMPING): the flags that say which times are wanted, by
 * Linux's numbers (linux/net_tstamp.h), and the notes that tell transmit times. There is no
 * hardware here that takes times: they are the machine's own. */
#ifndef TERN_CORE_STAMPS_H
#define TERN_CORE_STAMPS_H

#include <stdint.h>

#include "core/error_queue.h"

enum stamp_flags {
    STAMP_TX_HARDWARE = 1 << 0, /* never comes */
    STAMP_TX_SOFTWARE = 1 << 1, /* the packet has gone to the link */
    STAMP_RX_HARDWARE = 1 << 2, /* never comes */
    STAMP_RX_SOFTWARE = 1 << 3, /* a packet has come from the link */
    STAMP_SOFTWARE = 1 << 4,    /* times are told */
    STAMP_OPT_ID = 1 << 7,      /* notes say which byte, or which datagram */
    STAMP_TX_SCHED = 1 << 8,    /* the packet has been handed down to be sent */
    STAMP_TX_ACK = 1 << 9,      /* the peer has acknowledged the byte */
    STAMP_OPT_TSONLY = 1 << 11, /* notes are not about a packet that was kept */
    STAMP_OPT_STATS = 1 << 12,
    STAMP_OPT_ID_TCP = 1 << 16, /* bytes count from what is written next, not from SND.UNA */
    STAMP_FLAGS = (1 << 17) - 1,
    STAMP_TX = STAMP_TX_HARDWARE | STAMP_TX_SOFTWARE | STAMP_TX_SCHED | STAMP_TX_ACK,
};

/* Which moment a note tells (SCM_TSTAMP_…). */
enum stamp_kind { STAMP_SENT, STAMP_SCHEDULED, STAMP_ACKNOWLEDGED };

/* Queues that it is `time_ns` now that `kind` has happened to what `key` stands for, as `flags`
 * want it told; what they do not want is not. Whether something was queued. */
bool stamp_note(struct stack *stack, struct error_queue *queue, uint32_t flags,
                enum stamp_kind kind, uint64_t time_ns, uint32_t key);

#endif
