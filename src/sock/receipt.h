/* What a send call's user wants to be told of it afterwards, in the socket's error queue: that the
 * bytes are no longer needed (MSG_ZEROCOPY). */
#ifndef TERN_SOCK_RECEIPT_H
#define TERN_SOCK_RECEIPT_H

#include <sys/types.h>

struct error_note;
struct socket;
struct tern;

struct receipt {
    struct error_note *completion; /* to be queued once the bytes are done with; NULL: not wanted */
};

/* Before a send call with `flags` does anything: 0 or -ENOBUFS. */
int receipt_begin(struct receipt *receipt, struct socket *socket, int flags);
/* After it: the protocol is told, if anything was sent. `socket` NULL: it was closed meanwhile. */
void receipt_end(struct receipt *receipt, struct tern *t, struct socket *socket, ssize_t sent);

#endif
