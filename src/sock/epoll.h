/* epoll(7): an instance, which is a descriptor, and the sockets that it watches.
 *
 * Each watched socket has an item on the instance. What happens to the socket puts the item on the
 * instance's list of those that may be ready (interest.h); a wait looks at these and at no other,
 * so that it costs what is ready, not what is watched. An item leaves the list when it is looked
 * at; one that is level-triggered and still ready goes back to its end, which is what makes it
 * level. One that is not ready any more just leaves. One-shot items are disabled once told.
 *
 * The list is looked at in order and items go back to its end, so that no socket starves others
 * whatever the size of the caller's array. One thread is woken for an item, and wakes the next when
 * it leaves items behind.
 *
 * An instance is itself something that can be polled and watched; LIMIT_EPOLL_NESTS bounds how
 * deep. */
#ifndef TERN_SOCK_EPOLL_H
#define TERN_SOCK_EPOLL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "sock/interest.h"

struct socket;
struct tern;

struct epoll {
    struct socket *socket; /* its own */
    struct list items;     /* struct epoll_item by in_epoll: all of them */
    struct list ready;     /* by in_ready: those that may be ready, in the order of their events */
    struct list sleepers;  /* struct waiting (wait.h): calls of epoll_wait */
    uint64_t visit;        /* the last search of nested instances that came here, */
    unsigned depth;        /* and what it found */
};

struct epoll_item {
    struct interest interest;
    struct epoll *epoll;
    struct list in_epoll, in_ready;
    uint32_t
        events; /* EPOLL… bits asked for, EPOLLERR and EPOLLHUP always; no event bit: disabled */
    epoll_data_t data;
};

/* NULL without memory. `socket` is the instance's own. */
struct epoll *epoll_new(struct socket *socket);
void epoll_free(struct epoll *epoll);

/* epoll_ctl's three operations. 0; -EINVAL, -EEXIST, -ENOENT, -ELOOP, -ENOSPC, -ENOMEM. */
int epoll_add(struct epoll *epoll, struct socket *target, const struct epoll_event *event);
int epoll_modify(struct epoll *epoll, struct socket *target, const struct epoll_event *event);
int epoll_remove(struct epoll *epoll, struct socket *target);

/* Takes up to `most` events: how many. */
int epoll_take(struct epoll *epoll, struct epoll_event *events, int most);
/* Whether there would be one. Items found idle on the way leave the list. */
bool epoll_ready(struct epoll *epoll);
/* Wakes one thread that waits, if any sleeps still. Whether one did. */
bool epoll_wake(struct epoll *epoll);

/* epoll_nest.c: whether `outer` watching `inner` would close a circle or nest too deep. */
bool epoll_nests_too_deep(struct epoll *outer, struct epoll *inner);

/* The instance behind a socket; NULL: it is not one. */
struct epoll *epoll_of(const struct socket *socket);
/* The item that an interest is, if it is one; else NULL. */
struct epoll_item *epoll_item_of(struct interest *interest);

#endif
