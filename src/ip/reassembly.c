#include "ip/reassembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranges.h"
#include "ip/internal.h"

enum {
    DATAGRAM_MAX = 65535,
    LENGTH_UNKNOWN = UINT16_MAX + 1,
};

/* What identifies a datagram (RFC 791 §2.3). */
struct key {
    struct address source;
    struct address destination;
    uint16_t identification;
    uint16_t protocol;
};

/* One datagram of which fragments are missing. */
struct assembly {
    struct table_node node;
    struct list link;
    struct stack_timer timer;
    struct key key;
    struct packet_in first; /* as fragment zero said it; its pointers are dead */
    struct ranges present;  /* bytes of the payload */
    uint8_t *buffer;        /* room for a header of any length, then the payload */
    uint32_t capacity;      /* of the payload */
    uint32_t length;        /* of the payload, LENGTH_UNKNOWN until the last fragment came */
    uint32_t charged;
    uint16_t fragments;
    uint8_t share;
    uint8_t ecn_seen; /* a bit for each codepoint */
    bool has_first;
    bool condemned; /* fragments that contradict each other came: all others are dropped too */
};

static struct reassembly *reassembly_of(const struct stack *stack)
{
    return &ip_of(stack)->reassembly;
}

static uint8_t *payload_of(const struct assembly *assembly)
{
    return assembly->buffer + IPV4_HEADER_MAX;
}

static uint8_t *header_of(const struct assembly *assembly)
{
    return payload_of(assembly) - assembly->first.header_length;
}

/* ── Memory ── */

static uint32_t true_size(const struct assembly *assembly)
{
    uint32_t buffer = assembly->buffer ? IPV4_HEADER_MAX + assembly->capacity : 0;
    return (uint32_t)(sizeof *assembly + buffer +
                      assembly->present.capacity * sizeof *assembly->present.items);
}

/* Makes the accounts agree with what the assembly holds now. */
static void charge(struct stack *stack, struct assembly *assembly, uint32_t size)
{
    struct reassembly *reassembly = reassembly_of(stack);
    uint32_t difference = size - assembly->charged; /* wraps where it shrank, and so do the sums */
    reassembly->bytes += difference;
    reassembly->shares[assembly->share] += difference;
    stack_charge(stack, (int64_t)size - assembly->charged);
    assembly->charged = size;
}

static void release_bytes(struct stack *stack, struct assembly *assembly)
{
    free(assembly->buffer);
    assembly->buffer = NULL;
    assembly->capacity = 0;
    ranges_release(&assembly->present);
    charge(stack, assembly, true_size(assembly));
}

static void discard(struct stack *stack, struct assembly *assembly)
{
    struct reassembly *reassembly = reassembly_of(stack);
    release_bytes(stack, assembly);
    charge(stack, assembly, 0);
    stack_cancel(stack, &assembly->timer);
    table_remove(&reassembly->table, &assembly->node);
    list_remove(&assembly->link);
    reassembly->count--;
    free(assembly);
}

static uint8_t heaviest_share(const struct reassembly *reassembly)
{
    unsigned heaviest = 0;
    for (unsigned i = 1; i < REASSEMBLY_SHARES; i++)
        if (reassembly->shares[i] > reassembly->shares[heaviest])
            heaviest = i;
    return (uint8_t)heaviest;
}

/* The oldest datagram of the heaviest share, `spared` (may be NULL) aside; NULL when
 * there is none. */
static struct assembly *find_victim(const struct reassembly *reassembly,
                                    const struct assembly *spared)
{
    uint8_t share = heaviest_share(reassembly);
    for (const struct list *l = reassembly->oldest.next; l != &reassembly->oldest; l = l->next) {
        struct assembly *assembly = container_of(l, struct assembly, link);
        if (assembly->share == share && assembly != spared)
            return assembly;
    }
    return NULL;
}

/* Discards others until `more` bytes and, for a new datagram, one more of them are within the
 * limits: false when that cannot be. */
static bool make_room(struct stack *stack, uint32_t more, const struct assembly *spared)
{
    struct reassembly *reassembly = reassembly_of(stack);
    while (reassembly->bytes + more > LIMIT_REASSEMBLY_BYTES ||
           (!spared && reassembly->count == LIMIT_REASSEMBLIES)) {
        struct assembly *victim = find_victim(reassembly, spared);
        if (!victim)
            return false;
        stack_count(stack, COUNTER_IpReasmFails);
        discard(stack, victim);
    }
    return true;
}

static enum drop_reason grow(struct stack *stack, struct assembly *assembly, uint32_t needed)
{
    if (needed <= assembly->capacity)
        return DROP_NONE;
    uint32_t capacity = assembly->capacity ? assembly->capacity : 1024;
    while (capacity < needed)
        capacity *= 2;
    if (!make_room(stack, capacity - assembly->capacity, assembly))
        return DROP_IP_REASSEMBLY_LIMIT;
    uint8_t *buffer = realloc(assembly->buffer, IPV4_HEADER_MAX + (size_t)capacity);
    if (!buffer)
        return DROP_NO_MEMORY;
    assembly->buffer = buffer;
    assembly->capacity = capacity;
    charge(stack, assembly, true_size(assembly));
    return DROP_NONE;
}

