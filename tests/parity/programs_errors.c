/* Error queues, and what comes in control messages: errors, completions, times, what is left. */
#include <time.h> /* which linux/errqueue.h takes for granted */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/udp.h>
#include <stdio.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { OPTION_INQ = 36 };

static void write_error(struct play *p, const struct cmsghdr *c)
{
    struct {
        struct sock_extended_err error;
        struct sockaddr_in offender;
    } told;
    memcpy(&told, (const char *)c + CMSG_LEN(0), sizeof told);
    play_note(p, "  error %u, origin %u, type %u, code %u, info %u, data %u, by %s",
              told.error.ee_errno, told.error.ee_origin, told.error.ee_type, told.error.ee_code,
              told.error.ee_info, told.error.ee_data,
              told.offender.sin_family == AF_INET ? inet_ntoa(told.offender.sin_addr) : "nobody");
}

static void write_bytes(struct play *p, const struct cmsghdr *c)
{
    char text[64] = "";
    for (size_t i = 0; i < c->cmsg_len - CMSG_LEN(0) && i < 20; i++)
        snprintf(text + 3 * i, 4, " %02x", CMSG_DATA(c)[i]);
    play_note(p, " %s", text);
}

/* One message and all that comes with it. */
static void receive(struct play *p, int s, int flags)
{
    char bytes[64], space[512];
    struct sockaddr_in name = {0};
    struct iovec span = {bytes, sizeof bytes};
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = space,
                             .msg_controllen = sizeof space};
    ssize_t length = STEP(A->recvmsg(s, &message, flags));
    if (length < 0)
        return;
    play_bytes(p, bytes, length);
    play_note(p, "  flags %x, name of %u bytes", message.msg_flags, message.msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        play_note(p, "  level %d, type %d, %zu bytes", c->cmsg_level, c->cmsg_type,
                  (size_t)c->cmsg_len);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)
            write_error(p, c);
        if (c->cmsg_level == IPPROTO_TCP && c->cmsg_type == OPTION_INQ)
            play_note(p, "  %d left", *(const int *)(const void *)CMSG_DATA(c));
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type != IP_RECVERR)
            write_bytes(p, c);
    }
}

static void refused(struct play *p, bool connected, bool asks)
{
    int s = play_datagram(p);
    if (asks)
        play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    if (connected)
        STEP(A->connect(s, LOOP(p->port)));
    STEP(A->sendto(s, "lost", 4, 0, LOOP(p->port)));
    if (asks || connected)
        play_await(p, s, POLLERR);
    play_readiness(p, s);
    receive(p, s, MSG_ERRQUEUE);
    play_readiness(p, s);
    OPTION(s, SOL_SOCKET, SO_ERROR);
    receive(p, s, MSG_ERRQUEUE);
    STEP(A->sendto(s, "lost", 4, 0, LOOP(p->port)));
}

static void datagram_refused_with_a_peer(struct play *p)
{
    refused(p, true, true);
}

static void datagram_refused_without_a_peer(struct play *p)
{
    refused(p, false, true);
}

static void datagram_refused_and_not_asked_for(struct play *p)
{
    refused(p, true, false);
}

static void errors_are_told_one_by_one(struct play *p)
{
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    for (int i = 0; i < 3; i++) {
        STEP(A->sendto(s, "lost", 4, 0, LOOP((uint16_t)(p->port + i))));
        play_await(p, s, POLLERR);
        OPTION(s, SOL_SOCKET, SO_ERROR);
    }
    for (int i = 0; i < 4; i++) {
        receive(p, s, MSG_ERRQUEUE);
        OPTION(s, SOL_SOCKET, SO_ERROR);
    }
}

static void datagram_too_long_to_leave_whole(struct play *p)
{
    static const char bytes[2000];
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    STEP(A->connect(s, AT("10.0.0.9", 9)));
    STEP(A->send(s, bytes, sizeof bytes, 0));
    play_readiness(p, s);
    receive(p, s, MSG_ERRQUEUE);
    play_readiness(p, s);
}

