/* Control messages where there is room for some of them, and for a part of one. */
#include <time.h> /* which linux/errqueue.h takes for granted */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/udp.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { OPTION_INQ = 36, ROOM = 256 };

static char buffer[2000];

/* One call's control messages. */
struct told {
    _Alignas(struct cmsghdr) unsigned char room[ROOM];
    struct msghdr message;
};

/* With so many bytes for them, or no room at all though it is said that there is some. */
static bool receive(struct play *p, int s, int flags, size_t length, bool nowhere,
                    struct told *told)
{
    struct iovec span = {buffer, sizeof buffer};
    memset(told->room, 0xee, sizeof told->room);
    told->message = (struct msghdr){.msg_iov = &span,
                                    .msg_iovlen = 1,
                                    .msg_control = nowhere ? NULL : told->room,
                                    .msg_controllen = length};
    if (A->recvmsg(s, &told->message, flags) >= 0)
        return true;
    play_note(p, "%zu: %s", length, strerrorname_np(errno));
    return false;
}

/* Times differ, and nothing else does. */
static void blank_times(struct told *told)
{
    struct cmsghdr header;
    size_t end = told->message.msg_controllen, step;
    for (size_t at = 0; end - at >= sizeof header; at += step < end - at ? step : end - at) {
        memcpy(&header, told->room + at, sizeof header);
        if (header.cmsg_len < sizeof header || header.cmsg_len > end - at)
            break;
        if (header.cmsg_level == SOL_SOCKET)
            memset(told->room + at + CMSG_LEN(0), 0, header.cmsg_len - CMSG_LEN(0));
        step = CMSG_ALIGN(header.cmsg_len);
    }
}

/* What is written is told by a sum over all of the room, and what is not by the same. */
static void note(struct play *p, size_t length, struct told *told)
{
    uint32_t sum = 2166136261u; /* FNV-1a */
    blank_times(told);
    for (size_t i = 0; i < sizeof told->room; i++)
        sum = (sum ^ told->room[i]) * 16777619u;
    play_note(p, "%zu: flags %x, %zu bytes, sum %08x", length, (unsigned)told->message.msg_flags,
              (size_t)told->message.msg_controllen, sum);
}

/* From none to all and a little more. `again`, or NULL: makes what is received anew each time. */
static void receive_into_each(struct play *p, int s, int flags,
                              void (*again)(struct play *p, int s))
{
    static struct told told;
    size_t whole = ROOM;
    for (size_t length = 0; length <= whole + 9 && length <= ROOM; length++) {
        if (again != NULL)
            again(p, s);
        if (!receive(p, s, flags, length, false, &told))
            return;
        note(p, length, &told);
        if (!(told.message.msg_flags & MSG_CTRUNC) && whole == ROOM)
            whole = length;
    }
    if (again != NULL)
        again(p, s);
    if (receive(p, s, flags, ROOM, true, &told))
        note(p, ROOM, &told);
}

/* A super-datagram, and of it what is asked for. */
static void datagram(struct play *p, const int (*asked)[2], size_t count, int value)
{
    int to = play_receiver(p), from = play_sender(p);
    for (size_t i = 0; i < count; i++)
        play_set(p, to, asked[i][0], asked[i][1], value);
    play_set(p, from, IPPROTO_UDP, UDP_SEGMENT, 100);
    STEP(A->send(from, buffer, 250, 0));
    play_await(p, to, POLLIN);
    receive_into_each(p, to, MSG_PEEK, NULL);
    p->port++;
}

static void of_a_datagram_and_each_of_them(struct play *p)
{
    static const int asked[][2] = {{SOL_SOCKET, SO_TIMESTAMP},
                                   {IPPROTO_UDP, UDP_GRO},
                                   {IPPROTO_IP, IP_RECVTTL},
                                   {IPPROTO_IP, IP_RECVTOS},
                                   {IPPROTO_IP, IP_PKTINFO}};
    datagram(p, asked, COUNT(asked), 1);
    datagram(p, asked + 1, COUNT(asked) - 1, 1);
}

