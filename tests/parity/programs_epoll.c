/* epoll(7) and select(2) over more than one call. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int instance_with(struct play *p, int s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = 1};
    int e = A->epoll_create1(0);
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    return e;
}

static void look(struct play *p, int e)
{
    struct epoll_event events[4];
    int count = A->epoll_wait(e, events, 4, 0);
    play_note(p, "events: %d, %x", count, count > 0 ? events[0].events : 0);
}

static void see_it_through(struct play *p, uint32_t how)
{
    char bytes[8];
    int client, server;
    play_connected(p, &client, &server);
    int e = instance_with(p, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | how);
    look(p, e);
    look(p, e);
    A->send(server, "abc", 3, 0);
    play_await(p, client, POLLIN);
    look(p, e);
    look(p, e);
    A->recv(client, bytes, 1, 0);
    look(p, e);
    A->send(server, "d", 1, 0);
    play_await(p, client, POLLIN);
    look(p, e);
    A->recv(client, bytes, 8, 0);
    look(p, e);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | how};
    STEP(A->epoll_ctl(e, EPOLL_CTL_MOD, client, &event));
    look(p, e);
    A->shutdown(server, SHUT_WR);
    play_await(p, client, POLLRDHUP);
    look(p, e);
    look(p, e);
    STEP(A->close(client));
    look(p, e);
}

static void level(struct play *p)
{
    see_it_through(p, 0);
}

static void edge(struct play *p)
{
    see_it_through(p, EPOLLET);
}

static void one_shot(struct play *p)
{
    see_it_through(p, EPOLLONESHOT);
}

static void one_shot_edge(struct play *p)
{
    see_it_through(p, EPOLLONESHOT | EPOLLET);
}

static void a_listener_with_edges(struct play *p)
{
    int listener = play_listener(p), e = instance_with(p, listener, EPOLLIN | EPOLLET);
    look(p, e);
    play_dial(p);
    play_await(p, listener, POLLIN);
    look(p, e);
    look(p, e);
    play_dial(p);
    play_await(p, listener, POLLIN);
    look(p, e);
    play_accept(p, listener);
    play_accept(p, listener);
    look(p, e);
}

static void a_connect_with_edges(struct play *p)
{
    int listener = play_listener(p), s = play_stream(p);
    int e = instance_with(p, s, EPOLLIN | EPOLLOUT | EPOLLET);
    look(p, e);
    A->connect(s, LOOP(p->port));
    play_await(p, listener, POLLIN);
    look(p, e);
    look(p, e);
}

static void a_refusal_is_told(struct play *p)
{
    int s = play_stream(p), e;
    A->connect(s, LOOP(p->port));
    play_await(p, s, POLLHUP);
    e = instance_with(p, s, EPOLLIN);
    look(p, e);
    OPTION(s, SOL_SOCKET, SO_ERROR);
    look(p, e);
}

static void instances_in_instances(struct play *p)
{
    struct epoll_event event = {.events = EPOLLIN};
    int e[6], s = play_datagram(p), from = play_datagram(p);
    A->bind(s, LOOP(p->port));
    for (int i = 0; i < 6; i++)
        e[i] = A->epoll_create1(0);
    for (int i = 0; i + 1 < 6; i++)
        STEP(A->epoll_ctl(e[i], EPOLL_CTL_ADD, e[i + 1], &event));
    STEP(A->epoll_ctl(e[3], EPOLL_CTL_ADD, e[1], &event));
    STEP(A->epoll_ctl(e[4], EPOLL_CTL_ADD, s, &event));
    for (int i = 0; i < 5; i++)
        look(p, e[i]);
    A->sendto(from, "x", 1, 0, LOOP(p->port));
    play_await(p, s, POLLIN);
    for (int i = 0; i < 5; i++)
        look(p, e[i]);
    play_readiness(p, e[0]);
    char byte;
    A->recv(s, &byte, 1, 0);
    play_readiness(p, e[0]);
}

static void exclusive_items(struct play *p)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int e = A->epoll_create1(0), other = A->epoll_create1(0), s = play_datagram(p);
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    STEP(A->epoll_ctl(e, EPOLL_CTL_MOD, s, &event));
    event.events = EPOLLIN;
    STEP(A->epoll_ctl(e, EPOLL_CTL_MOD, s, &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
    STEP(A->epoll_ctl(other, EPOLL_CTL_ADD, s, &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    STEP(A->epoll_ctl(other, EPOLL_CTL_ADD, e, &event));
    event.events = EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP;
    STEP(A->epoll_ctl(other, EPOLL_CTL_ADD, s, &event));
    look(p, other);
}

static void bad_arguments_of_epoll(struct play *p)
{
    struct epoll_event event = {.events = EPOLLIN};
    int e, s = play_datagram(p);
    STEP(A->epoll_create(0));
    STEP(A->epoll_create(-1));
    STEP(A->epoll_create1(1));
    e = (int)STEP_OK(A->epoll_create1(EPOLL_CLOEXEC));
    STEP(A->epoll_ctl(e, 99, s, &event));
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, NULL));
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, e, &event));
    STEP(A->epoll_ctl(-1, EPOLL_CTL_ADD, s, &event));
    STEP(A->epoll_wait(e, &event, 0, 0));
    STEP(A->epoll_wait(e, &event, -1, 0));
    STEP(A->epoll_wait(-1, &event, 1, 0));
}

static void selecting(struct play *p)
{
    const struct timeval at_once = {0, 0}, negative = {-1, 0}, soon = {0, 20000};
    int client, server;
    fd_set in, out, except;
    play_connected(p, &client, &server);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(client, &in);
    uint64_t before = A->now_ns();
    STEP(A->select(client + 1, &in, NULL, NULL, &soon));
    play_note(p, "waited: %d, in: %d", A->now_ns() - before >= 20000000, FD_ISSET(client, &in));
    A->send(server, "x", 1, 0);
    play_await(p, client, POLLIN);
    FD_SET(client, &in);
    FD_SET(client, &out);
    FD_SET(client, &except);
    STEP(A->select(client + 1, &in, &out, &except, NULL));
    play_note(p, "%d %d %d", FD_ISSET(client, &in), FD_ISSET(client, &out),
              FD_ISSET(client, &except));
    STEP(A->select(-1, NULL, NULL, NULL, &at_once));
    STEP(A->select(1, NULL, NULL, NULL, &negative));
    STEP(A->select(0, NULL, NULL, NULL, &at_once));
    A->close(client);
    FD_SET(client, &in);
    STEP(A->select(client + 1, &in, NULL, NULL, &at_once));
}

#define PROGRAM(name)        \
    {                        \
        "epoll/" #name, name \
    }
const struct program programs_epoll[] = {
    PROGRAM(level),
    PROGRAM(edge),
    PROGRAM(one_shot),
    PROGRAM(one_shot_edge),
    PROGRAM(a_listener_with_edges),
    PROGRAM(a_connect_with_edges),
    PROGRAM(a_refusal_is_told),
    PROGRAM(instances_in_instances),
    PROGRAM(exclusive_items),
    PROGRAM(bad_arguments_of_epoll),
    {"select/from_beginning_to_end", selecting},
};
const unsigned programs_epoll_count = COUNT(programs_epoll);
