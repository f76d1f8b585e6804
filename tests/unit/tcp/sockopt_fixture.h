/* Options set and read on a connection that is not open yet, for the tests of socket options. */
#ifndef TESTS_SOCKOPT_FIXTURE_H
#define TESTS_SOCKOPT_FIXTURE_H

#include "tcp_peer.h"

static inline int set(struct peer *p, int level, int option, int value)
{
    return tcp_set_option(p->tcb, level, option, &value, sizeof value);
}

static inline int get(struct peer *p, int level, int option)
{
    int value = -12345;
    socklen_t length = sizeof value;
    int error = tcp_get_option(p->tcb, level, option, &value, &length);
    return error < 0 ? error : value;
}

static inline struct peer *peer_closed(void)
{
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    return p;
}

#endif
