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

/* A listener that has room for one connection, which `p` has taken. Who is returned called before
 * him, has not acknowledged the SYN,ACK yet, and is too late. */
static inline struct peer peer_too_late(struct peer *p)
{
    peer_listen(p, 0);
    peer_half_open(p, PEER_PLAIN);
    struct peer late = *p;
    another_peer(p);
    peer_half_open(p, PEER_PLAIN);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    late.seen = p->m->sent_count;
    return late;
}

#endif
