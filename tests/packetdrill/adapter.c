/* The table of judge.h over the public API: each entry finds the stack's socket behind the
 * descriptor and makes the tern_ call of its name. What packetdrill asks that is not the stack's
 * business (the kernel's pipes, its bookkeeping of buffers) is answered here. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "judge.h"
#include "machine.h"

#define EXPORTED __attribute__((visibility("default")))

/* Options that packetdrill asks before and after code blocks, by Linux's numbers. */
enum { TCP_INFO_OPTION = 11, TCP_CC_INFO_OPTION = 26, SO_MEMINFO_OPTION = 55, INFO_SIZE = 280 };

/* Runs one expression on the stack with its lock held and its clock right. `socket` is the stack's
 * socket behind `fd`, or -1, which the stack says EBADF to. */
#define ON_STACK(type, expression) \
    struct machine *m = own;       \
    machine_enter(m);              \
    type result = (expression);    \
    machine_leave(m);              \
    return result
#define SOCKET (descriptor_socket(m, fd))

/* packetdrill does not ask whether that is all: who finds something left over must end the play
 * itself. */
static void do_free(void *own)
{
    const struct machine *m = own;
    unsigned unread = m->flags.unread_fails ? m->unread : 0;
    machine_free(own);
    if (unread == 0)
        return;
    fprintf(stderr, "tern: %u packets have left that no line of the script expects\n", unread);
    exit(1);
}

static int with_descriptor(struct machine *m, int socket_number, bool accepted)
{
    return socket_number < 0 ? -1 : descriptor_give(m, socket_number, accepted);
}

static int do_socket(void *own, int domain, int type, int protocol)
{
    ON_STACK(int, with_descriptor(m, tern_socket(m->tern, domain, type, protocol), false));
}

static int do_bind(void *own, int fd, const struct sockaddr *address, socklen_t length)
{
    ON_STACK(int, tern_bind(m->tern, SOCKET, address, length));
}

static int listen_and_mirror(struct machine *m, int fd, int backlog)
{
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    int result = tern_listen(m->tern, SOCKET, backlog);
    if (result == 0 &&
        tern_getsockname(m->tern, SOCKET, (struct sockaddr *)(void *)&local, &length) == 0)
        descriptor_mirror_listen(fd, (struct sockaddr *)(void *)&local, length);
    return result;
}

static int do_listen(void *own, int fd, int backlog)
{
    ON_STACK(int, listen_and_mirror(m, fd, backlog));
}

static int do_accept(void *own, int fd, struct sockaddr *address, socklen_t *length)
{
    ON_STACK(int, with_descriptor(m, tern_accept(m->tern, SOCKET, address, length), true));
}

static int do_connect(void *own, int fd, const struct sockaddr *address, socklen_t length)
{
    ON_STACK(int, tern_connect(m->tern, SOCKET, address, length));
}

static ssize_t do_read(void *own, int fd, void *bytes, size_t length)
{
    ON_STACK(ssize_t, tern_read(m->tern, SOCKET, bytes, length));
}

static ssize_t do_readv(void *own, int fd, const struct iovec *spans, int count)
{
    ON_STACK(ssize_t, tern_readv(m->tern, SOCKET, spans, count));
}

static ssize_t do_recv(void *own, int fd, void *bytes, size_t length, int flags)
{
    ON_STACK(ssize_t, tern_recv(m->tern, SOCKET, bytes, length, flags));
}

static ssize_t do_recvfrom(void *own, int fd, void *bytes, size_t length, int flags,
                           struct sockaddr *address, socklen_t *address_length)
{
    ON_STACK(ssize_t,
             tern_recvfrom(m->tern, SOCKET, bytes, length, flags, address, address_length));
}

static ssize_t do_recvmsg(void *own, int fd, struct msghdr *message, int flags)
{
    ON_STACK(ssize_t, tern_recvmsg(m->tern, SOCKET, message, flags));
}

static ssize_t do_write(void *own, int fd, const void *bytes, size_t length)
{
    ON_STACK(ssize_t, tern_write(m->tern, SOCKET, bytes, length));
}

static ssize_t do_writev(void *own, int fd, const struct iovec *spans, int count)
{
    ON_STACK(ssize_t, tern_writev(m->tern, SOCKET, spans, count));
}

static ssize_t do_send(void *own, int fd, const void *bytes, size_t length, int flags)
{
    ON_STACK(ssize_t, tern_send(m->tern, SOCKET, bytes, length, flags));
}

static ssize_t do_sendto(void *own, int fd, const void *bytes, size_t length, int flags,
                         const struct sockaddr *address, socklen_t address_length)
{
    ON_STACK(ssize_t, tern_sendto(m->tern, SOCKET, bytes, length, flags, address, address_length));
}

static ssize_t do_sendmsg(void *own, int fd, const struct msghdr *message, int flags)
{
    ON_STACK(ssize_t, tern_sendmsg(m->tern, SOCKET, message, flags));
}

