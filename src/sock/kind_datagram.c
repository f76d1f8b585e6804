/* UDP and echo sockets. Their protocols speak the same calls (udp/udp.h, raw/echo.h), which is why
 * one text makes both kinds. */
#include <errno.h>
#include <netinet/in.h>

#include "raw/echo.h"
#include "sock/options.h"
#include "sock/receipt.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "udp/udp.h"

static int datagram_listen(struct socket *socket, int backlog)
{
    (void)socket;
    (void)backlog;
    return -EOPNOTSUPP;
}

static int datagram_accept(struct socket *socket, struct socket **out)
{
    (void)socket;
    (void)out;
    return -EOPNOTSUPP;
}

static int datagram_drain(struct socket *socket, bool finish)
{
    (void)socket;
    return finish ? 0 : -EOPNOTSUPP;
}

static const struct endpoint *connected(const struct endpoint *remote)
{
    return address_is_unspecified(&remote->address) ? NULL : remote;
}

/* Where bind(2) has EADDRINUSE for no ephemeral port left, send(2) has EAGAIN, and so has Linux's
 * connect(2) of datagrams. */
static ssize_t without_port(ssize_t result)
{
    return result == -EADDRINUSE ? -EAGAIN : result;
}

static ssize_t udp_kind_send(struct socket *socket, const struct iovec *spans, int count,
                             const struct endpoint *to, int flags)
{
    return without_port(udp_send(socket->of.udp, spans, count, to, (flags & MSG_MORE) != 0));
}

/* As with Linux's, MSG_MORE means nothing to it. */
static ssize_t echo_kind_send(struct socket *socket, const struct iovec *spans, int count,
                              const struct endpoint *to, int flags)
{
    (void)flags;
    return without_port(echo_send(socket->of.echo, spans, count, to));
}

/* What is wrong is told in Linux's order. */
static int udp_kind_check(const struct iovec *spans, int count, size_t length, int flags)
{
    (void)spans;
    (void)count;
    if (length > DATAGRAM_CALL_MAX)
        return -EMSGSIZE;
    return flags & MSG_OOB ? -EOPNOTSUPP : 0;
}

static int echo_kind_check(const struct iovec *spans, int count, size_t length, int flags)
{
    if (length > DATAGRAM_CALL_MAX)
        return -EMSGSIZE;
    if (length < ECHO_MESSAGE_MIN)
        return -EINVAL;
    return flags & MSG_OOB ? -EOPNOTSUPP : echo_check(spans, count);
}

/* A datagram is with the link, or lost, when the call returns, if it is not in the making still. */
static int64_t udp_kind_queued_out(const struct socket *socket)
{
    return udp_queued(socket->of.udp);
}

static int64_t udp_kind_queued_in(const struct socket *socket)
{
    return udp_next_length(socket->of.udp);
}

static bool udp_kind_settled(const struct socket *socket)
{
    return udp_is_making(socket->of.udp);
}

/* `name` is the protocol's prefix and its member in struct socket's union; what is behind it, what
 * only one of them has. */
