/* Datagrams that several calls make: MSG_MORE and UDP_CORK. */
#include <netinet/udp.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[65536];

/* A receiver, and a sender that is connected to it. */
static void two_ends(struct play *p, int *from, int *to)
{
    *to = play_receiver(p);
    *from = play_sender(p);
}

/* What has come, and no more of it. */
static void receive(struct play *p, int s)
{
    play_await(p, s, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(s, buffer, sizeof buffer, 0)));
    STEP(A->recv(s, buffer, sizeof buffer, 0));
}

static void set_cork(struct play *p, int s, int value)
{
    STEP(A->setsockopt(s, IPPROTO_UDP, UDP_CORK, &value, sizeof value));
}

static void calls_with_more_make_one(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->send(from, "one ", 4, MSG_MORE));
    STEP(A->send(from, "", 0, MSG_MORE));
    STEP(A->send(from, "two ", 4, MSG_MORE));
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    STEP(A->send(from, "three", 5, 0));
    receive(p, to);
    STEP(A->send(from, "", 0, MSG_MORE));
    STEP(A->send(from, "", 0, 0));
    receive(p, to);
}

static void write_and_sendmsg_add_to_it(struct play *p)
{
    char a[] = "a", bc[] = "bc";
    struct iovec spans[] = {{a, 1}, {bc, 2}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 2};
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->sendmsg(from, &message, MSG_MORE));
    STEP(A->write(from, "d", 1));
    receive(p, to);
    set_cork(p, from, 1);
    STEP(A->writev(from, spans, 2));
    STEP(A->write(from, "e", 1));
    STEP(A->write(from, "", 0));
    set_cork(p, from, 0);
    receive(p, to);
}

static void a_cork_is_put_in_and_lifted(struct play *p)
{
    int from, to, one = 1;
    two_ends(p, &from, &to);
    OPTION(from, IPPROTO_UDP, UDP_CORK);
    set_cork(p, from, 7);
    OPTION(from, IPPROTO_UDP, UDP_CORK);
    STEP(A->send(from, "ab", 2, 0));
    STEP(A->send(from, "cd", 2, MSG_MORE));
    set_cork(p, from, 1);
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    set_cork(p, from, 0);
    receive(p, to);
    set_cork(p, from, 0);
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    STEP(A->send(from, "ef", 2, MSG_MORE));
    set_cork(p, from, 0);
    receive(p, to);
    STEP(A->setsockopt(from, IPPROTO_UDP, UDP_CORK, &one, 3));
    STEP(A->setsockopt(from, IPPROTO_UDP, UDP_CORK, NULL, sizeof one));
    STEP(A->setsockopt(from, IPPROTO_UDP, 9999, &one, sizeof one));
    OPTION(from, IPPROTO_UDP, 9999);
    int stream = play_stream(p);
    STEP(A->setsockopt(stream, IPPROTO_UDP, UDP_CORK, &one, sizeof one));
    OPTION(stream, IPPROTO_UDP, UDP_CORK);
}

