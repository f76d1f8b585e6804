#include "sock/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "sock/call.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"

enum { ALWAYS = POLLERR | POLLHUP };

struct watch {
    struct interest interest;
    int descriptor;
    unsigned events; /* POLL… bits it asks for, ALWAYS among them */
    tern_watch_function *function;
    void *user;
    struct list due; /* in tern->due or in a round of watches_call(); else alone */
};

static unsigned watch_ready(const struct watch *watch)
{
    const struct socket *socket = watch->interest.socket;
    return socket->kind->readiness(socket) & watch->events;
}

static void announce(struct tern *t, bool on)
{
    t->host->operations->announce(t->host, on);
}

static void watch_make_due(struct watch *watch)
{
    struct tern *t = watch->interest.socket->tern;
    if (!list_empty(&watch->due))
        return;
    list_append(&t->due, &watch->due);
    announce(t, true);
}

static bool watch_changed(struct interest *interest, unsigned events)
{
    struct watch *watch = container_of(interest, struct watch, interest);
    if (events & watch->events)
        watch_make_due(watch);
    return false;
}

static void watch_closed(struct interest *interest)
{
    struct watch *watch = container_of(interest, struct watch, interest);
    list_remove(&watch->due);
    free(watch);
}

static const struct interest_operations watch_operations = {
    .changed = watch_changed,
    .closed = watch_closed,
};

/* The socket's watch, or NULL. */
static struct watch *watch_find(struct socket *socket)
{
    struct list *head = &socket->interests;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct interest *interest = container_of(l, struct interest, link);
        if (interest->operations == &watch_operations)
            return container_of(interest, struct watch, interest);
    }
    return NULL;
}

static void watch_remove(struct socket *socket)
{
    struct watch *watch = watch_find(socket);
    if (!watch)
        return;
    interest_remove(&watch->interest);
    watch_closed(&watch->interest);
}

/* Lets go of those that are not ready any more, and tells the host whether any is left. */
static void settle(struct tern *t)
{
    for (struct list *l = t->due.next, *next; l != &t->due; l = next) {
        struct watch *watch = container_of(l, struct watch, due);
        next = l->next;
        if (!watch_ready(watch))
            list_remove(l);
    }
    announce(t, !list_empty(&t->due));
}

/* Calls `watch` outside of the machine, where it may be replaced or removed. */
static int watch_call(struct call *call, const struct watch *watch, unsigned events)
{
    struct tern *t = call->t;
    struct watch called = *watch;
    t->away++;
    call_end(call, 0);
    called.function(called.user, called.descriptor, (short)events);
    int error = call_enter(call, t);
    if (error == 0)
        t->away--;
    return error;
}

/* Those that are due now are the round; what becomes due meanwhile has its turn in the next. */
static void round_begin(struct tern *t, struct list *round)
{
    list_init(round);
    while (!list_empty(&t->due)) {
        struct list *first = t->due.next;
        list_remove(first);
        list_append(round, first);
    }
}

int watches_call(struct call *call)
{
    struct tern *t = call->t;
    struct list round;
    int count = 0;
    round_begin(t, &round);
    while (!list_empty(&round)) {
        struct watch *watch = container_of(round.next, struct watch, due);
        unsigned events = watch_ready(watch);
        list_remove(&watch->due);
        if (events == 0)
            continue;
        list_append(&t->due, &watch->due);
        int error = watch_call(call, watch, events);
        if (error < 0)
            return error;
        count++;
    }
    settle(t);
    return count;
}

static int watch_set(struct socket *socket, int descriptor, const struct watch *wanted)
{
    struct watch *watch = watch_find(socket);
    if (!watch) {
        watch = calloc(1, sizeof *watch);
        if (!watch)
            return -ENOMEM;
        list_init(&watch->due);
        watch->interest.operations = &watch_operations;
        interest_add(socket, &watch->interest);
    }
    watch->descriptor = descriptor;
    watch->events = wanted->events;
    watch->function = wanted->function;
    watch->user = wanted->user;
    if (watch_ready(watch))
        watch_make_due(watch);
    return 0;
}

int tern_watch(struct tern *t, int socket, short events, tern_watch_function *function, void *user)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = call_find(&call, socket);
    if (result == 0 && !function)
        watch_remove(call.socket);
    else if (result == 0)
        result = watch_set(call.socket, socket,
                           &(struct watch){.events = (unsigned short)events | ALWAYS,
                                           .function = function,
                                           .user = user});
    return (int)call_end(&call, result);
}
