/* What no call can do with: memory that is not there, lengths that cannot be. */
#include "matrix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[64];

static void send_from_nowhere(struct play *p, int s)
{
    struct iovec spans[] = {{NULL, 3}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 1};
    STEP(A->send(s, NULL, 3, MSG_NOSIGNAL));
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    STEP(A->write(s, NULL, 3));
    STEP(A->writev(s, spans, 1));
    STEP(A->writev(s, NULL, 1));
    message.msg_iov = NULL;
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
}

static void receive_to_nowhere(struct play *p, int s)
{
    struct iovec spans[] = {{NULL, 3}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 1};
    STEP(A->recv(s, NULL, 3, 0));
    STEP(A->recvmsg(s, &message, 0));
    STEP(A->read(s, NULL, 3));
    STEP(A->readv(s, spans, 1));
    STEP(A->readv(s, NULL, 1));
    message.msg_iov = NULL;
    STEP(A->recvmsg(s, &message, 0));
}

static void write_a_part_from_nowhere(struct play *p, int s)
{
    static char ab[] = "ab";
    struct iovec spans[] = {{ab, 2}, {NULL, 3}};
    STEP(A->writev(s, spans, 2));
}

static void lengths_that_cannot_be(struct play *p, int s)
{
    struct iovec spans[] = {{buffer, (size_t)-1}, {buffer, 2}};
    STEP(A->writev(s, spans, 2));
    STEP(A->readv(s, spans, 2));
    STEP(A->writev(s, spans, 1025));
    STEP(A->readv(s, spans, 1025));
}

static void names_of_wrong_lengths(struct play *p, int s)
{
    struct sockaddr_in name = {0};
    struct sockaddr *to = (struct sockaddr *)&name;
    socklen_t length = (socklen_t)-1;
    STEP(A->getpeername(s, to, &length));
    STEP(A->accept(s, to, &length));
    STEP(A->accept(s, to, NULL));
    length = (socklen_t)-1;
    STEP(A->recvfrom(s, buffer, 1, 0, to, &length));
    STEP(A->recvfrom(s, buffer, 1, 0, to, NULL));
    STEP(A->getsockname(s, to, NULL));
    STEP(A->bind(s, play_address("127.0.0.1", 0), 1000));
    STEP(A->connect(s, play_address("127.0.0.1", 0), 1000));
    STEP(A->sendto(s, "x", 1, MSG_NOSIGNAL, play_address("127.0.0.1", 0), 1000));
    STEP(A->connect(s, play_address("127.0.0.1", 0), 0));
    STEP(A->sendto(s, "x", 1, MSG_NOSIGNAL, play_address("127.0.0.1", 0), 0));
}

static void messages_with_wrong_parts(struct play *p, int s)
{
    char byte = 'x';
    struct iovec span = {&byte, 1};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = NULL};
    message.msg_controllen = 64;
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    message.msg_controllen = (size_t)-1;
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    message = (struct msghdr){.msg_iov = &span, .msg_iovlen = 1, .msg_namelen = (socklen_t)-1};
    message.msg_name = play_address("127.0.0.1", 5);
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    STEP(A->recvmsg(s, &message, 0));
    message.msg_name = NULL;
    message.msg_namelen = 16;
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
}

static void flags_of_other_calls(struct play *p, int s)
{
    STEP(A->send(s, "a", 1, MSG_NOSIGNAL | MSG_EOR));
    STEP(A->send(s, "b", 1, MSG_NOSIGNAL | MSG_CONFIRM));
    STEP(A->send(s, "c", 1, MSG_NOSIGNAL | MSG_PEEK | MSG_TRUNC | MSG_WAITALL));
    STEP(A->send(s, "d", 1, MSG_NOSIGNAL | MSG_CMSG_CLOEXEC | MSG_ERRQUEUE | 0x00800000));
    STEP(A->recv(s, buffer, 1, MSG_OOB));
    STEP(A->recv(s, buffer, 1, MSG_NOSIGNAL));
    STEP(A->recv(s, buffer, 1, MSG_DONTROUTE | MSG_MORE | MSG_EOR | 0x00800000));
    STEP(A->recv(s, buffer, 1, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
}

/* Each bit alone: those that no call knows, and those that are not for its callers. Of these, one
 * that no manual has makes Linux keep a datagram to itself. */
enum { MSG_PROBE_BIT = 4 };

static void send_with_every_flag(struct play *p, int s)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        if (bit == MSG_PROBE_BIT)
            continue;
        play_note(p, "1 << %u", bit);
        STEP(A->send(s, "x", 1, (int)(MSG_NOSIGNAL | 1u << bit)));
    }
}

