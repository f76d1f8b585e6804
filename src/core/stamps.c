#include "core/stamps.h"

#include <errno.h>

bool stamp_note(struct stack *stack, struct error_queue *queue, uint32_t flags,
                enum stamp_kind kind, uint64_t time_ns, uint32_t key)
{
    static const uint32_t wanted_by[] = {[STAMP_SENT] = STAMP_TX_SOFTWARE,
                                         [STAMP_SCHEDULED] = STAMP_TX_SCHED,
                                         [STAMP_ACKNOWLEDGED] = STAMP_TX_ACK};
    struct error_note note = {.origin = ERROR_ORIGIN_TIMESTAMPING,
                              .error = ENOMSG,
                              .info = kind,
                              .data = flags & STAMP_OPT_ID ? key : 0,
                              .time_ns = time_ns,
                              .truncated = !(flags & STAMP_OPT_TSONLY)};
    return flags & wanted_by[kind] && error_queue_add(stack, queue, &note, NULL, 0);
}
