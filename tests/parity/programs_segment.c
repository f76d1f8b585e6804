/* One call, many datagrams: UDP_SEGMENT. */
#include <time.h> /* which linux/errqueue.h takes for granted */

#include <linux/errqueue.h>
#include <netinet/udp.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[65536];

/* One that sends to where nobody answers, over a device of 1,500 bytes. */
static int outward(struct play *p)
{
    int s = play_datagram(p);
    A->connect(s, AT("10.0.0.9", 9));
    return s;
}

static void set(struct play *p, int s, int size)
{
    STEP(A->setsockopt(s, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size));
}

/* How long each is that comes, and whether all are there in order. */
static void receive(struct play *p, int s)
{
    char got[8];
    long n;
    play_await(p, s, POLLIN);
    while ((n = STEP(A->recv(s, got, sizeof got, MSG_TRUNC))) >= 0)
        play_bytes(p, got, n < (long)sizeof got ? n : (long)sizeof got);
}

/* Of many: how many, and how long all of them are, and the last. */
static void receive_many(struct play *p, int s)
{
    long count = 0, all = 0, last = 0, n;
    play_await(p, s, POLLIN);
    for (; (n = A->recv(s, buffer, sizeof buffer, 0)) >= 0; count++)
        all += last = n;
    play_note(p, "%ld datagrams, %ld bytes, the last of %ld", count, all, last);
}

static void number(size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer[i] = (char)('a' + i % 23);
}

static void the_option_has_its_bounds(struct play *p)
{
    static const int values[] = {1, 65535, 65536, -1, 0};
    play_udp_option(p, UDP_SEGMENT, values, COUNT(values));
}

static void a_call_is_cut_into_datagrams(struct play *p)
{
    int to = play_receiver(p), from = play_sender(p);
    number(sizeof buffer);
    set(p, from, 1000);
    STEP(A->send(from, buffer, 3500, 0));
    receive(p, to);
    STEP(A->send(from, buffer, 3000, 0));
    receive(p, to);
    STEP(A->send(from, buffer, 1000, 0));
    STEP(A->send(from, buffer, 999, 0));
    STEP(A->send(from, "", 0, 0));
    receive(p, to);
    set(p, from, 0);
    STEP(A->send(from, buffer, 3500, 0));
    receive(p, to);
}

static void spans_are_cut_where_they_must_be(struct play *p)
{
    struct iovec spans[] = {{buffer, 150}, {buffer + 150, 0}, {buffer + 150, 70}, {buffer, 31}};
    int to = play_receiver(p), from = play_sender(p);
    number(sizeof buffer);
    set(p, from, 100);
    STEP(A->sendmsg(from, &(struct msghdr){.msg_iov = spans, .msg_iovlen = COUNT(spans)}, 0));
    receive(p, to);
    STEP(A->sendto(from, buffer, 250, 0, LOOP(p->port)));
    receive(p, to);
}

static void there_are_not_too_many(struct play *p)
{
    int to = play_receiver(p), from = play_sender(p);
    set(p, from, 1);
    STEP(A->send(from, buffer, 128, 0));
    receive_many(p, to);
    STEP(A->send(from, buffer, 129, 0));
    set(p, from, 511);
    STEP(A->send(from, buffer, 65507, 0));
    set(p, from, 512);
    STEP(A->send(from, buffer, 65507, 0));
    receive_many(p, to);
}

static void what_error_queue(struct play *p, int s)
{
    _Alignas(struct cmsghdr) char room[256];
    struct msghdr message = {.msg_control = room, .msg_controllen = sizeof room};
    if (STEP(A->recvmsg(s, &message, MSG_ERRQUEUE)) < 0)
        return;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        struct sock_extended_err error;
        if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
            continue;
        memcpy(&error, CMSG_DATA(c), sizeof error);
        play_note(p, "errno %u, origin %u, info %u", error.ee_errno, error.ee_origin,
                  error.ee_info);
    }
}

/* Whatever is said of fragments, none are made. */
static void each_fits_the_path(struct play *p)
{
    static const int sizes[] = {1472, 1473, 65507};
    static const size_t lengths[] = {1000, 1472, 1473, 4000, 65507, 65508, 65535, 65536};
    for (int discover = IP_PMTUDISC_DONT; discover <= IP_PMTUDISC_OMIT; discover++) {
        int s = outward(p);
        play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, discover);
        play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
        for (size_t i = 0; i < COUNT(sizes); i++) {
            set(p, s, sizes[i]);
            for (size_t j = 0; j < COUNT(lengths); j++) {
                STEP(A->send(s, buffer, lengths[j], 0));
                what_error_queue(p, s);
            }
        }
    }
}

static void to_all(struct play *p)
{
    int s = play_datagram(p);
    set(p, s, 100);
    STEP(A->sendto(s, buffer, 300, 0, AT("10.0.0.255", 9)));
    play_set(p, s, SOL_SOCKET, SO_BROADCAST, 1);
    STEP(A->sendto(s, buffer, 300, 0, AT("10.0.0.255", 9)));
}

/* A control message. */
struct control {
    int level, type;
    size_t length;
    uint16_t value;
};