static void receive_with_every_flag(struct play *p, int s)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        play_note(p, "1 << %u", bit);
        STEP(A->recv(s, buffer, 1, (int)(1u << bit)));
    }
}

static void messages_with_every_flag(struct play *p, int s)
{
    char byte = 'x';
    for (unsigned bit = 0; bit < 32; bit++) {
        struct iovec span = {&byte, 1};
        struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_flags = -1};
        play_note(p, "1 << %u", bit);
        if (bit != MSG_PROBE_BIT)
            STEP(A->sendmsg(s, &message, (int)(MSG_NOSIGNAL | 1u << bit)));
        if (STEP(A->recvmsg(s, &message, (int)(1u << bit))) >= 0)
            play_note(p, "flags %x", (unsigned)message.msg_flags);
        STEP(A->recvmsg(s, NULL, (int)(1u << bit)));
    }
}

static void values_of_negative_lengths(struct play *p, int s)
{
    static const int options[][2] = {{SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_RCVBUF},
                                     {SOL_SOCKET, SO_LINGER},    {SOL_SOCKET, SO_BROADCAST},
                                     {SOL_SOCKET, 9999},         {IPPROTO_IP, IP_TTL}};
    const struct linger value = {0};
    for (size_t i = 0; i < COUNT(options); i++)
        STEP(A->setsockopt(s, options[i][0], options[i][1], &value, (socklen_t)-1));
}

static void poll_nothing_of_it(struct play *p, int s)
{
    struct pollfd fds[3] = {{.fd = s}, {.fd = -1, .events = POLLIN}, {.fd = s, .events = POLLOUT}};
    STEP(A->poll(NULL, 1, 0));
    STEP(A->poll(fds, 3, 0));
    play_note(p, "%x %x %x", (unsigned)fds[0].revents, (unsigned)fds[1].revents,
              (unsigned)fds[2].revents);
}

static void keep_it_from_other_programs(struct play *p, int s)
{
    STEP(A->fcntl(s, F_GETFD, 0));
    STEP(A->fcntl(s, F_SETFD, FD_CLOEXEC));
    STEP(A->fcntl(s, F_GETFD, 0));
    STEP(A->fcntl(s, F_SETFD, 0));
    STEP(A->fcntl(s, F_GETFD, 0));
}

static void ask_for_the_path(struct play *p, int s)
{
    OPTION(s, IPPROTO_IP, IP_MTU);
    int value = 1400;
    STEP(A->setsockopt(s, IPPROTO_IP, IP_MTU, &value, sizeof value));
}

#define ACTION(name) \
    {                \
#name, name  \
    }
const struct action actions_wrong[] = {
    ACTION(send_from_nowhere),          ACTION(receive_to_nowhere),
    ACTION(write_a_part_from_nowhere),  ACTION(lengths_that_cannot_be),
    ACTION(names_of_wrong_lengths),     ACTION(messages_with_wrong_parts),
    ACTION(flags_of_other_calls),       ACTION(poll_nothing_of_it),
    ACTION(values_of_negative_lengths), ACTION(keep_it_from_other_programs),
    ACTION(send_with_every_flag),       ACTION(receive_with_every_flag),
    ACTION(messages_with_every_flag),   ACTION(ask_for_the_path),
};
const unsigned actions_wrong_count = COUNT(actions_wrong);
