/* tern: TCP/IP in a process.
 *
 * This is the whole public interface. In the order a reader needs it:
 *   1. a stack over a TUN device   tern_open, tern_open_queues, tern_close_stack
 *   2. sockets                     the BSD calls with a tern_ prefix, and some without a copy
 *   3. your own event loop         one descriptor, one step, a callback for each socket
 *   4. what a host can see         settings, counters, trace
 *   5. the engine                  a stack with your own device, loop and clock
 *
 * Conventions. A `struct tern *` is one stack, independent of all others. Sockets are small numbers
 * that belong to their stack, lowest free first, and mean nothing to the kernel or to another
 * stack. Calls return -1 and set errno as their POSIX namesakes do unless said otherwise. A call
 * that does not say that it blocks, or waits, does neither. Times are in nanoseconds, sizes in
 * bytes.
 *
 * Errors. Each call lists its own, and what they mean there, unless that is what they always mean.
 * Beside them every call can say EBADF (no such socket), ENOTSOCK (an instance of epoll, where it
 * takes a socket), EFAULT (NULL for something that must be there, but for the stack itself),
 * ENOMEM, ENODEV (in the child of a fork, which has no part in its parent's stacks), and EBUSY
 * (from within a callback that may make no call); and one that waits, EINTR (a signal was handled)
 * and ENETDOWN (the device is gone for good).
 *
 * Memory. A pointer that is not NULL must be good for all of the length given with it, and stay so
 * until the call returns: as with C's own library, memory that cannot be read or written is no
 * error but a fault (SIGSEGV), also before anything has arrived for it.
 *
 * Linux. Results, errnos and readiness are Linux's, but for these: NULL is found before anything
 * else about a call is looked at, and so is a negative length before a connection is accepted; a
 * connection in TIME-WAIT keeps its name until that is over, and options of opening are too late
 * for it; a socket that was refused has given its port back, and no SYN counts as queued; a SYN is
 * sent for longer (7 times again, RFC 9293 MUST-23); what bounds SO_RCVLOWAT is a setting here,
 * tcp.rcvbuf_max; sendfile is from all that can be read, pipes too, and to streams alone; an
 * echo socket's identifier is its own alone, SO_REUSEADDR or not, and MSG_TRUNC tells it a
 * datagram's length; and what was written before a close is sent by the process, not by a kernel
 * that outlives it: tern_quiesce() waits for that, and what tern_close_stack() or the process's end
 * finds is cut off.
 *
 * Threads. Any number of threads may call on one stack of tern_open() at once, except
 * tern_close_stack(), which must be the last call. Closing a socket ends every call that waits for
 * it in another thread, with EBADF (tern_poll: POLLNVAL), also where its number is given to another
 * at once. So does giving up its connection (tern_connect), with EPIPE: no call goes on with
 * another connection than it began with. A signal that is handled ends a waiting call also where
 * its handler asks for restarts (SA_RESTART). No call is a cancellation point, nor is what
 * a watch does, or an engine's wait. A stack of tern_engine_new() is used by one thread at a time;
 * who shares it, serialises.
 *
 * Callbacks. The trace, and an engine's output, are called in the middle of the stack's work, by
 * whichever thread is at it. Each call on that stack from within them fails with EBUSY, at once;
 * tern_input() says why not, tern_advance() does nothing, and tern_memory_used() and, of an engine,
 * tern_deadline() are 0. They may not wait for a thread that makes such a call; calls on another
 * stack may be made, unless that one's callbacks call on this one in turn. A watch, and an engine's
 * wait, may make any call. tern_close_stack() alone does nothing in any of the four, and while a
 * call waits in another thread: errno is then EBUSY. No call may be made in a signal handler.
 *
 * Fork. The child inherits the device's descriptor, which keeps the device busy until the child
 * ends, executes another program, or calls tern_close_stack(), which there closes descriptors and
 * nothing else. */
#ifndef TERN_TERN_H
#define TERN_TERN_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TERN_API __attribute__((visibility("default")))
#else
#define TERN_API
#endif

#define TERN_VERSION_MAJOR 0
#define TERN_VERSION_MINOR 1
#define TERN_VERSION_PATCH 0

struct tern;

/* ── 1. A stack over a TUN device ── */

/* Called for each packet that arrives, leaves or is dropped. */
struct tern_trace_event;
typedef void tern_trace_function(void *user, const struct tern_trace_event *event);

/* How to open a stack. Start from {0}: what is 0 or NULL takes the default given here. Strings are
 * copied. A comma may end a list. */
struct tern_config {
    const char *device;   /* TUN device to create or to attach to: "tern0" */
    const char *address;  /* our address and the subnet's prefix, of 1 to 31 bits: "10.0.0.3/24" */
    const char *peer;     /* the kernel's address on the device, in that subnet: "10.0.0.2" */
    unsigned mtu;         /* bytes: 1500 */
    int no_offload;       /* 1: packets as on a wire, none above the MTU and every checksum in its
                             place, for who looks at them. The kernel may join again what it has
                             received, as behind a network card (GRO), and a capture of its own
                             then shows it joined (`ethtool -K DEVICE gro off`), and datagrams with
                             a byte of padding. Otherwise up to 256 KB pass as one, many times as
                             fast: 0 */
    const char *capture;  /* a pcapng file to write every packet to: none */
    const char *fault;    /* "loss=5%,dup=1%,reorder=5%,corrupt=1%,ce=2%,delay=20ms,"
                             "jitter=5ms,rate=100mbit,queue=1000,seed=7": none */
    const char *settings; /* "name=value,name=value": none */
    tern_trace_function
        *trace; /* called for each packet; a call on the stack from within says EBUSY */
    void *trace_user;
};

/* Why a stack could not be opened: what happened and what to do about it, in a sentence. */
struct tern_error {
    int code; /* an errno */
    char text[252];
};

/* Opens a device and a stack on it. Packets are answered from now on, by a helper thread while no
 * call waits. A `config` of NULL is one of {0}: all is as by default. NULL on failure, with errno
 * and `error` (may be NULL) saying why.
 * Errors: EINVAL (what the configuration says), ENODEV (no /dev/net/tun), EACCES (no permission on
 * that file), EPERM (no right to make the device or to set it up), EBUSY (another program, or
 * another stack, has the device), EEXIST (the device is there, and is no TUN device, or was made
 * for several queues, multi_queue), EADDRINUSE (the host has that address elsewhere), ENOMEM,
 * EMFILE, ENFILE, EAGAIN (no thread to be had), and what creating the capture file can say. */
