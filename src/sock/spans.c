#include "sock/spans.h"

#include <errno.h>
#include <limits.h>

ssize_t spans_length(const struct iovec *spans, int count, bool bare)
{
    size_t length = 0;
    if (count > 0 && spans == NULL)
        return -EFAULT;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len > SSIZE_MAX - length)
            return -EINVAL;
        if (spans[i].iov_base == NULL && spans[i].iov_len > 0 && !bare)
            return -EFAULT;
        length += spans[i].iov_len;
    }
    return (ssize_t)length;
}

int spans_next(const struct spans *spans, struct iovec *partial, const struct iovec **out)
{
    if (spans->done == 0) {
        *out = spans->first;
        return spans->count;
    }
    partial->iov_base =
        spans->first->iov_base ? (char *)spans->first->iov_base + spans->done : NULL;
    partial->iov_len = spans->first->iov_len - spans->done;
    *out = partial;
    return 1;
}

void spans_consume(struct spans *spans, size_t bytes)
{
    while (spans->count > 0 && bytes >= spans->first->iov_len - spans->done) {
        bytes -= spans->first->iov_len - spans->done;
        spans->first++;
        spans->count--;
        spans->done = 0;
    }
    spans->done += bytes;
}
