/* F-RTO (RFC 5682 §2.1 and, with SACK, §3.1): after a timeout the first ACKs tell a lost flight
 * from a late one. Until they have, new data is sent in place of retransmissions. */
#include "base/seq.h"
#include "tcp/recovery.h"

bool frto_on_ack(struct tcb *tcb, const struct segment *segment, const struct ack_event *event)
{
    bool recovered = seq_geq(tcb->snd.una, tcb->recovery.high);
    if (!tcb->recovery.frto)
        return false;
    /* Something sent but once has arrived: step 3.b, the timeout was spurious. */
    if (event->original_acked && undo_loss(tcb, segment, true))
        return true;
    if (seq_gt(tcb->snd.nxt, tcb->recovery.high)) {
        if (event->sacked || event->duplicate)
            tcb->recovery.frto = false; /* step 3.a: the loss was real */
        return false;
    }
    if (event->advanced && !recovered) {
        /* Step 2.b: up to two segments of new data, if there are any and the window lets them. */
        tcb->recovery.high = tcb->snd.nxt;
        if (tcb_unsent(tcb) && seq_lt(tcb->snd.nxt, tcb->snd.una + tcb->snd.wnd)) {
            tcb->recovery.prefer_new = true;
            return true;
        }
        tcb->recovery.frto = false;
    }
    return false;
}