TERN_API struct tern *tern_open(const struct tern_config *config, struct tern_error *error);

/* Opens several stacks on one device, for more than one core: `count`, 1 to 64, over as many
 * queues, all with the same address, into stacks[0] to stacks[count - 1]. `config` is
 * tern_open()'s. They share nothing: each has its own sockets, settings, counters and lock, and is
 * used, and closed by tern_close_stack(), like any other; best by a thread of its own. What comes
 * is divided among them:
 *
 *   - Ports below 32768: each flow comes to one of the stacks, by a keyed hash of its endpoints. A
 *     server therefore listens (a datagram socket binds) in every stack, and has in each its share
 *     of the peers, as with SO_REUSEPORT; what comes to a stack where nobody listens is refused.
 *   - Ports from 32768 on: all that is sent to such a port comes to one stack, port 32768 to the
 *     first, 32769 to the second, and so on in turn. Port 0 in bind, and connect, choose a port
 *     that is the stack's own; ip.port_first is best left at or above 32768.
 *   - connect from a port that was bound fails (EADDRNOTAVAIL) where the answers would come to
 *     another stack; so does binding an echo socket to such an identifier.
 *
 * After a stack is closed, the next one gets what was for it. What is sent to the own address stays
 * in the stack it is sent in. The trace is called by all the stacks, at the same time; of a capture
 * each queue writes a file of its own, from the second on "NAME.1" and so on; each has the `fault`
 * by itself. A device that exists already must have been made for several queues (multi_queue) if
 * `count` is above 1, and must not have been if it is 1, or for tern_open.
 * 0, or -1 with errno and `error` (may be NULL) saying why, and nothing is open.
 * Errors: tern_open's (EEXIST also when the device was made for one queue), EINVAL (count), EFAULT
 * (no `stacks`). */
TERN_API int tern_open_queues(const struct tern_config *config, unsigned count,
                              struct tern **stacks, struct tern_error *error);

/* Closes a stack and its device: resets what is still open, ends the helper thread and frees
 * everything. NULL is allowed. 0, or -1 with errno.
 * Errors: EBUSY (a call is under way, in a callback or another thread; nothing was done), and what
 * writing the capture said, if it lacks packets (ENOSPC, EIO, EPIPE): it ends with the last one
 * before that, the stack went on all the same, and is closed now. */
TERN_API int tern_close_stack(struct tern *t);

/* Waits until closed sockets have nothing left to do (data and FINs are acknowledged, the peer's
 * FIN is answered), TIME-WAIT aside, or until timeout_ns have passed.
 * Errors: ETIMEDOUT. */
TERN_API int tern_quiesce(struct tern *t, uint64_t timeout_ns);

/* ── 2. Sockets ── */

/* socket(2): makes a socket. AF_INET with SOCK_STREAM (TCP), SOCK_DGRAM (UDP), or SOCK_DGRAM and
 * IPPROTO_ICMP (an echo socket: what is sent is an ICMP echo request from its ICMP header on, what
 * is received its reply). SOCK_NONBLOCK and SOCK_CLOEXEC (kept; no other program ever has a socket
 * of tern's) may be or-ed in. The number of the new socket, the lowest that is free.
 * Errors: EAFNOSUPPORT (another domain), EPROTONOSUPPORT (a protocol that the type does not have
 * here: SOCK_RAW has none), ESOCKTNOSUPPORT (another type), EINVAL (no type or protocol at all),
 * EMFILE (as many as the setting socket.descriptors allows), ENOMEM. */
TERN_API int tern_socket(struct tern *t, int domain, int type, int protocol);

/* bind(2): names a socket, an address and a port of ours. Port 0 takes one that is free, 0.0.0.0
 * stands for all addresses of the stack, and 127.0.0.0/8 is the stack's own. UDP also takes
 * broadcast addresses, for who wants to hear nothing else, and multicast ones, which hear nothing
 * since no group can be joined.
 * Errors: EINVAL (bound already, or a wrong length), EAFNOSUPPORT, EADDRINUSE (another has it, or
 * no port is left), EADDRNOTAVAIL (not an address of this stack; IP_FREEBIND allows any), ENOMEM.
 */
TERN_API int tern_bind(struct tern *t, int socket, const struct sockaddr *address,
                       socklen_t length);

/* listen(2): lets a socket take connections. A backlog below 1 counts as 1; a socket without a name
 * gets a port; who listens already gets the new backlog.
 * Errors: EOPNOTSUPP (not TCP), EINVAL (connected or connecting), EADDRINUSE (another listens
 * there, or, without SO_REUSEADDR, a connection is left that was accepted there; or no port left),
 * ENOMEM. */
TERN_API int tern_listen(struct tern *t, int socket, int backlog);

/* accept(2), accept4(2): take a connection from a listening socket: the number of its own socket.
 * `flags` are SOCK_NONBLOCK and SOCK_CLOEXEC. Both block. The new socket has its listener's
 * options, but not its O_NONBLOCK. After an error the connection that waits stays where it is.
 * Errors: EINVAL (not listening, or not any more; another flag; a negative length), EOPNOTSUPP (not
 * TCP), EAGAIN (non-blocking or SO_RCVTIMEO), EMFILE, ENOMEM. */
TERN_API int tern_accept(struct tern *t, int socket, struct sockaddr *address, socklen_t *length);
TERN_API int tern_accept4(struct tern *t, int socket, struct sockaddr *address, socklen_t *length,
                          int flags);

/* connect(2): connects a socket to a peer. Of TCP it blocks until the handshake is over. After
 * EINPROGRESS (non-blocking, or SO_SNDTIMEO) or EINTR that goes on: POLLOUT tells its end, and
 * SO_ERROR or another connect how it ended (EALREADY before). A socket whose attempt has failed can
 * try again.
 *
 * Of datagrams it fixes the peer: only what that sends arrives from now on, and errors about it are
 * told. The peer may be a broadcast address, with SO_BROADCAST, or a multicast one.
 *
 * AF_UNSPEC dissolves the association of a datagram socket, resets a connection (the socket can
 * connect again, its options and its name kept; calls that wait for it in other threads end, with
 * EPIPE) and ends a listening.
 * Errors of all: EAFNOSUPPORT, EINVAL (a wrong length; a peer elsewhere for who is bound to
 * loopback), ENETUNREACH (no route).
 * Errors of TCP: EISCONN, EALREADY, EINPROGRESS, EADDRNOTAVAIL (port 0, no port left, or there is
 * such a connection), ENETUNREACH (also a broadcast or multicast address, or what a router says),
 * ECONNREFUSED, ECONNRESET, ECONNABORTED (it failed, and SO_ERROR has told why), EPIPE (another
 * thread has given it up, or was told how it failed), ETIMEDOUT, EHOSTUNREACH, ENOMEM.
 * Errors of datagrams: EACCES (broadcast without SO_BROADCAST), EINVAL (port 0), EAGAIN (no port
 * left). */
