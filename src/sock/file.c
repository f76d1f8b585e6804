/* read(2), write(2), readv(2), writev(2), which are for descriptors of any kind. */
#include <errno.h>

#include "core/datagrams.h"
#include "sock/call.h"
#include "sock/data.h"
#include "sock/spans.h"
#include "sock/tern.h"

/* An instance of epoll can be neither read nor written. The bytes that the spans hold, or a
 * negative errno. */
static ssize_t begin_file(struct call *call, struct tern *t, int descriptor,
                          const struct iovec *spans, int count, call_beginning *begin)
{
    int error = begin(call, t, descriptor);
    if (error == -ENOTSOCK || (error == 0 && (count < 0 || count > SPANS_MAX)))
        return -EINVAL;
    return error < 0 ? error : spans_length(spans, count, false);
}

/* Nothing to read is read at once, whatever the socket's state (as on Linux). */
static ssize_t read_call(struct tern *t, int socket, const struct iovec *spans, int count)
{
    struct datagram_info info;
    struct call call;
    ssize_t result = begin_file(&call, t, socket, spans, count, call_begin);
    if (result > 0)
        result = data_receive(&call, spans, count, 0, &info);
    return call_end(&call, result);
}

ssize_t tern_read(struct tern *t, int socket, void *bytes, size_t length)
{
    struct iovec span = {bytes, length};
    return read_call(t, socket, &span, 1);
}

ssize_t tern_readv(struct tern *t, int socket, const struct iovec *spans, int count)
{
    return read_call(t, socket, spans, count);
}

/* A datagram may be empty. */
ssize_t tern_write(struct tern *t, int socket, const void *bytes, size_t length)
{
    struct iovec span = data_span(bytes, length);
    struct call call;
    ssize_t result = begin_file(&call, t, socket, &span, 1, call_begin_write);
    if (result >= 0)
        result = data_send(&call, &span, 1, 0, NULL, 0);
    return call_end(&call, result);
}

/* But not one of writev(2): nothing to write is written at once. */
ssize_t tern_writev(struct tern *t, int socket, const struct iovec *spans, int count)
{
    struct call call;
    ssize_t result = begin_file(&call, t, socket, spans, count, call_begin_write);
    if (result > 0)
        result = data_send(&call, spans, count, 0, NULL, 0);
    return call_end(&call, result);
}
