/* A socket: what a descriptor stands for, if not an instance of epoll, which is one of these too.
 *
 * It holds what all sockets have in common (options, timeouts, who waits) and leaves the rest to
 * its kind, a table of functions over the protocol's own object. The kinds are tcp_kind (a
 * connection, or what will become one), listener_kind (what listen(2) makes of it), udp_kind and
 * echo_kind. No function of a kind ever waits: what cannot be done now is -EAGAIN, and waiting is
 * the caller's business (call.h). Errors are those of the public call's man page. */
#ifndef TERN_SOCK_SOCKET_H
#define TERN_SOCK_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/list.h"
#include "core/datagrams.h"
#include "core/endpoint.h"
#include "sock/preferences.h"
#include "tcp/tcp.h"

struct echo;
struct epoll;
struct error_note;
struct receipt;
struct socket;
struct tcp_connection;
struct tcp_landing;
struct tcp_lending;
struct tcp_listener;
struct tern;
struct udp;

struct socket_kind {
    int type;     /* SOCK_…; 0: no socket but an instance of epoll, of which no function is asked
                     but open, close and readiness */
    int protocol; /* IPPROTO_… */
    bool numbers_sends; /* SO_ZEROCOPY has meaning */

    /* Makes the protocol's object. NULL: only listen() leads to this kind. */
    int (*open)(struct socket *socket);
    /* Lets go of it: it ends in good order by itself, or, with `abort`, at once. */
    void (*close)(struct socket *socket, bool abort);

    int (*bind)(struct socket *socket, const struct endpoint *local);
    /* 0; -EINPROGRESS when it is on its way from now on, -EALREADY when it was before. `remote`
     * NULL dissolves the association. */
    int (*connect)(struct socket *socket, const struct endpoint *remote);
    /* Of connections: 0 when nothing is being opened; -EALREADY while it is; or how that failed,
     * once. `more`: the caller waits to write. */
    int (*opened)(struct socket *socket, bool more);
    int (*listen)(struct socket *socket, int backlog);
    /* Takes the oldest connection that waits, as a socket of its own. */
    int (*accept)(struct socket *socket, struct socket **out);
    /* Of datagrams, else NULL: a port for who has none, whatever comes of what he wants to send. */
    int (*autobind)(struct socket *socket);
    /* Of datagrams, else NULL: what is wrong with one of `length` bytes whoever it is for, and with
     * whom it is for: 0 or a negative errno. */
    int (*check)(const struct iovec *spans, int count, size_t length, int flags);
    int (*directed)(struct socket *socket, const struct endpoint *to);
    /* `to` NULL: to the peer. Only a stream may take a part of it, or say -EAGAIN. */
    ssize_t (*send)(struct socket *socket, const struct iovec *spans, int count,
                    const struct endpoint *to, int flags);
    /* Of connections, else NULL: tcp_await_write(), tcp_lending_begin(). */
    bool (*await_write)(struct socket *socket, bool on);
    bool (*lend)(struct socket *socket, struct tcp_lending *lending);
    /* A stream leaves `info` as it is. Of datagrams, MSG_OOB is theirs to mean nothing or to
     * refuse.
     */
    ssize_t (*receive)(struct socket *socket, const struct iovec *spans, int count, int flags,
                       struct datagram_info *info);
    /* Of streams: whether the next byte is the urgent one; NULL: never. */
    bool (*at_mark)(const struct socket *socket);
    /* Of connections: tcp_landing_begin(). */
    bool (*land)(struct socket *socket, struct tcp_landing *landing);
    int (*shutdown)(struct socket *socket, bool receive, bool send);
    /* 0 once the peer has acknowledged all; with `finish` the sending side is shut down first, and
     * 0 means that there is nothing to linger for. */
    int (*drain)(struct socket *socket, bool finish);

    unsigned (*readiness)(const struct socket *socket); /* POLL… */
    int (*error)(struct socket *socket, bool clear);    /* a positive errno, or 0 */
    /* Of streams, else NULL: as tcp/tcp.h has them. */
    ssize_t (*reserve)(struct socket *socket, struct tcp_reservation *reservation, size_t length,
                       struct iovec spans[2]);
    ssize_t (*peek)(struct socket *socket, struct iovec spans[2]);
    int (*consume)(struct socket *socket, size_t length);
    /* What a send call had to send has been taken, and its user wants to be told more of it: the
     * receipt's completion is the kind's from now on. */
    void (*sent)(struct socket *socket, const struct receipt *receipt);
    /* Transmit times get numbers from now on: 0 or -EINVAL. `from_next`: of a stream, from what is
     * written next on. */
    int (*stamps_begin)(struct socket *socket, bool from_next);
    /* Of streams, else NULL: whether the times at which text arrives are to be known; when the last
     * byte that was read, or that is `ahead` bytes behind it, did (0: not known); bytes left to
     * read, at the end 1, for who has set TCP_INQ, else -1. */
    void (*note_arrivals)(struct socket *socket, bool on);
    uint64_t (*arrived_ns)(struct socket *socket, size_t ahead);
    int (*inq)(struct socket *socket);
    /* The oldest note of the error queue, to be freed by the caller; NULL: none. */
    struct error_note *(*take_note)(struct socket *socket);
    const struct endpoint *(*local)(const struct socket *socket);  /* port 0: not bound */
    const struct endpoint *(*remote)(const struct socket *socket); /* NULL: not connected */
    /* FIONREAD and SIOCOUTQ: bytes, or -EINVAL. NULL: there is no such request. */
    int64_t (*queued_in)(const struct socket *socket);
    int64_t (*queued_out)(const struct socket *socket);

