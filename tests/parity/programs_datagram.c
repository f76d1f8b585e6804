/* Datagrams: their borders, their peers, and what comes and goes with them. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[64];

static void keep_their_borders_and_order(struct play *p)
{
    int to = play_receiver(p), from = play_sender(p);
    STEP(A->send(from, "one", 3, 0));
    STEP(A->send(from, "", 0, 0));
    STEP(A->send(from, "three", 5, 0));
    play_await(p, to, POLLIN);
    int queued = 0;
    STEP(A->ioctl(to, FIONREAD, &queued));
    play_note(p, "queued %d", queued);
    for (int i = 0; i < 4; i++)
        play_bytes(p, buffer, STEP(A->recv(to, buffer, 4, 0)));
}

static void connected_hears_its_peer_only(struct play *p)
{
    int s = play_datagram(p), peer = play_datagram(p), stranger = play_datagram(p);
    A->bind(s, LOOP(p->port));
    A->bind(peer, LOOP((uint16_t)(p->port + 1)));
    STEP(A->connect(s, LOOP((uint16_t)(p->port + 1))));
    STEP(A->sendto(stranger, "no", 2, 0, LOOP(p->port)));
    STEP(A->sendto(peer, "yes", 3, 0, LOOP(p->port)));
    play_await(p, s, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(s, buffer, sizeof buffer, 0)));
    STEP(A->recv(s, buffer, sizeof buffer, 0));
    STEP(A->sendto(s, "elsewhere", 9, 0, LOOP((uint16_t)(p->port + 2))));
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    STEP(A->connect(s, &nobody, sizeof nobody));
    STEP(A->sendto(stranger, "now", 3, 0, LOOP(p->port)));
    play_await(p, s, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(s, buffer, sizeof buffer, 0)));
    STEP(A->send(s, "x", 1, 0));
}

static void sent_to_an_address_without_a_family(struct play *p)
{
    int from = play_datagram(p), to = play_datagram(p);
    A->bind(to, LOOP(p->port));
    struct sockaddr_in name = {.sin_family = AF_UNSPEC, .sin_port = htons(p->port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr *address = (struct sockaddr *)&name;
    STEP(A->sendto(from, "here", 4, 0, address, sizeof name));
    play_await(p, to, POLLIN);
    play_bytes(p, buffer, STEP(A->recv(to, buffer, sizeof buffer, 0)));
    STEP(A->sendto(from, "x", 1, 0, address, sizeof name - 1));
    STEP(A->sendto(from, "x", 1, MSG_OOB, address, sizeof name));
    name.sin_family = AF_INET6;
    STEP(A->sendto(from, "x", 1, 0, address, sizeof name));
    STEP(A->sendto(from, "x", 1, 0, address, sizeof name - 1));
}

static void too_long(struct play *p)
{
    static char bytes[65536];
    int s = play_datagram(p);
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->send(s, bytes, 65508, 0));
    STEP(A->send(s, bytes, sizeof bytes, 0));
}

static void loopback_is_left_by_none(struct play *p)
{
    int s = play_datagram(p);
    STEP(A->bind(s, LOOP(p->port)));
    STEP(A->sendto(s, "x", 1, 0, AT("10.0.0.9", 5)));
    STEP(A->connect(s, AT("10.0.0.9", 5)));
    int stream = play_stream(p);
    STEP(A->bind(stream, LOOP(p->port)));
    STEP(A->connect(stream, AT("10.0.0.9", 5)));
}

/* One datagram with a control message, and what its receiver is told. */
static void send_controlled(struct play *p, int from, int to, int type, const void *data,
                            size_t length)
{
    _Alignas(struct cmsghdr) char control[64] = "", room[64];
    struct cmsghdr header = {
        .cmsg_len = CMSG_LEN(length), .cmsg_level = IPPROTO_IP, .cmsg_type = type};
    struct iovec span = {buffer, 1};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = control};
    memcpy(control, &header, sizeof header);
    memcpy(control + CMSG_LEN(0), data, length);
    message.msg_controllen = CMSG_SPACE(length);
    if (STEP(A->sendmsg(from, &message, 0)) < 0)
        return;
    play_await(p, to, POLLIN);
    message = (struct msghdr){
        .msg_iov = &span, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    STEP(A->recvmsg(to, &message, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        play_note(p, "level %d, type %d, %zu bytes, %d", c->cmsg_level, c->cmsg_type,
                  (size_t)c->cmsg_len, *CMSG_DATA(c));
}

static void with_control_messages(struct play *p)
{
    const int numbers[] = {9, 0, 256, -1};
    const unsigned char byte = 0x28;
    int to = play_receiver(p), from = play_sender(p);
    play_set(p, to, IPPROTO_IP, IP_RECVTTL, 1);
    play_set(p, to, IPPROTO_IP, IP_RECVTOS, 1);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        send_controlled(p, from, to, IP_TTL, &numbers[i], sizeof numbers[i]);
        send_controlled(p, from, to, IP_TOS, &numbers[i], sizeof numbers[i]);
    }
    send_controlled(p, from, to, IP_TOS, &byte, 1);
    send_controlled(p, from, to, IP_TTL, &byte, 1);
    send_controlled(p, from, to, IP_RECVTTL, &numbers[0], sizeof numbers[0]);
}

static void the_end_of_a_shut_one_is_from_nobody(struct play *p)
{
    int s = play_datagram(p);
    struct sockaddr_in from;
    char control[128];
    socklen_t length = sizeof from;
    struct iovec span = {buffer, sizeof buffer};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    play_set(p, s, IPPROTO_IP, IP_PKTINFO, 1);
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->shutdown(s, SHUT_RD));
    play_blocking(p, s);
    STEP(A->recvfrom(s, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length));
    STEP(A->recvmsg(s, &message, 0));
    play_note(p, "names %u and %u, control %zu, flags %#x", (unsigned)length,
              (unsigned)message.msg_namelen, message.msg_controllen, (unsigned)message.msg_flags);
}

#define PROGRAM(name)           \
    {                           \
        "datagram/" #name, name \
    }
const struct program programs_datagram[] = {
    PROGRAM(keep_their_borders_and_order),
    PROGRAM(connected_hears_its_peer_only),
    PROGRAM(with_control_messages),
    PROGRAM(sent_to_an_address_without_a_family),
    PROGRAM(too_long),
    PROGRAM(loopback_is_left_by_none),
    PROGRAM(the_end_of_a_shut_one_is_from_nobody),
};
const unsigned programs_datagram_count = COUNT(programs_datagram);
