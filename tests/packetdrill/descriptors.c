/* packetdrill takes descriptors for the kernel's: it compares them with those of its own files, and
 * forbids doubles. So each of ours is one, of a kernel socket that does nothing. An accepted one is
 * the end of a pair: for what packetdrill has no entry in its table, as sendfile(2), it calls the
 * kernel, and what that writes comes out at the other end, and goes into the stack from there. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "machine.h"

enum { PUMPED = 65536 }; /* bytes at a time, at the most */

int fcntl_high(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS / 2);
}

/* One end of a pair; `other` is out of the way of small numbers. */
static int open_pair(int *other)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    *other = fcntl_high(ends[1]);
    close(ends[1]);
    return ends[0];
}

int descriptor_give(struct machine *m, int socket_number, bool accepted)
{
    int other = -1;
    int fd = accepted ? open_pair(&other) : socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && fd < DESCRIPTORS) {
        m->sockets[fd] = socket_number + 1;
        m->others[fd] = other + 1;
        return fd;
    }
    int saved = fd < 0 ? errno : EMFILE;
    if (fd >= 0)
        close(fd);
    tern_close(m->tern, socket_number);
    errno = saved;
    return -1;
}

int descriptor_socket(const struct machine *m, int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? m->sockets[fd] - 1 : -1;
}

void descriptor_take_back(struct machine *m, int fd)
{
    m->sockets[fd] = 0;
    if (m->others[fd])
        close(m->others[fd] - 1);
    m->others[fd] = 0;
    close(fd);
}

/* There is something to send, and room for it, so that reserving does not wait. */
static bool may_flow(struct machine *m, int from, int socket_number)
{
    char byte;
    struct pollfd room = {.fd = socket_number, .events = POLLOUT};
    return recv(from, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0 &&
           tern_poll(m->tern, &room, 1, 0) > 0 && room.revents & POLLOUT;
}

void descriptors_pump(struct machine *m)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        int from = m->others[fd] - 1, socket_number = m->sockets[fd] - 1;
        while (from >= 0 && may_flow(m, from, socket_number) &&
               descriptor_send_from(m, socket_number, from, PUMPED) > 0)
            ;
    }
}

ssize_t descriptor_send_from(struct machine *m, int socket_number, int from, size_t length)
{
    struct iovec spans[2];
    ssize_t room = tern_send_reserve(m->tern, socket_number, length, spans);
    if (room < 0)
        return room;
    ssize_t n = readv(from, spans, 2);
    ssize_t sent = tern_send_commit(m->tern, socket_number, n > 0 ? (size_t)n : 0, 0);
    return n > 0 ? sent : n;
}

/* Scripts look for their listener with grep in /proc/net/tcp. The kernel's sees no
 * packet of ours. */
void descriptor_mirror_listen(int fd, const struct sockaddr *address, socklen_t length)
{
    if (address->sa_family != AF_INET || length < sizeof(struct sockaddr_in))
        return;
    struct sockaddr_in any = *(const struct sockaddr_in *)(const void *)address;
    any.sin_addr.s_addr = htonl(INADDR_ANY);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)(const void *)&any, sizeof any) == 0)
        (void)!listen(fd, 1);
}
