/* Waiting for many. */
#include "fuzz/calls/world.h"
#include "fuzz/fuzz.h"

void make_epoll(struct world *w, struct end *end, int socket)
{
    (void)socket;
    if (pick(w, 2))
        tern_epoll_create1(end->t, once_in(w, 10) ? (int)pick(w, 1 << 20) : 0);
    else
        tern_epoll_create(end->t, (int)pick(w, 3));
}

void control_epoll(struct world *w, struct end *end, int socket)
{
    static const uint32_t masks[] = {EPOLLIN | EPOLLOUT | EPOLLET | EPOLLONESHOT,
                                     EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE, UINT32_MAX};
    struct epoll_event event = {.events = pick(w, UINT32_MAX) & CHOOSE(w, masks)};
    tern_epoll_ctl(end->t, socket, (int)pick(w, once_in(w, 20) ? 100 : 4), pick_socket(w),
                   once_in(w, 30) ? NULL : &event);
}

void wait_epoll(struct world *w, struct end *end, int socket)
{
    int most = (int)pick(w, 10) - 1;
    struct epoll_event events[9]; /* more than is asked for is never written */
    tern_epoll_wait(end->t, socket, events, most, once_in(w, 4) ? (int)pick(w, 50) - 1 : 0);
}

static void select_some(struct world *w, struct end *end)
{
    fd_set sets[3];
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets[i]);
        for (uint32_t left = pick(w, 4); left > 0; left--)
            FD_SET(pick(w, 12), &sets[i]);
    }
    struct timeval timeout = {.tv_usec = once_in(w, 20) ? -1 : (int)pick(w, 50000)};
    tern_select(end->t, once_in(w, 20) ? -1 : (int)pick(w, 65), pick(w, 4) ? &sets[0] : NULL,
                pick(w, 4) ? &sets[1] : NULL, pick(w, 4) ? &sets[2] : NULL, &timeout);
}

void poll_some(struct world *w, struct end *end, int socket)
{
    struct pollfd polls[8];
    (void)socket;
    if (pick(w, 2)) {
        select_some(w, end);
        return;
    }
    uint32_t count = pick(w, 9);
    for (uint32_t i = 0; i < count; i++)
        polls[i] = (struct pollfd){.fd = pick_socket(w), .events = (short)pick(w, 65536)};
    tern_poll(end->t, polls, count, once_in(w, 4) ? (int)pick(w, 50) - 1 : 0);
}

/* What a callback does is anything. */
static void call_back(void *user, int socket, short events)
{
    struct world *w = user;
    (void)socket;
    (void)events;
    if (w->depth == DEPTH_MOST || program_over(w))
        return;
    w->depth++;
    world_step(w);
    w->depth--;
}

/* What a loop of the user's own would call, from wherever. An engine has no descriptor. */
void drive(struct world *w, struct end *end, int socket)
{
    (void)socket;
    FUZZ_CHECK(tern_fd(end->t) == -1 && errno == EOPNOTSUPP);
    if (w->depth < DEPTH_MOST) {
        w->depth++;
        tern_step(end->t);
        w->depth--;
    }
    tern_advance(end->t, w->now_ns);
}

void watch_something(struct world *w, struct end *end, int socket)
{
    tern_watch(end->t, socket, (short)pick(w, 65536), once_in(w, 4) ? NULL : call_back, w);
}
