/* Sends with several things wrong at once: which of them is told. */
#include <netinet/udp.h>

#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char bytes[65536];

/* Whom it is for. */
struct name {
    const char *what;
    struct sockaddr_in in;
    socklen_t length; /* 0: no name at all */
};

enum { NAMES = 11, ROOM = 128 };

static struct sockaddr_in at(int family, const char *host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = (sa_family_t)family, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &in.sin_addr);
    return in;
}

static void list_names(const struct play *p, struct name names[NAMES])
{
    const socklen_t whole = sizeof names->in;
    const struct name all[NAMES] = {
        {"nobody", {0}, 0},
        {"somebody", at(AF_INET, "127.0.0.1", p->port), whole},
        {"port 0", at(AF_INET, "127.0.0.1", 0), whole},
        {"no family", at(AF_UNSPEC, "127.0.0.1", p->port), whole},
        {"no family, port 0", at(AF_UNSPEC, "127.0.0.1", 0), whole},
        {"another family", at(AF_INET6, "127.0.0.1", p->port), whole},
        {"a part", at(AF_INET, "127.0.0.1", p->port), whole - 1},
        {"a part of another family", at(AF_INET6, "127.0.0.1", p->port), whole - 1},
        {"somebody, and more behind", at(AF_INET, "127.0.0.1", p->port), 200},
        {"all", at(AF_INET, "10.0.0.255", p->port), whole},
        {"elsewhere", at(AF_INET, "10.0.0.9", p->port), whole},
    };
    memcpy(names, all, sizeof all);
}

/* What is said of it in a control message, or in two. */
struct control {
    const char *what;
    struct {
        int level, type;
        size_t length;      /* as its header says */
        uint32_t values[2]; /* of the first bytes; the rest is zero */
    } messages[2];
};

static const struct control controls[] = {
    {"nothing", {{0}}},
    {"a header too short", {{IPPROTO_IP, IP_TTL, CMSG_LEN(0) - 1, {9}}}},
    {"what ends beyond the end", {{IPPROTO_IP, IP_TTL, 1000, {9}}}},
    {"no type of IP's", {{IPPROTO_IP, 999, CMSG_LEN(4), {9}}}},
    {"a hop limit of 0", {{IPPROTO_IP, IP_TTL, CMSG_LEN(4), {0}}}},
    {"no interface", {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99}}}},
    {"another's address", {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {0, 0x01020201}}}},
    {"another's address, and no interface",
     {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99, 0x01020201}}}},
    {"a group's address", {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {0, 0xe00000e0}}}},
    {"the address of all, and no interface",
     {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99, 0xffffffff}}}},
    {"the address of all here", {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {0, 0xff00000a}}}},
    {"this network's address", {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {0, 0x00010100}}}},
    {"no interface, and a header too short",
     {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99}}, {IPPROTO_IP, IP_TTL, CMSG_LEN(0) - 1, {9}}}},
    {"no interface, and then none said",
     {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99}}, {IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {0}}}},
    {"no type of UDP's", {{IPPROTO_UDP, 999, CMSG_LEN(2), {9}}}},
    {"no type of UDP's behind no interface",
     {{IPPROTO_IP, IP_PKTINFO, CMSG_LEN(12), {99}}, {IPPROTO_UDP, 999, CMSG_LEN(2), {9}}}},
    {"no type of a socket's", {{SOL_SOCKET, 999, CMSG_LEN(4), {9}}}},
    {"times that are none", {{SOL_SOCKET, SO_TIMESTAMPING, CMSG_LEN(4), {1u << 31}}}},
    {"datagrams of 1 byte", {{IPPROTO_UDP, UDP_SEGMENT, CMSG_LEN(2), {1}}}},
    {"another level", {{9999, 1, CMSG_LEN(4), {1}}}},
};

static size_t put_controls(const struct control *control, char room[ROOM])
{
    size_t used = 0;
    memset(room, 0, ROOM);
    for (size_t i = 0; i < COUNT(control->messages) && control->messages[i].length > 0; i++) {
        struct cmsghdr header = {.cmsg_len = control->messages[i].length,
                                 .cmsg_level = control->messages[i].level,
                                 .cmsg_type = control->messages[i].type};
        memcpy(room + used, &header, sizeof header);
        memcpy(room + used + CMSG_LEN(0), control->messages[i].values,
               sizeof control->messages[i].values);
        used += CMSG_SPACE(sizeof(struct in_pktinfo)); /* the longest there is */
    }
    return used;
}

static void send_one(struct play *p, int s, const struct name *name, const struct control *control,
                     size_t length, int flags)
{
    _Alignas(struct cmsghdr) char room[ROOM];
    struct iovec span = {bytes, length};
    struct sockaddr_storage to[2] = {0}; /* more than an address can have */
    struct msghdr message = {.msg_name = name->length > 0 ? to : NULL,
                             .msg_namelen = name->length,
                             .msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = room,
                             .msg_controllen = put_controls(control, room)};
    memcpy(to, &name->in, sizeof name->in);
    ssize_t n = A->sendmsg(s, &message, flags | MSG_NOSIGNAL);
    play_note(p, "to %s, with %s, %zu bytes: %s", name->what, control->what, length,
              n < 0 ? strerrorname_np(errno) : "sent");
}

