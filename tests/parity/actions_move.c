/* Bytes: the send and recv families, read and write. */
#include <unistd.h>

#include "matrix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char buffer[64];
static char ab[] = "ab", cde[] = "cde";

static void send_some(struct play *p, int s)
{
    STEP(A->send(s, "abc", 3, MSG_NOSIGNAL));
    play_note(p, "once more");
    STEP(A->send(s, "abc", 3, MSG_NOSIGNAL));
    play_readiness(p, s);
}

static void send_nothing(struct play *p, int s)
{
    STEP(A->send(s, "", 0, MSG_NOSIGNAL));
    STEP(A->send(s, NULL, 0, MSG_NOSIGNAL));
}

/* What of all sockets only those for echoes take for more than bytes. */
static void send_an_echo_request(struct play *p, int s)
{
    static const char request[] = {8, 0, 0, 0, 0, 0, 0, 1, 'h', 'i'};
    STEP(A->send(s, request, sizeof request, MSG_NOSIGNAL));
    STEP(A->send(s, request, sizeof request - 2, MSG_NOSIGNAL | MSG_EOR));
    STEP(A->send(s, request, sizeof request, MSG_NOSIGNAL | MSG_OOB));
    STEP(A->sendto(s, request, sizeof request, MSG_NOSIGNAL, LOOP((uint16_t)(p->port + 7))));
    STEP(A->sendto(s, request, sizeof request, MSG_NOSIGNAL, LOOP(0)));
    STEP(A->sendto(s, request, sizeof request, MSG_NOSIGNAL, AT("10.0.0.255", 5)));
    play_readiness(p, s);
    STEP(A->recv(s, buffer, sizeof buffer, MSG_PEEK));
    STEP(A->recv(s, buffer, 4, 0));
    STEP(A->recv(s, buffer, sizeof buffer, 0));
    STEP(A->recv(s, buffer, sizeof buffer, 0));
}

static void send_a_file(struct play *p, int s)
{
    int file = play_file(p, "hello");
    off_t offset = 1, before = -1;
    STEP(A->sendfile(s, file, NULL, 2));
    STEP(A->sendfile(s, file, &offset, 2));
    STEP(A->sendfile(s, file, &before, 2));
    STEP(A->sendfile(s, file, NULL, 0));
    STEP(A->sendfile(s, -1, NULL, 2));
    play_note(p, "at %ld, %ld", (long)lseek(file, 0, SEEK_CUR), (long)offset);
    close(file);
}

static void send_flagged(struct play *p, int s)
{
    STEP(A->send(s, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
    STEP(A->send(s, "b", 1, MSG_NOSIGNAL | MSG_DONTROUTE));
    STEP(A->send(s, "c", 1, MSG_NOSIGNAL | MSG_MORE));
    STEP(A->send(s, "d", 1, MSG_NOSIGNAL));
}

static void send_to_somebody(struct play *p, int s)
{
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, LOOP((uint16_t)(p->port + 7))));
}

static void send_to_a_wrong_address(struct play *p, int s)
{
    static const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, play_address("127.0.0.1", 5), 3));
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, (const struct sockaddr *)&six, sizeof six));
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, LOOP(0)));
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, NULL, 16));
}

static void send_to_many(struct play *p, int s)
{
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, AT("255.255.255.255", 5)));
    STEP(A->sendto(s, "abc", 3, MSG_NOSIGNAL, AT("10.0.0.255", 5)));
}

static void send_a_message(struct play *p, int s)
{
    struct iovec spans[] = {{ab, 2}, {NULL, 0}, {cde, 3}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 3};
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    message.msg_iovlen = 0;
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
}

static void send_a_wrong_message(struct play *p, int s)
{
    static struct iovec many[1025];
    struct msghdr message = {.msg_iov = many, .msg_iovlen = 1025};
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    STEP(A->sendmsg(s, NULL, MSG_NOSIGNAL));
}

static void write_it(struct play *p, int s)
{
    struct iovec spans[] = {{ab, 2}, {cde, 3}};
    STEP(A->writev(s, spans, 2));
    STEP(A->writev(s, spans, 0));
    STEP(A->writev(s, spans, -1));
}

static void receive_some(struct play *p, int s)
{
    play_bytes(p, buffer, STEP(A->recv(s, buffer, sizeof buffer, 0)));
    play_note(p, "once more");
    STEP(A->recv(s, buffer, sizeof buffer, 0));
    play_readiness(p, s);
}

static void receive_a_little(struct play *p, int s)
{
    for (int i = 0; i < 3; i++)
        play_bytes(p, buffer, STEP(A->recv(s, buffer, 2, 0)));
    play_readiness(p, s);
}

static void receive_nothing(struct play *p, int s)
{
    STEP(A->recv(s, buffer, 0, 0));
    STEP(A->recv(s, NULL, 0, 0));
    play_readiness(p, s);
}