static int do_fcntl(void *own, int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    int argument = command == F_GETFL ? 0 : va_arg(more, int);
    va_end(more);
    ON_STACK(int, tern_fcntl(m->tern, SOCKET, command, argument));
}

static int do_ioctl(void *own, int fd, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    int *value = va_arg(more, int *);
    va_end(more);
    ON_STACK(int, tern_ioctl(m->tern, SOCKET, request, value));
}

static int close_both(struct machine *m, int fd)
{
    int socket_number = SOCKET;
    if (socket_number < 0)
        return close(fd); /* a pipe */
    int result = tern_close(m->tern, socket_number);
    int saved = errno;
    descriptor_take_back(m, fd);
    errno = saved;
    return result;
}

static int do_close(void *own, int fd)
{
    ON_STACK(int, close_both(m, fd));
}

static int do_shutdown(void *own, int fd, int how)
{
    ON_STACK(int, tern_shutdown(m->tern, SOCKET, how));
}

/* Linux's nine words of SO_MEMINFO, as far as the stack has something to say to them. */
static int memory_info(struct machine *m, int fd, void *value, socklen_t *length)
{
    enum { RECEIVED, RECEIVE_LIMIT, SENT, SEND_LIMIT, WORDS = 9 };
    uint32_t words[WORDS] = {0};
    socklen_t size = sizeof words[0];
    int queued = 0;
    if (tern_ioctl(m->tern, SOCKET, FIONREAD, &queued) == 0)
        words[RECEIVED] = (uint32_t)queued;
    if (tern_ioctl(m->tern, SOCKET, TIOCOUTQ, &queued) == 0)
        words[SENT] = (uint32_t)queued;
    if (tern_getsockopt(m->tern, SOCKET, SOL_SOCKET, SO_RCVBUF, &words[RECEIVE_LIMIT], &size) < 0 ||
        tern_getsockopt(m->tern, SOCKET, SOL_SOCKET, SO_SNDBUF, &words[SEND_LIMIT], &size) < 0)
        return -1;
    if (*length > sizeof words)
        *length = sizeof words;
    memcpy(value, words, *length);
    return 0;
}

/* packetdrill wants the whole structure of its own days, of which the stack may know less. */
static int tcp_info(struct machine *m, int fd, void *value, socklen_t *length)
{
    socklen_t room = *length;
    int result = tern_getsockopt(m->tern, SOCKET, IPPROTO_TCP, TCP_INFO_OPTION, value, length);
    if (result == 0 && room >= INFO_SIZE && *length < INFO_SIZE) {
        memset((char *)value + *length, 0, INFO_SIZE - *length);
        *length = INFO_SIZE;
    }
    return result;
}

static int get_option(struct machine *m, int fd, int level, int option, void *value,
                      socklen_t *length)
{
    if (level == IPPROTO_TCP && option == TCP_INFO_OPTION && value != NULL && length != NULL)
        return tcp_info(m, fd, value, length);
    if (level == SOL_SOCKET && option == SO_MEMINFO_OPTION && value != NULL && length != NULL)
        return memory_info(m, fd, value, length);
    int result = tern_getsockopt(m->tern, SOCKET, level, option, value, length);
    /* An algorithm that says nothing of itself says so with no bytes. */
    if (result < 0 && errno == ENOPROTOOPT && level == IPPROTO_TCP &&
        option == TCP_CC_INFO_OPTION) {
        *length = 0;
        return 0;
    }
    return result;
}

static int do_getsockopt(void *own, int fd, int level, int option, void *value, socklen_t *length)
{
    ON_STACK(int, get_option(m, fd, level, option, value, length));
}

static int do_setsockopt(void *own, int fd, int level, int option, const void *value,
                         socklen_t length)
{
    ON_STACK(int, tern_setsockopt(m->tern, SOCKET, level, option, value, length));
}

static int poll_sockets(struct machine *m, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct pollfd *ours = calloc(count ? count : 1, sizeof *ours);
    if (ours == NULL)
        return -1;
    for (nfds_t i = 0; i < count; i++)
        ours[i] = (struct pollfd){descriptor_socket(m, fds[i].fd), fds[i].events, 0};
    int result = tern_poll(m->tern, ours, count, timeout_ms);
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = ours[i].revents;
    int saved = errno;
    free(ours);
    errno = saved;
    return result;
}

static int do_poll(void *own, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    ON_STACK(int, poll_sockets(m, fds, count, timeout_ms));
}

static int give_packet(struct machine *m, const void *packet, size_t length)
{
    capture_packet(m->capture, m->now_ns, packet, length);
    /* As packetdrill would tell the kernel with --mss, of what is longer than one. */
    struct tern_offload super = {.segment_size = (uint16_t)m->flags.segment};
    const char *dropped =
        tern_input(m->tern, packet, length, super.segment_size ? &super : NULL, m->now_ns);
    if (dropped != NULL && m->flags.trace)
        fprintf(stderr, "  tern dropped it: %s\n", dropped);
    return 0;
}