static void send_all(struct play *p, int s, size_t length, int flags)
{
    struct name names[NAMES];
    list_names(p, names);
    for (size_t n = 0; n < NAMES; n++)
        for (size_t c = 0; c < COUNT(controls); c++)
            send_one(p, s, &names[n], &controls[c], length, flags);
}

static int whole_only(struct play *p)
{
    int s = play_datagram(p);
    play_set(p, s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    A->connect(s, AT("10.0.0.9", 9));
    return s;
}

static int shut(struct play *p, int s)
{
    A->shutdown(s, SHUT_WR);
    return s;
}

/* The names mean somebody who is there, so that no error comes from him. */
#define DATAGRAMS(name, socket, length, flags) \
    static void name(struct play *p)           \
    {                                          \
        play_receiver(p);                      \
        send_all(p, socket, length, flags);    \
    }

DATAGRAMS(without_a_peer, play_datagram(p), 1, 0)
DATAGRAMS(without_a_peer_and_urgent, play_datagram(p), 1, MSG_OOB)
DATAGRAMS(without_a_peer_and_too_long, play_datagram(p), 65508, 0)
DATAGRAMS(without_a_peer_and_longer_than_any, play_datagram(p), 65536, 0)
DATAGRAMS(without_a_peer_and_longer_than_any_and_urgent, play_datagram(p), 65536, MSG_OOB)
DATAGRAMS(without_a_peer_and_shut, shut(p, play_datagram(p)), 1, 0)
DATAGRAMS(with_a_peer, play_sender(p), 1, 0)
DATAGRAMS(with_a_peer_and_too_long, play_sender(p), 65508, 0)
DATAGRAMS(with_a_peer_and_shut, shut(p, play_sender(p)), 1, 0)
DATAGRAMS(with_a_peer_and_shut_and_too_long, shut(p, play_sender(p)), 65508, 0)
DATAGRAMS(with_a_peer_and_shut_and_too_many, shut(p, play_sender(p)), 1000, 0)
DATAGRAMS(longer_than_the_path_takes, whole_only(p), 2000, 0)
DATAGRAMS(longer_than_the_path_takes_and_shut, shut(p, whole_only(p)), 2000, 0)
DATAGRAMS(to_be_continued_without_a_peer, play_datagram(p), 1, MSG_MORE)

static void what_is_in_the_making_is_told_its_length_alone(struct play *p)
{
    int s = play_sender(p);
    play_receiver(p);
    STEP(A->send(s, bytes, 1, MSG_MORE));
    send_all(p, s, 1, MSG_MORE);
    STEP(A->shutdown(s, SHUT_WR));
    send_all(p, s, 1, MSG_MORE | MSG_OOB);
}

/* An error waits for each: whether it is told, or waits on. */
static void an_error_waits(struct play *p, size_t length)
{
    int s = play_sender(p);
    struct name names[NAMES];
    list_names(p, names);
    for (size_t n = 0; n < 2; n++) {
        for (size_t c = 0; c < COUNT(controls); c++) {
            A->send(s, "x", 1, 0);
            play_await(p, s, POLLERR);
            send_one(p, s, &names[n], &controls[c], length, 0);
            OPTION(s, SOL_SOCKET, SO_ERROR);
        }
    }
}

static void while_an_error_waits(struct play *p)
{
    an_error_waits(p, 1);
}

static void too_long_while_an_error_waits(struct play *p)
{
    an_error_waits(p, 65508);
}

/* ── Echo requests ── */

static int echo_connected(struct play *p)
{
    int s = play_echo(p);
    A->connect(s, LOOP(7));
    return s;
}

#define ECHOES(name, socket, kind, length, flags) \
    static void name(struct play *p)              \
    {                                             \
        bytes[0] = kind;                          \
        send_all(p, socket, length, flags);       \
        bytes[0] = 0;                             \
    }

ECHOES(echo_without_a_peer, play_echo(p), 8, 8, 0)
ECHOES(echo_without_a_peer_and_urgent, play_echo(p), 8, 8, MSG_OOB)
ECHOES(echo_without_a_peer_and_no_request, play_echo(p), 0, 8, 0)
ECHOES(echo_without_a_peer_and_no_request_and_urgent, play_echo(p), 0, 8, MSG_OOB)
ECHOES(echo_without_a_peer_and_too_short, play_echo(p), 8, 7, MSG_OOB)
ECHOES(echo_without_a_peer_and_too_long, play_echo(p), 8, 65516, 0)
ECHOES(echo_without_a_peer_and_longer_than_any, play_echo(p), 0, 65536, MSG_OOB)
ECHOES(echo_with_a_peer, echo_connected(p), 8, 8, 0)
ECHOES(echo_with_a_peer_and_shut, shut(p, echo_connected(p)), 8, 8, 0)
ECHOES(echo_with_a_peer_and_shut_and_too_long, shut(p, echo_connected(p)), 8, 65516, 0)

/* Whatever comes of it, who sends has a port from then on. */
static void note_port(struct play *p, int s)
{
    struct sockaddr_in in = {0};
    socklen_t length = sizeof in;
    A->getsockname(s, (struct sockaddr *)&in, &length);
    play_note(p, "%s", in.sin_port == 0 ? "no port" : "a port");
}

static void who_sends_in_vain_has_a_port(struct play *p)
{
    struct name names[NAMES];
    list_names(p, names);
    for (size_t i = 0; i < 4; i++) {
        int (*const open)(struct play * p) = i % 2 ? play_echo : play_datagram;
        int flags = i < 2 ? 0 : MSG_OOB, s;
        for (size_t n = 0; n < NAMES; n++) {
            s = open(p);
            send_one(p, s, &names[n], &controls[1], 8, flags);
            note_port(p, s);
            A->close(s);
        }
        s = open(p);
        send_one(p, s, &names[0], &controls[0], 65536, flags);
        note_port(p, s);
        A->close(s);
        s = shut(p, open(p));
        send_one(p, s, &names[1], &controls[0], 8, flags);
        note_port(p, s);
        A->close(s);
    }
}

/* ── Streams, of which control messages alone can be wrong ── */

static void stream_without_a_peer(struct play *p)
{
    send_all(p, play_stream(p), 1, 0);
}

static void stream_with_a_peer(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    send_all(p, client, 1, 0);
}

static void stream_that_is_shut(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    send_all(p, shut(p, client), 1, 0);
}

static void stream_that_connects(struct play *p)
{
    int s = play_stream(p);
    A->connect(s, AT("10.0.0.99", 5));
    send_all(p, s, 1, 0);
}

static void stream_that_was_refused(struct play *p)
{
    int s = play_stream(p);
    A->connect(s, LOOP(p->port));
    play_await(p, s, POLLHUP);
    send_one(p, s, &(struct name){.what = "nobody"}, &controls[1], 1, 0);
    OPTION(s, SOL_SOCKET, SO_ERROR);
    send_all(p, s, 1, 0);
}

static void stream_that_was_reset(struct play *p)
{
    int client, server;
    play_connected(p, &client, &server);
    play_linger(p, server, 1, 0);
    A->close(server);
    play_await(p, client, POLLERR);
    send_one(p, client, &(struct name){.what = "nobody"}, &controls[1], 1, 0);
    OPTION(client, SOL_SOCKET, SO_ERROR);
    send_all(p, client, 1, 0);
}

static void stream_that_listens(struct play *p)
{
    send_all(p, play_listener(p), 1, 0);
}

#define PROGRAM(name)        \
    {                        \
        "wrong/" #name, name \
    }
const struct program programs_wrong[] = {
    PROGRAM(without_a_peer),
    PROGRAM(without_a_peer_and_urgent),
    PROGRAM(without_a_peer_and_too_long),
    PROGRAM(without_a_peer_and_longer_than_any),
    PROGRAM(without_a_peer_and_longer_than_any_and_urgent),
    PROGRAM(without_a_peer_and_shut),
    PROGRAM(with_a_peer),
    PROGRAM(with_a_peer_and_too_long),
    PROGRAM(with_a_peer_and_shut),
    PROGRAM(with_a_peer_and_shut_and_too_long),
    PROGRAM(with_a_peer_and_shut_and_too_many),
    PROGRAM(longer_than_the_path_takes),
    PROGRAM(longer_than_the_path_takes_and_shut),
    PROGRAM(to_be_continued_without_a_peer),
    PROGRAM(what_is_in_the_making_is_told_its_length_alone),
    PROGRAM(who_sends_in_vain_has_a_port),
    PROGRAM(while_an_error_waits),
    PROGRAM(too_long_while_an_error_waits),
    PROGRAM(stream_without_a_peer),
    PROGRAM(stream_with_a_peer),
    PROGRAM(stream_that_is_shut),
    PROGRAM(stream_that_connects),
    PROGRAM(stream_that_was_refused),
    PROGRAM(stream_that_was_reset),
    PROGRAM(stream_that_listens),
    PROGRAM(echo_without_a_peer),
    PROGRAM(echo_without_a_peer_and_urgent),
    PROGRAM(echo_without_a_peer_and_no_request),
    PROGRAM(echo_without_a_peer_and_no_request_and_urgent),
    PROGRAM(echo_without_a_peer_and_too_short),
    PROGRAM(echo_without_a_peer_and_too_long),
    PROGRAM(echo_without_a_peer_and_longer_than_any),
    PROGRAM(echo_with_a_peer),
    PROGRAM(echo_with_a_peer_and_shut),
    PROGRAM(echo_with_a_peer_and_shut_and_too_long),
};
const unsigned programs_wrong_count = COUNT(programs_wrong);
