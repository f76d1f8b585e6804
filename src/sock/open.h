/* Making descriptors. */
#ifndef TERN_SOCK_OPEN_H
#define TERN_SOCK_OPEN_H

struct socket_kind;
struct tern;

/* A new descriptor of a kind that can be opened, with SOCK_NONBLOCK and SOCK_CLOEXEC (which is
 * EPOLL_CLOEXEC): its number, -EMFILE, -ENOMEM, or what the kind
 * says. */
int open_descriptor(struct tern *t, const struct socket_kind *kind, int flags);

#endif
