#include "tcp/records.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/options.h"
#include "tcp/rate.h"

static struct sent_record *record_of(struct tree_node *node)
{
    return node ? container_of(node, struct sent_record, node) : NULL;
}

void records_init(struct tcb *tcb)
{
    list_init(&tcb->records.in_flight);
    list_init(&tcb->records.lost);
}

struct sent_record *records_first(const struct tcb *tcb)
{
    return record_of(tree_first(&tcb->records.tree));
}

struct sent_record *records_last(const struct tcb *tcb)
{
    return record_of(tree_last(&tcb->records.tree));
}

struct sent_record *records_next(const struct sent_record *record)
{
    return record_of(tree_next(&record->node));
}

static struct sent_record *record_previous(const struct sent_record *record)
{
    return record_of(tree_previous(&record->node));
}

struct sent_record *records_find(const struct tcb *tcb, uint32_t seq)
{
    struct tree_node *node = tcb->records.tree.root;
    while (node) {
        struct sent_record *record = record_of(node);
        if (seq_lt(seq, record->start))
            node = node->child[0];
        else if (seq_geq(seq, record->end))
            node = node->child[1];
        else
            return record;
    }
    return NULL;
}

struct sent_record *records_next_lost(const struct tcb *tcb)
{
    const struct list *head = &tcb->records.lost;
    return list_empty(head) ? NULL : container_of(head->next, struct sent_record, order);
}

bool records_room(const struct tcb *tcb)
{
    return tcb->records.count < LIMIT_SENT_RECORDS;
}

uint32_t records_text(const struct tcb *tcb, uint32_t start, uint32_t end)
{
    uint32_t fin = tcb->snd.base + tcb->snd.ring.length;
    return end - start - (start == tcb->snd.iss) - (end == fin + 1);
}

/* Wire segments in [start, end) when cut by mss; SYN and FIN ride along. */
static uint32_t segments_in(const struct tcb *tcb, uint32_t start, uint32_t end, uint32_t mss)
{
    uint32_t text = records_text(tcb, start, end);
    return text ? (text + mss - 1) / mss : start != end;
}

/* Hangs `record` into the tree as the successor of `before` (NULL: as the first). */
static void record_insert_after(struct tcb *tcb, struct sent_record *before,
                                struct sent_record *record)
{
    struct tree *tree = &tcb->records.tree;
    struct tree_node *parent = before ? &before->node : tree_first(tree);
    int side = before ? 1 : 0;
    if (before && parent->child[1]) {
        parent = tree_next(parent);
        side = 0;
    }
    tree_insert(tree, parent, side, &record->node);
    tcb->records.count++;
    stack_charge(tcb->stack, sizeof *record);
}

/* Each segment has one: those that are done with are kept for the next. */
static struct sent_record *record_new(struct tcp *tcp)
{
    struct list *spare = tcp->record_spares.next;
    if (list_empty(&tcp->record_spares))
        return malloc(sizeof(struct sent_record));
    list_remove(spare);
    tcp->record_spare_count--;
    return container_of(spare, struct sent_record, order);
}

static void record_free(struct tcp *tcp, struct sent_record *record)
{
    if (tcp->record_spare_count == LIMIT_RECORD_SPARES) {
        free(record);
        return;
    }
    list_insert(tcp->record_spares.next, &record->order);
    tcp->record_spare_count++;
}

void records_release_spares(struct tcp *tcp)
{
    while (!list_empty(&tcp->record_spares))
        free(record_new(tcp));
}

static void record_remove(struct tcb *tcb, struct sent_record *record)
{
    list_remove(&record->order);
    tree_remove(&tcb->records.tree, &record->node);
    tcb->records.count--;
    stack_charge(tcb->stack, -(int64_t)sizeof *record);
    record_free(tcb->tcp, record);
}

void records_release(struct tcb *tcb)
{
    struct sent_record *record;
    while ((record = records_first(tcb)) != NULL)
        record_remove(tcb, record);
    tcb->records.out = tcb->records.sacked = 0;
    tcb->records.lost_out = tcb->records.retransmitted = 0;
}

