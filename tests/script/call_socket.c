/* Calls that open, connect and close. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "script/call.h"

static void take_descriptor(struct call *call, struct connection *c, int64_t live)
{
    int64_t script = expression_integer(call->spec->result, call->run->problem);
    if (live < 0 || script < 0)
        return;
    if (connection_by_fd(call->run, (int)script))
        call_fail(call, "the script has a descriptor %d already", (int)script);
    c->script_fd = (int)script;
    c->live_fd = (int)live;
}

int64_t call_socket(struct call *call)
{
    const struct expression *domain = call_argument(call, 0);
    int family = expression_is_ellipsis(domain) ? AF_INET : (int)call_integer(call, 0);
    int type = (int)call_integer(call, 1);
    int protocol = (int)call_integer(call, 2);
    if (call_failed(call))
        return -1;
    int live = tern_socket(call->run->tern, family, type, protocol);
    call_return(call, live);
    if (live < 0)
        return live;
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (protocol == 0)
        protocol = kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    take_descriptor(call, connection_new(call->run, (uint8_t)protocol), live);
    return live;
}

/* `...` is the address that the call usually has, AF_UNSPEC one of no family,
 * {sa_family = …} that. */
static struct sockaddr_in read_address(struct call *call, size_t index, uint32_t address,
                                       uint16_t port)
{
    const struct expression *e = call_argument(call, index);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(address);
    if (expression_is_ellipsis(e))
        return in;
    if (e->kind != EXPRESSION_STRUCT) {
        in = (struct sockaddr_in){.sin_family =
                                      (sa_family_t)expression_integer(e, call->run->problem)};
        return in;
    }
    const struct expression *family = expression_member(e, "sa_family");
    const struct expression *number = expression_member(e, "sin_port");
    const struct expression *host = expression_member(e, "sin_addr");
    if (!family || !number || !host) {
        call_fail(call, "an address needs sa_family, sin_port and sin_addr");
        return in;
    }
    in.sin_family = (sa_family_t)expression_integer(family, call->run->problem);
    in.sin_port = (in_port_t)expression_integer(number, call->run->problem);
    in.sin_addr.s_addr = (in_addr_t)expression_integer(host, call->run->problem);
    return in;
}

int64_t call_bind(struct call *call)
{
    const struct config *config = call->run->config;
    struct connection *c = call_connection(call, 0);
    struct sockaddr_in in = read_address(call, 1, config->local, config->bind_port);
    if (call_failed(call))
        return -1;
    int result = tern_bind(call->run->tern, c->live_fd, (struct sockaddr *)&in, sizeof in);
    if (result == 0) {
        c->local_port = ntohs(in.sin_port);
        c->remote_port = config->connect_port; /* of a datagram that comes before any has left */
    }
    return call_return(call, result);
}

int64_t call_listen(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    int backlog = (int)call_integer(call, 1);
    if (call_failed(call))
        return -1;
    int result = tern_listen(call->run->tern, c->live_fd, backlog);
    if (result == 0)
        c->stage = STAGE_LISTENING;
    return call_return(call, result);
}

/* The oldest child that was not accepted yet, of that peer. */
static struct connection *child_of(struct run *run, const struct sockaddr_in *peer)
{
    struct connection *child = NULL;
    for (struct connection *c = run->connections; c; c = c->next)
        if (c->script_fd < 0 && c->stage >= STAGE_SYN_ARRIVED &&
            c->remote == ntohl(peer->sin_addr.s_addr) && c->remote_port == ntohs(peer->sin_port))
            child = c;
    return child;
}

static int64_t accept_with(struct call *call, bool flagged)
{
    struct connection *c = call_connection(call, 0);
    int flags = flagged ? (int)call_integer(call, 3) : 0;
    struct sockaddr_in peer = {0};
    struct sockaddr *address = (struct sockaddr *)&peer;
    socklen_t length = sizeof peer;
    if (call_failed(call))
        return -1;
    struct tern *t = call->run->tern;
    int live = flagged ? tern_accept4(t, c->live_fd, address, &length, flags)
                       : tern_accept(t, c->live_fd, address, &length);
    call_return(call, live);
    if (live < 0)
        return live;
    struct connection *child = child_of(call->run, &peer);
    if (child)
        take_descriptor(call, child, live);
    else
        call_fail(call, "it returned a connection that the script has not begun");
    return live;
}

int64_t call_accept(struct call *call)
{
    return accept_with(call, false);
}

int64_t call_accept4(struct call *call)
{
    return accept_with(call, true);
}

int64_t call_connect(struct call *call)
{
    const struct config *config = call->run->config;
    struct connection *c = call_connection(call, 0);
    bool unspecified = call_argument(call, 1)->kind == EXPRESSION_WORD;
    struct sockaddr_in in = read_address(call, 1, config->remote, config->connect_port);
    if (call_failed(call))
        return -1;
    if (unspecified) {
        c->stage = STAGE_NEW;
    } else if (c->stage == STAGE_NEW) {
        c->stage = STAGE_CONNECTING;
        c->remote_port = ntohs(in.sin_port);
    }
    return call_return(
        call, tern_connect(call->run->tern, c->live_fd, (struct sockaddr *)&in, sizeof in));
}

int64_t call_close(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    if (call_failed(call))
        return -1;
    int live = c->live_fd;
    c->closed = true;
    return call_return(call, tern_close(call->run->tern, live));
}

int64_t call_shutdown(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    int how = (int)call_integer(call, 1);
    if (call_failed(call))
        return -1;
    return call_return(call, tern_shutdown(call->run->tern, c->live_fd, how));
}
