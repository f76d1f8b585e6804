/* Bytes and ends of streams, and of datagrams. */
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

static void datagrams_keep_their_borders_and_order(struct play *p)
{
    int from = play_datagram(p), to = play_datagram(p);
    A->bind(to, LOOP(p->port));
    STEP(A->connect(from, LOOP(p->port)));
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

static void a_connected_datagram_socket_hears_its_peer_only(struct play *p)
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

static void a_datagram_can_be_too_long(struct play *p)
{
    static char bytes[65536];
    int s = play_datagram(p);
    STEP(A->connect(s, LOOP(p->port)));
    STEP(A->send(s, bytes, 65508, 0));
    STEP(A->send(s, bytes, sizeof bytes, 0));
}

static void loopback_is_left_by_no_datagram(struct play *p)
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

static void datagrams_with_control_messages(struct play *p)
{
    const int numbers[] = {9, 0, 256, -1};
    const unsigned char byte = 0x28;
    int from = play_datagram(p), to = play_datagram(p);
    A->bind(to, LOOP(p->port));
    STEP(A->connect(from, LOOP(p->port)));
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

static void control_messages_into_too_little(struct play *p)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    struct iovec span = {buffer, 1};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = room};
    int from = play_datagram(p), to = play_datagram(p);
    A->bind(to, LOOP(p->port));
    A->connect(from, LOOP(p->port));
    play_set(p, to, IPPROTO_IP, IP_RECVTTL, 1);
    for (size_t length = 0; length <= sizeof room; length += sizeof room) {
        A->send(from, "xy", 2, 0);
        play_await(p, to, POLLIN);
        message.msg_controllen = length;
        STEP(A->recvmsg(to, &message, 0));
        play_note(p, "%zu: %zu, flags %x", length, (size_t)message.msg_controllen,
                  (unsigned)message.msg_flags);
    }
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
    {"datagram/keep_their_borders_and_order", datagrams_keep_their_borders_and_order},
    {"datagram/connected_hears_its_peer_only", a_connected_datagram_socket_hears_its_peer_only},
    {"datagram/with_control_messages", datagrams_with_control_messages},
    {"datagram/control_messages_into_too_little", control_messages_into_too_little},
    {"datagram/too_long", a_datagram_can_be_too_long},
    {"datagram/loopback_is_left_by_none", loopback_is_left_by_no_datagram},
};
const unsigned programs_stream_count = COUNT(programs_stream);
