/* Calls that read and write. What is written has the bytes of pattern.h, and what is read must
 * have them. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "script/call.h"
#include "script/pattern.h"

enum { SPANS_MAX = 1024, BUFFER_MAX = 1 << 26 };

/* ── Reading ── */

static size_t read_size(struct call *call, size_t index)
{
    int64_t size = call_integer(call, index);
    if (size < 0 || size > BUFFER_MAX)
        call_fail(call, "%lld bytes are too many", (long long)size);
    return call_failed(call) ? 0 : (size_t)size;
}

static int64_t check_spans(struct call *call, struct connection *c, const struct iovec *spans,
                           int count, int flags, int64_t result)
{
    call_return(call, result);
    if (flags & MSG_OOB) {
        if (result > 0 && !connection_is_urgent(c, *(const uint8_t *)spans[0].iov_base))
            call_fail(call, "the byte is not the urgent one");
        return result;
    }
    int64_t left = result;
    uint32_t position = c->read;
    for (int i = 0; i < count && left > 0; i++) {
        size_t length = spans[i].iov_len < (size_t)left ? spans[i].iov_len : (size_t)left;
        int64_t at = flags & MSG_TRUNC || !spans[i].iov_base
                         ? -1
                         : connection_check_read(c, spans[i].iov_base, length, false);
        if (at >= 0)
            call_fail(call, "byte %lld of what was read is not the one that was sent",
                      (long long)(result - left + at));
        left -= (int64_t)length;
    }
    if (c->protocol == IPPROTO_TCP && flags & MSG_TRUNC && result > 0)
        c->read += (uint32_t)result;
    if (flags & MSG_PEEK)
        c->read = position;
    return result;
}

static struct iovec one_span(struct call *call, size_t buffer, size_t size)
{
    size_t length = read_size(call, size);
    return (struct iovec){call_buffer(call, buffer, length), length};
}

int64_t call_read(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct iovec span = one_span(call, 1, 2);
    if (call_failed(call))
        return -1;
    int64_t result = tern_read(call->run->tern, c->live_fd, span.iov_base, span.iov_len);
    return check_spans(call, c, &span, 1, 0, result);
}

int64_t call_recv(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct iovec span = one_span(call, 1, 2);
    int flags = (int)call_integer(call, 3);
    if (call_failed(call))
        return -1;
    int64_t result = tern_recv(call->run->tern, c->live_fd, span.iov_base, span.iov_len, flags);
    return check_spans(call, c, &span, 1, flags, result);
}

int64_t call_recvfrom(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct iovec span = one_span(call, 1, 2);
    int flags = (int)call_integer(call, 3);
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    if (call_failed(call))
        return -1;
    int64_t result = tern_recvfrom(call->run->tern, c->live_fd, span.iov_base, span.iov_len, flags,
                                   (struct sockaddr *)&from, &length);
    if (result >= 0 && c->protocol == IPPROTO_UDP && ntohl(from.sin_addr.s_addr) != c->remote)
        call_fail(call, "the sender is not the peer");
    return check_spans(call, c, &span, 1, flags, result);
}

/* ── Spans: [{..., 1000}, {..., 500}] ── */

struct spans {
    struct iovec *spans;
    int count;
};

static struct spans read_spans(struct call *call, const struct expression *list)
{
    struct spans out = {NULL, 0};
    if (list == NULL || list->kind != EXPRESSION_LIST || list->count > SPANS_MAX) {
        call_fail(call, "expected [{..., LENGTH}, …]");
        return out;
    }
    out.spans = arena_take(call->run->arena, (list->count + 1) * sizeof *out.spans);
    for (const struct expression *e = list->first; e; e = e->next) {
        if (e->kind != EXPRESSION_STRUCT || e->count != 2) {
            call_fail(call, "expected {..., LENGTH}");
            return out;
        }
        int64_t size = expression_integer(e->first->next, call->run->problem);
        if (size < 0 || size > BUFFER_MAX)
            call_fail(call, "%lld bytes are too many", (long long)size);
        bool buffer = expression_is_ellipsis(e->first) && !call_failed(call);
        out.spans[out.count++] = (struct iovec){
            buffer ? arena_take(call->run->arena, (size_t)size + 1) : NULL, (size_t)size};
    }
    return out;
}

static void fill_spans(const struct connection *c, const struct spans *s)
{
    uint32_t position = c->protocol == IPPROTO_TCP ? c->written : 0;
    for (int i = 0; i < s->count; i++) {
        if (s->spans[i].iov_base)
            pattern_fill(s->spans[i].iov_base, s->spans[i].iov_len, position);
        position += (uint32_t)s->spans[i].iov_len;
    }
}

int64_t call_readv(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct spans s = read_spans(call, call_argument(call, 1));
    int count = (int)call_integer(call, 2);
    if (call_failed(call))
        return -1;
    int64_t result = tern_readv(call->run->tern, c->live_fd, s.spans, count);
    return check_spans(call, c, s.spans, s.count, 0, result);
}

/* ── Writing ── */

