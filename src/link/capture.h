/* The capture link: wraps a link and writes every packet to a pcapng file that Wireshark opens
 * (link type RAW). A packet that the machine dropped carries a comment with the reason and its
 * clause. */
#ifndef TERN_LINK_CAPTURE_H
#define TERN_LINK_CAPTURE_H

#include "link/link.h"

/* Where the bytes of the capture go: 0 or a negative errno, after which the capture stops and the
 * link goes on. */
typedef int capture_write(void *user, const void *bytes, size_t length);

/* Takes over `below`. `epoch_ns` is added to the machine's time to give the time of day.
 * `close_file` (may be NULL) is called with `user` at the end. 0 or a negative errno (then `below`
 * still is the caller's). */
int capture_link_new(struct link *below, const char *interface_name, uint64_t epoch_ns,
                     capture_write *write, void (*close_file)(void *user), void *user,
                     struct link **out);
/* The same into a new file at `path`. */
int capture_link_open(struct link *below, const char *interface_name, uint64_t epoch_ns,
                      const char *path, struct link **out);

#endif
