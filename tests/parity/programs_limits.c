/* What there is no more of: ports, descriptors, room, time. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[65536];

static void set_time(struct play *p, int s, int option, int milliseconds)
{
    struct timeval time = {0, milliseconds * 1000};
    STEP(A->setsockopt(s, SOL_SOCKET, option, &time, sizeof time));
}

/* All ports that the system may choose are taken by sockets of the kind. */
static void take_all_ports(struct play *p, int type)
{
    A->ports(p->port, (uint16_t)(p->port + 1));
    for (int i = 0; i < 2; i++) {
        int s = A->socket(AF_INET, type | SOCK_NONBLOCK, 0);
        STEP(A->bind(s, AT("0.0.0.0", (uint16_t)(p->port + i))));
        if (type == SOCK_STREAM)
            STEP(A->listen(s, 1));
    }
}

static void no_port_for_a_stream(struct play *p)
{
    take_all_ports(p, SOCK_STREAM);
    int s = play_stream(p);
    STEP(A->bind(s, LOOP(0)));
    STEP(A->listen(s, 1));
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->connect(s, AT("10.0.0.9", 5)));
}

static void no_port_for_a_datagram(struct play *p)
{
    take_all_ports(p, SOCK_DGRAM);
    int s = play_datagram(p);
    STEP(A->bind(s, LOOP(0)));
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->sendto(s, "x", 1, 0, LOOP(p->port)));
    STEP(A->sendto(s, "x", 1, MSG_MORE, AT("10.0.0.9", 5)));
}

/* But raw sockets and packet sockets, which the kernel has for who may have them. */
static void kinds_that_there_are_and_are_not(struct play *p)
{
    const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, 255, 5000, -1};
    for (int type = -1; type <= 12; type++) {
        for (size_t i = 0; i < COUNT(protocols); i++) {
            if (type == SOCK_PACKET || (type == SOCK_RAW && protocols[i] != 0))
                continue;
            int s = A->socket(AF_INET, type, protocols[i]);
            play_note(p, "type %d, protocol %d: %s", type, protocols[i],
                      s < 0 ? strerrorname_np(errno) : "made");
            if (s >= 0)
                A->close(s);
        }
    }
    const int domains[] = {-1, AF_UNSPEC, AF_MAX, 9999};
    for (size_t i = 0; i < COUNT(domains); i++)
        STEP(A->socket(domains[i], SOCK_STREAM, 0));
}

static void no_descriptor_is_left(struct play *p)
{
    int listener = play_listener(p), client = play_dial(p);
    play_await(p, listener, POLLIN);
    A->descriptors(0);
    STEP(A->socket(AF_INET, SOCK_STREAM, 0));
    STEP(A->socket(AF_INET, SOCK_DGRAM, 0));
    STEP(A->socket(AF_INET6, 99, 0));
    STEP(A->epoll_create1(0));
    STEP(A->epoll_create1(EPOLL_CLOEXEC | 1));
    STEP(A->accept(listener, NULL, NULL));
    STEP(A->accept(client, NULL, NULL));
    play_readiness(p, listener);
    A->close(client);
    STEP_OK(A->accept(listener, NULL, NULL)); /* it has not been lost */
}

