/* What tcp/ offers to sock/: connections and listeners as objects, every call non-blocking.
 *
 * A call that cannot do its work now returns -EAGAIN; the owner is told by stack->notify when it
 * may try again. Pointers stay valid until tcp_detach (connections) or tcp_listener_close;
 * afterwards the connection goes on alone to its end. */
#ifndef TERN_TCP_TCP_H
#define TERN_TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/endpoint.h"
#include "core/error_queue.h"
#include "core/stack.h"

struct tcb;
struct tcp_connection;
struct tcp_listener;

/* A tcb comes and goes with what its connection does (rest.h). A user who keeps the connection for
 * longer than a call takes part in that: he holds on to the connection, and asks for its tcb anew
 * in each call. */
struct tcp_connection *tcp_connection_keep(struct tcb *tcb);
/* The tcb of a connection that is kept: NULL without memory. It is good until the machine runs. */
struct tcb *tcp_connection_wake(struct tcp_connection *connection);
/* The same for one that is about to be aborted, which takes no memory: never NULL. */
struct tcb *tcp_connection_wake_to_end(struct tcp_connection *connection);
/* Whether it rests: nothing is queued and no error waits. Then what is often asked can be told as
 * it is: what tcp_readiness() and tcp_has_peer() would say, and whether reading is at its end. */
bool tcp_connection_rests(const struct tcp_connection *connection);
unsigned tcp_rest_readiness(const struct tcp_connection *connection);
bool tcp_rest_has_peer(const struct tcp_connection *connection);
bool tcp_rest_at_end(const struct tcp_connection *connection);
const struct endpoint *tcp_connection_local(const struct tcp_connection *connection);
const struct endpoint *tcp_connection_remote(const struct tcp_connection *connection);

/* Registers TCP with the stack. 0 or -ENOMEM. */
int tcp_attach(struct stack *stack);

/* Makes a connection in CLOSED that belongs to `owner`; nothing is sent. 0 or -ENOMEM. */
int tcp_create(struct stack *stack, void *owner, struct tcb **out);
/* Claims a local endpoint; port 0 takes an ephemeral one (RFC 6056) now. -EADDRINUSE,
 * -EADDRNOTAVAIL, -EINVAL (bound). `reuse`: connections in TIME-WAIT do not stand in the way
 * (SO_REUSEADDR), nor do others that are bound with it and not listening. */
int tcp_bind(struct tcb *tcb, const struct endpoint *local, bool reuse);
/* Active OPEN (RFC 9293 §3.10.1): sends the SYN. -EINPROGRESS when on its way; -EISCONN, -EALREADY,
 * -EADDRNOTAVAIL, -ENETUNREACH, -EINVAL. The result arrives with notify: tcp_error()
 * or TCP_EVENT. */
int tcp_connect(struct tcb *tcb, const struct endpoint *remote);
/* Active OPEN with the first text in the SYN, where a Fast Open cookie allows it (RFC 7413): the
 * bytes taken, which is what the SYN carries; -EINPROGRESS when none; -EOPNOTSUPP (tcp.fast_open
 * has no client bit), and tcp_connect's errors. */
ssize_t tcp_connect_send(struct tcb *tcb, const struct endpoint *remote, const struct iovec *spans,
                         int count);
/* renew.c: resets the connection, if it is one, and puts one in CLOSED in its place, with `error`
 * (0: none) to be told: 0 or -ENOMEM; then all is as before. */
int tcp_renew(struct tcb *tcb, int error, struct tcb **out);
/* The same in the place of a listener, which is closed. */
int tcp_renew_listener(struct tcp_listener *listener, struct tcb **out);
/* Turns a bound (or unbound: an ephemeral port is taken) CLOSED connection into a listener, and
 * frees the connection: 0, -EADDRINUSE, -EINVAL, -ENOMEM. Options set on the connection are those
 * of what it will accept. */
int tcp_listen(struct tcb *tcb, unsigned backlog, void *owner, struct tcp_listener **out);
int tcp_listener_backlog(struct tcp_listener *listener, unsigned backlog);
/* Takes the oldest established connection and gives it to `owner`: 0 or -EAGAIN; or the error that
 * ended it before (ignored ones never show). */
int tcp_accept(struct tcp_listener *listener, void *owner, struct tcb **out);
void tcp_listener_close(
    struct tcp_listener *listener); /* resets what was not accepted (RFC 9293 §3.10.4) */
const struct endpoint *tcp_listener_local(const struct tcp_listener *listener);
unsigned tcp_listener_readiness(const struct tcp_listener *listener);

/* SEND (§3.10.2): takes as many bytes as there is room for: their number, or -EAGAIN, -EPIPE
 * (sending side shut), -ENOTCONN, or the connection's error once. Flags: MSG_MORE, MSG_OOB and such
 * as they come to be; and MSG_BATCH, after which tcp_let_go() is the caller's duty. */
