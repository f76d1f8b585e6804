/* Each direction is a path of its own: a packet is lost, marked, corrupted or duplicated where it
 * enters, waits for the rate in a queue, travels for the delay, and leaves in the order of its due
 * time. Its generator is drawn from only for faults that the profile has, so that a fate depends on
 * the seed and on the traffic alone.
 *
 * A packet that is reordered travels longer by up to the delay, or a millisecond where there is
 * none, and those behind it do not wait for it. All others keep their order,
 * whatever the jitter. */
#include "link/fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"
#include "link/held.h"
#include "link/offload.h"
#include "wire/ipv4.h"

enum { QUEUE_DEFAULT = 1000 };

#define REORDER_LEAST_NS TIME_MS(1)

/* Whom what is done to packets is told. */
struct witness {
    tern_trace_function *trace;
    void *user;
};

struct path {
    const char *side; /* of the machine: "sent" or "received" */
    struct witness witness;
    struct fault_profile profile;
    struct random random;
    struct fault_counts counts;

    /* What is on its way: a binary heap by due time, then by order of entry. */
    struct held_packet **flying;
    size_t flying_count, flying_capacity;
    uint64_t next_order;
    uint64_t last_due_ns; /* of a packet that keeps its order */

    /* With a rate: when the line is free, and when each packet that waits or is being sent will
     * have left, oldest first: a ring of as many as may wait. */
    uint64_t line_free_ns;
    uint64_t *leaving_ns;
    uint32_t leaving_first, leaving_count, leaving_capacity;
};

struct fault {
    struct link link; /* first: a link is its faults */
    struct link *below;
    struct path paths[2]; /* sent, received */
};

/* ── The heap ── */

static bool due_before(const struct held_packet *a, const struct held_packet *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct held_packet **a, struct held_packet **b)
{
    struct held_packet *kept = *a;
    *a = *b;
    *b = kept;
}

static int path_make_room(struct path *path)
{
    if (path->flying_count < path->flying_capacity)
        return 0;
    size_t capacity = path->flying_capacity ? 2 * path->flying_capacity : 64;
    struct held_packet **flying = realloc(path->flying, capacity * sizeof(struct held_packet *));
    if (!flying)
        return -ENOMEM;
    path->flying = flying;
    path->flying_capacity = capacity;
    return 0;
}