static bool send_controlled(struct play *p, int s, const struct control *messages, size_t count,
                            int flags)
{
    _Alignas(struct cmsghdr) char control[128] = "";
    struct iovec span = {buffer, 250};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = control};
    for (size_t i = 0; i < count; i++) {
        char *at = control + message.msg_controllen;
        struct cmsghdr header = {.cmsg_len = CMSG_LEN(messages[i].length),
                                 .cmsg_level = messages[i].level,
                                 .cmsg_type = messages[i].type};
        memcpy(at, &header, sizeof header);
        memcpy(at + CMSG_LEN(0), &messages[i].value, sizeof messages[i].value);
        message.msg_controllen += CMSG_SPACE(messages[i].length);
    }
    return STEP(A->sendmsg(s, &message, flags)) >= 0;
}

static void a_control_message_is_for_one_call(struct play *p)
{
    static const struct control rows[] = {
        {IPPROTO_UDP, UDP_SEGMENT, 2, 100}, {IPPROTO_UDP, UDP_SEGMENT, 2, 0},
        {IPPROTO_UDP, UDP_SEGMENT, 1, 100}, {IPPROTO_UDP, UDP_SEGMENT, 4, 100},
        {IPPROTO_UDP, UDP_SEGMENT, 2, 1},   {IPPROTO_UDP, UDP_CORK, 2, 1},
        {IPPROTO_TCP, UDP_SEGMENT, 2, 100},
    };
    static const struct control both[] = {{IPPROTO_UDP, UDP_SEGMENT, 2, 100},
                                          {IPPROTO_IP, IP_TTL, 4, 9},
                                          {IPPROTO_UDP, UDP_SEGMENT, 2, 200}};
    int to = play_receiver(p), from = play_sender(p), stream, other;
    play_connected(p, &stream, &other);
    number(sizeof buffer);
    set(p, from, 70);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (send_controlled(p, from, &rows[i], 1, 0))
            receive(p, to);
    }
    send_controlled(p, from, both, COUNT(both), 0);
    receive(p, to);
    send_controlled(p, stream, rows, 1, MSG_NOSIGNAL);
    STEP(A->send(from, buffer, 250, 0));
    receive(p, to);
}

static void what_several_calls_make_is_cut_as_the_first_said(struct play *p)
{
    static const struct control hundred = {IPPROTO_UDP, UDP_SEGMENT, 2, 100};
    int to = play_receiver(p), from = play_sender(p), one = 1, zero = 0;
    number(sizeof buffer);
    set(p, from, 60);
    STEP(A->send(from, buffer, 50, MSG_MORE));
    set(p, from, 0);
    STEP(A->send(from, buffer + 50, 50, 0));
    receive(p, to);
    send_controlled(p, from, &hundred, 1, MSG_MORE);
    STEP(A->send(from, buffer, 1, 0));
    receive(p, to);
    STEP(A->send(from, buffer, 1, MSG_MORE));
    send_controlled(p, from, &hundred, 1, 0);
    receive(p, to);
    set(p, from, 1);
    STEP(A->send(from, buffer, 100, MSG_MORE));
    STEP(A->send(from, buffer, 29, 0));
    STEP(A->send(from, buffer, 2, 0));
    receive(p, to);
    STEP(A->setsockopt(from, IPPROTO_UDP, UDP_CORK, &one, sizeof one));
    STEP(A->send(from, buffer, 129, 0));
    STEP(A->setsockopt(from, IPPROTO_UDP, UDP_CORK, &zero, sizeof zero));
    STEP(A->recv(to, buffer, sizeof buffer, 0));
    set(p, from, 40000);
    STEP(A->send(from, buffer, 40000, MSG_MORE));
    STEP(A->send(from, buffer, 25508, 0));
    STEP(A->send(from, buffer, 40000, MSG_MORE));
    STEP(A->send(from, buffer, 25507, 0));
    receive(p, to);
}

static void more_than_the_path_takes_is_found_at_the_end(struct play *p)
{
    int s = outward(p);
    set(p, s, 1473);
    STEP(A->send(s, buffer, 1473, MSG_MORE));
    STEP(A->send(s, buffer, 1, 0));
    STEP(A->send(s, buffer, 1472, MSG_MORE));
    STEP(A->send(s, "", 0, 0));
}

static void errors_come_before_its_own(struct play *p)
{
    int from = play_sender(p);
    set(p, from, 1);
    STEP(A->send(from, "x", 1, 0));
    play_await(p, from, POLLERR);
    STEP(A->send(from, buffer, 129, 0));
    STEP(A->send(from, buffer, 129, 0));
    STEP(A->shutdown(from, SHUT_WR));
    STEP(A->send(from, buffer, 129, MSG_NOSIGNAL));
    int nowhere = play_datagram(p);
    set(p, nowhere, 1);
    STEP(A->send(nowhere, buffer, 129, 0));
}

#define PROGRAM(name)          \
    {                          \
        "segment/" #name, name \
    }
const struct program programs_segment[] = {
    PROGRAM(the_option_has_its_bounds),
    PROGRAM(a_call_is_cut_into_datagrams),
    PROGRAM(spans_are_cut_where_they_must_be),
    PROGRAM(there_are_not_too_many),
    PROGRAM(each_fits_the_path),
    PROGRAM(to_all),
    PROGRAM(a_control_message_is_for_one_call),
    PROGRAM(what_several_calls_make_is_cut_as_the_first_said),
    PROGRAM(more_than_the_path_takes_is_found_at_the_end),
    PROGRAM(errors_come_before_its_own),
};
const unsigned programs_segment_count = COUNT(programs_segment);