/* ── Finding and beginning ── */

static struct key make_key(const struct ipv4_header *header)
{
    return (struct key){header->source, header->destination, header->identification,
                        header->protocol};
}

static uint32_t key_hash(const struct stack *stack, const struct key *key)
{
    return (uint32_t)hash_bytes(&stack->hash_key, key, sizeof *key);
}

static struct assembly *find(const struct stack *stack, const struct key *key)
{
    struct table_node *node = table_first(&reassembly_of(stack)->table, key_hash(stack, key));
    for (; node; node = table_next(node)) {
        struct assembly *assembly = container_of(node, struct assembly, node);
        if (memcmp(&assembly->key, key, sizeof *key) == 0)
            return assembly;
    }
    return NULL;
}

/* Of stacks that have an address in common all get all fragments, and one has the datagram. */
static bool is_our_share(const struct stack *stack, const struct packet_in *datagram)
{
    return ip_is_looped(stack, datagram->interface) || share_owns_datagram(&stack->share, datagram);
}

/* RFC 1122 §3.3.2: fragments do not wait for ever; the sender is told if he could know which of his
 * datagrams it was. */
static void time_out(struct stack *stack, struct stack_timer *timer)
{
    struct assembly *assembly = container_of(timer, struct assembly, timer);
    enum drop_reason reason = DROP_IP_REASSEMBLY_TIMEOUT;
    stack_count(stack, COUNTER_IpReasmTimeout);
    stack_count(stack, COUNTER_IpReasmFails);
    stack_count(stack, (enum counter)(COUNTER_DROPS + reason));
    stack_trace(stack, TERN_TRACE_NOTE, NULL, 0, NULL, drop_text(reason), drop_clause(reason));
    if (assembly->has_first && !assembly->condemned) {
        struct packet_in quoted = assembly->first;
        quoted.header = header_of(assembly);
        quoted.payload = payload_of(assembly);
        quoted.payload_length = assembly->present.items[0].end;
        if (is_our_share(stack, &quoted))
            icmp_send_error(stack, &quoted, ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY);
    }
    discard(stack, assembly);
}

static struct assembly *begin(struct stack *stack, const struct key *key)
{
    struct reassembly *reassembly = reassembly_of(stack);
    if (!make_room(stack, sizeof(struct assembly), NULL))
        return NULL;
    struct assembly *assembly = calloc(1, sizeof *assembly);
    if (!assembly)
        return NULL;
    assembly->key = *key;
    assembly->length = LENGTH_UNKNOWN;
    assembly->share =
        hash_bytes(&stack->hash_key, &key->source, sizeof key->source) % REASSEMBLY_SHARES;
    assembly->timer.expired = time_out;
    timer_init(&assembly->timer.timer);
    stack_arm(stack, &assembly->timer,
              stack->now_ns + TIME_MS((uint64_t)stack->settings.ip_reassembly_ms));
    table_insert(&reassembly->table, &assembly->node, key_hash(stack, key));
    list_append(&reassembly->oldest, &assembly->link);
    reassembly->count++;
    charge(stack, assembly, true_size(assembly));
    return assembly;
}

/* ── Adding ── */

/* RFC 5722 §4: the datagram, and fragments of it still to come, are dropped without a word. What
 * remains here until the time is over remembers that. */
static enum drop_reason condemn(struct stack *stack, struct assembly *assembly)
{
    stack_count(stack, COUNTER_IpReasmFails);
    assembly->condemned = true;
    release_bytes(stack, assembly);
    return DROP_IP_FRAGMENT;
}

/* Whether the datagram can be as long as this fragment and those before say. */
static bool length_agrees(const struct assembly *assembly, uint32_t end, bool more)
{
    if (more)
        return end < assembly->length;
    if (assembly->length != LENGTH_UNKNOWN)
        return end == assembly->length;
    const struct ranges *present = &assembly->present;
    return present->count == 0 || present->items[present->count - 1].end <= end;
}

enum placing { PLACE_FREE, PLACE_SAME, PLACE_OVERLAP };

static enum placing place_of(const struct assembly *assembly, const uint8_t *bytes, uint32_t start,
                             uint32_t end)
{
    const struct range *range = ranges_find(&assembly->present, start);
    if (!range || range->start >= end)
        return PLACE_FREE;
    bool within = range->start <= start && end <= range->end;
    return within && memcmp(payload_of(assembly) + start, bytes, end - start) == 0 ? PLACE_SAME
                                                                                   : PLACE_OVERLAP;
}

