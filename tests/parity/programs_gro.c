/* Many datagrams, received by one call: UDP_GRO, of what UDP_SEGMENT has sent. */
#include <netinet/udp.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char sent[65536], buffer[65536];

static void set_gro(struct play *p, int s, int value)
{
    STEP(A->setsockopt(s, IPPROTO_UDP, UDP_GRO, &value, sizeof value));
}

/* A receiver that asks for it, and a sender that is connected to it. */
static void two_ends(struct play *p, int *from, int *to)
{
    *to = play_receiver(p);
    *from = play_sender(p);
    set_gro(p, *to, 1);
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)('a' + i % 23);
}

static void send_cut(struct play *p, int from, size_t length, int size)
{
    play_set(p, from, IPPROTO_UDP, UDP_SEGMENT, size);
    STEP(A->send(from, sent, length, 0));
}

static void note_controls(struct play *p, struct msghdr *message)
{
    play_note(p, "flags %x, %zu bytes of control", message->msg_flags, message->msg_controllen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        int value;
        memcpy(&value, CMSG_DATA(c), sizeof value);
        play_note(p, "level %d, type %d, %zu bytes: %d", c->cmsg_level, c->cmsg_type,
                  (size_t)c->cmsg_len, c->cmsg_level == IPPROTO_UDP ? value : 0);
    }
}

/* One call, with room for so many bytes, and of control messages. */
static void receive(struct play *p, int s, size_t length, size_t control, int flags)
{
    _Alignas(struct cmsghdr) char room[256];
    struct iovec span = {buffer, length};
    struct msghdr message = {
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = room, .msg_controllen = control};
    memset(buffer, 0, sizeof buffer);
    long n = STEP(A->recvmsg(s, &message, flags));
    if (n < 0)
        return;
    play_note(p, "as sent: %d", memcmp(buffer, sent, (size_t)n < length ? (size_t)n : length) == 0);
    note_controls(p, &message);
}

static void receive_all(struct play *p, int s)
{
    play_await(p, s, POLLIN);
    do
        receive(p, s, sizeof buffer, 256, 0);
    while (errno != EAGAIN && p->count < LINES - 16);
}

static void the_option_is_on_or_off(struct play *p)
{
    static const int values[] = {1, 0, 2, -1, 65536};
    play_udp_option(p, UDP_GRO, values, COUNT(values));
}

static void one_call_is_received_by_one(struct play *p)
{
    static const struct {
        size_t length;
        int size;
    } calls[] = {{3500, 1000}, {3000, 1000}, {1001, 1000}, {1000, 1000},  {999, 1000},
                 {3500, 0},    {128, 1},     {0, 100},     {65000, 1400}, {65000, 512}};
    int from, to;
    two_ends(p, &from, &to);
    for (size_t i = 0; i < COUNT(calls); i++) {
        send_cut(p, from, calls[i].length, calls[i].size);
        receive_all(p, to);
    }
}

static void each_call_is_its_own(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    send_cut(p, from, 300, 100);
    send_cut(p, from, 300, 100);
    send_cut(p, from, 100, 0);
    send_cut(p, from, 250, 50);
    play_readiness(p, to);
    receive_all(p, to);
    play_readiness(p, to);
}

static void too_little_room_takes_a_part(struct play *p)
{
    int from, to, queued;
    two_ends(p, &from, &to);
    send_cut(p, from, 3500, 1000);
    send_cut(p, from, 700, 200);
    send_cut(p, from, 10, 0);
    play_await(p, to, POLLIN);
    STEP(A->ioctl(to, FIONREAD, &queued));
    play_note(p, "queued: %d", queued);
    receive(p, to, 1500, 256, MSG_PEEK);
    receive(p, to, 1500, 256, MSG_PEEK | MSG_TRUNC);
    receive(p, to, 0, 256, MSG_PEEK | MSG_TRUNC);
    receive(p, to, 1500, 256, MSG_TRUNC);
    STEP(A->ioctl(to, FIONREAD, &queued));
    play_note(p, "queued: %d", queued);
    STEP(A->recv(to, buffer, 300, MSG_PEEK));
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    receive_all(p, to);
}

