#include "sock/interest.h"

#include <poll.h>

#include "sock/socket.h"

void interest_add(struct socket *socket, struct interest *interest)
{
    interest->socket = socket;
    list_insert(interest->exclusive ? &socket->interests : socket->interests.next, &interest->link);
}

void interest_remove(struct interest *interest)
{
    list_remove(&interest->link);
}

/* What is there but less than SO_RCVLOWAT asks for is not worth a word. */
static unsigned worth_telling(const struct socket *socket, unsigned events)
{
    const unsigned readable = POLLIN | POLLRDNORM;
    if ((events & ~readable) == 0 && !(socket->kind->readiness(socket) & readable))
        return 0;
    return events;
}

void interest_changed(struct socket *socket, unsigned events)
{
    struct list *head = &socket->interests, *next;
    if (list_empty(head) || (events = worth_telling(socket, events)) == 0)
        return;
    for (struct list *l = head->next; l != head; l = next) {
        struct interest *interest = container_of(l, struct interest, link);
        next = l->next;
        bool woken = interest->operations->changed(interest, events);
        if (!interest->exclusive || !woken)
            continue;
        list_remove(l);
        list_append(head, l); /* the next time it is another's turn */
        break;
    }
}

void interest_reconsider(struct socket *socket)
{
    if (list_empty(&socket->interests))
        return;
    unsigned events = socket->kind->readiness(socket);
    if (events != 0)
        interest_changed(socket, events);
}

void interest_close(struct socket *socket)
{
    while (!list_empty(&socket->interests)) {
        struct interest *interest = container_of(socket->interests.next, struct interest, link);
        interest_remove(interest);
        interest->operations->closed(interest);
    }
}
