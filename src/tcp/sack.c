#include "tcp/sack.h"

#include <string.h>

#include "base/seq.h"
#include "tcp/records.h"
#include "tcp/recovery.h"

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

/* A copy of what had been SACKed already: the original came late, behind what was sent after it. */
static void note_late_original(struct tcb *tcb, const struct range *block, struct ack_event *event)
{
    const struct sent_record *record = records_find(tcb, block->start);
    if (!record || !record->sacked || !record->retransmitted ||
        !seq_lt(block->start, tcb->records.highest_sacked))
        return;
    if (!event->reordered || seq_lt(block->start, event->reordered_from))
        event->reordered_from = block->start;
    event->reordered = true;
}

/* The end of a tail loss probe that was sent again: its copy says nothing of the network's order
 * (RFC 8985 §7.4). */
static bool is_of_probe(const struct tcb *tcb, const struct range *block)
{
    return tcb->rack.probe_out && !tcb->rack.probe_was_new && block->end == tcb->rack.probe_end &&
           block->end - block->start <= tcb->snd.mss;
}

/* Believed only about what may have been sent: no further back than a window, as RFC 5961 §5.2 has
 * it of acknowledgments. */
static bool may_be_ours(const struct tcb *tcb, const struct range *block)
{
    return seq_leq(block->end, tcb->snd.nxt) &&
           seq_geq(block->start, tcb->snd.una - tcb->snd.max_wnd);
}

/* False where there are more copies than were sent again: the network made them (RFC 2883 §5.1), or
 * the peer makes them up. Once so, always so: the count stays at its most. */
static bool count_copies(struct tcb *tcb, uint32_t segments)
{
    uint32_t before = tcb->stat.dsacks;
    tcb->stat.dsacks = segments < UINT32_MAX - before ? before + segments : UINT32_MAX;
    stack_count(tcb->stack, COUNTER_TcpExtTCPDSACKRecv);
    return tcb->stat.dsacks <= tcb->stat.retransmits;
}

/* RFC 2883 §4: the receiver has got something twice. The copy has left the network, like anything
 * delivered; what it says of the path, RACK (RFC 8985 §6.2 step 4) and undo (RFC 3708 §2) hear. */
static void take_dsack(struct tcb *tcb, const struct range *block, struct ack_event *event)
{
    uint32_t segments = (block->end - block->start + tcb->snd.mss - 1) / tcb->snd.mss;
    if (!may_be_ours(tcb, block) || !count_copies(tcb, segments))
        return;
    event->dsack = true;
    event->dsack_widens = !is_of_probe(tcb, block);
    event->delivered += segments;
    rate_delivered(tcb, segments);
    note_late_original(tcb, block, event);
    undo_note_copies(tcb, block->end, segments);
}

/* In order of sequence, which is nearly that of transmission, in which RACK takes them (RFC 8985
 * §6.2 step 2); a receiver reports the latest first. */
static void sort_blocks(const struct tcb *tcb, const struct range *blocks, unsigned count,
                        struct range *sorted)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;
        for (; at > 0 && blocks[i].start - tcb->snd.una < sorted[at - 1].start - tcb->snd.una; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = blocks[i];
    }
}

void sack_process(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    const struct tcp_options *o = &segment->options;
    unsigned first = 0;
    if (is_dsack(segment)) {
        take_dsack(tcb, &o->sack[0], event);
        first = 1;
    }
    struct range blocks[TCP_SACK_BLOCKS_MAX];
    unsigned count = o->sack_count - first;
    sort_blocks(tcb, &o->sack[first], count, blocks);
    for (unsigned i = 0; i < count; i++) {
        struct range block = blocks[i];
        /* Only what lies within (SND.UNA, SND.NXT] counts (security rule 6). */
        if (!seq_lt(block.start, block.end) || seq_gt(block.end, tcb->snd.nxt) ||
            seq_leq(block.end, tcb->snd.una) || seq_lt(block.start, tcb->snd.una))
            continue;
        records_sack(tcb, block.start, block.end, event);
    }
}

