/* Every call of the public door that works on a stack and answers -1 and errno, each with arguments
 * that nothing is wrong with as far as can be told without the stack. A tooling test compares the
 * list with the header. */
#ifndef TESTS_COMMON_EVERY_CALL_H
#define TESTS_COMMON_EVERY_CALL_H

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <tern/tern.h>

struct every_call {
    const char *name;
    long (*call)(struct tern *t);
};

/* What the arguments point to. */
static struct {
    char bytes[64];
    char text[64];
    struct sockaddr_in address;
    socklen_t length;
    struct iovec spans[2];
    struct msghdr message;
    struct pollfd poll;
    struct timeval now;
    struct epoll_event event;
    int number;
    uint64_t value;
} given;

static inline void every_call_watch(void *user, int socket, short events)
{
    (void)user, (void)socket, (void)events;
}

#define GIVEN_ADDRESS (struct sockaddr *)&given.address
#define GIVEN_BYTES   given.bytes, sizeof given.bytes
#define GIVEN_NUMBER  (void *)&given.number

/* clang-format off */
#define EVERY_CALL(X) \
    X(tern_quiesce,       (t, 0)) \
    X(tern_socket,        (t, AF_INET, SOCK_STREAM, 0)) \
    X(tern_bind,          (t, 0, GIVEN_ADDRESS, sizeof given.address)) \
    X(tern_listen,        (t, 0, 1)) \
    X(tern_accept,        (t, 0, GIVEN_ADDRESS, &given.length)) \
    X(tern_accept4,       (t, 0, GIVEN_ADDRESS, &given.length, 0)) \
    X(tern_connect,       (t, 0, GIVEN_ADDRESS, sizeof given.address)) \
    X(tern_getsockname,   (t, 0, GIVEN_ADDRESS, &given.length)) \
    X(tern_getpeername,   (t, 0, GIVEN_ADDRESS, &given.length)) \
    X(tern_send,          (t, 0, GIVEN_BYTES, 0)) \
    X(tern_sendto,        (t, 0, GIVEN_BYTES, 0, GIVEN_ADDRESS, sizeof given.address)) \
    X(tern_sendmsg,       (t, 0, &given.message, 0)) \
    X(tern_recv,          (t, 0, GIVEN_BYTES, 0)) \
    X(tern_recvfrom,      (t, 0, GIVEN_BYTES, 0, GIVEN_ADDRESS, &given.length)) \
    X(tern_recvmsg,       (t, 0, &given.message, 0)) \
    X(tern_read,          (t, 0, GIVEN_BYTES)) \
    X(tern_write,         (t, 0, GIVEN_BYTES)) \
    X(tern_readv,         (t, 0, given.spans, 1)) \
    X(tern_writev,        (t, 0, given.spans, 1)) \
    X(tern_shutdown,      (t, 0, SHUT_WR)) \
    X(tern_close,         (t, 0)) \
    X(tern_getsockopt,    (t, 0, SOL_SOCKET, SO_TYPE, GIVEN_NUMBER, &given.length)) \
    X(tern_setsockopt,    (t, 0, SOL_SOCKET, SO_KEEPALIVE, GIVEN_NUMBER, sizeof given.number)) \
    X(tern_fcntl,         (t, 0, F_GETFL, 0)) \
    X(tern_ioctl,         (t, 0, FIONREAD, &given.number)) \
    X(tern_sockatmark,    (t, 0)) \
    X(tern_poll,          (t, &given.poll, 1, 0)) \
    X(tern_select,        (t, 0, NULL, NULL, NULL, &given.now)) \
    X(tern_epoll_create,  (t, 1)) \
    X(tern_epoll_create1, (t, 0)) \
    X(tern_epoll_ctl,     (t, 0, EPOLL_CTL_ADD, 0, &given.event)) \
    X(tern_epoll_wait,    (t, 0, &given.event, 1, 0)) \
    X(tern_sendfile,      (t, 0, 0, NULL, 1)) \
    X(tern_send_reserve,  (t, 0, 1, given.spans)) \
    X(tern_send_commit,   (t, 0, 1, 0)) \
    X(tern_recv_peek,     (t, 0, given.spans)) \
    X(tern_recv_consume,  (t, 0, 1)) \
    X(tern_dial,          (t, "10.0.0.2:7")) \
    X(tern_listen_on,     (t, "7", 1)) \
    X(tern_write_all,     (t, 0, GIVEN_BYTES)) \
    X(tern_read_full,     (t, 0, GIVEN_BYTES)) \
    X(tern_drain,         (t, 0)) \
    X(tern_fd,            (t)) \
    X(tern_step,          (t)) \
    X(tern_watch,         (t, 0, POLLIN, every_call_watch, NULL)) \
    X(tern_set,           (t, "ip.ttl", "64")) \
    X(tern_get,           (t, "ip.ttl", given.text, sizeof given.text)) \
    X(tern_counter,       (t, "IpInReceives", &given.value))
/* clang-format on */

#define EVERY_CALL_FUNCTION(name, arguments)        \
    static inline long every_##name(struct tern *t) \
    {                                               \
        return (long)name arguments;                \
    }
#define EVERY_CALL_ENTRY(name, arguments) {#name, every_##name},

EVERY_CALL(EVERY_CALL_FUNCTION)

static const struct every_call every_call[] = {EVERY_CALL(EVERY_CALL_ENTRY)};

enum { EVERY_CALL_COUNT = sizeof every_call / sizeof every_call[0] };

#endif
