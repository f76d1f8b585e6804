/* What the tests of epoll share. */
#ifndef TESTS_UNIT_SOCK_EPOLLS_H
#define TESTS_UNIT_SOCK_EPOLLS_H

#include "unit/sock/sockets.h"

static inline int open_epoll(struct tern *t)
{
    int e = tern_epoll_create1(t, 0);
    assert_true(e >= 0);
    return e;
}

/* epoll_ctl() with the socket's number as data. */
static inline int control(struct tern *t, int e, int operation, int s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = s};
    return tern_epoll_ctl(t, e, operation, s, &event);
}

static inline void add(struct tern *t, int e, int s, uint32_t events)
{
    assert_int_equal(control(t, e, EPOLL_CTL_ADD, s, events), 0);
}

/* The one event that is there, which must be of `s`: its bits. 0: there is none. */
static inline uint32_t event_of(struct tern *t, int e, int s)
{
    struct epoll_event events[4];
    int count = tern_epoll_wait(t, e, events, 4, 0);
    assert_true(count == 0 || count == 1);
    if (count == 0)
        return 0;
    assert_int_equal(events[0].data.fd, s);
    return events[0].events;
}

#endif
