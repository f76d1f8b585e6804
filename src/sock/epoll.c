#include "sock/epoll.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

/* Bits of `events` that are no events, and survive a one-shot. */
#define HOW   ((uint32_t)(EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE))
#define EVENT ((uint32_t)(EPOLLIN | EPOLLOUT))

static struct epoll_item *item_in_ready(struct list *link)
{
    return container_of(link, struct epoll_item, in_ready);
}

/* The events asked for that are there. */
static uint32_t item_events(const struct epoll_item *item)
{
    const struct socket *socket = item->interest.socket;
    return socket->kind->readiness(socket) & item->events & ~HOW;
}

/* ── Being told ── */

bool epoll_wake(struct epoll *epoll)
{
    struct list *head = &epoll->sleepers;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct waiting *waiting = container_of(l, struct waiting, link);
        if (waiting->waiter->woken)
            continue;
        struct tern *t = epoll->socket->tern;
        t->host->operations->wake(t->host, waiting->waiter);
        return true;
    }
    return false;
}

/* Whether it has woken somebody. */
static bool item_becomes_ready(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;
    if (list_empty(&item->in_ready))
        list_append(&epoll->ready, &item->in_ready);
    bool woken = epoll_wake(epoll);
    wait_notify(&epoll->socket->tern->stack, epoll->socket, POLLIN | POLLRDNORM);
    return woken;
}

/* EPOLLEXCLUSIVE: a thread that is woken for an event that its instance does not ask for (of the
 * two that it can ask for) does not count. */
static bool item_changed(struct interest *interest, unsigned events)
{
    struct epoll_item *item = epoll_item_of(interest);
    if (!(events & item->events & ~HOW))
        return false;
    bool woken = item_becomes_ready(item);
    return woken && (!(events & EVENT) || (events & EVENT & item->events));
}

static void item_free(struct epoll_item *item)
{
    item->epoll->socket->tern->epoll_items--;
    list_remove(&item->in_epoll);
    list_remove(&item->in_ready);
    interest_remove(&item->interest);
    free(item);
}

static void item_closed(struct interest *interest)
{
    item_free(epoll_item_of(interest));
}

static const struct interest_operations item_operations = {
    .changed = item_changed,
    .closed = item_closed,
};

struct epoll_item *epoll_item_of(struct interest *interest)
{
    if (interest->operations != &item_operations)
        return NULL;
    return container_of(interest, struct epoll_item, interest);
}

/* ── Items ── */

static struct epoll_item *find(const struct epoll *epoll, struct socket *target)
{
    struct list *head = &target->interests;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct epoll_item *item = epoll_item_of(container_of(l, struct interest, link));
        if (item != NULL && item->epoll == epoll)
            return item;
    }
    return NULL;
}

/* EPOLLERR and EPOLLHUP need not be asked for. */
static void item_set(struct epoll_item *item, const struct epoll_event *event)
{
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data;
    if (item_events(item))
        item_becomes_ready(item);
}

static int check_exclusive(const struct socket *target, uint32_t events)
{
    const uint32_t allowed = EVENT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
    if (!(events & EPOLLEXCLUSIVE))
        return 0;
    return epoll_of(target) != NULL || (events & ~allowed) ? -EINVAL : 0;
}

int epoll_add(struct epoll *epoll, struct socket *target, const struct epoll_event *event)
{
    struct tern *t = epoll->socket->tern;
    struct epoll *inner = epoll_of(target);
    int error = check_exclusive(target, event->events);
    if (error < 0)
        return error;
    if (inner != NULL && epoll_nests_too_deep(epoll, inner))
        return -ELOOP;
    if (find(epoll, target) != NULL)
        return -EEXIST;
    if (t->epoll_items >= (uint64_t)t->stack.settings.epoll_watches)
        return -ENOSPC;
    struct epoll_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return -ENOMEM;
    t->epoll_items++;
    item->epoll = epoll;
    item->interest.operations = &item_operations;
    item->interest.exclusive = (event->events & EPOLLEXCLUSIVE) != 0;
    list_init(&item->in_ready);
    list_append(&epoll->items, &item->in_epoll);
    interest_add(target, &item->interest);
    item_set(item, event);
    return 0;
}

/* Neither can an exclusive item be modified, nor any become one. */
int epoll_modify(struct epoll *epoll, struct socket *target, const struct epoll_event *event)
{
    struct epoll_item *item = find(epoll, target);
    if (event->events & EPOLLEXCLUSIVE)
        return -EINVAL;
    if (item == NULL)
        return -ENOENT;
    if (item->interest.exclusive)
        return -EINVAL;
    item_set(item, event);
    return 0;
}

int epoll_remove(struct epoll *epoll, struct socket *target)
{
    struct epoll_item *item = find(epoll, target);
    if (item == NULL)
        return -ENOENT;
    item_free(item);
    return 0;
}

/* ── Asking ── */

/* Takes an item off the list, and puts it back to the end of `again` if it is to be told again. Its
 * events, or 0. */
static uint32_t item_take(struct epoll_item *item, struct list *again)
{
    uint32_t events = item_events(item);
    list_remove(&item->in_ready);
    if (events == 0)
        return 0;
    if (item->events & EPOLLONESHOT)
        item->events &= HOW;
    else if (!(item->events & EPOLLET))
        list_append(again, &item->in_ready);
    return events;
}

int epoll_take(struct epoll *epoll, struct epoll_event *events, int most)
{
    struct list again;
    int count = 0;
    list_init(&again);
    while (count < most && !list_empty(&epoll->ready)) {
        struct epoll_item *item = item_in_ready(epoll->ready.next);
        uint32_t found = item_take(item, &again);
        if (found != 0)
            events[count++] = (struct epoll_event){.events = found, .data = item->data};
    }
    while (!list_empty(&again)) {
        struct list *link = again.next;
        list_remove(link);
        list_append(&epoll->ready, link);
    }
    return count;
}

bool epoll_ready(struct epoll *epoll)
{
    while (!list_empty(&epoll->ready)) {
        struct epoll_item *item = item_in_ready(epoll->ready.next);
        if (item_events(item) != 0)
            return true;
        list_remove(&item->in_ready);
    }
    return false;
}

/* ── Life ── */

struct epoll *epoll_new(struct socket *socket)
{
    struct epoll *epoll = calloc(1, sizeof *epoll);
    if (epoll == NULL)
        return NULL;
    epoll->socket = socket;
    list_init(&epoll->items);
    list_init(&epoll->ready);
    list_init(&epoll->sleepers);
    return epoll;
}

void epoll_free(struct epoll *epoll)
{
    wait_end(epoll->socket->tern, &epoll->sleepers, EBADF);
    while (!list_empty(&epoll->items))
        item_free(container_of(epoll->items.next, struct epoll_item, in_epoll));
    free(epoll);
}
