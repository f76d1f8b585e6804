/* Who may have which name beside whom. */
#include <stdio.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int sharings[] = {0, SO_REUSEADDR, SO_REUSEPORT};
static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "10.0.0.1"};

/* Two sockets that want a port, in every mixture of options and addresses; the first may listen. */
static void two_want_a_port(struct play *p, int type, bool listens)
{
    uint16_t port = p->port;
    for (int mix = 0; mix < 3 * 3 * 3 * 3; mix++) {
        int first = A->socket(AF_INET, type, 0), second = A->socket(AF_INET, type, 0);
        const int one = sharings[mix % 3], other = sharings[mix / 3 % 3];
        if (one)
            play_set(p, first, SOL_SOCKET, one, 1);
        if (other)
            play_set(p, second, SOL_SOCKET, other, 1);
        A->bind(first, AT(hosts[mix / 9 % 3], port));
        if (listens)
            A->listen(first, 1);
        int result = A->bind(second, AT(hosts[mix / 27], port));
        play_note(p, "%d %d, %s before %s: %s", one, other, hosts[mix / 9 % 3], hosts[mix / 27],
                  result < 0 ? strerrorname_np(errno) : "bound");
        if (listens && result == 0)
            STEP(A->listen(second, 1));
        A->close(first);
        A->close(second);
    }
}

static void streams_want_a_port(struct play *p)
{
    two_want_a_port(p, SOCK_STREAM, false);
}

static void listeners_want_a_port(struct play *p)
{
    two_want_a_port(p, SOCK_STREAM, true);
}

static void datagrams_want_a_port(struct play *p)
{
    two_want_a_port(p, SOCK_DGRAM, false);
}

/* The side that closes first keeps the port for a while; SO_REUSEADDR is for this. */
static void a_port_in_time_wait(struct play *p)
{
    int listener = play_listener(p), client = play_dial(p), server = play_accept(p, listener);
    A->close(listener);
    A->close(server);
    play_await(p, client, POLLRDHUP);
    A->close(client);
    int again = play_stream(p), better = play_stream(p);
    STEP(A->bind(again, LOOP(p->port)));
    play_set(p, better, SOL_SOCKET, SO_REUSEADDR, 1);
    STEP(A->bind(better, LOOP(p->port)));
    STEP(A->listen(better, 1));
}

static void a_port_of_connections_in_being(struct play *p)
{
    int listener = play_listener(p), client = play_dial(p), server = play_accept(p, listener);
    A->close(listener);
    int again = play_stream(p), better = play_stream(p);
    STEP(A->bind(again, LOOP(p->port)));
    play_set(p, better, SOL_SOCKET, SO_REUSEADDR, 1);
    STEP(A->bind(better, LOOP(p->port)));
    STEP(A->listen(better, 1));
    A->close(client);
    A->close(server);
}

static void two_connections_between_the_same_ends(struct play *p)
{
    int listener = play_listener(p), one = play_stream(p), other = play_stream(p);
    play_set(p, one, SOL_SOCKET, SO_REUSEADDR, 1);
    play_set(p, other, SOL_SOCKET, SO_REUSEADDR, 1);
    STEP(A->bind(one, LOOP((uint16_t)(p->port + 1))));
    STEP(A->bind(other, LOOP((uint16_t)(p->port + 1))));
    STEP(A->connect(one, LOOP(p->port)));
    STEP(A->connect(other, LOOP(p->port)));
    A->close(listener);
}

static void names_before_and_after(struct play *p)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    int listener = play_stream(p);
    STEP(A->bind(listener, AT("0.0.0.0", p->port)));
    STEP(A->listen(listener, 1));
    STEP(A->getsockname(listener, (struct sockaddr *)&name, &length));
    play_note(p, "listener %s", inet_ntoa(name.sin_addr));
    int client = play_dial(p), server = play_accept(p, listener);
    length = sizeof name;
    STEP(A->getsockname(server, (struct sockaddr *)&name, &length));
    play_note(p, "server %s, the port %d", inet_ntoa(name.sin_addr),
              ntohs(name.sin_port) == p->port);
    length = sizeof name;
    STEP(A->getpeername(client, (struct sockaddr *)&name, &length));
    play_note(p, "peer %s, the port %d", inet_ntoa(name.sin_addr), ntohs(name.sin_port) == p->port);
}