static int do_netdev_send(void *own, const void *packet, size_t length)
{
    ON_STACK(int, give_packet(m, packet, length));
}

static int do_netdev_receive(void *own, void *packet, size_t *length, long long *time_us)
{
    struct machine *m = own;
    machine_enter(m);
    struct left_packet *left = machine_packet(m);
    *time_us = (long long)((left ? left->time_ns : m->now_ns) / 1000);
    if (left == NULL || left->length > *length) {
        *length = 0;
    } else {
        memcpy(packet, left->bytes, left->length);
        *length = left->length;
    }
    free(left);
    machine_leave(m);
    return 0;
}

static int do_usleep(void *own, useconds_t us)
{
    struct machine *m = own;
    machine_await_caller(m); /* here, where packetdrill has given up its own lock */
    pthread_mutex_lock(&m->lock);
    machine_sleep(m, (uint64_t)us * 1000);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int do_gettimeofday(void *own, struct timeval *time, struct timezone *zone)
{
    struct machine *m = own;
    (void)zone;
    pthread_mutex_lock(&m->lock);
    uint64_t us = machine_look_at_clock(m) / 1000;
    pthread_mutex_unlock(&m->lock);
    time->tv_sec = (time_t)(us / 1000000);
    time->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

static int do_epoll_create(void *own, int size)
{
    ON_STACK(int, with_descriptor(m, tern_epoll_create(m->tern, size), false));
}

static int do_epoll_ctl(void *own, int epoll, int operation, int fd, struct epoll_event *event)
{
    ON_STACK(int, tern_epoll_ctl(m->tern, descriptor_socket(m, epoll), operation, SOCKET, event));
}

static int do_epoll_wait(void *own, int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    ON_STACK(int, tern_epoll_wait(m->tern, descriptor_socket(m, epoll), events, most, timeout_ms));
}

static int do_pipe(void *own, int fds[2])
{
    (void)own;
    return pipe(fds);
}

/* From a socket into a pipe: what is there, as far as the pipe has room; nothing, where the urgent
 * byte is next, which no splice brings. */
static ssize_t splice_in(struct machine *m, int fd, int out, size_t length)
{
    char bytes[65536];
    int held = 0, at_mark = 0, size = fcntl(out, F_GETPIPE_SZ);
    if (size < 0 || ioctl(out, FIONREAD, &held) < 0)
        return -1;
    size_t room = size > held ? (size_t)(size - held) : 0;
    if (length > room)
        length = room;
    if (length > sizeof bytes)
        length = sizeof bytes;
    if (tern_ioctl(m->tern, SOCKET, SIOCATMARK, &at_mark) == 0 && at_mark)
        return 0;
    ssize_t n = tern_recv(m->tern, SOCKET, bytes, length, 0);
    return n > 0 ? write(out, bytes, (size_t)n) : n;
}

static ssize_t splice_any(struct machine *m, int in, int out, size_t length)
{
    if (descriptor_socket(m, in) >= 0)
        return splice_in(m, in, out, length);
    return descriptor_send_from(m, descriptor_socket(m, out), in, length);
}

/* The offsets are never NULL, even where the script says so; neither sockets nor pipes have any. */
static int do_splice(void *own, int in, loff_t *in_offset, int out, loff_t *out_offset,
                     size_t length, unsigned flags)
{
    (void)in_offset;
    (void)out_offset;
    (void)flags;
    ON_STACK(int, (int)splice_any(m, in, out, length));
}

EXPORTED void packetdrill_interface_init(const char *flags, struct judge_table *table)
{
    struct machine *m = machine_new(flags);
    if (m == NULL)
        exit(2); /* there is no way to refuse */
    *table = (struct judge_table){
        .own = m,
        .free = do_free,
        .socket = do_socket,
        .bind = do_bind,
        .listen = do_listen,
        .accept = do_accept,
        .connect = do_connect,
        .read = do_read,
        .readv = do_readv,
        .recv = do_recv,
        .recvfrom = do_recvfrom,
        .recvmsg = do_recvmsg,
        .write = do_write,
        .writev = do_writev,
        .send = do_send,
        .sendto = do_sendto,
        .sendmsg = do_sendmsg,
        .fcntl = do_fcntl,
        .ioctl = do_ioctl,
        .close = do_close,
        .shutdown = do_shutdown,
        .getsockopt = do_getsockopt,
        .setsockopt = do_setsockopt,
        .poll = do_poll,
        .netdev_send = do_netdev_send,
        .netdev_receive = do_netdev_receive,
        .usleep = do_usleep,
        .gettimeofday = do_gettimeofday,
        .epoll_create = do_epoll_create,
        .epoll_ctl = do_epoll_ctl,
        .epoll_wait = do_epoll_wait,
        .pipe = do_pipe,
        .splice = do_splice,
    };
}