static void fill(struct play *p, int s)
{
    ssize_t n;
    while ((n = A->send(s, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        ;
    play_note(p, "full: %s", n < 0 ? strerrorname_np(errno) : "it takes nothing");
}

/* The kernel moves bytes by itself: until no more go in for a while. */
static void fill_for_good(struct play *p, int s)
{
    struct pollfd fd = {.fd = s, .events = POLLOUT};
    do
        fill(p, s);
    while (A->poll(&fd, 1, 300) == 1 && p->count-- > 0);
}

static void no_room_to_send(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    fill_for_good(p, client);
    play_readiness(p, client);
    STEP(A->send(client, "x", 1, 0));
    STEP(A->write(client, "x", 1));
    STEP(A->send(client, "x", 1, MSG_MORE));
    play_blocking(p, client);
    STEP(A->send(client, "x", 1, MSG_DONTWAIT));
    set_time(p, client, SO_SNDTIMEO, 20);
    uint64_t before = A->now_ns();
    STEP(A->send(client, "x", 1, 0));
    play_note(p, "waited: %d", A->now_ns() - before >= 20000000);
    while (A->recv(server, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        A->poll(NULL, 0, 1);
    play_await(p, client, POLLOUT);
    STEP(A->send(client, "x", 1, 0));
}

/* What has been taken counts for more than that the time is over. */
static void a_part_is_sent_in_time(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    fill_for_good(p, client);
    A->recv(server, buffer, sizeof buffer, MSG_DONTWAIT);
    while (A->recv(server, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        A->poll(NULL, 0, 1);
    play_await(p, client, POLLOUT);
    play_blocking(p, client);
    set_time(p, client, SO_SNDTIMEO, 20);
    ssize_t n = 0;
    for (int i = 0; i < 10000 && (n = A->send(client, buffer, sizeof buffer, 0)) == sizeof buffer;
         i++)
        ;
    play_note(p, "a part, or none in time: %d", n > 0 || (n < 0 && errno == EAGAIN));
}

static void time_is_over(struct play *p)
{
    int listener = play_listener(p), s = play_stream(p), d = play_datagram(p);
    play_blocking(p, listener);
    play_blocking(p, s);
    play_blocking(p, d);
    set_time(p, listener, SO_RCVTIMEO, 20);
    set_time(p, s, SO_SNDTIMEO, 20);
    set_time(p, d, SO_RCVTIMEO, 20);
    uint64_t before = A->now_ns();
    STEP(A->accept(listener, NULL, NULL));
    STEP(A->connect(s, AT("10.0.0.99", 5)));
    STEP(A->recv(d, buffer, 1, 0));
    play_note(p, "waited: %d", A->now_ns() - before >= 60000000);
    STEP(A->connect(s, AT("10.0.0.99", 5)));
    STEP(A->recv(s, buffer, 1, MSG_DONTWAIT));
    STEP(A->send(s, "x", 1, MSG_DONTWAIT));
}

static void nobody_answers(struct play *p)
{
    int s = play_stream(p);
    play_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 100);
    play_set(p, s, IPPROTO_TCP, TCP_SYNCNT, 1);
    STEP(A->connect(s, AT("10.0.0.99", 5)));
    play_await(p, s, POLLERR);
    play_readiness(p, s);
    OPTION(s, SOL_SOCKET, SO_ERROR);
    STEP(A->connect(s, AT("10.0.0.99", 5)));
}

/* ip(7), IP_MTU_DISCOVER: more than the device takes in one packet. */
static void more_than_the_device_takes(struct play *p)
{
    static const int modes[] = {IP_PMTUDISC_DONT,  IP_PMTUDISC_WANT,      IP_PMTUDISC_DO,
                                IP_PMTUDISC_PROBE, IP_PMTUDISC_INTERFACE, IP_PMTUDISC_OMIT};
    int s = play_datagram(p);
    STEP(A->connect(s, AT("10.0.0.9", 5)));
    OPTION(s, IPPROTO_IP, IP_MTU);
    for (size_t i = 0; i < COUNT(modes); i++) {
        play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, modes[i]);
        STEP(A->send(s, buffer, 1472, 0));
        STEP(A->send(s, buffer, 1473, 0));
        STEP(A->send(s, buffer, 1400, MSG_MORE));
        STEP(A->send(s, buffer, 100, 0));
    }
}

#define PROGRAM(name)         \
    {                         \
        "limits/" #name, name \
    }
const struct program programs_limits[] = {
    PROGRAM(no_port_for_a_stream),
    PROGRAM(no_port_for_a_datagram),
    PROGRAM(kinds_that_there_are_and_are_not),
    PROGRAM(no_descriptor_is_left),
    PROGRAM(no_room_to_send),
    PROGRAM(a_part_is_sent_in_time),
    PROGRAM(time_is_over),
    PROGRAM(nobody_answers),
    PROGRAM(more_than_the_device_takes),
};
const unsigned programs_limits_count = COUNT(programs_limits);