int records_add(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t mss)
{
    if (!records_room(tcb))
        return -ENOBUFS;
    struct sent_record *record = record_new(tcb->tcp);
    if (!record)
        return -ENOMEM;
    *record = (struct sent_record){
        .start = start, .end = end, .mss = mss, .segments = segments_in(tcb, start, end, mss)};
    rate_on_send(tcb, record);
    list_init(&record->order);
    list_append(&tcb->records.in_flight, &record->order);
    record_insert_after(tcb, records_last(tcb), record);
    tcb->records.out += record->segments;
    return 0;
}

struct sent_record *records_split(struct tcb *tcb, struct sent_record *record, uint32_t at)
{
    struct sent_record *upper = record_new(tcb->tcp);
    if (!upper)
        return NULL;
    *upper = *record;
    upper->start = at;
    upper->segments = segments_in(tcb, at, record->end, record->mss);
    record->end = at;
    record->push = record->ends_record = false; /* they belong to the last byte */
    uint32_t before = record->segments;
    record->segments = segments_in(tcb, record->start, at, record->mss);
    record->flight -= record->flight > upper->segments ? upper->segments : 0;
    list_init(&upper->order);
    if (!list_empty(&record->order))
        list_insert(record->order.next, &upper->order);
    record_insert_after(tcb, record, upper);

    /* A cut inside a segment makes two of one. */
    uint32_t more = record->segments + upper->segments - before;
    tcb->records.out += more;
    if (record->sacked)
        tcb->records.sacked += more;
    if (record->lost)
        tcb->records.lost_out += more;
    if (record->in_flight_again)
        tcb->records.retransmitted += more;
    return upper;
}

/* Takes `segments` of the record out of every counter it stands in, as they leave
 * the scoreboard. */
static void record_uncount(struct tcb *tcb, const struct sent_record *record, uint32_t segments)
{
    tcb->records.out -= segments;
    if (record->sacked)
        tcb->records.sacked -= segments;
    if (record->lost)
        tcb->records.lost_out -= segments;
    if (record->in_flight_again)
        tcb->records.retransmitted -= segments;
}

/* RACK.xmit_ts and RACK.end_seq follow the most recently sent segment that was delivered (RFC 8985
 * §6.2 step 2). */
static void rack_delivered(struct tcb *tcb, const struct sent_record *record, uint32_t end,
                           const struct ack_event *event)
{
    int64_t rtt = (int64_t)(tcb->stack->now_ns - record->sent_ns);
    /* A retransmission acknowledged sooner than a round trip can take, or with an older timestamp
     * than it went with: the ACK was for the original. */
    if (record->retransmitted && tcb->rtt.min_ns != TIME_NEVER && rtt < (int64_t)tcb->rtt.min_ns)
        return;
    if (record->retransmitted && event->echoes &&
        seq_lt(event->echo, tcp_timestamp_at(tcb, record->sent_ns)))
        return;
    /* What Fast Open sent before the handshake was over is younger than our SYN, whose round trip
     * says nothing of its. */
    if (record->start == tcb->snd.iss && record->sent_ns < tcb->rack.sent_ns)
        return;
    tcb->rack.rtt_ns = rtt;
    if (record->sent_ns > tcb->rack.sent_ns ||
        (record->sent_ns == tcb->rack.sent_ns && seq_gt(end, tcb->rack.end))) {
        tcb->rack.sent_ns = record->sent_ns;
        tcb->rack.end = end;
        tcb->rack.advanced = true;
    }
}

static void note_delivery_order(struct tcb *tcb, const struct sent_record *record, uint32_t start,
                                struct ack_event *event)
{
    if (record->retransmitted || seq_geq(start, tcb->records.highest_sacked))
        return;
    if (!event->reordered || seq_lt(start, event->reordered_from))
        event->reordered_from = start;
    event->reordered = true;
}

/* Something that was sent before the timeout, and only then, has arrived. */
static void note_original(const struct tcb *tcb, uint32_t end, struct ack_event *event)
{
    if (seq_leq(end, tcb->recovery.high))
        event->original_acked = true;
}