static void where_it_goes_is_settled_by_the_first_or_by_connect(struct play *p)
{
    static const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    int from = play_datagram(p), to = play_datagram(p), other = play_datagram(p);
    A->bind(to, LOOP(p->port));
    A->bind(other, LOOP((uint16_t)(p->port + 1)));
    STEP(A->sendto(from, "a", 1, MSG_MORE, LOOP(p->port)));
    STEP(A->sendto(from, "b", 1, MSG_MORE, LOOP((uint16_t)(p->port + 1))));
    STEP(A->sendto(from, "c", 1, MSG_MORE, LOOP(0)));
    STEP(A->sendto(from, "d", 1, MSG_MORE, (const struct sockaddr *)&six, sizeof six));
    STEP(A->send(from, "e", 1, MSG_MORE));
    STEP(A->connect(from, LOOP((uint16_t)(p->port + 1))));
    STEP(A->send(from, "f", 1, 0));
    receive(p, other);
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    STEP(A->send(from, "g", 1, MSG_MORE));
    A->getsockname(from, (struct sockaddr *)&name, &length);
    STEP(A->connect(from, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    STEP(A->send(from, "h", 1, 0));
    play_await(p, other, POLLIN);
    uint16_t port = name.sin_port;
    length = sizeof name;
    play_bytes(
        p, buffer,
        STEP(A->recvfrom(other, buffer, sizeof buffer, 0, (struct sockaddr *)&name, &length)));
    play_note(p, "the same port: %d", name.sin_port == port);
}

static void what_grows_too_long_is_lost(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->send(from, buffer, 65507, MSG_MORE));
    STEP(A->send(from, buffer, 1, MSG_MORE));
    STEP(A->send(from, "new", 3, 0));
    receive(p, to);
    STEP(A->send(from, buffer, 40000, MSG_MORE));
    STEP(A->send(from, buffer, 40000, 0));
    STEP(A->send(from, "new", 3, 0));
    receive(p, to);
    STEP(A->send(from, "kept ", 5, MSG_MORE));
    STEP(A->send(from, buffer, 65536, MSG_MORE));
    STEP(A->send(from, "and sent", 8, 0));
    receive(p, to);
    STEP(A->send(from, buffer, 40000, MSG_MORE));
    STEP(A->send(from, buffer, 25507, 0));
    play_await(p, to, POLLIN);
    STEP(A->recv(to, buffer, sizeof buffer, 0));
}

static void what_must_not_be_cut_ends_at_the_mtu(struct play *p)
{
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    STEP(A->connect(s, AT("10.0.0.9", 9)));
    STEP(A->send(s, buffer, 1472, MSG_MORE));
    STEP(A->send(s, buffer, 1, MSG_MORE));
    STEP(A->send(s, buffer, 1000, MSG_MORE));
    STEP(A->send(s, buffer, 472, 0));
}

static void closing_drops_it(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->send(from, "lost", 4, MSG_MORE));
    STEP(A->close(from));
    STEP(A->recv(to, buffer, sizeof buffer, 0));
}

static void shutdown_does_not_end_it(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->send(from, "ab", 2, MSG_MORE));
    STEP(A->shutdown(from, SHUT_WR));
    STEP(A->send(from, "cd", 2, MSG_MORE | MSG_NOSIGNAL));
    set_cork(p, from, 0);
    receive(p, to);
    STEP(A->send(from, "ef", 2, MSG_MORE | MSG_NOSIGNAL));
}

/* Only the first call finds out. */
static void errors_are_told_before_it_begins(struct play *p)
{
    int s = play_datagram(p), to = play_datagram(p);
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->send(s, "x", 1, 0));
    play_await(p, s, POLLERR);
    STEP(A->send(s, "a", 1, MSG_MORE));
    STEP(A->send(s, "b", 1, MSG_MORE));
    STEP(A->bind(to, LOOP(p->port)));
    STEP(A->send(s, "c", 1, 0));
    receive(p, to);
    STEP(A->send(s, "", 0, MSG_MORE));
    STEP(A->close(to));
    STEP(A->send(s, "d", 1, 0));
    play_await(p, s, POLLERR);
    OPTION(s, SOL_SOCKET, SO_ERROR);
}

static void it_needs_somewhere_to_go(struct play *p)
{
    int s = play_datagram(p);
    STEP(A->send(s, "a", 1, MSG_MORE));
    STEP(A->sendto(s, "a", 1, MSG_MORE, LOOP(0)));
    STEP(A->sendto(s, "a", 1, MSG_MORE, AT("255.255.255.255", 9)));
    STEP(A->sendto(s, "a", 1, MSG_MORE, NULL, 0));
    set_cork(p, s, 1);
    STEP(A->send(s, "a", 1, 0));
    set_cork(p, s, 0);
}

/* A datagram is written to all the same. */
static void it_can_be_polled_meanwhile(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    STEP(A->send(from, "a", 1, MSG_MORE));
    play_readiness(p, from);
    STEP(A->sendto(to, "back", 4, 0, LOOP(p->port)));
    STEP(A->recv(from, buffer, sizeof buffer, 0));
}

#define PROGRAM(name)       \
    {                       \
        "cork/" #name, name \
    }
const struct program programs_cork[] = {
    PROGRAM(calls_with_more_make_one),
    PROGRAM(write_and_sendmsg_add_to_it),
    PROGRAM(a_cork_is_put_in_and_lifted),
    PROGRAM(where_it_goes_is_settled_by_the_first_or_by_connect),
    PROGRAM(what_grows_too_long_is_lost),
    PROGRAM(what_must_not_be_cut_ends_at_the_mtu),
    PROGRAM(closing_drops_it),
    PROGRAM(shutdown_does_not_end_it),
    PROGRAM(errors_are_told_before_it_begins),
    PROGRAM(it_needs_somewhere_to_go),
    PROGRAM(it_can_be_polled_meanwhile),
};
const unsigned programs_cork_count = COUNT(programs_cork);
