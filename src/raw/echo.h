/* Echo sockets, SOCK_DGRAM with IPPROTO_ICMP, as Linux's "ping sockets" behave: what is sent is an
 * ICMP echo request, what is received its replies, both from the ICMP header on. Calls are those of
 * udp/udp.h, with the echo identifier in the place of the port.
 *
 * The identifier of a request is always the socket's own, whatever the message says, and checksums
 * are made here: a socket can neither forge nor overhear another's echoes. */
#ifndef TERN_RAW_ECHO_H
#define TERN_RAW_ECHO_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/datagrams.h"
#include "core/endpoint.h"
#include "core/stack.h"

enum {
    ECHO_MESSAGE_MIN = 8,     /* the ICMP header */
    ECHO_MESSAGE_MAX = 65515, /* 65,535 less the IPv4 header */
};

struct echo;

/* Registers the echo service with ip/, which must be attached. 0 or -ENOMEM. */
int echo_attach(struct stack *stack);

/* Makes an unbound endpoint that belongs to `owner`. 0 or -ENOMEM. */
int echo_open(struct stack *stack, void *owner, struct echo **out);
void echo_close(struct echo *echo);

/* Claims an identifier (`local->port`); 0 takes a free one at random. -EADDRINUSE, -EADDRNOTAVAIL,
 * -EINVAL (bound already). */
int echo_bind(struct echo *echo, const struct endpoint *local);
/* Fixes the peer; `remote->port` means nothing, but is kept. NULL or the unspecified address
 * dissolves the association. -ENETUNREACH, -EACCES, -EADDRNOTAVAIL. */
int echo_connect(struct echo *echo, const struct endpoint *remote);

/* Gives who has no identifier a free one: 0 or -EADDRINUSE. */
int echo_autobind(struct echo *echo);
/* Whether it is said where a message goes: 0 or -EDESTADDRREQ (no peer). */
int echo_directed(const struct echo *echo, const struct endpoint *to);
/* Whether the message in `spans` begins like an echo request: 0 or -EINVAL. */
int echo_check(const struct iovec *spans, int count);
/* Sends an echo request: `spans` hold the ICMP header (eight bytes: type 8, code 0; checksum and
 * identifier are filled in) and the data. The length; -EINVAL (shorter than the header, or no echo
 * request), -EDESTADDRREQ, -EMSGSIZE, -EPIPE, -ENETUNREACH, -EACCES, -EADDRNOTAVAIL, -ENOBUFS,
 * -ENOMEM; or the pending error, once (-EHOSTUNREACH and its kin, on connected sockets). */
ssize_t echo_send(struct echo *echo, const struct iovec *spans, int count,
                  const struct endpoint *to);
/* As datagrams_receive: a reply from its ICMP header on. info->source.port is 0. -EOPNOTSUPP with
 * MSG_OOB. */
ssize_t echo_receive(struct echo *echo, const struct iovec *spans, int count, int flags,
                     struct datagram_info *info);

/* As udp_shutdown and the rest of udp/udp.h. */
int echo_shutdown(struct echo *echo, bool receive, bool send);
unsigned echo_readiness(const struct echo *echo);
int echo_error(struct echo *echo, bool clear);
struct datagram_options *echo_options(struct echo *echo);
/* What datagrams_complete() and datagrams_stamps_begin() do. */
void echo_complete(struct echo *echo, struct error_note *completion);
void echo_stamps_begin(struct echo *echo);
/* The oldest note of the error queue, to be freed by the caller, or NULL. */
struct error_note *echo_take_note(struct echo *echo);

const struct endpoint *echo_local(const struct echo *echo);  /* port: the identifier, 0 unbound */
const struct endpoint *echo_remote(const struct echo *echo); /* unspecified while not connected */

#endif