static void completions_of_a_stream(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    STEP(A->send(client, "abc", 3, MSG_ZEROCOPY));
    play_set(p, client, SOL_SOCKET, SO_ZEROCOPY, 1);
    OPTION(client, SOL_SOCKET, SO_ZEROCOPY);
    for (int i = 0; i < 2; i++) {
        STEP(A->send(client, "abc", 3, MSG_ZEROCOPY));
        play_await(p, client, POLLERR);
        play_readiness(p, client);
        receive(p, client, MSG_ERRQUEUE);
        play_readiness(p, client);
    }
    receive(p, client, MSG_ERRQUEUE);
}

static void transmit_times_of_a_stream(struct play *p)
{
    const int wanted = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
                       SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    int client, server;
    play_connected(p, &client, &server);
    play_set(p, client, SOL_SOCKET, SO_TIMESTAMPING, wanted);
    for (int i = 0; i < 2; i++) {
        STEP(A->send(client, "abcdef", 6, 0));
        play_await(p, client, POLLERR);
        receive(p, client, MSG_ERRQUEUE);
    }
    receive(p, client, MSG_ERRQUEUE);
}

static void transmit_times_of_datagrams(struct play *p)
{
    const int wanted = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE |
                       SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                       SOF_TIMESTAMPING_OPT_TSONLY;
    int s = play_datagram(p), other = play_datagram(p);
    STEP(A->bind(other, LOOP(p->port)));
    STEP(A->connect(s, LOOP(p->port)));
    play_set(p, s, SOL_SOCKET, SO_TIMESTAMPING, wanted);
    for (int i = 0; i < 2; i++) {
        STEP(A->send(s, "abc", 3, 0));
        receive(p, s, MSG_ERRQUEUE);
        receive(p, s, MSG_ERRQUEUE);
    }
    receive(p, s, MSG_ERRQUEUE);
}

/* Of one call there is one note, however many datagrams it makes (UDP_SEGMENT). */
static void what_is_told_of_datagrams_that_one_call_makes(struct play *p)
{
    const int wanted =
        SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    static char bytes[3];
    int s = play_datagram(p), other = play_datagram(p);
    STEP(A->bind(other, LOOP(p->port)));
    STEP(A->connect(s, LOOP(p->port)));
    play_set(p, s, IPPROTO_UDP, UDP_SEGMENT, 1);
    play_set(p, s, SOL_SOCKET, SO_TIMESTAMPING, wanted);
    for (int i = 0; i < 2; i++) {
        STEP(A->send(s, "abc", 3, 0));
        receive(p, s, MSG_ERRQUEUE);
        receive(p, s, MSG_ERRQUEUE);
    }
    play_set(p, s, SOL_SOCKET, SO_TIMESTAMPING, 0);
    play_set(p, s, SOL_SOCKET, SO_ZEROCOPY, 1);
    for (int i = 0; i < 2; i++) {
        STEP(A->send(s, "abc", 3, MSG_ZEROCOPY));
        while (A->recv(other, bytes, sizeof bytes, 0) >= 0)
            continue;
        play_await(p, s, POLLERR);
        receive(p, s, MSG_ERRQUEUE);
        receive(p, s, MSG_ERRQUEUE);
    }
}

static void times_of_arrival(struct play *p)
{
    static const int options[] = {SO_TIMESTAMP, SO_TIMESTAMPNS};
    int s = play_datagram(p), other = play_datagram(p);
    STEP(A->bind(s, LOOP(p->port)));
    STEP(A->bind(other, LOOP((uint16_t)(p->port + 1))));
    for (size_t i = 0; i < COUNT(options); i++) {
        play_set(p, s, SOL_SOCKET, options[i], 1);
        OPTION(s, SOL_SOCKET, SO_TIMESTAMP);
        OPTION(s, SOL_SOCKET, SO_TIMESTAMPNS);
        STEP(A->sendto(other, "abc", 3, 0, LOOP(p->port)));
        play_await(p, s, POLLIN);
        receive(p, s, 0);
        play_set(p, s, SOL_SOCKET, options[i], 0);
        OPTION(s, SOL_SOCKET, SO_TIMESTAMP);
    }
}