static void it_is_told_behind_the_time_and_before_ip(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    play_set(p, to, IPPROTO_IP, IP_RECVTTL, 1);
    play_set(p, to, IPPROTO_IP, IP_RECVTOS, 1);
    play_set(p, to, SOL_SOCKET, SO_TIMESTAMP, 1);
    send_cut(p, from, 350, 100);
    receive_all(p, to);
}

/* What was asked for when it came counts, and what is told when it is received. */
static void the_option_counts_when_it_comes(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    send_cut(p, from, 300, 100);
    play_await(p, to, POLLIN);
    set_gro(p, to, 0);
    send_cut(p, from, 250, 100);
    receive(p, to, sizeof buffer, 256, MSG_PEEK);
    set_gro(p, to, 1);
    receive(p, to, sizeof buffer, 256, MSG_PEEK);
    set_gro(p, to, 0);
    receive(p, to, sizeof buffer, 256, 0);
    set_gro(p, to, 1);
    for (int i = 0; i < 3; i++)
        STEP(A->recv(to, buffer, sizeof buffer, 0));
    receive_all(p, to);
}

static void who_does_not_ask_gets_one_by_one(struct play *p)
{
    int from, to, queued;
    two_ends(p, &from, &to);
    set_gro(p, to, 0);
    send_cut(p, from, 250, 100);
    play_await(p, to, POLLIN);
    for (int i = 0; i < 4; i++) {
        STEP(A->ioctl(to, FIONREAD, &queued));
        play_note(p, "queued: %d", queued);
        STEP(A->recv(to, buffer, 30, MSG_PEEK | MSG_TRUNC));
        receive(p, to, sizeof buffer, 256, 0);
    }
}

static void what_is_said_of_fragments_changes_nothing(struct play *p)
{
    int from, to;
    two_ends(p, &from, &to);
    for (int discover = IP_PMTUDISC_DONT; discover <= IP_PMTUDISC_OMIT; discover++) {
        play_set(p, from, IPPROTO_IP, IP_MTU_DISCOVER, discover);
        send_cut(p, from, 300, 100);
        receive_all(p, to);
    }
}

static void all_who_are_bound_get_what_is_for_all(struct play *p)
{
    int from = play_datagram(p), whole = play_datagram(p), parts = play_datagram(p);
    play_set(p, whole, SOL_SOCKET, SO_REUSEADDR, 1);
    play_set(p, parts, SOL_SOCKET, SO_REUSEADDR, 1);
    play_set(p, from, SOL_SOCKET, SO_BROADCAST, 1);
    STEP(A->bind(whole, AT("0.0.0.0", p->port)));
    STEP(A->bind(parts, AT("0.0.0.0", p->port)));
    set_gro(p, whole, 1);
    play_set(p, from, IPPROTO_UDP, UDP_SEGMENT, 100);
    STEP(A->sendto(from, sent, 250, 0, AT("10.0.0.255", p->port)));
    receive_all(p, whole);
    receive_all(p, parts);
}

#define PROGRAM(name)      \
    {                      \
        "gro/" #name, name \
    }
const struct program programs_gro[] = {
    PROGRAM(the_option_is_on_or_off),
    PROGRAM(one_call_is_received_by_one),
    PROGRAM(each_call_is_its_own),
    PROGRAM(too_little_room_takes_a_part),
    PROGRAM(it_is_told_behind_the_time_and_before_ip),
    PROGRAM(the_option_counts_when_it_comes),
    PROGRAM(who_does_not_ask_gets_one_by_one),
    PROGRAM(what_is_said_of_fragments_changes_nothing),
    PROGRAM(all_who_are_bound_get_what_is_for_all),
};
const unsigned programs_gro_count = COUNT(programs_gro);
