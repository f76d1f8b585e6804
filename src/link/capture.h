/* The capture link: wraps a link and writes every packet to a pcapng file that Wireshark opens
 * (link type RAW). A packet that the machine dropped carries a comment with the reason and its
 * clause. */
#ifndef TERN_LINK_CAPTURE_H
#define TERN_LINK_CAPTURE_H

#include "link/link.h"

/* Where the bytes of the capture go: 0 or a negative errno, after which the capture stops and the
 * link goes on: closing it gives that errno. */
typedef int capture_write(void *user, const void *bytes, size_t length);
/* At the end: 0, or the negative errno with which something that was written is lost after all. */
typedef int capture_close_file(void *user);

/* Takes over `below`. `epoch_ns` is added to the machine's time to give the time of day.
 * `close_file` (may be NULL) is called with `user` at the end. 0 or a negative errno (then `below`
 * still is the caller's). */
int capture_link_new(struct link *below, const char *interface_name, uint64_t epoch_ns,
                     capture_write *write, capture_close_file *close_file, void *user,
                     struct link **out);
/* The same into a new file at `path`. */
int capture_link_open(struct link *below, const char *interface_name, uint64_t epoch_ns,
                      const char *path, struct link **out);

#endif
