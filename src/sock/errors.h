/* Reading a socket's error queue: recvmsg(2) and its kin with MSG_ERRQUEUE. None of it waits. */
#ifndef TERN_SOCK_ERRORS_H
#define TERN_SOCK_ERRORS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tern;

/* The whole of tern_recvmsg(): takes the oldest note and writes it out as ip(7) says, what is kept
 * of the packet into msg_iov, whom it was for into msg_name, the rest as control messages. Of the
 * call's `flags` only MSG_CMSG_CLOEXEC is told back. The number of bytes copied, or -1 and errno.
 */
ssize_t errors_call(struct tern *t, int socket, struct msghdr *message, int flags);
/* tern_recvfrom(): the bytes, and into `address`, which may be NULL, whom the packet was for. */
ssize_t errors_from_call(struct tern *t, int socket, struct iovec *span, struct sockaddr *address,
                         socklen_t *address_length);

#endif
