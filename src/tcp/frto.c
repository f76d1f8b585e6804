/* F-RTO (RFC 5682 §2.1 and, with SACK, §3.1): after a timeout the first ACKs tell a lost flight
 * from a late one. Until they have, new data is sent in place of retransmissions. */
#include "base/seq.h"
#include "tcp/records.h"
#include "tcp/recovery.h"

/* All of what step 1 sent again is acknowledged. */
static bool covers_resent(const struct tcb *tcb)
{
    const struct sent_record *first = records_first(tcb);
    return !first || !first->in_flight_again;
}

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
    /* Step 2.a: a duplicate, or an acknowledgment of less than was sent again, which must not be
     * taken for one of something else (§2.2). With SACK duplicates are waited out (§3.1 2). */
    if (event->duplicate && !tcb->opt.sack) {
        tcb->recovery.frto = false;
    } else if (event->advanced && !recovered && covers_resent(tcb)) {
        /* Step 2.b: up to two segments of new data, if there are any and the window lets them. */
        tcb->recovery.high = tcb->snd.nxt;
        if (tcb_unsent(tcb) && seq_lt(tcb->snd.nxt, tcb->snd.una + tcb->snd.wnd)) {
            tcb->recovery.prefer_new = true;
            return true;
        }
        tcb->recovery.frto = false;
    } else if (event->advanced) {
        tcb->recovery.frto = false;
    }
    return false;
}
