/* poll(2) and select(2): what they count, and how they wait. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SOON_MS = 20, SOON_NS = SOON_MS * 1000000 };

static void each_entry_counts(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    struct pollfd fds[] = {
        {.fd = client, .events = POLLOUT}, {.fd = client, .events = POLLOUT | POLLIN},
        {.fd = client, .events = POLLIN},  {.fd = -1, .events = POLLOUT, .revents = -1},
        {.fd = 63, .events = POLLOUT},     {.fd = server, .events = 0}};
    STEP(A->poll(fds, COUNT(fds), 0));
    for (size_t i = 0; i < COUNT(fds); i++)
        play_note(p, "%zu: %x", i, (unsigned)fds[i].revents);
    A->close(server);
    play_await(p, client, POLLIN);
    STEP(A->poll(fds, COUNT(fds), 0));
    for (size_t i = 0; i < COUNT(fds); i++)
        play_note(p, "%zu: %x", i, (unsigned)fds[i].revents);
}

static void nothing_to_poll(struct play *p)
{
    struct pollfd fd = {.fd = -1, .events = POLLIN, .revents = -1};
    uint64_t before = A->now_ns();
    STEP(A->poll(NULL, 0, 0));
    STEP(A->poll(NULL, 0, SOON_MS));
    STEP(A->poll(&fd, 1, SOON_MS));
    play_note(p, "waited: %d, revents %x", A->now_ns() - before >= 2 * SOON_NS,
              (unsigned)fd.revents);
    STEP(A->poll(&fd, (nfds_t)-1, 0));
}

static void polling_waits_for_what_comes(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    struct pollfd fd = {.fd = client, .events = POLLIN};
    uint64_t before = A->now_ns();
    STEP(A->poll(&fd, 1, SOON_MS));
    play_note(p, "waited: %d", A->now_ns() - before >= SOON_NS);
    A->send(server, "x", 1, 0);
    STEP(A->poll(&fd, 1, -1));
    play_note(p, "revents %x", (unsigned)fd.revents);
    fd.events = 0;
    STEP(A->poll(&fd, 1, 0));
    play_linger(p, server, 1, 0);
    A->close(server);
    STEP(A->poll(&fd, 1, -5)); /* below 0: for ever */
    play_note(p, "revents %x", (unsigned)fd.revents);
}

static void selecting_counts_bits(struct play *p)
{
    static const struct timeval at_once = {0, 0};
    int client, server;
    fd_set in, out, except;
    play_connected(p, &client, &server);
    A->send(server, "x", 1, 0);
    play_await(p, client, POLLIN);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(client, &in);
    FD_SET(server, &in);
    FD_SET(client, &out);
    FD_SET(server, &out);
    FD_SET(client, &except);
    int most = client > server ? client : server;
    STEP(A->select(most + 1, &in, &out, &except, &at_once));
    play_note(p, "%d %d, %d %d, %d", FD_ISSET(client, &in), FD_ISSET(server, &in),
              FD_ISSET(client, &out), FD_ISSET(server, &out), FD_ISSET(client, &except));
    A->send(client, "!", 1, MSG_OOB);
    play_await(p, server, POLLPRI);
    FD_ZERO(&except);
    FD_SET(server, &except);
    STEP(A->select(server + 1, NULL, NULL, &except, &at_once));
    play_note(p, "%d", FD_ISSET(server, &except));
}

static void selecting_wrongly(struct play *p)
{
    static const struct timeval at_once = {0, 0}, early = {0, -1}, odd = {0, 1020000};
    fd_set in;
    int s = play_datagram(p);
    FD_ZERO(&in);
    FD_SET(63, &in);
    STEP(A->select(64, &in, NULL, NULL, &at_once));
    play_note(p, "%d", FD_ISSET(63, &in));
    STEP(A->select(-1, &in, NULL, NULL, &at_once));
    STEP(A->select(1, NULL, NULL, NULL, &early));
    FD_ZERO(&in);
    FD_SET(s, &in);
    A->sendto(s, "x", 1, 0, LOOP(p->port));
    STEP(A->bind(s, LOOP(0)));
    struct timeval soon = {0, SOON_MS * 1000};
    uint64_t before = A->now_ns();
    STEP(A->select(s + 1, &in, NULL, NULL, &soon));
    play_note(p, "waited: %d", A->now_ns() - before >= SOON_NS);
    before = A->now_ns();
    STEP(A->select(0, NULL, NULL, NULL, &odd)); /* more than a second of microseconds */
    play_note(p, "waited: %d", A->now_ns() - before >= 1020000000);
}

static void waiting_at_an_instance(struct play *p)
{
    struct epoll_event event = {.events = EPOLLIN}, got[4] = {{0}};
    int e = A->epoll_create1(0), s = play_datagram(p), other = play_datagram(p);
    STEP(A->bind(s, LOOP(p->port)));
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    uint64_t before = A->now_ns();
    STEP(A->epoll_wait(e, got, 4, SOON_MS));
    play_note(p, "waited: %d", A->now_ns() - before >= SOON_NS);
    STEP(A->sendto(other, "x", 1, 0, LOOP(p->port)));
    STEP(A->epoll_wait(e, got, 4, -1));
    play_note(p, "events %x", got[0].events);
    play_readiness(p, e);
    A->close(s);
    STEP(A->epoll_wait(e, got, 4, 0));
    STEP(A->epoll_ctl(e, EPOLL_CTL_DEL, s, NULL));
}

#define PROGRAM(name)       \
    {                       \
        "poll/" #name, name \
    }
const struct program programs_poll[] = {
    PROGRAM(each_entry_counts),
    PROGRAM(nothing_to_poll),
    PROGRAM(polling_waits_for_what_comes),
    PROGRAM(selecting_counts_bits),
    PROGRAM(selecting_wrongly),
    PROGRAM(waiting_at_an_instance),
};
const unsigned programs_poll_count = COUNT(programs_poll);
