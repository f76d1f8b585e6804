/* An interest in one socket that lasts until it is taken back, where a struct waiting (wait.h) ends
 * with its call: an item of an epoll instance (epoll.h), a readiness callback (watch.h).
 *
 * It is told of each change when it happens, between enter and leave; from within it must neither
 * close a socket nor add or remove an interest. The ordinary ones are all told; of the exclusive
 * ones as many as are needed until one has somebody to wake, which comes last the next time. */
#ifndef TERN_SOCK_INTEREST_H
#define TERN_SOCK_INTEREST_H

#include <stdbool.h>

#include "base/list.h"

struct socket;
struct interest;

struct interest_operations {
    /* One of `events` (POLL… bits, never 0) has come about: whether that has woken somebody, which
     * is asked of exclusive ones only. */
    bool (*changed)(struct interest *interest, unsigned events);
    /* The socket is being closed. It is off its list already, and may free itself. */
    void (*closed)(struct interest *interest);
};

struct interest {
    const struct interest_operations *operations;
    struct socket *socket;
    struct list link; /* in socket->interests: ordinary ones, then exclusive ones */
    bool exclusive;
};

/* Adds one to a socket; its operations and `exclusive` are filled in already. */
void interest_add(struct socket *socket, struct interest *interest);
void interest_remove(struct interest *interest);
/* Tells those who are interested in the socket. */
void interest_changed(struct socket *socket, unsigned events);
/* The same for who cannot say by what: tells them of all that the socket is ready for. */
void interest_reconsider(struct socket *socket);
/* Tells them that it is being closed. */
void interest_close(struct socket *socket);

#endif
