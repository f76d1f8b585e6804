/* NewReno: fast retransmit and fast recovery for a peer without SACK (RFC 5681 §3.2, RFC 6582).
 *
 * Each duplicate ACK says that one segment has left the network: it is counted in records.sacked
 * although nobody knows which it was, so that the pipe shrinks and limited transmit (RFC 3042) and
 * window inflation come out of the same sum as with SACK. */
#include "base/seq.h"
#include "tcp/records.h"
#include "tcp/recovery.h"

/* No more can have arrived than were sent and are not lost; the first one is what is missing. */
static void limit_duplicates(struct tcb *tcb)
{
    uint32_t holes = tcb->records.lost_out > 1 ? tcb->records.lost_out : 1;
    if (holes > tcb->records.out)
        holes = tcb->records.out;
    if (tcb->records.sacked + holes > tcb->records.out)
        tcb->records.sacked = tcb->records.out - holes;
}

void newreno_duplicate(struct tcb *tcb, struct ack_event *event)
{
    tcb->records.sacked++;
    rate_delivered(tcb, 1);
    event->delivered++;
    limit_duplicates(tcb);
}

/* One of the acknowledged filled the hole; the others had been counted as they came, by duplicates,
 * as far as these did. */
void newreno_advanced(struct tcb *tcb, struct ack_event *event)
{
    uint32_t known = event->acked ? event->acked - 1 : 0;
    if (known > tcb->records.sacked)
        known = tcb->records.sacked;
    tcb->records.sacked -= known;
    rate_counted_twice(tcb, known);
    event->delivered -= known;
    /* What was sent once only may have arrived long ago: nothing tells, without SACK. */
    if (event->retransmitted_acked)
        event->original_acked = false;
    limit_duplicates(tcb);
}

void newreno_reset(struct tcb *tcb)
{
    tcb->records.sacked = 0;
}

/* RFC 6582 §3.2: the first outstanding segment is lost at the third duplicate ACK, and again at
 * each partial ACK. */
void newreno_mark_lost(struct tcb *tcb, bool advanced)
{
    bool due = tcb->recovery.phase < TCP_PHASE_RECOVERY
                   ? tcb->records.sacked >= tcb->recovery.reordering
                   : tcb->recovery.phase == TCP_PHASE_RECOVERY && advanced;
    struct sent_record *first = records_first(tcb);
    if (!due || !first)
        return;
    if (first->end - first->start > first->mss &&
        !records_split(tcb, first, first->start + first->mss))
        return;
    records_mark_lost(tcb, first);
    limit_duplicates(tcb);
}
