/* Bytes and ends of streams. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[64];

static void set_time(struct play *p, int s, int option, int milliseconds)
{
    struct timeval time = {0, milliseconds * 1000};
    STEP(A->setsockopt(s, SOL_SOCKET, option, &time, sizeof time));
}

/* A call that ends when its time is over has taken that time. */
static void blocking_ends_with_its_time(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_blocking(p, client);
    set_time(p, client, SO_RCVTIMEO, 20);
    uint64_t before = A->now_ns();
    STEP(A->recv(client, buffer, 1, 0));
    play_note(p, "waited: %d", A->now_ns() - before >= 20000000);
    STEP(A->recv(client, buffer, 1, MSG_DONTWAIT));
    A->send(server, "abc", 3, 0);
    STEP(A->recv(client, buffer, 8, MSG_WAITALL)); /* what is there when the time is over */
}

static void waiting_for_all_ends_at_the_end(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_blocking(p, client);
    A->send(server, "abc", 3, 0);
    A->shutdown(server, SHUT_WR);
    play_await(p, client, POLLRDHUP);
    STEP(A->recv(client, buffer, 8, MSG_WAITALL));
    STEP(A->recv(client, buffer, 8, MSG_WAITALL));
}

static void the_low_water_mark_counts_for_poll(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_set(p, client, SOL_SOCKET, SO_RCVLOWAT, 4);
    OPTION(client, SOL_SOCKET, SO_RCVLOWAT);
    A->send(server, "abc", 3, 0);
    play_readiness(p, client);
    A->send(server, "d", 1, 0);
    play_await(p, client, POLLIN);
    play_readiness(p, client);
    STEP(A->recv(client, buffer, 1, 0));
    play_readiness(p, client);
    STEP(A->recv(client, buffer, 8, 0));
    A->shutdown(server, SHUT_WR);
    play_await(p, client, POLLRDHUP);
    play_readiness(p, client);
    STEP(A->recv(client, buffer, 8, 0));
}

static void a_half_closed_stream_still_carries(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    A->send(client, "question", 8, 0);
    STEP(A->shutdown(client, SHUT_WR));
    play_await(p, server, POLLRDHUP);
    play_bytes(p, buffer, STEP(A->recv(server, buffer, sizeof buffer, 0)));
    STEP(A->recv(server, buffer, sizeof buffer, 0));
    STEP(A->send(server, "answer", 6, 0));
    play_await(p, client, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(client, buffer, sizeof buffer, 0)));
    STEP(A->close(server));
    play_await(p, client, POLLHUP);
    STEP(A->recv(client, buffer, sizeof buffer, 0));
    play_readiness(p, client);
}

static void closing_with_bytes_unread_resets(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    A->send(client, "never read", 10, 0);
    play_await(p, server, POLLIN);
    STEP(A->close(server));
    play_await(p, client, POLLERR);
    play_readiness(p, client);
    OPTION(client, SOL_SOCKET, SO_ERROR);
    STEP(A->recv(client, buffer, 1, 0));
    STEP(A->send(client, "x", 1, MSG_NOSIGNAL));
}

static void writing_to_who_is_gone_is_told_twice(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    STEP(A->close(server));
    play_await(p, client, POLLRDHUP);
    STEP(A->send(client, "x", 1, MSG_NOSIGNAL));
    play_await(p, client, POLLHUP);
    STEP(A->send(client, "x", 1, MSG_NOSIGNAL));
    STEP(A->send(client, "x", 1, MSG_NOSIGNAL));
    STEP(A->recv(client, buffer, 1, 0));
}

static void after_shutting_the_reading_side_bytes_still_come(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    STEP(A->shutdown(client, SHUT_RD));
    STEP(A->recv(client, buffer, 1, 0));
    STEP(A->send(server, "abc", 3, MSG_NOSIGNAL));
    play_await(p, client, POLLIN);
    STEP(A->recv(client, buffer, sizeof buffer, 0));
    STEP(A->recv(client, buffer, sizeof buffer, 0));
}

static void an_accepted_socket_has_its_listeners_options(struct play *p)
{
    int listener = play_listener(p), client, server;
    play_set(p, listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    play_set(p, listener, SOL_SOCKET, SO_RCVLOWAT, 7);
    play_set(p, listener, IPPROTO_TCP, TCP_NODELAY, 1);
    play_set(p, listener, IPPROTO_IP, IP_TTL, 33);
    play_linger(p, listener, 1, 5);
    client = play_dial(p);
    play_await(p, listener, POLLIN);
    server = (int)STEP_OK(A->accept(listener, NULL, NULL));
    OPTION(server, SOL_SOCKET, SO_KEEPALIVE);
    OPTION(server, SOL_SOCKET, SO_RCVLOWAT);
    OPTION(server, SOL_SOCKET, SO_REUSEADDR);
    OPTION(server, IPPROTO_TCP, TCP_NODELAY);
    OPTION(server, IPPROTO_IP, IP_TTL);
    OPTION(server, SOL_SOCKET, SO_ACCEPTCONN);
    STEP(A->fcntl(server, F_GETFL, 0) & O_NONBLOCK);
    struct linger linger = {0};
    socklen_t length = sizeof linger;
    STEP(A->getsockopt(server, SOL_SOCKET, SO_LINGER, &linger, &length));
    play_note(p, "linger %d, %d", linger.l_onoff, linger.l_linger);
    A->close(client);
}

static void accept_gives_the_oldest_first(struct play *p)
{
    int listener = play_listener(p), clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = play_dial(p);
        A->send(clients[i], &"012"[i], 1, 0);
    }
    for (int i = 0; i < 3; i++) {
        int server = play_accept(p, listener);
        play_await(p, server, POLLIN);
        play_bytes(p, buffer, STEP(A->recv(server, buffer, 1, 0)));
    }
    STEP_OK(A->accept(listener, NULL, NULL));
    STEP(A->close(listener));
    STEP(A->send(clients[0], "x", 1, MSG_NOSIGNAL)); /* what is open stays so */
}

static void closing_a_listener_resets_who_waits(struct play *p)
{
    int listener = play_listener(p), client = play_dial(p);
    play_await(p, listener, POLLIN);
    STEP(A->close(listener));
    play_await(p, client, POLLERR);
    OPTION(client, SOL_SOCKET, SO_ERROR);
}

#define PROGRAM(name)         \
    {                         \
        "stream/" #name, name \
    }
const struct program programs_stream[] = {
    PROGRAM(blocking_ends_with_its_time),
    PROGRAM(waiting_for_all_ends_at_the_end),
    PROGRAM(the_low_water_mark_counts_for_poll),
    PROGRAM(a_half_closed_stream_still_carries),
    PROGRAM(closing_with_bytes_unread_resets),
    PROGRAM(writing_to_who_is_gone_is_told_twice),
    PROGRAM(after_shutting_the_reading_side_bytes_still_come),
    PROGRAM(an_accepted_socket_has_its_listeners_options),
    PROGRAM(accept_gives_the_oldest_first),
    PROGRAM(closing_a_listener_resets_who_waits),
};
const unsigned programs_stream_count = COUNT(programs_stream);