ssize_t tcp_send(struct tcb *tcb, const struct iovec *spans, int count, int flags);
/* The memory of a writer, which is sent from as long as its call lasts. Starts as {0}. */
struct tcp_lending {
    struct tcb *tcb; /* NULL: of no connection (any more) */
    const uint8_t *bytes;
    uint32_t start, end; /* what they are, as sequence numbers; equal: nothing is lent */
    bool open;           /* what is being written may be lent */
};
/* Before tcp_send(): what it takes of much text need not be copied, and stays in use until
 * tcp_lending_end(), or until tcp_lending_holds() is false. Faults where it cannot be read. False
 * where another writer lends already. */
bool tcp_lending_begin(struct tcb *tcb, struct tcp_lending *lending);
/* After tcp_send(): the next may be another writer's. */
void tcp_lending_close(struct tcp_lending *lending);
/* Whether something is lent that has not been acknowledged. */
bool tcp_lending_holds(const struct tcp_lending *lending);
/* Whether some of that has been sent, so that it may be. */
bool tcp_lending_under_way(const struct tcp_lending *lending);
/* The call is over, whatever has become of the connection: copies what is still needed. */
void tcp_lending_end(struct tcp_lending *lending);
/* The user is about to write, and before that takes in what has arrived: what is short and might go
 * alone with an acknowledgment that is there waits for the rest (tcp_send, tcp_commit), or until
 * this is taken back. Whether there is such. */
bool tcp_await_write(struct tcb *tcb, bool on);
/* What waits since a write with MSG_BATCH goes now. To be called before any call but a write to the
 * same connection, and before the thread that drives goes to sleep. */
void tcp_let_go(struct stack *stack);
/* RECEIVE (§3.10.3): as many bytes as there are: their number; 0 at the peer's FIN; -EAGAIN,
 * -ENOTCONN, or the error once. MSG_PEEK leaves them; MSG_TRUNC drops them without a copy; MSG_OOB
 * takes the urgent byte instead (-EINVAL: there is none). */
ssize_t tcp_receive(struct tcb *tcb, const struct iovec *spans, int count, int flags);
/* The memory of a reader that waits. Starts as {.spans, .count}. */
struct tcp_landing {
    struct tcb *tcb; /* NULL: not waiting for anything (any more) */
    const struct iovec *spans;
    int count;
    uint32_t filled; /* bytes that have arrived in it */
    uint32_t proved; /* bytes, from its first on, that are known to be writable */
};
/* For a reader that was told -EAGAIN and is about to wait: lets text go straight to `landing`,
 * which stays in use until tcp_landing_end(). False where another reader waits already. Faults
 * where its memory cannot be written. */
bool tcp_landing_begin(struct tcb *tcb, struct tcp_landing *landing);
/* The wait is over, whatever has become of the connection: what is in `landing` has
 * been received. */
void tcp_landing_end(struct tcp_landing *landing);
/* Whether the next byte to be read is the urgent one, in line or not (sockatmark(3)). */
bool tcp_at_mark(const struct tcb *tcb);
/* CLOSE of the sending side (§3.10.4): a FIN after what is queued. -ENOTCONN. */
int tcp_shutdown_send(struct tcb *tcb);
/* No more RECEIVE: what is here and what comes is acknowledged and dropped. -ENOTCONN; reading does
 * not wait any more all the same. */
int tcp_shutdown_receive(struct tcb *tcb);
/* CLOSE by the owner, who lets go: data queued is still delivered; unread or newly arriving data is
 * answered with a reset (RFC 9293 §3.6.1 SHLD-3, RFC 2525 §2.17). The tcb is no longer the
 * caller's. */
void tcp_detach(struct tcb *tcb);
/* ABORT (§3.10.5): a reset to the peer, and the tcb is gone. */
void tcp_abort(struct tcb *tcb);

/* POLLIN POLLOUT POLLRDHUP POLLHUP POLLERR POLLPRI, as poll(2) means them. Who is told that there
 * is no room to write is notified, once, when there is. */
unsigned tcp_readiness(struct tcb *tcb);
int tcp_error(struct tcb *tcb, bool clear); /* a positive errno, or 0 */
/* What ICMP has said since the peer was last heard of (RFC 9293 §3.9.1.8, MUST-47), or 0: it ended
 * nothing. It is told once. */
int tcp_soft_error(struct tcb *tcb);
/* Room in the send ring that its user fills in place. */
struct tcp_reservation {
    struct tcb *tcb; /* NULL: there is none (any more) */
    void *memory;    /* of a connection that was freed meanwhile: its user still has the spans */
    uint32_t length; /* bytes; 0: nothing is reserved */
};
/* Reserves up to `length` bytes behind what is queued, as two spans of which the second may be
 * empty: their bytes; or tcp_send's errors. Until the reservation ends, nothing else is taken
 * (-EAGAIN), and the spans stay where they are even if the connection ends or is freed. */