static enum drop_reason put(struct stack *stack, struct assembly *assembly,
                            const struct packet_in *fragment, uint32_t start, uint32_t end)
{
    if (assembly->fragments == LIMIT_REASSEMBLY_FRAGMENTS)
        return DROP_IP_REASSEMBLY_LIMIT;
    enum drop_reason reason = grow(stack, assembly, end);
    if (reason != DROP_NONE)
        return reason;
    if (ranges_add(&assembly->present, start, end, LIMIT_REASSEMBLY_FRAGMENTS, NULL) < 0)
        return DROP_NO_MEMORY;
    charge(stack, assembly, true_size(assembly));
    memcpy(payload_of(assembly) + start, fragment->payload, fragment->payload_length);
    assembly->fragments++;
    assembly->ecn_seen |= (uint8_t)(1 << (fragment->traffic_class & ECN_MASK));
    if (start == 0) {
        assembly->first = *fragment;
        /* A fragment has no checksum to finish, and there is nothing that it is several of. */
        assembly->first.checksum_unfinished = 0;
        assembly->first.segment_size = 0;
        assembly->has_first = true;
        memcpy(header_of(assembly), fragment->header, fragment->header_length);
    }
    return DROP_NONE;
}

/* RFC 3168 §5.3: a mark on any fragment is a mark on the datagram, unless another says that its
 * sender does not know marks. */
static enum drop_reason join_ecn(const struct assembly *assembly, uint8_t *traffic_class)
{
    if (!(assembly->ecn_seen & 1 << ECN_CE))
        return DROP_NONE;
    if (assembly->ecn_seen & 1 << ECN_NOT_ECT)
        return DROP_IP_FRAGMENT;
    *traffic_class |= ECN_CE;
    return DROP_NONE;
}

static enum drop_reason deliver(struct stack *stack, struct assembly *assembly,
                                struct interface *interface)
{
    struct packet_in whole = assembly->first;
    uint32_t total = whole.header_length + assembly->length;
    enum drop_reason reason = join_ecn(assembly, &whole.traffic_class);
    if (total > DATAGRAM_MAX)
        reason = DROP_IP_FRAGMENT;
    if (reason != DROP_NONE) {
        stack_count(stack, COUNTER_IpReasmFails);
        return reason;
    }
    whole.interface = interface;
    whole.header = header_of(assembly);
    whole.payload = payload_of(assembly);
    whole.payload_length = assembly->length;
    whole.checksum_verified = false;
    ipv4_header_whole(header_of(assembly), total);
    stack_count(stack, COUNTER_IpReasmOKs);
    if (!is_our_share(stack, &whole))
        return DROP_NOT_OUR_SHARE;
    return ipv4_deliver(stack, &whole);
}

static enum drop_reason add_to(struct stack *stack, struct assembly *assembly,
                               const struct packet_in *fragment, uint32_t start, bool more)
{
    uint32_t end = start + fragment->payload_length;
    if (assembly->condemned)
        return DROP_IP_FRAGMENT;
    if (!length_agrees(assembly, end, more))
        return condemn(stack, assembly);
    switch (place_of(assembly, fragment->payload, start, end)) {
    case PLACE_OVERLAP:
        return condemn(stack, assembly);
    case PLACE_SAME:
        return DROP_NONE;
    case PLACE_FREE:
        break;
    }
    enum drop_reason reason = put(stack, assembly, fragment, start, end);
    if (reason != DROP_NONE) {
        stack_count(stack, COUNTER_IpReasmFails);
        discard(stack, assembly);
        return reason;
    }
    if (!more)
        assembly->length = end;
    if (!ranges_cover(&assembly->present, 0, assembly->length))
        return DROP_NONE;
    reason = deliver(stack, assembly, fragment->interface);
    discard(stack, assembly);
    return reason;
}

/* Fragments but the last come in units of eight bytes, none is empty, and none reaches beyond the
 * longest datagram there can be. */
static bool is_sound(const struct packet_in *fragment, const struct ipv4_header *header)
{
    uint32_t length = fragment->payload_length;
    if (length == 0 || (header->more_fragments && length % 8 != 0))
        return false;
    return header->fragment_offset + length <= DATAGRAM_MAX - IPV4_HEADER_MIN;
}

enum drop_reason reassembly_add(struct stack *stack, const struct packet_in *fragment,
                                const struct ipv4_header *header)
{
    stack_count(stack, COUNTER_IpReasmReqds);
    if (!is_sound(fragment, header))
        return DROP_IP_FRAGMENT;
    struct key key = make_key(header);
    struct assembly *assembly = find(stack, &key);
    if (!assembly)
        assembly = begin(stack, &key);
    if (!assembly)
        return DROP_NO_MEMORY;
    return add_to(stack, assembly, fragment, header->fragment_offset, header->more_fragments);
}

/* ── The whole ── */

int reassembly_init(struct reassembly *reassembly)
{
    list_init(&reassembly->oldest);
    return table_init(&reassembly->table, 16);
}

void reassembly_release(struct stack *stack, struct reassembly *reassembly)
{
    while (!list_empty(&reassembly->oldest))
        discard(stack, container_of(reassembly->oldest.next, struct assembly, link));
    table_release(&reassembly->table);
}