/* [record->start, end) leaves the scoreboard because it is acknowledged: `segments` of them. */
static void record_acknowledged(struct tcb *tcb, struct sent_record *record, uint32_t end,
                                uint32_t segments, struct ack_event *event)
{
    if (record->retransmitted) {
        event->retransmitted_acked = true;
    } else if (!record->sacked) {
        if (event->first_sent_ns == TIME_NEVER)
            event->first_sent_ns = record->sent_ns;
        event->last_sent_ns = record->sent_ns;
        note_original(tcb, end, event);
        note_delivery_order(tcb, record, record->start, event);
    }
    if (!record->sacked) {
        rate_on_delivery(tcb, record, segments, event);
        rack_delivered(tcb, record, end, event);
    }
    if (end - record->start >= record->mss && record->mss > tcb->mtu.proven)
        tcb->mtu.proven = record->mss;
    event->acked += segments;
    record_uncount(tcb, record, segments);
}

void records_acknowledge(struct tcb *tcb, uint32_t una, struct ack_event *event)
{
    struct sent_record *record;
    while ((record = records_first(tcb)) != NULL && seq_leq(record->end, una)) {
        record_acknowledged(tcb, record, record->end, record->segments, event);
        record_remove(tcb, record);
    }
    if (record && seq_lt(record->start, una)) {
        uint32_t left = segments_in(tcb, una, record->end, record->mss);
        uint32_t gone = record->segments > left ? record->segments - left : 0;
        if (gone)
            record_acknowledged(tcb, record, una, gone, event);
        record->start = una;
        record->segments -= gone;
    }
}

/* `upper` continues `lower`, and both are SACKed. */
static void record_join(struct tcb *tcb, struct sent_record *lower, struct sent_record *upper)
{
    lower->end = upper->end;
    lower->segments += upper->segments;
    lower->retransmitted = lower->retransmitted || upper->retransmitted;
    lower->push = upper->push;
    lower->ends_record = upper->ends_record;
    record_remove(tcb, upper);
}

/* SACKed neighbours become one record, so that their number follows the holes (security rule 6). */
static struct sent_record *record_merge_sacked(struct tcb *tcb, struct sent_record *record)
{
    struct sent_record *before = record_previous(record);
    if (before && before->sacked) {
        record_join(tcb, before, record);
        record = before;
    }
    struct sent_record *after = records_next(record);
    if (after && after->sacked)
        record_join(tcb, record, after);
    return record;
}

static struct sent_record *record_mark_sacked(struct tcb *tcb, struct sent_record *record,
                                              struct ack_event *event)
{
    if (!record->retransmitted) {
        if (event->sack_sent_ns == TIME_NEVER)
            event->sack_sent_ns = record->sent_ns;
        note_original(tcb, record->end, event);
        note_delivery_order(tcb, record, record->start, event);
    }
    rate_on_delivery(tcb, record, record->segments, event);
    rack_delivered(tcb, record, record->end, event);
    if (record->lost)
        tcb->records.lost_out -= record->segments;
    if (record->in_flight_again)
        tcb->records.retransmitted -= record->segments;
    record->lost = record->in_flight_again = false;
    record->sacked = true;
    list_remove(&record->order);
    tcb->records.sacked += record->segments;
    event->sacked += record->segments;
    if (seq_gt(record->end, event->highest_sacked))
        event->highest_sacked = record->end;
    return record_merge_sacked(tcb, record);
}

/* Cuts the record so that it holds only whole segments of [start, end): NULL when that leaves none,
 * or no memory. */
static struct sent_record *record_within(struct tcb *tcb, struct sent_record *record,
                                         uint32_t start, uint32_t end)
{
    if (seq_lt(record->start, start)) {
        uint32_t skip = segments_in(tcb, record->start, start, record->mss) * record->mss;
        if (skip >= record->end - record->start)
            return NULL;
        record = records_split(tcb, record, record->start + skip);
    }
    if (record && seq_gt(record->end, end)) {
        uint32_t keep = seq_diff(end, record->start) <= 0
                            ? 0
                            : (end - record->start) / record->mss * record->mss;
        if (keep == 0 || !records_split(tcb, record, record->start + keep))
            return NULL;
    }
    return record;
}

