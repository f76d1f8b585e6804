#include "host/group.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/limits.h"
#include "core/share.h"

struct group_member {
    struct group *group;
    struct share share;
    int event;           /* readable while `waiting` is not empty */
    atomic_uint waiting; /* packets in `queue`; to be looked at without the lock */

    pthread_mutex_t lock; /* of what is below: others put packets there */
    struct held_queue queue;
    bool left;
};

struct group {
    unsigned count;
    atomic_uint present;
    struct group_member members[];
};

/* ── Handing over ── */

static enum group_route append(struct group_member *to, struct held_packet *packet)
{
    if (to->queue.count == LIMIT_HANDED_OVER)
        return GROUP_REFUSED;
    held_queue_append(&to->queue, packet);
    if (atomic_fetch_add(&to->waiting, 1) == 0)
        eventfd_write(to->event, 1);
    return GROUP_HANDED_OVER;
}

/* GROUP_OURS: it is not there any more. */
static enum group_route hand_to(struct group_member *to, struct held_packet *packet)
{
    enum group_route route = GROUP_OURS;
    pthread_mutex_lock(&to->lock);
    if (!to->left)
        route = append(to, packet);
    pthread_mutex_unlock(&to->lock);
    return route;
}

static struct held_packet *copy_of(const void *packet, size_t length,
                                   const struct tern_offload *offload)
{
    struct iovec span = {.iov_len = length};
    memcpy(&span.iov_base, &packet, sizeof packet); /* iovec has no const; it is only read */
    return held_packet_new(&span, 1, offload);
}

/* To its owner; where that has left, to the next who has not, for all the same one. */
static enum group_route route_to(struct group_member *self, unsigned owner, const void *packet,
                                 size_t length, const struct tern_offload *offload)
{
    struct group *group = self->group;
    struct held_packet *copy = NULL;
    enum group_route route = GROUP_OURS;
    while (route == GROUP_OURS && owner != self->share.index) {
        if (!copy)
            copy = copy_of(packet, length, offload);
        if (!copy)
            return GROUP_REFUSED;
        route = hand_to(&group->members[owner], copy);
        owner = (owner + 1) % group->count;
    }
    if (route != GROUP_HANDED_OVER)
        free(copy);
    return route;
}

/* Whoever has no room for it has one datagram less. */
static void give_to_others(struct group_member *self, const void *packet, size_t length,
                           const struct tern_offload *offload)
{
    for (unsigned i = 0; i < self->group->count; i++) {
        struct held_packet *copy = i == self->share.index ? NULL : copy_of(packet, length, offload);
        if (copy && hand_to(&self->group->members[i], copy) != GROUP_HANDED_OVER)
            free(copy);
    }
}

enum group_route group_route(struct group_member *self, const struct interface *interface,
                             const void *packet, size_t length, const struct tern_offload *offload)
{
    unsigned owner = share_of_packet(&self->share, interface, packet, length);
    if (owner == SHARE_ALL)
        give_to_others(self, packet, length, offload);
    return owner < self->group->count ? route_to(self, owner, packet, length, offload) : GROUP_OURS;
}

/* ── Taking over ── */

struct held_packet *group_take(struct group_member *self)
{
    eventfd_t count;
    if (atomic_load_explicit(&self->waiting, memory_order_acquire) == 0)
        return NULL;
    pthread_mutex_lock(&self->lock);
    struct held_packet *packet = held_queue_take(&self->queue);
    if (packet && atomic_fetch_sub(&self->waiting, 1) == 1)
        eventfd_read(self->event, &count);
    pthread_mutex_unlock(&self->lock);
    return packet;
}

int group_descriptor(const struct group_member *self)
{
    return self->event;
}

const struct share *group_share(const struct group_member *self)
{
    return &self->share;
}

/* ── Coming and going ── */

static void group_free(struct group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        if (group->members[i].event >= 0)
            close(group->members[i].event);
        pthread_mutex_destroy(&group->members[i].lock);
    }
    free(group);
}

int group_new(unsigned count, struct group_member **members)
{
    struct hash_key key;
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        return -errno;
    struct group *group = calloc(1, sizeof *group + count * sizeof group->members[0]);
    if (!group)
        return -ENOMEM;
    int error = 0;
    group->count = count;
    group->present = count;
    for (unsigned i = 0; i < count; i++) {
        struct group_member *member = members[i] = &group->members[i];
        member->group = group;
        member->share = (struct share){.index = i, .count = count, .key = key};
        pthread_mutex_init(&member->lock, NULL);
        member->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (member->event < 0)
            error = -errno;
    }
    if (error < 0)
        group_free(group);
    return error;
}

void group_leave(struct group_member *self)
{
    struct group *group = self->group;
    pthread_mutex_lock(&self->lock);
    self->left = true;
    held_queue_release(&self->queue);
    self->waiting = 0;
    pthread_mutex_unlock(&self->lock);
    if (atomic_fetch_sub(&group->present, 1) == 1)
        group_free(group);
}

void group_leave_child(struct group_member *self)
{
    close(self->event);
}
