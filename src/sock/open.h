/* Making descriptors. */
#ifndef TERN_SOCK_OPEN_H
#define TERN_SOCK_OPEN_H

#include <stdbool.h>

struct socket_kind;
struct tern;

/* A new descriptor of a kind that can be opened: its number, -EMFILE, -ENOMEM, or what the kind
 * says. */
int open_descriptor(struct tern *t, const struct socket_kind *kind, bool nonblocking);

#endif