static void of_a_datagram_and_one_of_them(struct play *p)
{
    static const int asked[][2] = {{SOL_SOCKET, SO_TIMESTAMP}, {SOL_SOCKET, SO_TIMESTAMPNS},
                                   {IPPROTO_UDP, UDP_GRO},     {IPPROTO_IP, IP_RECVTTL},
                                   {IPPROTO_IP, IP_RECVTOS},   {IPPROTO_IP, IP_PKTINFO}};
    for (size_t i = 0; i < COUNT(asked); i++)
        datagram(p, &asked[i], 1, 1);
}

/* With a time of each kind the kernel has one also of the first packet after long. */
static void of_a_datagram_and_its_times(struct play *p)
{
    static const int asked[][2] = {{SOL_SOCKET, SO_TIMESTAMPNS}, {SOL_SOCKET, SO_TIMESTAMPING}};
    datagram(p, asked, COUNT(asked), SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
}

static void of_a_datagram_and_nothing_asked_for(struct play *p)
{
    datagram(p, NULL, 0, 0);
}

static void of_a_stream_and_what_is_left(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_set(p, server, IPPROTO_TCP, OPTION_INQ, 1);
    STEP(A->send(client, "abc", 3, 0));
    play_await(p, server, POLLIN);
    receive_into_each(p, server, MSG_PEEK, NULL);
}

/* ── Error queues, at which nobody can peek ── */

static void send_too_long(struct play *p, int s)
{
    A->send(s, buffer, sizeof buffer, 0);
    play_await(p, s, POLLERR);
}

static void of_an_error_of_our_own(struct play *p)
{
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    STEP(A->connect(s, AT("10.0.0.9", 9)));
    receive_into_each(p, s, MSG_ERRQUEUE, send_too_long);
}

static void send_and_be_refused(struct play *p, int s)
{
    A->send(s, "x", 1, 0);
    play_await(p, s, POLLERR);
}

static void of_an_error_that_icmp_told(struct play *p)
{
    static struct told told;
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    play_set(p, s, IPPROTO_IP, IP_RECVTTL, 1);
    play_set(p, s, IPPROTO_IP, IP_RECVTOS, 1);
    play_set(p, s, IPPROTO_IP, IP_PKTINFO, 1);
    STEP(A->connect(s, LOOP(p->port)));
    for (size_t length = 0; length < 150; length += 5) { /* there are not many at a time */
        send_and_be_refused(p, s);
        OPTION(s, SOL_SOCKET, SO_ERROR);
        if (receive(p, s, MSG_ERRQUEUE, length, false, &told))
            note(p, length, &told);
    }
}

static void send_stamped(struct play *p, int s)
{
    A->send(s, "abc", 3, 0);
    play_await(p, s, POLLERR);
}

static void of_a_transmit_time(struct play *p)
{
    int s = play_datagram(p);
    play_receiver(p);
    STEP(A->connect(s, LOOP(p->port)));
    play_set(p, s, SOL_SOCKET, SO_TIMESTAMPING,
             SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                 SOF_TIMESTAMPING_OPT_TSONLY);
    receive_into_each(p, s, MSG_ERRQUEUE, send_stamped);
}

static void send_uncopied(struct play *p, int s)
{
    A->send(s, "abc", 3, MSG_ZEROCOPY);
    play_await(p, s, POLLERR);
}

static void of_a_completion(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_set(p, client, SOL_SOCKET, SO_ZEROCOPY, 1);
    receive_into_each(p, client, MSG_ERRQUEUE, send_uncopied);
}

#define PROGRAM(name)       \
    {                       \
        "room/" #name, name \
    }
const struct program programs_room[] = {
    PROGRAM(of_a_datagram_and_each_of_them),
    PROGRAM(of_a_datagram_and_one_of_them),
    PROGRAM(of_a_datagram_and_its_times),
    PROGRAM(of_a_datagram_and_nothing_asked_for),
    PROGRAM(of_a_stream_and_what_is_left),
    PROGRAM(of_an_error_of_our_own),
    PROGRAM(of_an_error_that_icmp_told),
    PROGRAM(of_a_transmit_time),
    PROGRAM(of_a_completion),
};
const unsigned programs_room_count = COUNT(programs_room);