ssize_t tcp_reserve(struct tcb *tcb, struct tcp_reservation *r, size_t length,
                    struct iovec spans[2]);
/* Ends it, its first `length` bytes being sent as tcp_send() would; with 0 and without MSG_MORE,
 * what waits for more is pushed. The bytes taken, -EINVAL (no reservation, or a shorter one, which
 * stays), -EPIPE (the connection was freed meanwhile), or tcp_send's errors. */
ssize_t tcp_commit(struct tcp_reservation *r, size_t length, int flags);
/* Ends it, whatever has become of the connection; nothing is sent. */
void tcp_reservation_end(struct tcp_reservation *r);
/* Shows what tcp_receive() would give, in place: the bytes in two spans, which stay as they are
 * until the next tcp_peek() or tcp_consume(), or the connection's end; or as tcp_receive. */
ssize_t tcp_peek(struct tcb *tcb, struct iovec spans[2]);
/* Takes the first `length` bytes of it: 0, or -EINVAL (there are not so many). */
int tcp_consume(struct tcb *tcb, size_t length);

/* A send call with MSG_ZEROCOPY has had bytes taken: from now on the connection keeps its block, so
 * that there is a queue to tell its completion in when the call is over. */
void tcp_numbers_sends(struct tcb *tcb);
/* A send call is over, and its bytes are the last that were taken: what is to be told of them in
 * the error queue. `completion` (MSG_ZEROCOPY; or NULL), which is the connection's from now on,
 * tells when they are acknowledged; `stamps` (core/stamps.h), when they leave. */
void tcp_sent(struct tcb *tcb, struct error_note *completion, uint32_t stamps);
/* Those times tell the number of a byte, which counts from SND.UNA, or from what is written next
 * on: 0, or -EINVAL in CLOSED. */
int tcp_stamps_begin(struct tcb *tcb, bool from_next);
/* Whether the times at which text arrives are to be known; and when the last byte that was read
 * did, or the one that is `ahead` bytes behind it (0: not known). */
void tcp_note_arrivals(struct tcb *tcb, bool on);
void tcp_listener_note_arrivals(struct tcp_listener *listener, bool on);
uint64_t tcp_arrived_ns(struct tcb *tcb, uint32_t ahead);
/* TCP_INQ: bytes left to read, at the end 1, so that its reader comes to know of it; -1 where it is
 * not set. */
int tcp_inq(const struct tcb *tcb);
/* The oldest note of the error queue, to be freed by the caller, or NULL. */
struct error_note *tcp_take_note(struct tcb *tcb);
const struct endpoint *tcp_local(const struct tcb *tcb);
const struct endpoint *tcp_remote(const struct tcb *tcb); /* port 0 while not connected */
/* While opening: whether the user has text at hand to send as soon as it is done. */
void tcp_expect_text(struct tcb *tcb, bool expected);
bool tcp_asking(const struct tcb *tcb);    /* our SYN has not been answered yet: SYN-SENT */
bool tcp_has_peer(const struct tcb *tcb);  /* between its opening and its end */
bool tcp_opening(const struct tcb *tcb);   /* OPEN is under way */
bool tcp_connected(const struct tcb *tcb); /* SYN-RECEIVED counts not, ESTABLISHED and later do */
bool tcp_drained(const struct tcb *tcb);   /* everything sent is acknowledged, the FIN too if any */
uint32_t tcp_queued_in(const struct tcb *tcb);  /* bytes that tcp_receive would give */
uint32_t tcp_queued_out(const struct tcb *tcb); /* bytes not yet acknowledged, a FIN being one */
/* Connections that their user has let go of and that still have something to do, TIME-WAIT aside.
 */
unsigned tcp_orphan_count(const struct stack *stack);

/* A read may wait for so many bytes (SO_RCVLOWAT): how many of them it can. The receive buffer
 * grows for it, where SO_RCVBUF has not fixed it. */
uint32_t tcp_low_water(struct tcb *tcb, uint32_t bytes);
uint32_t tcp_listener_low_water(struct tcp_listener *listener, uint32_t bytes);

/* IPPROTO_TCP options, and those of SOL_SOCKET that TCP acts on. 0, -ENOPROTOOPT, -EINVAL. */
int tcp_set_option(struct tcb *tcb, int level, int option, const void *value, socklen_t length);
int tcp_get_option(struct tcb *tcb, int level, int option, void *value, socklen_t *length);
int tcp_listener_set_option(struct tcp_listener *listener, int level, int option, const void *value,
                            socklen_t length);
int tcp_listener_get_option(struct tcp_listener *listener, int level, int option, void *value,
                            socklen_t *length);

#endif
