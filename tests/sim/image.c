#include "sim/image.h"

#include "unit.h"

#include <string.h>

#include "sock/tern.h"
#include "tcp/bbr.h"
#include "tcp/records.h"
#include "tcp/tcb.h"

/* What lies between members differs as it likes. Clang cannot tell where that is: with it what has
 * such places is not compared. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define clear_padding(object) __builtin_clear_padding(object)
#endif
#endif
#ifndef clear_padding
#define clear_padding(object) memset(object, 0, sizeof *(object))
#endif

void image_clear(struct image *image)
{
    image->length = image->part_count = 0;
}

static void add(struct image *image, const char *name, const void *bytes, size_t length)
{
    assert_true(image->part_count < IMAGE_PARTS && length <= IMAGE_BYTES - image->length);
    image->parts[image->part_count].name = name;
    image->parts[image->part_count++].start = image->length;
    if (length)
        memcpy(image->bytes + image->length, bytes, length);
    image->length += length;
}

static void add_number(struct image *image, const char *name, uint64_t number)
{
    add(image, name, &number, sizeof number);
}

/* ── What names a place in memory ── */

#define mask_pointer(pointer) \
    ((pointer) = (pointer) ? (void *)(uintptr_t)1 : NULL) /* some, or none */

/* `list` is a copy of `real`. */
static void mask_list(struct list *list, const struct list *real)
{
    list->next = list->prev = list_empty(real) ? NULL : (struct list *)(uintptr_t)1;
}

static void mask_ring(struct ring *ring)
{
    mask_pointer(ring->bytes);
    mask_pointer(ring->held);
}

/* ── A connection ── */

static void mask_whom(struct tcb *copy, const struct tcb *tcb)
{
    mask_pointer(copy->connection);
    mask_pointer(copy->stack);
    mask_pointer(copy->tcp);
    mask_pointer(copy->listener);
    mask_pointer(copy->path.interface);
    mask_pointer(copy->fast_open.early_of);
    mask_pointer(copy->fast_open.keys);
    mask_pointer(copy->saved_syn);
    mask_list(&copy->queue, &tcb->queue);
    mask_list(&copy->all, &tcb->all);
    mask_list(&copy->fast_open.early_link, &tcb->fast_open.early_link);
}

static void mask_what(struct tcb *copy, const struct tcb *tcb)
{
    mask_list(&copy->errors.notes, &tcb->errors.notes);
    mask_list(&copy->stamps.marks, &tcb->stamps.marks);
    mask_list(&copy->zerocopy.waiting, &tcb->zerocopy.waiting);
    mask_ring(&copy->snd.ring);
    mask_pointer(copy->snd.reservation);
    mask_pointer(copy->snd.lending);
    mask_pointer(copy->snd.units.items);
    mask_ring(&copy->rcv.ring);
    mask_pointer(copy->rcv.landing);
    mask_pointer(copy->rcv.arrivals);
    mask_pointer(copy->rcv.out_of_order.items);
    mask_list(&copy->ack.batch, &tcb->ack.batch);
    mask_pointer(copy->records.tree.root);
    mask_list(&copy->records.in_flight, &tcb->records.in_flight);
    mask_list(&copy->records.lost, &tcb->records.lost);
    if (tcb->cc.operations == &cc_bbr)
        copy->cc.private_state[0] = tcb->cc.private_state[0] != 0;
    if (!tcb->cc.operations)
        memset(copy->cc.private_state, 0, sizeof copy->cc.private_state); /* nobody's any more */
}

static void add_tcb(struct image *image, const struct tcb *tcb)
{
    struct tcb copy;
    memcpy(&copy, tcb, sizeof copy);
    mask_whom(&copy, tcb);
    mask_what(&copy, tcb);
    clear_padding(&copy);
    add(image, "struct tcb", &copy, sizeof copy);
}

static void add_connection(struct image *image, const struct tcp_connection *connection)
{
    struct tcp_connection copy;
    memcpy(&copy, connection, sizeof copy);
    mask_pointer(copy.node.next);
    mask_pointer(copy.stack);
    mask_pointer(copy.tcb);
    mask_pointer(copy.owner);
    memset(&copy.port_link, 0, sizeof copy.port_link);
    memset(&copy.lone_port, 0, sizeof copy.lone_port);
    mask_list(&copy.timer.timer.link, &connection->timer.timer.link);
    memset(&copy.rest, 0, sizeof copy.rest); /* of who is awake: what he was before */
    clear_padding(&copy);
    add(image, "struct tcp_connection", &copy, sizeof copy);
}

/* The last of it: all is looked at when it is read (transfer.c). */
static void add_text(struct image *image, const char *name, const struct ring *ring,
                     uint32_t offset, uint32_t length)
{
    enum { LAST = 1024 };
    struct iovec spans[2];
    uint32_t part = length < LAST ? length : LAST;
    int count = ring_spans(ring, offset + length - part, part, spans);
    for (int i = 0; i < count; i++)
        add(image, name, spans[i].iov_base, spans[i].iov_len);
}