TERN_API int tern_connect(struct tern *t, int socket, const struct sockaddr *address,
                          socklen_t length);

/* getsockname(2), getpeername(2): tell a socket's own name, and its peer's.
 * Errors: ENOTCONN (no peer), EINVAL (a negative length). */
TERN_API int tern_getsockname(struct tern *t, int socket, struct sockaddr *address,
                              socklen_t *length);
TERN_API int tern_getpeername(struct tern *t, int socket, struct sockaddr *address,
                              socklen_t *length);

/* send(2), sendto(2), sendmsg(2): send bytes of a stream, or a datagram. The bytes are the caller's
 * again when the call returns; until then a stream may send them, and send them again, from where
 * they are and in any thread, so that they must not change meanwhile. How many were taken; of a
 * datagram all. A stream blocks until all are taken, or an error comes: what has been taken before
 * it is returned in its stead. A datagram never blocks: it leaves at once, or is lost. A datagram
 * socket without a port gets one, as by tern_bind() with port 0, whatever comes of the call.
 *
 * Flags: MSG_DONTWAIT, MSG_NOSIGNAL (always so: no SIGPIPE is raised, EPIPE tells), MSG_EOR (what
 * follows comes in segments of its own; each datagram is one), MSG_ZEROCOPY (below); of streams
 * MSG_OOB (the last byte is urgent) and MSG_FASTOPEN (of one that is not connected: `address` is
 * connected to, with bytes in the SYN where its cookie is known; tcp(7)). All others, known or not,
 * mean nothing.
 *
 * MSG_MORE says that more is to come. A stream waits for it to fill a segment. A datagram is kept,
 * and what further calls have is added to it until one comes without the flag: where it goes is as
 * the first said, or as a tern_connect() meanwhile says. After EMSGSIZE, ENOBUFS and ENOMEM it is
 * lost, as it is by tern_close().
 *
 * Control messages of tern_sendmsg(): SOL_SOCKET, SO_TIMESTAMPING, a uint32_t of
 * SOF_TIMESTAMPING_TX_… for this call instead of the socket's; of datagrams IPPROTO_IP with IP_TTL,
 * IP_TOS and IP_PKTINFO (the source), and of UDP IPPROTO_UDP with UDP_SEGMENT, a uint16_t. Those of
 * other levels mean nothing.
 *
 * MSG_ZEROCOPY counts where SO_ZEROCOPY is set: each call that sends something gets a number, from
 * 0 on, and notes in the error queue (ee_origin SO_EE_ORIGIN_ZEROCOPY) tell ranges ee_info to
 * ee_data of numbers whose bytes are done with: acknowledged, or never to be. The memory is the
 * caller's again when the call returns nevertheless (ee_code SO_EE_CODE_ZEROCOPY_COPIED).
 * Errors of all: EINVAL (control message; length of the address; more bytes than an ssize_t
 * counts; MSG_CMSG_COMPAT with tern_sendmsg), EMSGSIZE (more than 1,024 spans), ENOBUFS (no memory
 * for MSG_ZEROCOPY's note; more control messages than an int counts bytes).
 * Errors of streams: EAGAIN (non-blocking, or SO_SNDTIMEO), EPIPE (not connected, or the sending
 * side is shut), EBUSY (room is reserved), ENOBUFS (no memory); how the connection ended, once:
 * ECONNRESET, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH; and with MSG_FASTOPEN
 * tern_connect()'s.
 * Errors of datagrams: EDESTADDRREQ (no peer), EAFNOSUPPORT and EINVAL (address, or port 0; UDP
 * takes AF_UNSPEC for AF_INET), EOPNOTSUPP (MSG_OOB), EMSGSIZE (longer than any datagram, or than
 * the path takes where IP_MTU_DISCOVER or UDP_SEGMENT wants it whole), EINVAL (more than 128 of
 * UDP_SEGMENT's), EPIPE (shut), EACCES (broadcast without SO_BROADCAST), ENETUNREACH (no route, or
 * IP_PKTINFO's source is not ours), ENETDOWN (the device is down, or gone), EAGAIN (no port left),
 * ENOBUFS (the link is full, or memory short), ENODEV (an interface that is not there, in
 * IP_PKTINFO), of an engine what `output` says; and, once, what came of an earlier one, as
 * tern_recv() lists it. Of several that apply the one is told that Linux tells. Streams are told
 * nothing of a device that is down: they send again. */
TERN_API ssize_t tern_send(struct tern *t, int socket, const void *bytes, size_t length, int flags);
TERN_API ssize_t tern_sendto(struct tern *t, int socket, const void *bytes, size_t length,
                             int flags, const struct sockaddr *address, socklen_t address_length);
TERN_API ssize_t tern_sendmsg(struct tern *t, int socket, const struct msghdr *message, int flags);

