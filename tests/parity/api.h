/* The calls that a socket program makes, as a table: one is the kernel's, one tern's. A program
 * written against the table can be played on both. */
#ifndef TESTS_PARITY_API_H
#define TESTS_PARITY_API_H

#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct api {
    const char *name;
    /* Around each program: everything from fresh, everything gone. close_all() says how many bytes
     * of memory are held afterwards, as far as that can be told. */
    void (*begin)(void);
    uint64_t (*end)(void);
    uint64_t (*now_ns)(void);
    /* Until the program's end: the ports that the system may choose; how many descriptors there can
     * be besides those that are open. */
    void (*ports)(uint16_t first, uint16_t last);
    void (*descriptors)(unsigned more);

    int (*socket)(int domain, int type, int protocol);
    int (*bind)(int s, const struct sockaddr *address, socklen_t length);
    int (*listen)(int s, int backlog);
    int (*accept)(int s, struct sockaddr *address, socklen_t *length);
    int (*accept4)(int s, struct sockaddr *address, socklen_t *length, int flags);
    int (*connect)(int s, const struct sockaddr *address, socklen_t length);
    ssize_t (*send)(int s, const void *bytes, size_t length, int flags);
    ssize_t (*sendto)(int s, const void *bytes, size_t length, int flags,
                      const struct sockaddr *address, socklen_t address_length);
    ssize_t (*sendmsg)(int s, const struct msghdr *message, int flags);
    ssize_t (*recv)(int s, void *bytes, size_t length, int flags);
    ssize_t (*recvfrom)(int s, void *bytes, size_t length, int flags, struct sockaddr *address,
                        socklen_t *address_length);
    ssize_t (*recvmsg)(int s, struct msghdr *message, int flags);
    ssize_t (*read)(int s, void *bytes, size_t length);
    ssize_t (*write)(int s, const void *bytes, size_t length);
    ssize_t (*readv)(int s, const struct iovec *spans, int count);
    ssize_t (*writev)(int s, const struct iovec *spans, int count);
    ssize_t (*sendfile)(int s, int file, off_t *offset, size_t count);
    int (*shutdown)(int s, int how);
    int (*close)(int s);
    int (*getsockname)(int s, struct sockaddr *address, socklen_t *length);
    int (*getpeername)(int s, struct sockaddr *address, socklen_t *length);
    int (*getsockopt)(int s, int level, int option, void *value, socklen_t *length);
    int (*setsockopt)(int s, int level, int option, const void *value, socklen_t length);
    int (*fcntl)(int s, int command, int argument);
    int (*ioctl)(int s, unsigned long request, int *value);
    int (*poll)(struct pollfd *fds, nfds_t count, int timeout);
    int (*select)(int count, fd_set *read, fd_set *write, fd_set *except,
                  const struct timeval *timeout);
    int (*epoll_create)(int size);
    int (*epoll_create1)(int flags);
    int (*epoll_ctl)(int epoll, int operation, int s, struct epoll_event *event);
    int (*epoll_wait)(int epoll, struct epoll_event *events, int most, int timeout);
};

/* Both have 10.0.0.1/24 and 127.0.0.1, and send everything else into a device where nobody answers.
 * api_kernel needs a namespace of its own (scripts/sandbox). */
extern const struct api api_kernel, api_tern;

/* Gives the namespace that device: 0, or -1 with a line on standard output. */
int api_kernel_prepare(void);

#endif