void records_sack(struct tcb *tcb, uint32_t start, uint32_t end, struct ack_event *event)
{
    struct sent_record *record = records_find(tcb, start);
    while (record && seq_lt(record->start, end)) {
        if (!record->sacked) {
            struct sent_record *part = record_within(tcb, record, start, end);
            if (part)
                record = record_mark_sacked(tcb, part, event);
        }
        record = records_next(record);
    }
}

/* Puts a record into the lost list at its place in sequence; nearly always that is the end. */
static void lost_insert(struct tcb *tcb, struct sent_record *record)
{
    struct list *head = &tcb->records.lost;
    struct list *at = head;
    while (at->prev != head &&
           seq_gt(container_of(at->prev, struct sent_record, order)->start, record->start))
        at = at->prev;
    list_insert(at, &record->order);
}

uint32_t records_mark_lost(struct tcb *tcb, struct sent_record *record)
{
    if (record->sacked || (record->lost && !record->in_flight_again))
        return 0;
    uint32_t newly = record->lost ? 0 : record->segments;
    tcb->records.lost_out += newly;
    if (record->in_flight_again)
        tcb->records.retransmitted -= record->segments;
    record->lost = true;
    record->in_flight_again = false;
    tcb->rate.lost += record->segments;
    list_remove(&record->order);
    lost_insert(tcb, record);
    if (tcb->cc.operations && tcb->cc.operations->lost)
        tcb->cc.operations->lost(tcb, record);
    return record->segments;
}

void records_unmark_lost(struct tcb *tcb, struct sent_record *record)
{
    if (!record->lost)
        return;
    tcb->records.lost_out -= record->segments;
    if (!record->in_flight_again) {
        list_remove(&record->order);
        list_insert(tcb->records.in_flight.next, &record->order);
    }
    record->lost = false;
}

struct sent_record *records_resend(struct tcb *tcb, struct sent_record *record, uint32_t bytes)
{
    if (bytes < record->end - record->start && !records_split(tcb, record, record->start + bytes))
        return NULL;
    rate_on_send(tcb, record);
    if (!record->in_flight_again)
        tcb->records.retransmitted += record->segments;
    record->in_flight_again = true;
    record->retransmitted = true;
    list_remove(&record->order);
    list_append(&tcb->records.in_flight, &record->order);
    return record;
}

void records_take_back(struct tcb *tcb, struct sent_record *record)
{
    record_uncount(tcb, record, record->segments);
    record_remove(tcb, record);
}

void records_shorten(struct tcb *tcb, struct sent_record *record, uint32_t end)
{
    uint32_t segments = segments_in(tcb, record->start, end, record->mss);
    tcb->records.out -= record->segments - segments;
    record->flight -= record->segments - segments;
    record->segments = segments;
    record->end = end;
}

void records_probe(struct tcb *tcb, struct sent_record *record)
{
    record->retransmitted = true;
    rate_on_send(tcb, record);
    if (list_empty(&record->order) || record->lost)
        return; /* SACKed, or waiting to be sent again */
    list_remove(&record->order);
    list_append(&tcb->records.in_flight, &record->order);
}

void records_forget_sacks(struct tcb *tcb)
{
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        if (!r->sacked)
            continue;
        r->sacked = false;
        list_insert(tcb->records.in_flight.next, &r->order);
    }
    tcb->records.sacked = 0;
    tcb->records.highest_sacked = tcb->snd.una;
}

bool records_reneged(const struct tcb *tcb)
{
    const struct sent_record *first = records_first(tcb);
    return first && first->sacked;
}

void records_resize(struct tcb *tcb, struct sent_record *record, uint32_t mss)
{
    uint32_t segments = segments_in(tcb, record->start, record->end, mss);
    uint32_t more = segments - record->segments;
    tcb->records.out += more;
    if (record->sacked)
        tcb->records.sacked += more;
    if (record->lost)
        tcb->records.lost_out += more;
    if (record->in_flight_again)
        tcb->records.retransmitted += more;
    record->segments = segments;
    record->mss = mss;
}