/* recv(2), recvfrom(2), recvmsg(2): receive bytes of a stream, or a datagram. How many bytes, 0 at
 * the end of a stream; they block until something is there. Of a stream no sender's address is
 * told.
 *
 * Flags: MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC (of a datagram its whole length; of a
 * stream, bytes are dropped and not copied), MSG_OOB and MSG_ERRQUEUE. All others, known or not,
 * mean nothing.
 *
 * While a stream's call goes on, what arrives may be put into its memory before it is known to be
 * what the call asks for: what is there behind the bytes returned, and all of it when the call
 * fails, is not defined.
 *
 * tern_recvmsg() tells IP_TTL, IP_TOS and IP_PKTINFO of datagrams to who has asked for them
 * (ip(7)); of several that are received as one (UDP_GRO, udp(7)), as IPPROTO_UDP, UDP_GRO, an int:
 * the bytes of each, of which the last may have fewer; and when what it gives arrived: a datagram,
 * or the last byte of a stream (which, behind a hole, arrives when that is filled). Of what
 * msg_control has no room for it tells the part that fits, if that has a header, whose cmsg_len is
 * then less; msg_controllen says what all take, and MSG_CTRUNC in msg_flags that something is
 * missing.
 *
 * MSG_OOB takes a stream's urgent byte out of line, 0 or 1 bytes, and never waits: EAGAIN when it
 * is announced and has not come, EINVAL when there is none, it has been read, or SO_OOBINLINE
 * leaves it in its place (as RFC 6093 advises). poll tells of it with POLLPRI. A read that does not
 * begin at it ends before it, with MSG_WAITALL too. Of UDP the flag means nothing.
 *
 * MSG_ERRQUEUE takes the oldest note of the socket's error queue instead and never waits (EAGAIN);
 * while there is one, poll shows POLLERR. tern_recvmsg() tells it as recv(2) and ip(7) say: msg_iov
 * has what came back of the packet, without its headers (of a TCP SYN, from its header on; at most
 * 1,280 bytes), msg_name whom it was for, a control message IPPROTO_IP, IP_RECVERR the struct
 * sock_extended_err and the address of who reported it; and of an ICMP message those that are asked
 * for of datagrams (IP_TTL, IP_TOS, IP_PKTINFO without an ipi_spec_dst). At most 256 notes wait;
 * the counter ErrorQueueDrops says how many found no room.
 *
 * Errors of all: EAGAIN (non-blocking, or SO_RCVTIMEO), EINVAL (a negative length of the address:
 * what was received is lost; more bytes than an ssize_t counts; MSG_CMSG_COMPAT with tern_recvmsg),
 * EMSGSIZE (more than 1,024 spans).
 * Errors of streams: ENOTCONN; EPIPE (another thread has given up the connection); and how it
 * ended, once: ECONNRESET, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH.
 * Errors of datagrams: once, what ICMP said of one that was sent: ECONNREFUSED, EHOSTUNREACH,
 * ENETUNREACH, ENOPROTOOPT, EPROTO, EMSGSIZE; of an echo socket, EOPNOTSUPP (MSG_OOB). */
TERN_API ssize_t tern_recv(struct tern *t, int socket, void *bytes, size_t length, int flags);
TERN_API ssize_t tern_recvfrom(struct tern *t, int socket, void *bytes, size_t length, int flags,
                               struct sockaddr *address, socklen_t *address_length);
TERN_API ssize_t tern_recvmsg(struct tern *t, int socket, struct msghdr *message, int flags);

/* read(2), write(2), readv(2), writev(2): receive and send without flags. To read nothing, and to
 * write nothing with tern_writev(), is done at once.
 * Errors: theirs, and EINVAL (more than 1,024 spans, or below 0; an instance of epoll). */
TERN_API ssize_t tern_read(struct tern *t, int socket, void *bytes, size_t length);
TERN_API ssize_t tern_write(struct tern *t, int socket, const void *bytes, size_t length);
TERN_API ssize_t tern_readv(struct tern *t, int socket, const struct iovec *spans, int count);
TERN_API ssize_t tern_writev(struct tern *t, int socket, const struct iovec *spans, int count);

/* shutdown(2): shuts one side of a connection, or both. SHUT_RD, SHUT_WR, SHUT_RDWR.
 * After SHUT_RD reading does not wait, but what comes can be read; after both, what comes is
 * answered with a reset. Of a listening socket SHUT_RD ends the listening, and who waits in accept
 * is told EINVAL; it keeps its name and options, and can listen again. While a connect is under way
 * it calls it off.
 * Errors: EINVAL (no such `how`), ENOTCONN (but reading does not wait any more). */
TERN_API int tern_shutdown(struct tern *t, int socket, int how);

/* close(2): closes a socket. What was written is still delivered as long as the stack lives, unless
 * SO_LINGER says otherwise: tern_close_stack(), and the process's end, cut off what tern_quiesce()
 * has not waited for; with SO_LINGER and a time it blocks, O_NONBLOCK or not, until all is
 * acknowledged or the time is over; with the time 0 it resets the connection. The number is free at
 * once, and after EINTR too: what is left to do goes on by itself.
 *
 * Errors: EINTR. */
TERN_API int tern_close(struct tern *t, int socket);