static int64_t wrote(struct call *call, struct connection *c, int64_t result)
{
    call_return(call, result);
    connection_wrote(c, result);
    return result;
}

static struct iovec filled_span(struct call *call, const struct connection *c, size_t buffer,
                                size_t size)
{
    struct iovec span = one_span(call, buffer, size);
    if (span.iov_base && c)
        fill_spans(c, &(struct spans){&span, 1});
    return span;
}

int64_t call_write(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct iovec span = filled_span(call, c, 1, 2);
    if (call_failed(call))
        return -1;
    return wrote(call, c, tern_write(call->run->tern, c->live_fd, span.iov_base, span.iov_len));
}

int64_t call_writev(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct spans s = read_spans(call, call_argument(call, 1));
    int count = (int)call_integer(call, 2);
    if (call_failed(call))
        return -1;
    fill_spans(c, &s);
    return wrote(call, c, tern_writev(call->run->tern, c->live_fd, s.spans, count));
}

int64_t call_send(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    struct iovec span = filled_span(call, c, 1, 2);
    int flags = (int)call_integer(call, 3);
    if (call_failed(call))
        return -1;
    return wrote(call, c,
                 tern_send(call->run->tern, c->live_fd, span.iov_base, span.iov_len, flags));
}

/* A first sendto opens a connection with Fast Open, or names a datagram's peer. */
int64_t call_sendto(struct call *call)
{
    const struct config *config = call->run->config;
    struct connection *c = call_connection(call, 0);
    struct iovec span = filled_span(call, c, 1, 2);
    int flags = (int)call_integer(call, 3);
    bool none = call_argument(call, 4)->kind == EXPRESSION_WORD;
    struct sockaddr_in to = {.sin_family = none ? AF_UNSPEC : AF_INET,
                             .sin_port = htons(config->connect_port)};
    to.sin_addr.s_addr = htonl(config->remote);
    if (call_failed(call))
        return -1;
    if (c->stage == STAGE_NEW && !none) {
        c->stage = STAGE_CONNECTING;
        c->remote_port = config->connect_port;
    }
    int64_t result = tern_sendto(call->run->tern, c->live_fd, span.iov_base, span.iov_len, flags,
                                 (struct sockaddr *)&to, sizeof to);
    return wrote(call, c, result);
}

/* ── Messages: {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0, msg_control=[…]} ── */

static int64_t member_integer(struct call *call, const struct expression *e, const char *name)
{
    const struct expression *member = expression_member(e, name);
    if (member == NULL)
        call_fail(call, "%s is missing", name);
    return member ? expression_integer(member, call->run->problem) : 0;
}

static const struct expression *message_argument(struct call *call)
{
    const struct expression *e = call_argument(call, 1);
    if (e->kind != EXPRESSION_STRUCT || !expression_member(e, "msg_iov"))
        call_fail(call, "expected {msg_name(...)=..., msg_iov(N)=[…], msg_flags=…}");
    return e;
}

int64_t call_sendmsg(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    const struct expression *e = message_argument(call);
    struct spans s = read_spans(call, expression_member(e, "msg_iov"));
    int flags = (int)call_integer(call, 2);
    if (call_failed(call))
        return -1;
    fill_spans(c, &s);
    struct msghdr message = {.msg_iov = s.spans, .msg_iovlen = (size_t)s.count};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->remote_port)};
    to.sin_addr.s_addr = htonl(c->remote);
    if (c->protocol != IPPROTO_TCP || flags & MSG_FASTOPEN) {
        to.sin_port = htons(call->run->config->connect_port);
        message.msg_name = &to;
        message.msg_namelen = sizeof to;
    }
    if (c->stage == STAGE_NEW) {
        c->stage = STAGE_CONNECTING;
        c->remote_port = call->run->config->connect_port;
    }
    return wrote(call, c, tern_sendmsg(call->run->tern, c->live_fd, &message, flags));
}

int64_t call_recvmsg(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    const struct expression *e = message_argument(call);
    struct spans s = read_spans(call, expression_member(e, "msg_iov"));
    const struct expression *control = expression_member(e, "msg_control");
    int flags = (int)call_integer(call, 2);
    if (call_failed(call))
        return -1;
    char space[1024] __attribute__((aligned(sizeof(size_t))));
    struct msghdr message = {.msg_iov = s.spans, .msg_iovlen = (size_t)s.count};
    if (control) {
        message.msg_control = space;
        message.msg_controllen = sizeof space;
    }
    int64_t result = tern_recvmsg(call->run->tern, c->live_fd, &message, flags);
    if (flags & MSG_ERRQUEUE)
        call_return(call, result); /* what it brings is nothing that was received */
    else
        check_spans(call, c, s.spans, s.count, flags, result);
    if (result < 0)
        return result;
    int64_t expected = member_integer(call, e, "msg_flags");
    if (message.msg_flags != expected)
        call_fail(call, "msg_flags: expected 0x%llx, actual 0x%x", (long long)expected,
                  message.msg_flags);
    call_check_control(call, control, &message);
    return result;
}
