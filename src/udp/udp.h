/* What udp/ offers to sock/: endpoints of UDP (RFC 768), every call non-blocking.
 *
 * The owner is told by stack->notify, with poll(2)'s event bits, when datagrams or an error have
 * come. Sending never waits: a datagram goes to the link at once or is lost. */
#ifndef TERN_UDP_UDP_H
#define TERN_UDP_UDP_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/datagrams.h"
#include "core/endpoint.h"
#include "core/stack.h"

enum { UDP_PAYLOAD_MAX = 65507 }; /* 65,535 less the IPv4 and UDP headers */

struct udp;

/* Registers UDP with the stack. 0 or -ENOMEM. */
int udp_attach(struct stack *stack);

/* Makes an unbound endpoint that belongs to `owner`. 0 or -ENOMEM. */
int udp_open(struct stack *stack, void *owner, struct udp **out);
/* Drops what is queued and frees the endpoint. */
void udp_close(struct udp *udp);

/* Claims a local endpoint; the unspecified address stands for all of ours, a broadcast address for
 * what is sent to all, port 0 takes an ephemeral one (RFC 6056). -EADDRINUSE (unless this and those
 * that hold it have reuse_address, or no ephemeral port is left), -EADDRNOTAVAIL (not ours),
 * -EINVAL (bound already). */
int udp_bind(struct udp *udp, const struct endpoint *local);
/* Fixes the peer: only its datagrams and errors arrive from now on, and it is where udp_send sends.
 * Binds to an ephemeral port first if need be. `remote` NULL or with the unspecified address and
 * port 0 dissolves the association, and gives back what connecting had bound. -ENETUNREACH, -EACCES
 * (broadcast, without options->broadcast), -EADDRNOTAVAIL, -EADDRINUSE (no port left), -EINVAL
 * (port 0). */
int udp_connect(struct udp *udp, const struct endpoint *remote);

/* Gives who has no port an ephemeral one: 0 or -EADDRINUSE. */
int udp_autobind(struct udp *udp);
/* Whether it is said where a datagram goes, `to` NULL: to the peer: 0, -EDESTADDRREQ (no peer),
 * -EINVAL (port 0). */
int udp_directed(const struct udp *udp, const struct endpoint *to);
/* Sends one datagram to `to`, or to the peer when NULL: its length; -EDESTADDRREQ (no peer),
 * -EMSGSIZE (above UDP_PAYLOAD_MAX, or above the path's MTU with dont_fragment), -EPIPE (shut),
 * -ENETUNREACH, -EACCES, -EINVAL (port 0), -EADDRINUSE (no ephemeral port left), -ENOBUFS (the link
 * is full, or memory is short), -ENOMEM; or the pending error, once (-ECONNREFUSED).
 *
 * With options.segment_size it is several datagrams, of so many bytes each but for the last:
 * -EMSGSIZE where the path does not take them whole, -EINVAL of more than 128. Those that the link
 * does not take are lost: its error only where that is all of them.
 *
 * With `more`, or while the endpoint is corked, it is kept, and what later calls have is added to
 * it until one comes without: where it goes and how is as the first call said, or, of where, the
 * last udp_connect. After -EMSGSIZE (UDP_PAYLOAD_MAX, or the path's MTU with dont_fragment) and
 * -ENOBUFS all of it is lost, as it is when the endpoint is closed. */
ssize_t udp_send(struct udp *udp, const struct iovec *spans, int count, const struct endpoint *to,
                 bool more);
/* UDP_CORK (udp(7)): taken away, what is kept is sent. */
void udp_set_cork(struct udp *udp, bool corked);
bool udp_corked(const struct udp *udp);
bool udp_is_making(const struct udp *udp);  /* whether something is kept */
uint32_t udp_queued(const struct udp *udp); /* and how many bytes (SIOCOUTQ) */
/* As datagrams_receive. */
ssize_t udp_receive(struct udp *udp, const struct iovec *spans, int count, int flags,
                    struct datagram_info *info);

/* shutdown(2): `receive` and `send` say which sides. -ENOTCONN when there is no peer. */
int udp_shutdown(struct udp *udp, bool receive, bool send);

/* The events that poll(2) would report now. */
unsigned udp_readiness(const struct udp *udp);
int udp_error(struct udp *udp, bool clear);            /* a positive errno, or 0 */
uint32_t udp_next_length(const struct udp *udp);       /* bytes of the next datagram (FIONREAD) */
struct datagram_options *udp_options(struct udp *udp); /* to read and to change */
/* What datagrams_complete() and datagrams_stamps_begin() do. */
void udp_complete(struct udp *udp, struct error_note *completion);
void udp_stamps_begin(struct udp *udp);
/* The oldest note of the error queue, to be freed by the caller, or NULL. */
struct error_note *udp_take_note(struct udp *udp);

const struct endpoint *udp_local(const struct udp *udp);  /* port 0 while not bound */
const struct endpoint *udp_remote(const struct udp *udp); /* port 0 while not connected */

#endif