static void what_is_left_to_read(struct play *p)
{
    int client, server;
    char bytes[4];
    play_connected(p, &client, &server);
    play_set(p, server, IPPROTO_TCP, OPTION_INQ, 1);
    STEP(A->send(client, "abcdefghij", 10, 0));
    play_await(p, server, POLLIN);
    receive(p, server, MSG_PEEK);
    STEP(A->recv(server, bytes, 4, 0));
    receive(p, server, 0);
    STEP(A->shutdown(client, SHUT_WR));
    play_await(p, server, POLLRDHUP);
    receive(p, server, 0);
}

/* What recvmsg() tells of datagrams to who asks, it tells of errors too, where there is a packet
 * that says it. */
static void ask_for_all(struct play *p, int s)
{
    play_set(p, s, IPPROTO_IP, IP_RECVERR, 1);
    play_set(p, s, IPPROTO_IP, IP_RECVTTL, 1);
    play_set(p, s, IPPROTO_IP, IP_RECVTOS, 1);
    play_set(p, s, IPPROTO_IP, IP_PKTINFO, 1);
}

static void what_else_is_told_of_an_error_by_icmp(struct play *p)
{
    int s = play_datagram(p);
    ask_for_all(p, s);
    STEP(A->sendto(s, "lost", 4, 0, LOOP(p->port)));
    play_await(p, s, POLLERR);
    receive(p, s, MSG_ERRQUEUE);
}

static void what_else_is_told_of_an_error_of_our_own(struct play *p)
{
    static const char bytes[2000];
    int s = play_datagram(p);
    ask_for_all(p, s);
    play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    STEP(A->connect(s, AT("10.0.0.9", 9)));
    STEP(A->send(s, bytes, sizeof bytes, 0));
    receive(p, s, MSG_ERRQUEUE);
}

static void what_else_is_told_of_completions(struct play *p)
{
    char got[3];
    int to = play_receiver(p), s = play_sender(p);
    ask_for_all(p, s);
    play_set(p, s, SOL_SOCKET, SO_ZEROCOPY, 1);
    STEP(A->send(s, "abc", 3, MSG_ZEROCOPY));
    play_await(p, to, POLLIN);
    A->recv(to, got, sizeof got, 0);
    play_await(p, s, POLLERR);
    receive(p, s, MSG_ERRQUEUE);
}

static void flags_that_are_refused(struct play *p)
{
    static const int flags[] = {1 << 30, SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_TX_ACK, 0};
    const int two = 2;
    int s = play_stream(p);
    STEP(A->setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, &two, sizeof two));
    STEP(A->setsockopt(s, IPPROTO_TCP, OPTION_INQ, &two, sizeof two));
    for (size_t i = 0; i < COUNT(flags); i++) {
        STEP(A->setsockopt(s, SOL_SOCKET, SO_TIMESTAMPING, &flags[i], sizeof flags[i]));
        OPTION(s, SOL_SOCKET, SO_TIMESTAMPING);
    }
    receive(p, s, MSG_ERRQUEUE);
}

#define PROGRAM(name)         \
    {                         \
        "errors/" #name, name \
    }
const struct program programs_errors[] = {
    PROGRAM(datagram_refused_with_a_peer),
    PROGRAM(datagram_refused_without_a_peer),
    PROGRAM(datagram_refused_and_not_asked_for),
    PROGRAM(errors_are_told_one_by_one),
    PROGRAM(datagram_too_long_to_leave_whole),
    PROGRAM(completions_of_a_stream),
    PROGRAM(transmit_times_of_a_stream),
    PROGRAM(transmit_times_of_datagrams),
    PROGRAM(what_is_told_of_datagrams_that_one_call_makes),
    PROGRAM(times_of_arrival),
    PROGRAM(what_is_left_to_read),
    PROGRAM(what_else_is_told_of_an_error_by_icmp),
    PROGRAM(what_else_is_told_of_an_error_of_our_own),
    PROGRAM(what_else_is_told_of_completions),
    PROGRAM(flags_that_are_refused),
};
const unsigned programs_errors_count = COUNT(programs_errors);
