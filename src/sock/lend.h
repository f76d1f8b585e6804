/* Writing without a copy: much text is sent from where it is as long as its call lasts. */
#ifndef TERN_SOCK_LEND_H
#define TERN_SOCK_LEND_H

#include <sys/types.h>
#include <sys/uio.h>

struct call;
struct endpoint;
struct tcp_lending;

/* The kind's send(), of which the socket may lend what it takes. `lending` starts as {0}, for the
 * whole call, and lend_end() belongs to it. */
ssize_t lend_send(struct call *call, struct tcp_lending *lending, const struct iovec *spans,
                  int count, const struct endpoint *to, int flags);
/* The call is about to return: takes in the acknowledgments that are there already, and has the
 * rest copied. */
void lend_end(struct call *call, struct tcp_lending *lending);

#endif
