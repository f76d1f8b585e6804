/* Sockets that open and bind, for the tests of local ports. */
#ifndef TESTS_PORT_FIXTURE_H
#define TESTS_PORT_FIXTURE_H

#include "tcp_peer.h"

static inline struct tcb *tcb_new(struct peer *p)
{
    struct tcb *tcb;
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    return tcb;
}

/* Opens to the port `remote` of the peer: which local port was taken, or the error. */
static inline int open_to(struct peer *p, uint16_t remote, struct tcb **out)
{
    struct endpoint to = {p->theirs.address, remote};
    *out = tcb_new(p);
    int error = tcp_connect(*out, &to);
    peer_forget(p);
    return error == -EINPROGRESS ? tcp_local(*out)->port : error;
}

#endif
