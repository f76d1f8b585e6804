#include "tcp/sack.h"

#include "base/seq.h"
#include "tcp/records.h"

/* RFC 2883 §4: a first block at or below the cumulative acknowledgment, or inside the second,
 * reports a duplicate. */
static bool is_dsack(const struct segment *segment)
{
    const struct tcp_options *o = &segment->options;
    if (o->sack_count == 0 || !seq_lt(o->sack[0].start, o->sack[0].end))
        return false;
    if (seq_lt(o->sack[0].start, segment->ack))
        return seq_leq(o->sack[0].end, segment->ack);
    return o->sack_count > 1 && seq_leq(o->sack[0].end, o->sack[1].end) &&
           seq_geq(o->sack[0].start, o->sack[1].start);
}

static void take_dsack(struct tcb *tcb, const struct range *block, uint32_t ack,
                       struct ack_event *event)
{
    /* Believed only about what may have been sent: no further back than a window. */
    if (seq_gt(block->end, tcb->snd.nxt) || seq_lt(block->start, tcb->snd.una - tcb->snd.max_wnd))
        return;
    event->dsack = true;
    tcb->stat.dsacks++;
    stack_count(tcb->stack, COUNTER_TcpExtTCPDSACKRecv);
    if (!tcb->recovery.undo_possible || seq_leq(block->end, tcb->recovery.undo_marker) ||
        seq_gt(block->end, seq_max(ack, tcb->snd.nxt)))
        return;
    uint32_t segments = (block->end - block->start + tcb->snd.mss - 1) / tcb->snd.mss;
    if (segments > tcb->recovery.undo_retransmits)
        segments = tcb->recovery.undo_retransmits;
    tcb->recovery.undo_retransmits -= segments;
}

void sack_process(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    const struct tcp_options *o = &segment->options;
    unsigned first = 0;
    if (is_dsack(segment)) {
        take_dsack(tcb, &o->sack[0], segment->ack, event);
        first = 1;
    }
    for (unsigned i = first; i < o->sack_count; i++) {
        struct range block = o->sack[i];
        /* Only what lies within (SND.UNA, SND.NXT] counts (security rule 6). */
        if (!seq_lt(block.start, block.end) || seq_gt(block.end, tcb->snd.nxt) ||
            seq_leq(block.end, tcb->snd.una) || seq_lt(block.start, tcb->snd.una))
            continue;
        records_sack(tcb, block.start, block.end, event);
    }
}

uint32_t sack_option_size(const struct tcb *tcb)
{
    uint32_t blocks =
        tcb->rcv.out_of_order.count + (tcb->rcv.duplicate.start != tcb->rcv.duplicate.end);
    uint32_t most = tcb->opt.timestamps ? 3 : 4;
    if (!tcb->opt.sack || blocks == 0)
        return 0;
    return 4 + 8 * (blocks < most ? blocks : most);
}

static bool add_block(struct tcp_options *options, unsigned most, struct range block)
{
    if (options->sack_count >= most)
        return false;
    options->sack[options->sack_count++] = block;
    return true;
}

void sack_fill(struct tcb *tcb, struct tcp_options *options, unsigned most)
{
    const struct ranges *held = &tcb->rcv.out_of_order;
    if (tcb->rcv.duplicate.start != tcb->rcv.duplicate.end) {
        add_block(options, most, tcb->rcv.duplicate);
        stack_count(tcb->stack, COUNTER_TcpExtTCPDSACKOldSent);
        tcb->rcv.duplicate.end = tcb->rcv.duplicate.start;
    }
    if (held->count == 0)
        return;
    const struct range *newest = ranges_find(held, tcb->rcv.newest.start);
    if (newest)
        add_block(options, most, *newest);
    for (uint32_t i = 0; i < held->count; i++) {
        if (&held->items[i] != newest && !add_block(options, most, held->items[i]))
            return;
    }
}