static void peek(struct play *p, int s)
{
    play_bytes(p, buffer, STEP(A->recv(s, buffer, sizeof buffer, MSG_PEEK)));
    play_bytes(p, buffer, STEP(A->recv(s, buffer, 2, MSG_PEEK)));
    play_bytes(p, buffer, STEP(A->recv(s, buffer, 2, MSG_PEEK | MSG_TRUNC)));
    play_readiness(p, s);
}

static void receive_truncated(struct play *p, int s)
{
    memset(buffer, '-', sizeof buffer);
    if (STEP(A->recv(s, buffer, 2, MSG_TRUNC)) > 0)
        play_note(p, "bytes: %.2s", buffer);
    STEP(A->recv(s, buffer, sizeof buffer, MSG_TRUNC));
    play_readiness(p, s);
}

static void receive_all(struct play *p, int s)
{
    play_bytes(p, buffer, STEP(A->recv(s, buffer, 8, MSG_WAITALL)));
    play_readiness(p, s);
}

static void receive_flagged(struct play *p, int s)
{
    STEP(A->recv(s, buffer, 1, MSG_DONTWAIT));
    STEP(A->recv(s, buffer, 1, MSG_ERRQUEUE));
}

static void receive_from(struct play *p, int s)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    if (STEP(A->recvfrom(s, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length)) >= 0)
        play_note(p, "from %d, %u bytes, %s", from.sin_family, length, inet_ntoa(from.sin_addr));
}

static void receive_a_message(struct play *p, int s)
{
    struct sockaddr_in from = {0};
    char control[64];
    struct iovec spans[] = {{buffer, 2}, {buffer + 2, 2}};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = spans,
                             .msg_iovlen = 2,
                             .msg_control = control,
                             .msg_controllen = sizeof control,
                             .msg_flags = -1};
    ssize_t n = STEP(A->recvmsg(s, &message, 0));
    play_bytes(p, buffer, n);
    if (n >= 0)
        play_note(p, "name %u, control %zu, flags %x", message.msg_namelen, message.msg_controllen,
                  (unsigned)message.msg_flags);
}

static void messages_of_few_parts(struct play *p, int s)
{
    char name[sizeof(struct sockaddr_in)] = {0};
    struct msghdr message = {.msg_flags = -1};
    STEP(A->sendmsg(s, &message, MSG_NOSIGNAL));
    if (STEP(A->recvmsg(s, &message, MSG_PEEK)) >= 0)
        play_note(p, "name %u, flags %x", message.msg_namelen, (unsigned)message.msg_flags);
    message = (struct msghdr){.msg_name = name, .msg_namelen = 3};
    if (STEP(A->recvmsg(s, &message, MSG_PEEK)) >= 0)
        play_note(p, "name %u, %d %d", message.msg_namelen, name[0], name[4]);
    message = (struct msghdr){.msg_namelen = 16};
    if (STEP(A->recvmsg(s, &message, MSG_PEEK)) >= 0)
        play_note(p, "name %u", message.msg_namelen);
}

static void receive_a_wrong_message(struct play *p, int s)
{
    static struct iovec many[1025];
    struct msghdr message = {.msg_iov = many, .msg_iovlen = 1025};
    STEP(A->recvmsg(s, &message, 0));
    STEP(A->recvmsg(s, NULL, 0));
}

static void read_it(struct play *p, int s)
{
    struct iovec spans[] = {{buffer, 2}, {buffer + 2, 8}};
    play_bytes(p, buffer, STEP(A->read(s, buffer, 1)));
    STEP(A->readv(s, spans, 0));
    STEP(A->readv(s, spans, -1));
    play_bytes(p, buffer, STEP(A->readv(s, spans, 2)));
    STEP(A->read(s, buffer, 0));
}

#define ACTION(name) \
    {                \
#name, name  \
    }
const struct action actions_move[] = {
    ACTION(send_some),
    ACTION(send_nothing),
    ACTION(send_an_echo_request),
    ACTION(send_a_file),
    ACTION(send_flagged),
    ACTION(send_to_somebody),
    ACTION(send_to_a_wrong_address),
    ACTION(send_to_many),
    ACTION(send_a_message),
    ACTION(send_a_wrong_message),
    ACTION(write_it),
    ACTION(receive_some),
    ACTION(receive_a_little),
    ACTION(receive_nothing),
    ACTION(peek),
    ACTION(receive_truncated),
    ACTION(receive_all),
    ACTION(receive_flagged),
    ACTION(receive_from),
    ACTION(receive_a_message),
    ACTION(messages_of_few_parts),
    ACTION(receive_a_wrong_message),
    ACTION(read_it),
};
const unsigned actions_move_count = COUNT(actions_move);