/* A FIN ahead of a hole that does not end a run of text: a block of its own. */
static bool fin_stands_alone(const struct tcb *tcb)
{
    if (!tcb->rcv.fin_seen || tcb->rcv.fin || !seq_gt(tcb->rcv.fin_seq, tcb->rcv.nxt))
        return false;
    const struct range *before = ranges_find(&tcb->rcv.out_of_order, tcb->rcv.fin_seq - 1);
    return !before || before->end != tcb->rcv.fin_seq;
}

/* The FIN takes up a number behind the text (RFC 9293 §3.4). */
static struct range with_fin(const struct tcb *tcb, struct range text)
{
    if (tcb->rcv.fin_seen && !tcb->rcv.fin && text.end == tcb->rcv.fin_seq)
        text.end++;
    return text;
}

/* The block that holds `seq`, as it is now. */
static bool block_at(const struct tcb *tcb, uint32_t seq, struct range *block)
{
    const struct range *held = ranges_find(&tcb->rcv.out_of_order, seq);
    if (held && seq_leq(held->start, seq))
        *block = with_fin(tcb, *held);
    else if (seq == tcb->rcv.fin_seq && fin_stands_alone(tcb))
        *block = (struct range){seq, seq + 1};
    else
        return false;
    return true;
}

void sack_note(struct tcb *tcb, uint32_t seq)
{
    struct range newest, other;
    if (!block_at(tcb, seq, &newest))
        return;
    uint32_t kept[TCP_SACK_BLOCKS_MAX] = {newest.start};
    uint8_t count = 1;
    for (uint8_t i = 0; i < tcb->rcv.sack_recent_count && count < TCP_SACK_BLOCKS_MAX; i++)
        if (block_at(tcb, tcb->rcv.sack_recent[i], &other) && other.start != newest.start)
            kept[count++] = tcb->rcv.sack_recent[i];
    memcpy(tcb->rcv.sack_recent, kept, sizeof kept);
    tcb->rcv.sack_recent_count = count;
}

unsigned sack_blocks(const struct tcb *tcb)
{
    unsigned blocks = tcb->rcv.out_of_order.count + fin_stands_alone(tcb) +
                      (tcb->rcv.duplicate.start != tcb->rcv.duplicate.end);
    unsigned most = tcb->opt.timestamps ? TCP_SACK_BLOCKS_MAX - 1 : TCP_SACK_BLOCKS_MAX;
    if (!tcb->opt.sack || tcb->ack.acks_alone)
        return 0; /* RFC 9768 §3.2.2.5.1: an ACK of ACKs has none */
    return blocks < most ? blocks : most;
}

/* Adds a block, unless it stands among those from index `first` on. False: there is no room. */
static bool add_block(struct tcp_options *options, unsigned first, unsigned most,
                      struct range block)
{
    for (unsigned i = first; i < options->sack_count; i++)
        if (options->sack[i].start == block.start)
            return true;
    if (options->sack_count >= most)
        return false;
    options->sack[options->sack_count++] = block;
    return true;
}

void sack_fill(struct tcb *tcb, struct tcp_options *options, unsigned most)
{
    const struct ranges *held = &tcb->rcv.out_of_order;
    struct range block;
    unsigned first = 0;
    if (tcb->rcv.duplicate.start != tcb->rcv.duplicate.end && most > 0) {
        options->sack[options->sack_count++] = tcb->rcv.duplicate;
        stack_count(tcb->stack, COUNTER_TcpExtTCPDSACKOldSent);
        tcb->rcv.duplicate.end = tcb->rcv.duplicate.start;
        first = 1;
    }
    for (unsigned i = 0; i < tcb->rcv.sack_recent_count; i++)
        if (block_at(tcb, tcb->rcv.sack_recent[i], &block) &&
            !add_block(options, first, most, block))
            return;
    for (uint32_t i = 0; i < held->count; i++)
        if (!add_block(options, first, most, with_fin(tcb, held->items[i])))
            return;
}