/* There is room. */
static void path_add(struct path *path, struct held_packet *packet)
{
    packet->order = path->next_order++;
    size_t at = path->flying_count++;
    path->flying[at] = packet;
    for (; at > 0 && due_before(path->flying[at], path->flying[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&path->flying[at], &path->flying[(at - 1) / 2]);
}

static uint64_t path_deadline(const struct path *path)
{
    return path->flying_count > 0 ? path->flying[0]->due_ns : TIME_NEVER;
}

/* The next packet that is due, or NULL. */
static struct held_packet *path_take(struct path *path, uint64_t now_ns)
{
    if (path_deadline(path) > now_ns || path->flying_count == 0)
        return NULL;
    struct held_packet *taken = path->flying[0];
    path->flying[0] = path->flying[--path->flying_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < path->flying_count && due_before(path->flying[child], path->flying[least]))
                least = child;
        if (least == at)
            return taken;
        swap(&path->flying[at], &path->flying[least]);
        at = least;
    }
}

/* ── Fate ── */

static bool chance(struct path *path, double probability)
{
    if (probability <= 0)
        return false;
    return random_u32(&path->random) < probability * 4294967296.0;
}

/* Uniform in [0, bound]. */
static uint64_t up_to(struct path *path, uint64_t bound)
{
    return bound == UINT64_MAX ? random_u64(&path->random)
                               : random_u64(&path->random) % (bound + 1);
}

static void path_tell(const struct path *path, const struct held_packet *packet, const char *what,
                      uint64_t now_ns)
{
    if (!path->witness.trace)
        return;
    char why[64];
    snprintf(why, sizeof why, "the fault link %s it, %s", what, path->side);
    struct iovec span = {.iov_base = (void *)(uintptr_t)packet->bytes, .iov_len = packet->length};
    path->witness.trace(path->witness.user, &(struct tern_trace_event){.kind = TERN_TRACE_NOTE,
                                                                       .packet = &span,
                                                                       .count = 1,
                                                                       .offload = &packet->offload,
                                                                       .time_ns = now_ns,
                                                                       .why = why});
}

static void corrupt(struct path *path, struct held_packet *packet)
{
    uint32_t bit = random_below(&path->random, (uint32_t)packet->length * 8);
    packet->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    packet->offload = (struct tern_offload){0};
}

/* When the packet has left the queue and the line, or TIME_NEVER when the queue is full. */
static uint64_t path_transmit(struct path *path, size_t length, uint64_t now_ns)
{
    if (path->profile.rate_bits == 0)
        return now_ns;
    while (path->leaving_count > 0 && path->leaving_ns[path->leaving_first] <= now_ns) {
        path->leaving_first = (path->leaving_first + 1) % path->leaving_capacity;
        path->leaving_count--;
    }
    if (path->leaving_count == path->leaving_capacity)
        return TIME_NEVER;
    path->line_free_ns = time_max(path->line_free_ns, now_ns) +
                         (uint64_t)length * 8 * TIME_S(1) / path->profile.rate_bits;
    path->leaving_ns[(path->leaving_first + path->leaving_count++) % path->leaving_capacity] =
        path->line_free_ns;
    return path->line_free_ns;
}

static uint64_t path_travel(struct path *path, const struct held_packet *packet,
                            uint64_t departure_ns, uint64_t now_ns)
{
    const struct fault_profile *profile = &path->profile;
    uint64_t due_ns = departure_ns + profile->delay_ns;
    if (profile->jitter_ns > 0)
        due_ns += up_to(path, 2 * profile->jitter_ns);
    due_ns =
        due_ns > departure_ns + profile->jitter_ns ? due_ns - profile->jitter_ns : departure_ns;
    if (chance(path, profile->reorder)) {
        path->counts.reordered++;
        path_tell(path, packet, "delayed", now_ns);
        return due_ns + 1 + up_to(path, time_max(profile->delay_ns, REORDER_LEAST_NS));
    }
    path->last_due_ns = time_max(path->last_due_ns, due_ns);
    return path->last_due_ns;
}

/* Sends a packet, which it takes over, on its way. */
static void path_launch(struct path *path, struct held_packet *packet, uint64_t now_ns)
{
    uint64_t departure_ns = TIME_NEVER;
    if (path->flying_count < LIMIT_FAULT_PACKETS && path_make_room(path) == 0)
        departure_ns = path_transmit(path, packet->length, now_ns);
    if (departure_ns == TIME_NEVER) {
        path->counts.overflowed++;
        path_tell(path, packet, "had no room for", now_ns);
        free(packet);
        return;
    }
    packet->due_ns = path_travel(path, packet, departure_ns, now_ns);
    path_add(path, packet);
}

/* Lets one wire packet, which it takes over, meet its fate. */
static void path_enter(struct path *path, struct held_packet *packet, uint64_t now_ns)
{
    if (chance(path, path->profile.loss)) {
        path->counts.lost++;
        path_tell(path, packet, "lost", now_ns);
        free(packet);
        return;
    }
    if (chance(path, path->profile.mark) && ipv4_mark(packet->bytes, packet->length)) {
        path->counts.marked++;
        path_tell(path, packet, "marked", now_ns);
    }
    if (packet->length > 0 && chance(path, path->profile.corrupt)) {
        path->counts.corrupted++;
        path_tell(path, packet, "corrupted", now_ns);
        corrupt(path, packet);
    }
    struct held_packet *copy = NULL;
    if (chance(path, path->profile.duplicate)) {
        struct iovec span = {.iov_base = packet->bytes, .iov_len = packet->length};
        copy = held_packet_new(&span, 1, &packet->offload);
    }
    path_launch(path, packet, now_ns);
    if (copy) {
        path->counts.duplicated++;
        path_tell(path, copy, "duplicated", now_ns);
        path_launch(path, copy, now_ns);
    }
}

static int path_enter_wire(struct path *path, const struct iovec *spans, int count,
                           const struct tern_offload *offload, uint64_t now_ns)
{
    struct held_queue wire = {0};
    int error = offload_to_wire(spans, count, offload, &wire);
    for (struct held_packet *packet; (packet = held_queue_take(&wire));)
        path_enter(path, packet, now_ns);
    return error;
}

/* ── The link ── */

/* Hands on what is due. A link below that takes no more has lost it, as a full network would. */
static void fault_pass_sent(struct fault *fault, uint64_t now_ns)
{
    struct path *path = &fault->paths[0];
    for (struct held_packet *packet; (packet = path_take(path, now_ns));) {
        struct iovec span = {.iov_base = packet->bytes, .iov_len = packet->length};
        if (link_send(fault->below, &span, 1, &packet->offload, now_ns) < 0) {
            path->counts.overflowed++;
            path_tell(path, packet, "found no room below for", now_ns);
        } else {
            path->counts.passed++;
        }
        free(packet);
    }
}

static int fault_send(struct link *link, const struct iovec *spans, int count,
                      const struct tern_offload *offload, uint64_t now_ns)
{
    struct fault *fault = (struct fault *)link;
    int error = path_enter_wire(&fault->paths[0], spans, count, offload, now_ns);
    fault_pass_sent(fault, now_ns);
    return error;
}

static enum drop_reason fault_arrive(void *user, const void *bytes, size_t length,
                                     const struct tern_offload *offload, uint64_t now_ns)
{
    struct iovec span = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    return path_enter_wire(user, &span, 1, offload, now_ns) < 0 ? DROP_NO_MEMORY : DROP_NONE;
}

static int fault_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                      void *machine)
{
    struct fault *fault = (struct fault *)link;
    struct path *path = &fault->paths[1];
    fault_pass_sent(fault, now_ns);
    int arrived = link_poll(fault->below, now_ns, budget, fault_arrive, path);
    if (arrived < 0)
        return arrived;
    int delivered = 0;
    struct held_packet *packet;
    while (delivered < budget && (packet = path_take(path, now_ns))) {
        path->counts.passed++;
        deliver(machine, packet->bytes, packet->length, &packet->offload, now_ns);
        free(packet);
        delivered++;
    }
    return delivered;
}