static void add_received(struct image *image, const struct tcb *tcb)
{
    const struct ranges *held = &tcb->rcv.out_of_order;
    add_text(image, "the receive ring", &tcb->rcv.ring, 0, tcb->rcv.ring.length);
    for (uint32_t i = 0; i < held->count; i++) {
        add(image, "what is held out of order", &held->items[i], sizeof held->items[i]);
        if (tcb->rcv.fin)
            continue; /* what is behind the FIN was never text */
        add_text(image, "its text", &tcb->rcv.ring,
                 tcb->rcv.ring.length + (held->items[i].start - tcb->rcv.nxt),
                 held->items[i].end - held->items[i].start);
    }
    if (tcb->rcv.landing)
        add_number(image, "bytes landed", tcb->rcv.landing->filled);
}

static void add_order(struct image *image, const char *name, const struct list *list)
{
    for (const struct list *l = list->next; l != list; l = l->next)
        add_number(image, name, container_of(l, const struct sent_record, order)->start);
}

static void add_sent(struct image *image, const struct tcb *tcb)
{
    add_text(image, "the send ring", &tcb->snd.ring, 0, tcb->snd.ring.length);
    for (uint32_t i = 0; i < tcb->snd.units.capacity; i++) {
        struct send_unit copy = tcb->snd.units.items[i];
        clear_padding(&copy);
        if ((i - tcb->snd.units.start) % tcb->snd.units.capacity < tcb->snd.units.count)
            add(image, "struct send_unit", &copy, sizeof copy);
    }
    for (const struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        struct sent_record copy;
        memcpy(&copy, r, sizeof copy);
        mask_pointer(copy.node.parent);
        mask_pointer(copy.node.child[0]);
        mask_pointer(copy.node.child[1]);
        mask_list(&copy.order, &r->order);
        clear_padding(&copy);
        add(image, "struct sent_record", &copy, sizeof copy);
    }
    add_order(image, "records in flight", &tcb->records.in_flight);
    add_order(image, "records lost", &tcb->records.lost);
}

static void add_model(struct image *image, const struct tcb *tcb)
{
    if (tcb->cc.operations != &cc_bbr || !tcb->cc.private_state[0])
        return;
    struct bbr copy;
    memcpy(&copy, (const void *)(uintptr_t)tcb->cc.private_state[0], sizeof copy);
    clear_padding(&copy);
    add(image, "struct bbr", &copy, sizeof copy);
}

/* ── The machine ── */

/* But what counts prediction itself. */
static void add_counters(struct image *image, const struct stack *stack)
{
    struct counters copy = stack->counters;
    copy.value[COUNTER_TcpExtTCPHPHits] = copy.value[COUNTER_TcpExtTCPHPAcks] = 0;
    add(image, "the counters", &copy, sizeof copy);
}

static void add_stack(struct image *image, const struct stack *stack)
{
    add_number(image, "now", stack->now_ns);
    add_number(image, "the next deadline", stack_deadline(stack));
    add(image, "randomness", &stack->random, sizeof stack->random);
    add_number(image, "memory", stack->memory_used_bytes);
    add_number(image, "memory is short", stack->memory_short);
    add_number(image, "a reader has enough", stack->batch_enough);
    add_number(image, "what is known of paths", stack->path_version);
    add_number(image, "where text may be put", stack->place.room);
}

static void add_tcp(struct image *image, const struct tcp *tcp)
{
    add_number(image, "connections", tcp->connections.count);
    add_number(image, "half open", tcp->half_open.count);
    add_number(image, "ports", tcp->ports.count);
    add_number(image, "in TIME-WAIT", tcp->time_wait_count);
    add_number(image, "orphans", tcp->orphan_count);
    add_number(image, "spare records", tcp->record_spare_count);
    add_number(image, "spare rings", tcp->spares.count);
    add_number(image, "small spare rings", tcp->spares.small_count);
}

void image_add(struct image *image, const struct world *world, int index)
{
    const struct stack *stack = &world->machine[index]->stack;
    const struct tcp *tcp = tcp_of(stack);
    add_number(image, "packets sent", world->packets);
    add_number(image, "which machine", (uint64_t)index);
    add_stack(image, stack);
    add_counters(image, stack);
    add_tcp(image, tcp);
    for (const struct list *l = tcp->all.next; l != &tcp->all; l = l->next) {
        const struct tcb *tcb = container_of(l, const struct tcb, all);
        add_tcb(image, tcb);
        add_connection(image, tcb->connection);
        add_received(image, tcb);
        add_sent(image, tcb);
        add_model(image, tcb);
    }
}

void image_compare(const struct image *a, const struct image *b, uint64_t seed)
{
    size_t length = a->length < b->length ? a->length : b->length, at = 0, part = 0;
    if (a->length == b->length && memcmp(a->bytes, b->bytes, length) == 0)
        return;
    while (at < length && a->bytes[at] == b->bytes[at])
        at++;
    while (part + 1 < a->part_count && a->parts[part + 1].start <= at)
        part++;
    fail_msg("seed %llu: %s differs, at byte %zu of it", (unsigned long long)seed,
             a->parts[part].name, at - a->parts[part].start);
}
