#include "sock/land.h"

#include <poll.h>

#include "base/limits.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

ssize_t land_waiting(struct call *call, const struct iovec *spans, int count, int flags)
{
    struct tcp_landing landing = {.spans = spans, .count = count};
    if (call->blocks && flags == 0)
        call->socket->kind->land(call->socket, &landing);
    int error = call_wait(call, POLLIN | POLLRDHUP);
    if (error < 0)
        call->blocks = false; /* if bytes have come, they are what there is to give */
    tcp_landing_end(&landing);
    return landing.filled > 0 ? (ssize_t)landing.filled : error;
}

/* Packet by packet, until one was not his: the next one of his is then behind others'. */
size_t land_in_passing(struct call *call, struct spans *left)
{
    struct sock_host *host = call->t->host;
    struct iovec partial;
    struct tcp_landing landing = {0};
    uint32_t before;
    landing.count = spans_next(left, &partial, &landing.spans);
    if (!call->socket || spans_length(landing.spans, landing.count, true) < LIMIT_SUPER_PACKET ||
        !call->socket->kind->land(call->socket, &landing))
        return 0;
    do
        before = landing.filled;
    while (host->operations->look(host) && landing.filled > before);
    tcp_landing_end(&landing);
    spans_consume(left, landing.filled);
    return landing.filled;
}