/* getsockopt(2), setsockopt(2): read and set a socket's options, with Linux's levels, names,
 * numbers and meaning.
 *
 * SOL_SOCKET, to be read: SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN, SO_SNDLOWAT.
 *
 * SOL_SOCKET: SO_REUSEADDR, SO_REUSEPORT (of those that share a port each has its share of the
 * peers, by a keyed hash), SO_BROADCAST (datagrams may go to all, who are heard at home too),
 * SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO, SO_SNDTIMEO,
 * SO_RCVLOWAT (for which the receive buffer grows, unless SO_RCVBUF has fixed it), SO_BUSY_POLL
 * (how long, in microseconds, a call that waits for the socket looks for packets again and again
 * before it sleeps; where that has been in vain it is tried less often), SO_MAX_PACING_RATE (of
 * TCP: bytes a second, in 64 bits, or in 32, of which all ones stand for no limit, which is the
 * default, and, when read, for a rate that they have no room for; who has set one is paced),
 * SO_ZEROCOPY (not of echo sockets: EOPNOTSUPP), SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING
 * (below). SO_MARK, SO_PRIORITY, SO_DEBUG and SO_DONTROUTE are kept, and nothing goes by them.
 *
 * IPPROTO_IP: IP_TTL, IP_TOS, IP_MTU_DISCOVER, IP_MTU (to be read: of the path to the peer),
 * IP_FREEBIND, IP_RECVERR (of datagrams, whether ICMP errors and EMSGSIZE are told in the error
 * queue, also without a peer; of an open TCP connection, whether an ICMP error fails the next call
 * at once; that of an attempt to connect is always in the error queue), IP_RECVTTL, IP_RECVTOS and
 * IP_PKTINFO (which streams keep, and have nothing to tell of); of datagrams IP_MULTICAST_TTL and
 * IP_MULTICAST_LOOP (kept: groups are sent to, and cannot be joined).
 *
 * IPPROTO_UDP: UDP_CORK (as MSG_MORE with each send; taken away, what is kept leaves), UDP_SEGMENT
 * (0, or the bytes of each of the datagrams that what one call sends leaves as: at most 128, of
 * which the last may have fewer, and 65,507 bytes in all, as of one datagram. A link that cannot
 * cut them has them cut for it: the call does the same, and is slower. None is fragmented here:
 * EMSGSIZE where the path does not take them whole. Nor may routers do it, unless IP_MTU_DISCOVER
 * is IP_PMTUDISC_DONT, _INTERFACE or _OMIT. Those that the link does not take are lost, and the
 * call fails only where that is all of them), UDP_GRO (whether datagrams that came as one packet,
 * as what UDP_SEGMENT sends may within a host, are received as one, and tern_recvmsg() tells the
 * bytes of each. They take room for up to 65,507 bytes: what a call has none for is lost, as of any
 * datagram (MSG_TRUNC). What came before stays as it is).
 *
 * IPPROTO_TCP: TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
 * TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_INFO, TCP_QUICKACK, TCP_CONGESTION, TCP_CC_INFO
 * (to be read: of bbr, in Linux's layout; of others nothing, in a length of 0), TCP_USER_TIMEOUT,
 * TCP_WINDOW_CLAMP, TCP_NOTSENT_LOWAT, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_KEY
 * (16 or 32 bytes, for the listener that the socket is or becomes; without one of its own, a length
 * of 0, and tcp.fastopen_key holds), TCP_FASTOPEN_NO_COOKIE, TCP_INQ (tern_recvmsg() tells in
 * TCP_CM_INQ how many bytes are left, at the end 1), TCP_SAVE_SYN (0 to 2; of a listener other than
 * 0: the IP and TCP headers of each SYN are kept, of which there is no link header for 2 to add),
 * TCP_SAVED_SYN (to be read, of what was accepted: these headers, once; after that, and where a SYN
 * cookie was used, a length of 0; with too little room EINVAL, and in the length what is needed).
 *
 * SO_TIMESTAMPING takes Linux's SOF_TIMESTAMPING_ flags (linux/net_tstamp.h); EINVAL for others,
 * for OPT_STATS, and for OPT_ID on a TCP socket that is not connecting. Times are software's, in
 * nanoseconds since 1970 (an engine's: of its caller's clock); those of hardware may be asked for
 * and never come. With TX_SCHED, TX_SOFTWARE and TX_ACK (of streams) the error queue tells of the
 * last byte of each send call, or of each datagram, that it was handed down, left (again, when it
 * is sent again) and was acknowledged; with OPT_ID which byte or datagram it was. Of sends that
 * leave in one packet only the last is told. The packet itself is not given back: without
 * OPT_TSONLY MSG_TRUNC says so.
 * Errors: ENOPROTOOPT (no such option here), EOPNOTSUPP (to get: no such level;
 * TCP_FASTOPEN_CONNECT while the setting tcp.fastopen has no client), EINVAL (a wrong length or
 * value, or too late for it), ENOTCONN (IP_MTU), ENOENT (no such congestion control), EDOM (a time
 * out of range), ENOMEM. */
TERN_API int tern_getsockopt(struct tern *t, int socket, int level, int option, void *value,
                             socklen_t *length);
TERN_API int tern_setsockopt(struct tern *t, int socket, int level, int option, const void *value,
                             socklen_t length);

/* TCP_INFO, in the layout of Linux's struct tcp_info (linux/tcp.h): pass it to
 * tern_getsockopt(IPPROTO_TCP, TCP_INFO). Times in microseconds but for tcpi_last_*, which are in
 * milliseconds; windows in segments where Linux has segments. A socket in TIME-WAIT is closed, as
 * Linux tells it. What has no meaning here is 0. */
struct tern_tcp_info {
    uint8_t tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
    uint8_t tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
    uint8_t tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
    uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
    uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
    uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
    uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd,
        tcpi_advmss, tcpi_reordering, tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
    uint64_t tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
    uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in,
        tcpi_data_segs_out;
    uint64_t tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
    uint32_t tcpi_delivered, tcpi_delivered_ce;
    uint64_t tcpi_bytes_sent, tcpi_bytes_retrans;
    uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd,
        tcpi_rehash;
    uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
    uint32_t tcpi_total_rto_time;
    /* ECN: packets received marked; bytes that the peer says it received, and that we received,
     * with each codepoint (AccECN). tcpi_ecn_mode: 0 off, 1 RFC 3168, 2 AccECN, 3 asked for. */
    uint32_t tcpi_received_ce;
    uint32_t tcpi_delivered_e1_bytes, tcpi_delivered_e0_bytes, tcpi_delivered_ce_bytes;
    uint32_t tcpi_received_e1_bytes, tcpi_received_e0_bytes, tcpi_received_ce_bytes;
    uint32_t tcpi_ecn_mode : 2, tcpi_accecn_opt_seen : 2, tcpi_accecn_fail_mode : 4,
        tcpi_options2 : 24;
};

/* fcntl(2): reads and sets a socket's flags. F_GETFL and F_SETFL with O_NONBLOCK; F_GETFD and
 * F_SETFD with FD_CLOEXEC, which is kept (no other program ever has a socket of tern's). Of an
 * instance of epoll too.
 * Errors: EINVAL (another command: a socket cannot be duplicated). */
TERN_API int tern_fcntl(struct tern *t, int socket, int command, int argument);

/* ioctl(2): asks how much is queued. FIONREAD or SIOCINQ (bytes that can be read, up to the urgent
 * one, if that is not read in line; of datagrams, of the next), TIOCOUTQ or SIOCOUTQ (bytes not
 * acknowledged, a FIN being one; of a datagram, what MSG_MORE keeps) and SIOCATMARK into *value,
 * and FIONBIO from it, which is the only one for echo sockets.
 * Errors: EINVAL (listening, where it is about what is queued; an instance of epoll), ENOTTY
 * (another request). */
TERN_API int tern_ioctl(struct tern *t, int socket, unsigned long request, int *value);

/* sockatmark(3): asks whether the next byte is the urgent one. 1 if the next byte of a stream is
 * the urgent one, or would be if it had come and were in line; else 0.
 * Errors: ENOTTY (not a stream). */
TERN_API int tern_sockatmark(struct tern *t, int socket);

/* poll(2): waits for sockets to be ready. How many entries have something to tell. Blocks for
 * `timeout` milliseconds at most, below 0 for ever. What is no socket is told with POLLNVAL.
 * Errors: EINVAL (more entries than the setting socket.descriptors), ENOMEM. */
