/* What is left of a caller's array of spans, while a stream call works its way through it. */
#ifndef TERN_SOCK_SPANS_H
#define TERN_SOCK_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

enum { SPANS_MAX = 1024 }; /* IOV_MAX */

struct spans {
    const struct iovec *first; /* the first with something left */
    int count;
    size_t done; /* bytes of *first that are done */
};

/* The bytes they hold: -EINVAL when more than a ssize_t can say, -EFAULT for a NULL that is not
 * empty, unless `bare` (nothing is copied). */
ssize_t spans_length(const struct iovec *spans, int count, bool bare);
/* What is to be moved next: a count of spans at *out, which is `partial` when the first of them is
 * done in part; then it is that one alone. */
int spans_next(const struct spans *spans, struct iovec *partial, const struct iovec **out);
void spans_consume(struct spans *spans, size_t bytes);

#endif
