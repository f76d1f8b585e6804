/* A socket of each kind, for what must hold of all of them. */
#ifndef TESTS_UNIT_SOCK_KINDS_H
#define TESTS_UNIT_SOCK_KINDS_H

#include "unit/sock/sockets.h"

static inline int open_listener(struct tern *t)
{
    return listen_at(t, "0", 1);
}

/* One of each kind. */
static int (*const openers[])(struct tern *) = {open_stream, open_listener, open_datagram,
                                                open_echo};
enum { KINDS = sizeof openers / sizeof openers[0] };

#endif