/* Its name, and whether the port is the program's. */
static void note_name(struct play *p, int s)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    STEP(A->getsockname(s, (struct sockaddr *)&name, &length));
    play_note(p, "%s, %s", inet_ntoa(name.sin_addr),
              name.sin_port == 0                ? "no port"
              : ntohs(name.sin_port) == p->port ? "the port"
                                                : "a port");
}

/* It keeps the name that it was bound to, whatever connections there are, and can listen anew. */
static void listening_ends(struct play *p, const char *host, bool reuse, bool dissolve)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int listener = play_stream(p);
    play_set(p, listener, SOL_SOCKET, SO_REUSEADDR, reuse);
    A->bind(listener, AT(host, p->port));
    A->listen(listener, 5);
    int client = play_dial(p), server = play_accept(p, listener), waiting = play_dial(p);
    if (dissolve)
        STEP(A->connect(listener, &nobody, sizeof nobody));
    else
        STEP(A->shutdown(listener, SHUT_RD));
    note_name(p, listener);
    play_readiness(p, listener);
    play_await(p, waiting, POLLHUP);
    play_readiness(p, waiting);
    STEP(A->accept(listener, NULL, NULL));
    int late = play_stream(p);
    STEP(A->bind(late, AT(host, p->port)));
    A->connect(late, LOOP(p->port));
    play_await(p, late, POLLHUP);
    OPTION(late, SOL_SOCKET, SO_ERROR);
    STEP(A->listen(listener, 5));
    note_name(p, listener);
    play_readiness(p, listener);
    A->close(client);
    A->close(server);
    A->close(waiting);
    A->close(late);
    A->close(listener);
}

static void a_name_outlasts_listening(struct play *p)
{
    listening_ends(p, "127.0.0.1", false, false);
}

static void a_name_that_is_shared_outlasts_listening(struct play *p)
{
    listening_ends(p, "127.0.0.1", true, false);
}

static void a_name_without_an_address_outlasts_listening(struct play *p)
{
    listening_ends(p, "0.0.0.0", false, true);
}

static void a_port_of_the_system_s_choice_outlasts_listening(struct play *p)
{
    int listener = play_stream(p);
    STEP(A->listen(listener, 5));
    note_name(p, listener);
    STEP(A->shutdown(listener, SHUT_RD));
    note_name(p, listener);
    STEP(A->listen(listener, 5));
    note_name(p, listener);
}

/* What is left of a connection's name when it is given up is what its user had given it. */
static void a_name_outlasts_a_connection(struct play *p)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    static const char *const names[] = {NULL, "0.0.0.0", "127.0.0.1"};
    int listener = play_stream(p);
    A->bind(listener, LOOP((uint16_t)(p->port + 1)));
    A->listen(listener, 5);
    for (int i = 0; i < 3; i++) {
        int client = play_stream(p);
        if (names[i])
            STEP(A->bind(client, AT(names[i], p->port)));
        A->connect(client, LOOP((uint16_t)(p->port + 1)));
        play_await(p, client, POLLOUT);
        note_name(p, client);
        STEP(A->connect(client, &nobody, sizeof nobody));
        note_name(p, client);
        A->close(client);
    }
}

#define PROGRAM(name)       \
    {                       \
        "name/" #name, name \
    }
const struct program programs_name[] = {
    PROGRAM(streams_want_a_port),
    PROGRAM(listeners_want_a_port),
    PROGRAM(datagrams_want_a_port),
    PROGRAM(a_port_in_time_wait),
    PROGRAM(a_port_of_connections_in_being),
    PROGRAM(two_connections_between_the_same_ends),
    PROGRAM(names_before_and_after),
    PROGRAM(a_name_outlasts_a_connection),
    PROGRAM(a_name_outlasts_listening),
    PROGRAM(a_name_that_is_shared_outlasts_listening),
    PROGRAM(a_name_without_an_address_outlasts_listening),
    PROGRAM(a_port_of_the_system_s_choice_outlasts_listening),
};
const unsigned programs_name_count = COUNT(programs_name);