    /* The options that options.c leaves to the protocol. 0, -ENOPROTOOPT, -EINVAL. */
    int (*set_option)(struct socket *socket, int level, int option, const void *value,
                      socklen_t length);
    int (*get_option)(struct socket *socket, int level, int option, void *value, socklen_t *length);
    struct datagram_options *(*datagram_options)(struct socket *socket); /* NULL: a stream */
    /* SO_RCVLOWAT: how much of so many bytes can be waited for. NULL: all. */
    uint32_t (*low_water)(struct socket *socket, uint32_t bytes);
    /* Whether a datagram is in the making, of which it is settled where it goes and how. NULL: none
     * ever is. */
    bool (*settled)(const struct socket *socket);
};

extern const struct socket_kind tcp_kind, listener_kind, udp_kind, echo_kind, epoll_kind;

/* How far connect(2) has told its caller; tcp_kind's. */
enum connect_progress { CONNECT_NONE, CONNECT_UNDER_WAY, CONNECT_DONE };

struct socket {
    const struct socket_kind *kind;
    struct tern *tern;
    union {
        struct tcp_connection *connection;
        struct tcp_listener *listener;
        struct udp *udp;
        struct echo *echo;
        struct epoll *epoll;
    } of;
    struct list waiting;   /* struct waiting (wait.h): the calls that wait for it */
    struct list interests; /* struct interest (interest.h): what is told of its changes */

    union {
        struct tcp_reservation *reservation; /* of a stream: tern_send_reserve()'s, made by the
                                                first; or NULL */
        uint32_t send_buffer; /* of others: SO_SNDBUF, though they never wait to be sent */
    };
    struct socket_preferences *preferences; /* never NULL */
    uint8_t connect_progress;
    uint8_t mtu_discover;     /* IP_MTU_DISCOVER of datagrams */
    bool nonblocking : 1;     /* O_NONBLOCK */
    bool close_on_exec : 1;   /* FD_CLOEXEC: kept; no other program ever has it */
    bool reuse_address : 1;   /* SO_REUSEADDR */
    bool reuse_port : 1;      /* SO_REUSEPORT */
    bool lingers : 1;         /* SO_LINGER */
    bool keep_alive : 1;      /* SO_KEEPALIVE of datagrams, which have nothing to keep */
    bool oob_inline : 1;      /* SO_OOBINLINE of datagrams, of which none is urgent */
    bool broadcast : 1;       /* SO_BROADCAST */
    bool debug : 1;           /* SO_DEBUG: kept, and nothing goes by it */
    bool dont_route : 1;      /* SO_DONTROUTE: the same: there is one way to anywhere */
    bool group_loop : 1;      /* IP_MULTICAST_LOOP: kept, and nothing goes by it */
    bool receive_ttl : 1;     /* IP_RECVTTL */
    bool receive_tos : 1;     /* IP_RECVTOS */
    bool receive_pktinfo : 1; /* IP_PKTINFO */
    bool zero_copy : 1;       /* SO_ZEROCOPY */
};

/* This and struct tcp_connection are what an idle connection takes. */
_Static_assert(sizeof(struct socket) <= 80, "a socket takes more memory");

static inline uint64_t socket_receive_timeout_ns(const struct socket *socket)
{
    return socket_timeout_ns(socket->preferences->receive_timeout_us);
}
static inline uint64_t socket_send_timeout_ns(const struct socket *socket)
{
    return socket_timeout_ns(socket->preferences->send_timeout_us);
}

/* A socket with neither object nor descriptor yet, which socket_free() ends; NULL without memory.
 */
struct socket *socket_new(struct tern *t, const struct socket_kind *kind);
void socket_free(struct socket *socket);
/* Tells those who wait for it or watch it that it is gone. */
void socket_part(struct socket *socket);
/* The same, then closes its object, and frees it. It has no descriptor any more. */
void socket_close(struct socket *socket, bool abort);

static inline bool socket_is_socket(const struct socket *socket)
{
    return socket->kind->type != 0;
}

static inline bool socket_at_mark(const struct socket *socket)
{
    return socket->kind->at_mark && socket->kind->at_mark(socket);
}

static inline bool socket_is_stream(const struct socket *socket)
{
    return socket->kind->type == SOCK_STREAM;
}

/* Whether room to write to is reserved. */
static inline bool socket_is_reserved(const struct socket *socket)
{
    return socket_is_stream(socket) && socket->reservation && socket->reservation->length > 0;
}

#endif