TERN_API int tern_poll(struct tern *t, struct pollfd *sockets, nfds_t count, int timeout);

/* select(2): waits for sockets to be ready, of those with numbers below FD_SETSIZE, by way of
 * tern_poll(). How many bits are left. The sets are fd_set as the system has it; `timeout` is NULL
 * for ever, and never changed.
 * Errors: EBADF (a number in a set that is no socket), EINVAL (count, or a negative time), ENOMEM.
 */
TERN_API int tern_select(struct tern *t, int count, fd_set *read, fd_set *write, fd_set *except,
                         const struct timeval *timeout);

/* epoll_create(2), epoll_create1(2): make an instance of epoll, for sockets of this stack. An
 * instance is a descriptor of the stack: it takes a number as a socket does, is closed by
 * tern_close, can be polled, and watched by another instance. `size` is a hint that is not needed;
 * EPOLL_CLOEXEC is ignored.
 * Errors: EINVAL (size below 1, or another flag), EMFILE, ENOMEM. */
TERN_API int tern_epoll_create(struct tern *t, int size);
TERN_API int tern_epoll_create1(struct tern *t, int flags);

/* epoll_ctl(2): says what an instance of epoll watches. EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
 * (which needs no event), with Linux's struct epoll_event. EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE
 * as on Linux, but that exclusive instances are woken in turn; EPOLLWAKEUP means nothing here. A
 * socket that is closed leaves all instances by itself.
 * Errors: EINVAL (no instance of epoll, itself, operation, or EPOLLEXCLUSIVE where it cannot be),
 * EEXIST, ENOENT, ELOOP (a circle, or more than 5 instances one in the other), ENOSPC (as many as
 * the setting socket.epoll_watches allows), ENOMEM. */
TERN_API int tern_epoll_ctl(struct tern *t, int epoll, int operation, int socket,
                            struct epoll_event *event);

/* epoll_wait(2): waits for what an instance of epoll watches to be ready. It waits for `timeout`
 * milliseconds at most, below 0 for ever, and takes up to `most` events, those that have been ready
 * longest first. Their number; 0 when the time is over. It costs what is ready, not what is
 * watched. Of several threads that wait at one instance, one is woken for an event.
 * Errors: EINVAL (no instance of epoll, or `most` below 1). */
TERN_API int tern_epoll_wait(struct tern *t, int epoll, struct epoll_event *events, int most,
                             int timeout);

/* sendfile(2): sends what it reads from a file: up to `count` bytes of `file`, a descriptor of the
 * kernel's, at *offset, which moves on, or with NULL from where the descriptor stands. They are
 * read straight into the send buffer. TCP only. Blocks as send does, and while the file does; other
 * calls go on meanwhile, save those that would write to the socket, which wait. The number of bytes
 * sent, less than asked for at the file's end (then 0), on O_NONBLOCK or SO_SNDTIMEO, or before an
 * error; 0 bytes are sent to any socket. What was read from a descriptor that cannot seek and then
 * was not taken, because the connection ended, is lost.
 * Errors: tern_send()'s of streams, those of read(2) and pread(2), EBADF (neither a socket, nor a
 * file that can be read), EINVAL (not TCP; a directory; offset, or how many bytes), ESPIPE (an
 * offset of what has none). */
TERN_API ssize_t tern_sendfile(struct tern *t, int socket, int file, off_t *offset, size_t count);

/* Send without a copy: give room in a TCP connection's send buffer, for its user to write to.
 *
 * tern_send_reserve() gives room for up to `length` bytes, in two spans of which the second may be
 * empty: their bytes, at least 1. It blocks while there is none. Until tern_send_commit() or
 * tern_close() the socket takes nothing else (send: EBUSY), and the spans stay valid, also when the
 * connection is reset or ends; then commit says so. They may be written to by any thread, without a
 * lock; tern_close() makes them invalid.
 *
 * tern_send_commit() sends the first `length` bytes of them (flags MSG_MORE, MSG_EOR) and gives up
 * the rest: `length`, or fewer where memory runs out in their midst. With 0, nothing is sent but
 * what MSG_MORE had held back. After EINVAL and EOPNOTSUPP the reservation is what
 * it was; after any other error it has ended, and nothing of it was sent.
 * Errors: tern_send()'s of streams, EINVAL (length 0 to reserve; more than was reserved, which
 * stays; nothing reserved), EBUSY (reserved already), EOPNOTSUPP (not TCP; a flag). */
TERN_API ssize_t tern_send_reserve(struct tern *t, int socket, size_t length,
                                   struct iovec spans[2]);
TERN_API ssize_t tern_send_commit(struct tern *t, int socket, size_t length, int flags);

/* Receive without a copy: show what has arrived, in its place.
 *
 * tern_recv_peek() gives all that can be read, in two spans of which the second may be empty: their
 * bytes, 0 at the end of the stream. It blocks while there is none. The spans are to be read only,
 * by any thread; they stay as they are while more arrives and when the connection ends, until the
 * next tern_recv_peek(), tern_recv_consume(), or another read of the socket; tern_close() makes
 * them invalid, and so does a tern_connect() on a connection that has ended, which begins anew.
 *
 * tern_recv_consume() takes the first `length` bytes, which need not be all: 0.
 * Who shares a socket's reading side, serialises.
 * Errors: tern_recv()'s of streams, EINVAL (more than can be read), EOPNOTSUPP (not TCP). */
TERN_API ssize_t tern_recv_peek(struct tern *t, int socket, struct iovec spans[2]);
TERN_API int tern_recv_consume(struct tern *t, int socket, size_t length);

/* Makes a TCP socket and connects it to "host:port", where the host is a dotted decimal address:
 * its number. On an engine that cannot wait, the socket is connecting still.
 *
 * It blocks until the handshake is over, or given up with ETIMEDOUT: after 247 s by default (8
 * SYNs; the waits double from 1 s to 64 s, and the last is tcp.rto_max_ms, 120 s), which the
 * setting tcp.syn_retries changes for the whole stack. Who wants less for one connection calls
 * tern_socket() and tern_connect(), and in between sets SO_SNDTIMEO (EINPROGRESS when it is over:
 * tern_close() calls the attempt off, or it goes on), TCP_SYNCNT or TCP_USER_TIMEOUT
 * (ETIMEDOUT; not before the first SYN has waited in vain, after tcp.rto_initial_ms).
 * Errors: EINVAL (not such a text), tern_socket()'s and tern_connect()'s. */
