/* A machine that listens, for the tests of listeners and of connections half open. */
#ifndef TESTS_LISTEN_FIXTURE_H
#define TESTS_LISTEN_FIXTURE_H

#include "tcp_peer.h"

static inline struct peer *peer_listening(void)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    return p;
}

/* Whoever calls next. */
static inline void another_peer(struct peer *p)
{
    p->theirs.port++;
    p->next = p->acked = 0;
    p->timestamps = false;
    p->window = PEER_WINDOW;
    p->tcb = NULL;
}

#endif
