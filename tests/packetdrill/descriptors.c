/* packetdrill takes descriptors for the kernel's: it compares them with those of its own files, and
 * forbids doubles. So each of ours is one, of a kernel socket that does nothing. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"

int fcntl_high(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS / 2);
}

int descriptor_give(struct machine *m, int socket_number)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && fd < DESCRIPTORS) {
        m->sockets[fd] = socket_number + 1;
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
    close(fd);
}

/* Scripts look for their listener with grep in /proc/net/tcp. The kernel's sees no packet of ours.
 */
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