TERN_API int tern_dial(struct tern *t, const char *host_port);

/* Makes a TCP socket that listens, with SO_REUSEADDR, on "port", ":port" or "host:port": its
 * number.
 * Errors: EINVAL (not such a text), tern_socket()'s, tern_bind()'s and tern_listen()'s. */
TERN_API int tern_listen_on(struct tern *t, const char *host_port, int backlog);

/* Writes all of a buffer. Blocks until the send buffer has taken it: the peer has it after
 * tern_drain(), or tern_close() and tern_quiesce(), and not before. 0, or -1, and how much went out
 * is then unknown.
 * Errors: tern_send()'s. */
TERN_API int tern_write_all(struct tern *t, int socket, const void *bytes, size_t length);

/* Reads until a buffer is full, or the stream ends. Blocks. The number read, or -1, and how much
 * was read is then lost.
 * Errors: tern_recv()'s. */
TERN_API ssize_t tern_read_full(struct tern *t, int socket, void *bytes, size_t length);

/* Waits until the peer has acknowledged everything: what was written, and the FIN where the sending
 * side is shut down. Blocks for SO_SNDTIMEO at most.
 * Errors: ENOTCONN, EOPNOTSUPP (not TCP), EAGAIN (non-blocking or SO_SNDTIMEO), EPIPE (another
 * thread has given up the connection), ECONNRESET, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH. */
TERN_API int tern_drain(struct tern *t, int socket);

/* ── 3. Your own event loop ── */

/* For a program that waits in a loop of its own (epoll, libuv, libevent, …) and not in tern_poll().
 * The loop waits for one descriptor, calls tern_step() when it is readable, and tern_step() calls
 * what was asked for:
 *
 *     struct epoll_event event = {0};
 *     event.events = EPOLLIN;
 *     tern_watch(t, socket, POLLIN, on_readable, connection);
 *     epoll_ctl(loop, EPOLL_CTL_ADD, tern_fd(t), &event);
 *     while (epoll_wait(loop, &event, 1, -1) >= 0)
 *         tern_step(t);
 */

/* Gives a descriptor that tells when the stack has work: readable while a packet has arrived,
 * something is due at this time, or a watch has something to tell, and until tern_step() has dealt
 * with it. That is a state, not a change (level-triggered); at times it is readable for nothing. It
 * can be given to poll, select, epoll and what is built on them; nothing else may be done with it,
 * and tern_close_stack() closes it. Each call gives the same. Who waits with a
 * signal mask gives it to ppoll(2) or epoll_pwait(2): no call of tern's takes one.
 *
 * From the first call on, the helper thread rests: packets are answered and timers run when
 * tern_step() or any other call is made, and, as ever, while a call waits in whatever thread.
 * Errors: EOPNOTSUPP (an engine: its caller knows what it waits for, and tern_deadline() until
 * when), EMFILE, ENFILE, ENOMEM. */
TERN_API int tern_fd(struct tern *t);

/* Does what is due, and does not wait for more: takes in a batch of packets that have arrived, runs
 * the timers, and calls the watches whose sockets are ready, each once. It may be called at any
 * time, by one thread at a time; other threads may go on with other calls meanwhile. The number of
 * watches called. On an engine it calls the watches, after `wait`, if there is one, with a deadline
 * that has passed.
 * Errors: ENETDOWN (the watches were called nonetheless, and the descriptor stays readable), and of
 * an engine what `wait` says. */
TERN_API int tern_step(struct tern *t);

/* What is called for a socket that is ready: `events` are what tern_poll() would say. */
typedef void tern_watch_function(void *user, int socket, short events);

/* Has a function called when a socket is ready: by tern_step(), as long as one of `events` (POLLIN,
 * POLLOUT, …; POLLERR and POLLHUP always) holds for it: a state, as with poll, so a watch for
 * POLLOUT is best kept only while there is something to write. There is one watch a socket: another
 * call replaces it, a `function` of NULL ends it, and so does closing the socket. `user` is the
 * caller's own.
 *
 * The function runs in the thread that is in tern_step(), without the stack's lock: it may make any
 * call, close any socket and change any watch, but not close the stack. tern_step(), too, calls
 * what is ready: this very function, as long as its socket is. Of a watch that ends in that thread
 * no call comes any more; one that ends in another thread may be in its last call.
 * Errors: ENOMEM. */
TERN_API int tern_watch(struct tern *t, int socket, short events, tern_watch_function *function,
                        void *user);

/* ── 4. What a host can see ── */

/* Change and read a setting, by its name, as "ip.ttl"; `value` is text both ways. 0. Names, and
 * what they take, are in tern(1) and in what `tern help settings` prints.
 *
 * A new value holds at once, for existing sockets too, wherever the stack goes by the setting
 * (ip.ttl, tcp.retries2). What a socket takes over when it is made is changed for later ones only:
 * tcp.sndbuf, tcp.rcvbuf, udp.rcvbuf, tcp.keepalive_…, tcp.syn_retries, tcp.congestion_control and
 * socket.busy_poll_us, each of which has a socket option; and what a handshake has agreed on stays.
 *
 * Two that bound each other (ip.port_first and ip.port_last, memory.low, memory.pressure and
 * memory.high, tcp.sndbuf and tcp.rcvbuf with their …_max) must agree when a stack is opened. They
 * are changed one after the other, so tern_set() takes each by itself: while ip.port_last is the
 * lower, ip.port_first is the only port given; a new socket has tcp.sndbuf and tcp.rcvbuf also
 * where they are above what buffers may grow to; and memory is short, and full, at its own mark.
 * Errors: ENOENT (no such setting), EINVAL (no number, or not one of the words that it takes),
 * ERANGE (a number out of its bounds), ENOSPC (`size` is too small). */
TERN_API int tern_set(struct tern *t, const char *name, const char *value);
TERN_API int tern_get(struct tern *t, const char *name, char *value, size_t size);
/* Tells the index-th setting's name and what it means (`text` may be NULL); NULL past the last. */
TERN_API const char *tern_setting_name(size_t index, const char **text);

/* Reads a counter, by its name, as "TcpRetransSegs" or "DropTCP_CHECKSUM". 0. Counters start at 0
 * and only grow.
 * Errors: ENOENT (no such counter). */
