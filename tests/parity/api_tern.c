/* tern's calls, on a stack in virtual time whose packets go nowhere but to itself. What is due
 * happens at once after each call, as the kernel's loopback does. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <tern/tern.h>

#include "api.h"

static struct tern *t;
static uint64_t clock_ns;

static int lose(void *user, const struct iovec *packet, int count,
                const struct tern_offload *offload)
{
    (void)user;
    (void)packet;
    (void)count;
    (void)offload;
    return 0;
}

/* Does what is due at this time. */
static void settle(void)
{
    while (tern_deadline(t) <= clock_ns)
        tern_advance(t, clock_ns);
}

/* Time jumps to the next thing that is due. Who waits for nothing at all waits in vain. */
static int jump(void *user, uint64_t deadline_ns)
{
    (void)user;
    uint64_t next = tern_deadline(t);
    uint64_t to = next < deadline_ns ? next : deadline_ns;
    if (to == UINT64_MAX)
        return -EDEADLK;
    if (to > clock_ns)
        clock_ns = to;
    tern_advance(t, clock_ns);
    return 0;
}

static void begin(void)
{
    static const uint8_t seed[32] = "the same program, the same run";
    struct tern_error error;
    struct tern_engine_config config = {
        .seed = seed, .address = "10.0.0.1/24", .output = lose, .wait = jump};
    clock_ns = config.now_ns = 1000000000;
    t = tern_engine_new(&config, &error);
    if (t == NULL) {
        printf("no stack: %s\n", error.text);
        exit(1);
    }
}

enum { DESCRIPTORS = 64 };

/* What is closed and delivered leaves nothing behind. */
static uint64_t end(void)
{
    static const struct linger at_once = {1, 0};
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        tern_setsockopt(t, fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        tern_close(t, fd);
    }
    settle();
    tern_quiesce(t, UINT64_C(1000000000) * 3600);
    for (uint64_t due; (due = tern_deadline(t)) != UINT64_MAX;) { /* TIME-WAIT */
        clock_ns = due > clock_ns ? due : clock_ns;
        tern_advance(t, clock_ns);
    }
    uint64_t held = tern_memory_used(t);
    tern_close_stack(t);
    return held;
}

static uint64_t now_ns(void)
{
    return clock_ns;
}

static void set(const char *name, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    if (tern_set(t, name, text) < 0)
        printf("%s cannot be %s\n", name, text);
}

static void ports(uint16_t from, uint16_t to)
{
    set("ip.port_first", from);
    set("ip.port_last", to);
}

static void descriptors(unsigned more)
{
    unsigned open = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        open += tern_fcntl(t, fd, F_GETFL, 0) >= 0;
    set("socket.descriptors", open + more);
}

#define CALL(type, name, parameters, ...)          \
    static type t_##name parameters                \
    {                                              \
        type result = tern_##name(t, __VA_ARGS__); \
        int saved = errno;                         \
        settle();                                  \
        errno = saved;                             \
        return result;                             \
    }

#define ADDRESS_IN  const struct sockaddr *address, socklen_t address_length
#define ADDRESS_OUT struct sockaddr *address, socklen_t *address_length

CALL(int, socket, (int domain, int type, int protocol), domain, type, protocol)
CALL(int, bind, (int s, ADDRESS_IN), s, address, address_length)
CALL(int, listen, (int s, int backlog), s, backlog)
CALL(int, accept, (int s, ADDRESS_OUT), s, address, address_length)
CALL(int, accept4, (int s, ADDRESS_OUT, int flags), s, address, address_length, flags)
CALL(int, connect, (int s, ADDRESS_IN), s, address, address_length)
CALL(ssize_t, send, (int s, const void *bytes, size_t length, int flags), s, bytes, length, flags)
CALL(ssize_t, sendto, (int s, const void *bytes, size_t length, int flags, ADDRESS_IN), s, bytes,
     length, flags, address, address_length)
CALL(ssize_t, sendmsg, (int s, const struct msghdr *message, int flags), s, message, flags)
CALL(ssize_t, recv, (int s, void *bytes, size_t length, int flags), s, bytes, length, flags)
CALL(ssize_t, recvfrom, (int s, void *bytes, size_t length, int flags, ADDRESS_OUT), s, bytes,
     length, flags, address, address_length)
CALL(ssize_t, recvmsg, (int s, struct msghdr *message, int flags), s, message, flags)
CALL(ssize_t, read, (int s, void *bytes, size_t length), s, bytes, length)
CALL(ssize_t, write, (int s, const void *bytes, size_t length), s, bytes, length)
CALL(ssize_t, readv, (int s, const struct iovec *spans, int count), s, spans, count)
CALL(ssize_t, writev, (int s, const struct iovec *spans, int count), s, spans, count)
CALL(ssize_t, sendfile, (int s, int file, off_t *offset, size_t count), s, file, offset, count)
CALL(int, shutdown, (int s, int how), s, how)
CALL(int, close, (int s), s)
CALL(int, getsockname, (int s, ADDRESS_OUT), s, address, address_length)
CALL(int, getpeername, (int s, ADDRESS_OUT), s, address, address_length)
CALL(int, getsockopt, (int s, int level, int option, void *value, socklen_t *length), s, level,
     option, value, length)
CALL(int, setsockopt, (int s, int level, int option, const void *value, socklen_t length), s, level,
     option, value, length)
CALL(int, fcntl, (int s, int command, int argument), s, command, argument)
CALL(int, ioctl, (int s, unsigned long request, int *value), s, request, value)
CALL(int, poll, (struct pollfd * fds, nfds_t count, int timeout), fds, count, timeout)
CALL(int, select,
     (int count, fd_set *in, fd_set *out, fd_set *except, const struct timeval *timeout), count, in,
     out, except, timeout)
CALL(int, epoll_create, (int size), size)
CALL(int, epoll_create1, (int flags), flags)
CALL(int, epoll_ctl, (int epoll, int operation, int s, struct epoll_event *event), epoll, operation,
     s, event)
CALL(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), epoll, events,
     most, timeout)

const struct api api_tern = {
    .name = "tern",
    .begin = begin,
    .end = end,
    .now_ns = now_ns,
    .ports = ports,
    .descriptors = descriptors,
    .socket = t_socket,
    .bind = t_bind,
    .listen = t_listen,
    .accept = t_accept,
    .accept4 = t_accept4,
    .connect = t_connect,
    .send = t_send,
    .sendto = t_sendto,
    .sendmsg = t_sendmsg,
    .recv = t_recv,
    .recvfrom = t_recvfrom,
    .recvmsg = t_recvmsg,
    .read = t_read,
    .write = t_write,
    .readv = t_readv,
    .writev = t_writev,
    .sendfile = t_sendfile,
    .shutdown = t_shutdown,
    .close = t_close,
    .getsockname = t_getsockname,
    .getpeername = t_getpeername,
    .getsockopt = t_getsockopt,
    .setsockopt = t_setsockopt,
    .fcntl = t_fcntl,
    .ioctl = t_ioctl,
    .poll = t_poll,
    .select = t_select,
    .epoll_create = t_epoll_create,
    .epoll_create1 = t_epoll_create1,
    .epoll_ctl = t_epoll_ctl,
    .epoll_wait = t_epoll_wait,
};