#define DATAGRAM_KIND(name, number, ...)                                                 \
    static int name##_kind_open(struct socket *socket)                                   \
    {                                                                                    \
        return name##_open(&socket->tern->stack, socket, &socket->of.name);              \
    }                                                                                    \
    static void name##_kind_close(struct socket *socket, bool abort)                     \
    {                                                                                    \
        (void)abort;                                                                     \
        name##_close(socket->of.name);                                                   \
    }                                                                                    \
    static int name##_kind_bind(struct socket *socket, const struct endpoint *local)     \
    {                                                                                    \
        return name##_bind(socket->of.name, local);                                      \
    }                                                                                    \
    static int name##_kind_connect(struct socket *socket, const struct endpoint *remote) \
    {                                                                                    \
        return (int)without_port(name##_connect(socket->of.name, remote));               \
    }                                                                                    \
    static int name##_kind_autobind(struct socket *socket)                               \
    {                                                                                    \
        return (int)without_port(name##_autobind(socket->of.name));                      \
    }                                                                                    \
    static int name##_kind_directed(struct socket *socket, const struct endpoint *to)    \
    {                                                                                    \
        return name##_directed(socket->of.name, to);                                     \
    }                                                                                    \
    static ssize_t name##_kind_receive(struct socket *socket, const struct iovec *spans, \
                                       int count, int flags, struct datagram_info *info) \
    {                                                                                    \
        return name##_receive(socket->of.name, spans, count, flags, info);               \
    }                                                                                    \
    static int name##_kind_shutdown(struct socket *socket, bool receive, bool send)      \
    {                                                                                    \
        return name##_shutdown(socket->of.name, receive, send);                          \
    }                                                                                    \
    static unsigned name##_kind_readiness(const struct socket *socket)                   \
    {                                                                                    \
        return name##_readiness(socket->of.name);                                        \
    }                                                                                    \
    static int name##_kind_error(struct socket *socket, bool clear)                      \
    {                                                                                    \
        return name##_error(socket->of.name, clear);                                     \
    }                                                                                    \
    static const struct endpoint *name##_kind_local(const struct socket *socket)         \
    {                                                                                    \
        return name##_local(socket->of.name);                                            \
    }                                                                                    \
    static const struct endpoint *name##_kind_remote(const struct socket *socket)        \
    {                                                                                    \
        return connected(name##_remote(socket->of.name));                                \
    }                                                                                    \
    static void name##_kind_sent(struct socket *socket, const struct receipt *receipt)   \
    {                                                                                    \
        if (receipt->completion != NULL)                                                 \
            name##_complete(socket->of.name, receipt->completion);                       \
    }                                                                                    \
    static int name##_kind_stamps_begin(struct socket *socket, bool from_next)           \
    {                                                                                    \
        (void)from_next;                                                                 \
        name##_stamps_begin(socket->of.name);                                            \
        return 0;                                                                        \
    }                                                                                    \
    static struct error_note *name##_kind_take_note(struct socket *socket)               \
    {                                                                                    \
        return name##_take_note(socket->of.name);                                        \
    }                                                                                    \
    static struct datagram_options *name##_kind_options(struct socket *socket)           \
    {                                                                                    \
        return name##_options(socket->of.name);                                          \
    }                                                                                    \
    const struct socket_kind name##_kind = {.type = SOCK_DGRAM,                          \
                                            .protocol = number,                          \
                                            .open = name##_kind_open,                    \
                                            .close = name##_kind_close,                  \
                                            .bind = name##_kind_bind,                    \
                                            .connect = name##_kind_connect,              \
                                            .listen = datagram_listen,                   \
                                            .accept = datagram_accept,                   \
                                            .autobind = name##_kind_autobind,            \
                                            .check = name##_kind_check,                  \
                                            .directed = name##_kind_directed,            \
                                            .send = name##_kind_send,                    \
                                            .receive = name##_kind_receive,              \
                                            .shutdown = name##_kind_shutdown,            \
                                            .drain = datagram_drain,                     \
                                            .readiness = name##_kind_readiness,          \
                                            .error = name##_kind_error,                  \
                                            .local = name##_kind_local,                  \
                                            .remote = name##_kind_remote,                \
                                            .set_option = datagram_set_option,           \
                                            .get_option = datagram_get_option,           \
                                            .sent = name##_kind_sent,                    \
                                            .stamps_begin = name##_kind_stamps_begin,    \
                                            .take_note = name##_kind_take_note,          \
                                            .datagram_options = name##_kind_options,     \
                                            __VA_ARGS__};

DATAGRAM_KIND(udp, IPPROTO_UDP, .numbers_sends = true, .settled = udp_kind_settled,
              .queued_in = udp_kind_queued_in, .queued_out = udp_kind_queued_out)
DATAGRAM_KIND(echo, IPPROTO_ICMP)
