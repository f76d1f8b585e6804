/* What a send call's user wants to be told of it afterwards, in the socket's error queue: that the
 * bytes are no longer needed (MSG_ZEROCOPY), and the times at which they left (SO_TIMESTAMPING). */
#ifndef TERN_SOCK_RECEIPT_H
#define TERN_SOCK_RECEIPT_H

#include <stdint.h>
#include <sys/types.h>

struct call;
struct error_note;

struct receipt {
    struct error_note *completion; /* to be queued once the bytes are done with; NULL: not wanted */
    uint32_t stamps;               /* core/stamps.h */
};

/* Before a send call with `flags` does anything: 0, -ENOBUFS, or -EINVAL and -EFAULT (control
 * messages). */
int receipt_begin(struct receipt *receipt, const struct call *call, int flags);
/* After it: the protocol is told, if anything was sent. */
void receipt_end(struct receipt *receipt, const struct call *call, ssize_t sent);

#endif