TERN_API int tern_counter(struct tern *t, const char *name, uint64_t *value);
/* Tell the index-th counter's name, and what it counts; NULL past the last. */
TERN_API const char *tern_counter_name(size_t index);
TERN_API const char *tern_counter_text(size_t index);

/* Tells the version of the library that runs, as "0.1.0": with a shared library perhaps a later one
 * than TERN_VERSION_… of this header, which a program was compiled with. */
TERN_API const char *tern_version(void);

/* What a link must still do to a packet that leaves, or has done to one that came: as virtio's
 * header says it. */
struct tern_offload {
    uint16_t segment_size;    /* a super-segment of TCP, or super-datagram of UDP: payload bytes of
                                 each packet it stands for, but the last may have fewer; 0: a plain
                                 packet */
    uint16_t header_length;   /* of these: the bytes of all headers; in: not looked at */
    uint16_t checksum_start;  /* with TERN_OFFLOAD_CHECKSUM: where summing starts, from the packet's
                                 first byte */
    uint16_t checksum_offset; /* and where the sum goes, from checksum_start */
    uint32_t flags;
};

enum {
    TERN_OFFLOAD_CHECKSUM = 1, /* the checksum field holds the pseudo-header's sum: finish it (out);
                                  not finished (in) */
    TERN_OFFLOAD_VERIFIED = 2, /* in: the checksums have been verified */
    TERN_OFFLOAD_ECN = 4,      /* a super-segment whose first part alone carries CWR */
};

/* What a link can do for the stack. */
enum {
    TERN_LINK_CHECKSUM = 1, /* finishes checksums */
    TERN_LINK_TSO = 2,      /* cuts super-segments of TCP, of at most 64 KB, and finishes their
                               checksums, with TERN_LINK_CHECKSUM or without; may deliver them */
    TERN_LINK_TSO_CWR = 4,  /* and leaves CWR on every part, without TERN_OFFLOAD_ECN (RFC 9768
                               §3.3.4): else such segments are cut above the link */
    TERN_LINK_USO = 8, /* the same of super-datagrams of UDP: at most 64 KB, with one UDP header,
                          whose length is that of all */
};

enum tern_trace_kind {
    TERN_TRACE_IN,   /* a packet has arrived */
    TERN_TRACE_OUT,  /* a packet leaves; `why` says what made us send it */
    TERN_TRACE_DROP, /* the packet of the last TERN_TRACE_IN (or, without one before, a departing
                        packet) is dropped */
    TERN_TRACE_NOTE, /* something worth knowing happened, said in `why`; with a packet, to that */
};

struct tern_trace_event {
    enum tern_trace_kind kind;
    int count; /* spans of the packet, from the IP header on */
    const struct iovec *packet;
    const struct tern_offload *offload; /* may be NULL */
    uint64_t time_ns;
    const char *why;    /* may be NULL */
    const char *clause; /* the RFC's, may be NULL */
};

/* ── 5. The engine ── */

/* A stack without device, thread or clock, for those who bring their own loop. All the calls on
 * sockets work on it. A call that has to wait calls `wait`; without one it never blocks and says
 * EAGAIN (connect: EINPROGRESS; tern_quiesce: ETIMEDOUT; poll: 0), as if its time were over. So
 * does one that is made from within `wait`, which is never called within itself. Every destination
 * is reached through `output`. */
struct tern_engine_config {
    const uint8_t *seed;    /* 32 bytes, the only randomness there is: keep it secret and fresh, or
                               fixed to repeat a run */
    uint64_t now_ns;        /* the time at the start */
    const char *address;    /* ours and the subnet's prefix, of 0 to 32 bits, as "10.0.0.3/24": it
                               must be given */
    unsigned mtu;           /* 1500 */
    uint32_t link_features; /* TERN_LINK_… of what `output` can do, and no other bits */
    /* Sends one packet; called from within tern_input(), tern_advance(), tern_close_stack() and the
     * calls on sockets. A call on the same stack from within says EBUSY. `offload` is never NULL;
     * without `link_features` all in it is 0. 0, or a negative errno when the packet is lost. */
    int (*output)(void *user, const struct iovec *packet, int count,
                  const struct tern_offload *offload);
    /* Makes time pass and packets arrive (by tern_input and tern_advance, which it may call, and
     * any other call on the stack, but tern_close_stack), until `deadline_ns` at the latest, and
     * returns 0 as soon as something may have changed; or a negative errno for the waiting call to
     * fail with (-EINTR). A deadline that is not in the future asks for what is there already.
     * tern_deadline() is taken into account. */
    int (*wait)(void *user, uint64_t deadline_ns);
    void *user; /* of both */
    const char *settings;
    tern_trace_function *trace;
    void *trace_user;
};

/* Makes a stack that is the caller's to drive. NULL on failure, with errno and `error` (may be
 * NULL) saying why.
 * Errors: EINVAL (what the configuration says), ENOMEM. */
TERN_API struct tern *tern_engine_new(const struct tern_engine_config *config,
                                      struct tern_error *error);
/* Hands an engine a packet that has arrived, from the IP header on. Its memory may be reused when
 * the call returns. An `offload` of NULL is one of {0}: a plain packet, its checksums in their
 * place. NULL when it was taken, else why not, as when there is none. tern_input(),
 * tern_advance() and tern_deadline() are an engine's alone: on a stack with a device the first two
 * do nothing, and there is no deadline. */
TERN_API const char *tern_input(struct tern *t, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns);
/* Lets an engine's time pass: does all that is due at now_ns. */
TERN_API void tern_advance(struct tern *t, uint64_t now_ns);
/* Tells when tern_advance() must be called next, at the latest; UINT64_MAX for never. From within
 * `output` and the trace it is 0: what is due is known when the call under way is over. */
TERN_API uint64_t tern_deadline(struct tern *t);
/* Tells how many bytes are held for sockets: their data and datagrams, in queues, in pieces and on
 * the loopback; connections, at rest or not, opening or in TIME-WAIT, with what they note; and
 * errors to be told. 0 once all is closed and no TIME-WAIT lasts. What is remembered of peers and
 * paths is not counted. For tests and for hosts that share out memory. */
TERN_API uint64_t tern_memory_used(struct tern *t);

#ifdef __cplusplus
}
#endif

#endif
