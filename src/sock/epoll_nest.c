/* Instances that watch instances. A change climbs from the inner to the outer ones, so there must
 * be no circle, and the way up must be short. Each search visits an instance once, however many
 * ways lead there, and its recursion ends at LIMIT_EPOLL_NESTS: downwards it looks at the level,
 * and upwards there is no longer way, for none was let in here. */
#include "base/limits.h"
#include "sock/epoll.h"
#include "sock/socket.h"
#include "sock/tern.h"

/* What a search answers when it has met the instance that it looks for, or come too deep. */
enum { TOO_DEEP = LIMIT_EPOLL_NESTS + 1 };

/* Begins a visit: false when this search has been here before. */
static bool visit(struct epoll *epoll)
{
    uint64_t search = epoll->socket->tern->epoll_search;
    if (epoll->visit == search)
        return false;
    epoll->visit = search;
    epoll->depth = 0;
    return true;
}

static void reach(struct epoll *epoll, unsigned depth)
{
    if (epoll->depth < depth)
        epoll->depth = depth < TOO_DEEP ? depth : TOO_DEEP;
}

// NOLINTBEGIN(misc-no-recursion): bounded, see above

/* How many instances, one in the other, are below this one; TOO_DEEP if `wanted` is among them. */
static unsigned depth_below(struct epoll *epoll, const struct epoll *wanted, unsigned level)
{
    struct list *head = &epoll->items;
    if (epoll == wanted || level > LIMIT_EPOLL_NESTS)
        return TOO_DEEP;
    if (!visit(epoll))
        return epoll->depth;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct epoll_item *item = container_of(l, struct epoll_item, in_epoll);
        struct epoll *inner = epoll_of(item->interest.socket);
        if (inner != NULL)
            reach(epoll, depth_below(inner, wanted, level + 1) + 1);
    }
    return epoll->depth;
}

/* How many are above it. */
static unsigned depth_above(struct epoll *epoll)
{
    struct list *head = &epoll->socket->interests;
    if (!visit(epoll))
        return epoll->depth;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct epoll_item *item = epoll_item_of(container_of(l, struct interest, link));
        if (item != NULL)
            reach(epoll, depth_above(item->epoll) + 1);
    }
    return epoll->depth;
}

// NOLINTEND(misc-no-recursion)

bool epoll_nests_too_deep(struct epoll *outer, struct epoll *inner)
{
    struct tern *t = outer->socket->tern;
    t->epoll_search++;
    unsigned below = depth_below(inner, outer, 0);
    t->epoll_search++;
    return below + 1 + depth_above(outer) > LIMIT_EPOLL_NESTS;
}