static uint64_t fault_deadline(const struct link *link)
{
    const struct fault *fault = (const struct fault *)link;
    uint64_t own = time_min(path_deadline(&fault->paths[0]), path_deadline(&fault->paths[1]));
    return time_min(own, link_deadline(fault->below));
}

static int fault_descriptor(const struct link *link)
{
    return link_descriptor(((const struct fault *)link)->below);
}

static void path_release(struct path *path)
{
    for (size_t i = 0; i < path->flying_count; i++)
        free(path->flying[i]);
    free(path->flying);
    free(path->leaving_ns);
}

static int fault_close(struct link *link)
{
    struct fault *fault = (struct fault *)link;
    int result = link_close(fault->below);
    path_release(&fault->paths[0]);
    path_release(&fault->paths[1]);
    free(fault);
    return result;
}

static const struct link_operations fault_operations = {
    .send = fault_send,
    .poll = fault_poll,
    .deadline = fault_deadline,
    .descriptor = fault_descriptor,
    .close = fault_close,
};

/* The two directions draw from streams of their own, also when they share a seed. */
static int path_init(struct path *path, const struct fault_profile *profile, uint8_t direction)
{
    uint8_t seed[RANDOM_SEED_SIZE] = {direction};
    for (size_t i = 0; i < sizeof profile->seed; i++)
        seed[1 + i] = (uint8_t)(profile->seed >> (8 * i));
    random_seed(&path->random, seed);
    path->profile = *profile;
    path->side = direction == 0 ? "sent" : "received";
    if (profile->rate_bits == 0)
        return 0;
    path->leaving_capacity = profile->queue_packets ? profile->queue_packets : QUEUE_DEFAULT;
    path->leaving_ns = malloc(path->leaving_capacity * sizeof *path->leaving_ns);
    return path->leaving_ns ? 0 : -ENOMEM;
}

int fault_link_new(struct link *below, const struct fault_profile profile[2], struct link **out)
{
    struct fault *fault = calloc(1, sizeof *fault);
    if (!fault)
        return -ENOMEM;
    if (path_init(&fault->paths[0], &profile[0], 0) < 0 ||
        path_init(&fault->paths[1], &profile[1], 1) < 0) {
        path_release(&fault->paths[0]);
        path_release(&fault->paths[1]);
        free(fault);
        return -ENOMEM;
    }
    fault->link = (struct link){.operations = &fault_operations,
                                .mtu = below->mtu,
                                .features = below->features,
                                .super_packet_max = below->super_packet_max};
    fault->below = below;
    *out = &fault->link;
    return 0;
}

void fault_link_trace(struct link *link, tern_trace_function *trace, void *user)
{
    struct fault *fault = (struct fault *)link;
    for (int i = 0; i < 2; i++)
        fault->paths[i].witness = (struct witness){trace, user};
}

void fault_link_counts(const struct link *link, struct fault_counts out[2])
{
    const struct fault *fault = (const struct fault *)link;
    out[0] = fault->paths[0].counts;
    out[1] = fault->paths[1].counts;
}
