#include "sock/lend.h"

#include "base/limits.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"
#include "tcp/tcp.h"

ssize_t lend_send(struct call *call, struct tcp_lending *lending, const struct iovec *spans,
                  int count, const struct endpoint *to, int flags)
{
    struct socket *socket = call->socket;
    if (spans_length(spans, count, false) >= LIMIT_LENT_BYTES && socket->kind->lend)
        socket->kind->lend(socket, lending);
    ssize_t n = socket->kind->send(socket, spans, count, to, flags);
    tcp_lending_close(lending);
    return n;
}

void lend_end(struct call *call, struct tcp_lending *lending)
{
    struct sock_host *host = call->t->host;
    for (int i = 0; i < LIMIT_LENT_LOOKS && call->socket && tcp_lending_under_way(lending); i++) {
        if (!host->operations->look_back(host))
            break;
    }
    tcp_lending_end(lending);
}
