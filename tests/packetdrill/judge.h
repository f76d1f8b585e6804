/* What packetdrill asks of a shared object that it is to test, in our words.
 *
 * It loads the object, calls packetdrill_interface_init with the flags of its command line, and
 * from then on does everything that a script says through the table which that call has filled in:
 * the entries are the system calls of their names, with the object's own data before the arguments.
 * Time and the wire are in the table as well, so that both may be ours.
 *
 * The order of the members is packetdrill's; every one must be filled in. */
#ifndef TERN_TESTS_PACKETDRILL_JUDGE_H
#define TERN_TESTS_PACKETDRILL_JUDGE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct judge_table {
    void *own; /* handed back as the first argument of every call */
    void (*free)(void *own);

    int (*socket)(void *own, int domain, int type, int protocol);
    int (*bind)(void *own, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *own, int fd, int backlog);
    int (*accept)(void *own, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *own, int fd, const struct sockaddr *address, socklen_t length);

    ssize_t (*read)(void *own, int fd, void *bytes, size_t length);
    ssize_t (*readv)(void *own, int fd, const struct iovec *spans, int count);
    ssize_t (*recv)(void *own, int fd, void *bytes, size_t length, int flags);
    ssize_t (*recvfrom)(void *own, int fd, void *bytes, size_t length, int flags,
                        struct sockaddr *address, socklen_t *address_length);
    ssize_t (*recvmsg)(void *own, int fd, struct msghdr *message, int flags);

    ssize_t (*write)(void *own, int fd, const void *bytes, size_t length);
    ssize_t (*writev)(void *own, int fd, const struct iovec *spans, int count);
    ssize_t (*send)(void *own, int fd, const void *bytes, size_t length, int flags);
    ssize_t (*sendto)(void *own, int fd, const void *bytes, size_t length, int flags,
                      const struct sockaddr *address, socklen_t address_length);
    ssize_t (*sendmsg)(void *own, int fd, const struct msghdr *message, int flags);

    int (*fcntl)(void *own, int fd, int command, ...);           /* at most one int more */
    int (*ioctl)(void *own, int fd, unsigned long request, ...); /* at most one int * more */
    int (*close)(void *own, int fd);
    int (*shutdown)(void *own, int fd, int how);
    int (*getsockopt)(void *own, int fd, int level, int option, void *value, socklen_t *length);
    int (*setsockopt)(void *own, int fd, int level, int option, const void *value,
                      socklen_t length);
    int (*poll)(void *own, struct pollfd *fds, nfds_t count, int timeout_ms);

    /* One IP packet for the stack: 0, or -1. */
    int (*netdev_send)(void *own, const void *packet, size_t length);
    /* The next IP packet from the stack, however long that takes; *length is the room on entry, and
     * 0 on return when none will come. *time_us is when it left. 0, or -1 to be asked again. */
    int (*netdev_receive)(void *own, void *packet, size_t *length, long long *time_us);

    int (*usleep)(void *own, useconds_t us);
    int (*gettimeofday)(void *own, struct timeval *time, struct timezone *zone);

    int (*epoll_create)(void *own, int size);
    int (*epoll_ctl)(void *own, int epoll, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *own, int epoll, struct epoll_event *events, int most, int timeout_ms);
    int (*pipe)(void *own, int fds[2]);
    int (*splice)(void *own, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t length,
                  unsigned flags);
};

/* What the object exports. The second is asked, by a packetdrill that knows it, after a script's
 * last event and before what it left open is closed; not 0 fails the script. */
void packetdrill_interface_init(const char *flags, struct judge_table *table);
int packetdrill_interface_done(void *own);

#endif
