#include "cli/flows.h"

#include <string.h>

#include "base/bytes.h"

void flows_init(struct flows *flows, const struct hash_key *key)
{
    *flows = (struct flows){.hash_key = *key};
}

/* Writes the key that both directions share, and returns which side the source is. */
static int key_write(uint8_t key[FLOW_KEY_SIZE], const struct address *source,
                     const struct address *destination, const struct segment *segment)
{
    int order = memcmp(source->bytes, destination->bytes, sizeof source->bytes);
    if (order == 0)
        order = (int)segment->source_port - (int)segment->destination_port;
    bool first = order <= 0;

    struct writer writer = writer_over(key, FLOW_KEY_SIZE);
    writer_bytes(&writer, first ? source->bytes : destination->bytes, 16);
    writer_u16(&writer, first ? segment->source_port : segment->destination_port);
    writer_bytes(&writer, first ? destination->bytes : source->bytes, 16);
    writer_u16(&writer, first ? segment->destination_port : segment->source_port);
    return first ? 0 : 1;
}

/* The connection's slot, or else the one of its set seen longest ago. */
static struct flow *flow_slot(struct flows *flows, const uint8_t key[FLOW_KEY_SIZE])
{
    uint64_t hash = hash_bytes(&flows->hash_key, key, FLOW_KEY_SIZE);
    struct flow *set = flows->sets[hash % FLOW_SETS];
    struct flow *oldest = set;
    for (struct flow *flow = set; flow < set + FLOW_WAYS; flow++) {
        if (flow->seen && memcmp(flow->key, key, FLOW_KEY_SIZE) == 0)
            return flow;
        if (flow->seen < oldest->seen)
            oldest = flow;
    }
    return oldest;
}

/* A SYN fixes its side's base and scaling. One that opens with another number than the last is a
 * new connection between the same ends. */
static void syn_observe(struct flow *flow, int side, const struct segment *segment)
{
    struct flow_side *from = &flow->sides[side];
    bool opens = !(segment->flags & TCP_ACK);
    if (opens && from->syn_seen && from->base != segment->seq)
        memset(flow->sides, 0, sizeof flow->sides);
    *from = (struct flow_side){
        .has_base = true,
        .base = segment->seq,
        .syn_seen = true,
        .scales = segment->options.has_window_scale,
        .shift = segment->options.window_scale,
    };
}

static void base_suppose(struct flow_side *side, uint32_t base)
{
    if (!side->has_base)
        *side = (struct flow_side){.has_base = true, .base = base};
}

/* The window in bytes: scaled if both SYNs offered to (RFC 7323 §2.2), by 14 at most (§2.3), and
 * never in a SYN itself. */
static void window_translate(const struct flow *flow, int side, const struct segment *segment,
                             struct flow_view *view)
{
    const struct flow_side *from = &flow->sides[side], *to = &flow->sides[!side];
    bool syn = segment->flags & TCP_SYN;
    unsigned shift = from->shift > 14 ? 14 : from->shift;
    view->window = segment->window;
    view->window_known = syn || segment->window == 0 || (from->syn_seen && to->syn_seen);
    if (!syn && view->window_known && from->scales && to->scales)
        view->window = (uint32_t)segment->window << shift;
}

static void view_write(const struct flow *flow, int side, const struct segment *segment,
                       struct flow_view *view)
{
    uint32_t base = flow->sides[side].base, other_base = flow->sides[!side].base;
    *view = (struct flow_view){.seq = segment->seq - base, .ack = segment->ack - other_base};
    for (unsigned i = 0; i < segment->options.sack_count && i < TCP_SACK_BLOCKS_MAX; i++) {
        view->sack[i].start = segment->options.sack[i].start - other_base;
        view->sack[i].end = segment->options.sack[i].end - other_base;
    }
    window_translate(flow, side, segment, view);
}

void flow_observe(struct flows *flows, const struct address *source,
                  const struct address *destination, const struct segment *segment, bool note,
                  struct flow_view *view)
{
    uint8_t key[FLOW_KEY_SIZE];
    int side = key_write(key, source, destination, segment);
    struct flow *slot = flow_slot(flows, key);
    struct flow flow = {0};
    if (memcmp(slot->key, key, sizeof key) == 0)
        flow = *slot;
    memcpy(flow.key, key, sizeof key);

    if (segment->flags & TCP_SYN)
        syn_observe(&flow, side, segment);
    /* A side whose SYN was not seen: what it sends first is taken for the byte after its SYN, and
     * so is what is first acknowledged of it. A RST that answers a SYN has no such byte. */
    base_suppose(&flow.sides[side], segment->flags & TCP_RST ? segment->seq : segment->seq - 1);
    if (segment->flags & TCP_ACK)
        base_suppose(&flow.sides[!side], segment->ack - 1);
    view_write(&flow, side, segment, view);

    if (note) {
        flow.seen = ++flows->clock;
        *slot = flow;
    }
}
