/* Datagrams to many: broadcast and multicast. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[64];

static const char *const all[] = {"10.0.0.255", "255.255.255.255"};

static int receiver(struct play *p, const char *host)
{
    int s = play_datagram(p);
    play_set(p, s, SOL_SOCKET, SO_REUSEADDR, 1);
    STEP(A->bind(s, AT(host, p->port)));
    return s;
}

static void broadcast_needs_leave(struct play *p)
{
    int s = play_datagram(p);
    OPTION(s, SOL_SOCKET, SO_BROADCAST);
    for (size_t i = 0; i < COUNT(all); i++) {
        play_set(p, s, SOL_SOCKET, SO_BROADCAST, 0);
        STEP(A->sendto(s, "x", 1, 0, AT(all[i], p->port)));
        STEP(A->connect(s, AT(all[i], p->port)));
        play_set(p, s, SOL_SOCKET, SO_BROADCAST, 1);
        STEP(A->sendto(s, "x", 1, 0, AT(all[i], p->port)));
        STEP(A->connect(s, AT(all[i], p->port)));
        STEP(A->send(s, "x", 1, 0));
        play_set(p, s, SOL_SOCKET, SO_BROADCAST, 0);
        STEP(A->send(s, "x", 1, 0));
    }
}

/* Who is bound to no address, or to the very address, hears it: the sender too. */
static void broadcast_is_heard_at_home(struct play *p)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    int any = receiver(p, "0.0.0.0"), own = receiver(p, "10.0.0.1"), very = receiver(p, all[0]),
        limited = receiver(p, all[1]);
    play_set(p, any, SOL_SOCKET, SO_BROADCAST, 1);
    for (size_t i = 0; i < COUNT(all); i++) {
        STEP(A->sendto(any, "all", 3, 0, AT(all[i], p->port)));
        play_await(p, any, POLLIN);
        STEP(A->recvfrom(any, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length));
        play_note(p, "from %s", inet_ntoa(from.sin_addr));
        STEP(A->recv(own, buffer, sizeof buffer, 0));
        STEP(A->recv(very, buffer, sizeof buffer, 0));
        STEP(A->recv(limited, buffer, sizeof buffer, 0));
    }
}

/* From an address that never leaves the host. */
static void from_loopback_it_goes_no_further(struct play *p)
{
    int any = receiver(p, "0.0.0.0"), s = play_datagram(p);
    STEP(A->bind(s, LOOP((uint16_t)(p->port + 1))));
    STEP(A->sendto(s, "x", 1, 0, AT("255.255.255.255", p->port)));
    STEP(A->sendto(s, "x", 1, 0, AT("10.0.0.255", p->port)));
    STEP(A->sendto(s, "x", 1, 0, AT("239.1.2.3", p->port)));
    play_set(p, s, SOL_SOCKET, SO_BROADCAST, 1);
    STEP(A->sendto(s, "x", 1, 0, AT("10.0.0.255", p->port)));
    STEP(A->sendto(s, "near", 4, 0, AT("255.255.255.255", p->port)));
    play_await(p, any, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(any, buffer, sizeof buffer, 0)));
}

static void who_is_bound_to_all_sends_from_one(struct play *p)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    int s = receiver(p, all[0]), to = play_datagram(p);
    A->bind(to, AT("10.0.0.1", (uint16_t)(p->port + 1)));
    STEP(A->getsockname(s, (struct sockaddr *)&name, &length));
    play_note(p, "bound to %s", inet_ntoa(name.sin_addr));
    STEP(A->connect(s, AT("10.0.0.1", (uint16_t)(p->port + 1))));
    STEP(A->send(s, "x", 1, 0));
    play_await(p, to, POLLIN);
    STEP(A->recvfrom(to, buffer, sizeof buffer, 0, (struct sockaddr *)&name, &length));
    play_note(p, "from %s", inet_ntoa(name.sin_addr));
    STEP(A->getsockname(s, (struct sockaddr *)&name, &length));
    play_note(p, "connected at %s", inet_ntoa(name.sin_addr));
}

static void a_group_can_be_sent_to(struct play *p)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    int s = play_datagram(p);
    STEP(A->sendto(s, "x", 1, 0, AT("239.1.2.3", p->port)));
    STEP(A->connect(s, AT("239.1.2.3", p->port)));
    STEP(A->send(s, "x", 1, 0));
    STEP(A->getsockname(s, (struct sockaddr *)&name, &length));
    play_note(p, "from %s", inet_ntoa(name.sin_addr));
    STEP(A->getpeername(s, (struct sockaddr *)&name, &length));
    play_note(p, "to %s", inet_ntoa(name.sin_addr));
    int member = receiver(p, "0.0.0.0"), very = receiver(p, "239.1.2.3");
    STEP(A->send(s, "x", 1, 0));
    STEP(A->recv(member, buffer, sizeof buffer, 0)); /* who has not joined hears nothing */
    STEP(A->recv(very, buffer, sizeof buffer, 0));
}

static void a_group_has_its_own_hop_limit(struct play *p)
{
    static const int values[] = {0, 1, 255, -1, 256, -2};
    int s = play_datagram(p);
    OPTION(s, IPPROTO_IP, IP_MULTICAST_TTL);
    OPTION(s, IPPROTO_IP, IP_MULTICAST_LOOP);
    for (size_t i = 0; i < COUNT(values); i++) {
        STEP(A->setsockopt(s, IPPROTO_IP, IP_MULTICAST_TTL, &values[i], sizeof values[i]));
        OPTION(s, IPPROTO_IP, IP_MULTICAST_TTL);
        STEP(A->setsockopt(s, IPPROTO_IP, IP_MULTICAST_LOOP, &values[i], sizeof values[i]));
        OPTION(s, IPPROTO_IP, IP_MULTICAST_LOOP);
        STEP(A->sendto(s, "x", 1, 0, AT("239.1.2.3", p->port)));
    }
}

static void a_stream_has_one_peer(struct play *p)
{
    static const char *const hosts[] = {"10.0.0.255", "255.255.255.255", "239.1.2.3"};
    int s = play_stream(p);
    play_set(p, s, SOL_SOCKET, SO_BROADCAST, 1);
    for (size_t i = 0; i < COUNT(hosts); i++)
        STEP(A->connect(s, AT(hosts[i], p->port)));
}

#define PROGRAM(name)       \
    {                       \
        "many/" #name, name \
    }
const struct program programs_many[] = {
    PROGRAM(broadcast_needs_leave),
    PROGRAM(broadcast_is_heard_at_home),
    PROGRAM(from_loopback_it_goes_no_further),
    PROGRAM(who_is_bound_to_all_sends_from_one),
    PROGRAM(a_group_can_be_sent_to),
    PROGRAM(a_group_has_its_own_hop_limit),
    PROGRAM(a_stream_has_one_peer),
};
const unsigned programs_many_count = COUNT(programs_many);
