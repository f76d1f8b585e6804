/* A stream's way to its peer: connect(2), and text that opens a connection (Fast Open, RFC 7413).
 * How far its user has been told of it stands in the socket (connect_progress). */
#ifndef TERN_SOCK_CONNECT_H
#define TERN_SOCK_CONNECT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct endpoint;
struct socket;
struct tcb;

/* tcp_kind's `connect` and `opened`. */
int connect_to_peer(struct socket *socket, const struct endpoint *remote);
int connect_opened(struct socket *socket, bool more);
/* A send with MSG_FASTOPEN: `flags` are its others. The socket may have another tcb afterwards. */
ssize_t connect_send(struct socket *socket, struct tcb *tcb, const struct iovec *spans, int count,
                     const struct endpoint *to, int flags);
/* The socket is as socket(2) made it, but for its options, its name, and an error to tell. The
 * calls that wait for it end, with an error of their own: what they do belongs to the connection of
 * before. 0 or -ENOMEM. */
int connect_anew(struct socket *socket, int told, int waiting_told);

#endif
