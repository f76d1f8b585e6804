#include "sock/wait.h"

#include <poll.h>

#include "base/time.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"

int wait_for(struct tern *t, struct waiting *waiting, size_t count, uint64_t deadline_ns)
{
    struct sock_waiter waiter = {0};
    for (size_t i = 0; i < count; i++) {
        waiting[i].waiter = &waiter;
        waiter.spin_ns = time_max(waiter.spin_ns, TIME_US(waiting[i].busy_poll_us));
        list_append(waiting[i].at, &waiting[i].link);
    }
    t->away++;
    int result = t->host->operations->wait(t->host, &waiter, deadline_ns);
    t->away--;
    for (size_t i = 0; i < count; i++)
        list_remove(&waiting[i].link);
    return result;
}

static void wake(struct tern *t, struct waiting *waiting)
{
    t->host->operations->wake(t->host, waiting->waiter);
}

void wait_notify(struct stack *stack, void *owner, unsigned events)
{
    struct tern *t = container_of(stack, struct tern, stack);
    struct socket *socket = owner;
    struct list *at = socket ? &socket->waiting : &t->waiting;
    for (struct list *l = at->next; l != at; l = l->next) {
        struct waiting *waiting = container_of(l, struct waiting, link);
        if (waiting->events == 0 || (events & (waiting->events | POLLERR | POLLHUP)))
            wake(t, waiting);
    }
    if (socket != NULL && events != 0)
        interest_changed(socket, events);
}

void wait_wake_all(struct tern *t, struct list *at)
{
    for (struct list *l = at->next; l != at; l = l->next)
        wake(t, container_of(l, struct waiting, link));
}

void wait_end(struct tern *t, struct list *at, int error)
{
    while (!list_empty(at)) {
        struct waiting *waiting = container_of(at->next, struct waiting, link);
        list_remove(&waiting->link);
        waiting->over = error;
        wake(t, waiting);
    }
}

uint64_t wait_deadline(const struct tern *t, uint64_t timeout_ns)
{
    return timeout_ns > TIME_NEVER - t->stack.now_ns ? TIME_NEVER : t->stack.now_ns + timeout_ns;
}
