/* An endpoint's life, and what can be asked of it. */
#include <errno.h>
#include <stdlib.h>

#include "udp/internal.h"

static void udp_release(struct stack *stack)
{
    struct udp_state *state = udp_of(stack);
    while (!list_empty(&state->all))
        udp_close(container_of(state->all.next, struct udp, link));
    table_release(&state->ports);
    table_release(&state->peers);
    free(state);
    stack->protocols[IP_PROTOCOL_UDP].state = NULL;
}

int udp_attach(struct stack *stack)
{
    struct udp_state *state = calloc(1, sizeof *state);
    if (!state)
        return -ENOMEM;
    list_init(&state->all);
    if (table_init(&state->ports, 16) || table_init(&state->peers, 16)) {
        table_release(&state->ports);
        free(state);
        return -ENOMEM;
    }
    stack->protocols[IP_PROTOCOL_UDP] = (struct protocol){
        .input = udp_input, .error = udp_path_error, .release = udp_release, .state = state};
    return 0;
}

int udp_open(struct stack *stack, void *owner, struct udp **out)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (!udp)
        return -ENOMEM;
    udp->stack = stack;
    udp->owner = owner;
    datagrams_init(&udp->datagrams, (uint32_t)stack->settings.udp_rcvbuf);
    list_append(&udp_of(stack)->all, &udp->link);
    *out = udp;
    return 0;
}

void udp_close(struct udp *udp)
{
    udp_cork_drop(udp);
    udp_leave(udp);
    datagrams_release(udp->stack, &udp->datagrams);
    list_remove(&udp->link);
    free(udp);
}

ssize_t udp_receive(struct udp *udp, const struct iovec *spans, int count, int flags,
                    struct datagram_info *info)
{
    return datagrams_receive(udp->stack, &udp->datagrams, spans, count, flags, info);
}

int udp_shutdown(struct udp *udp, bool receive, bool send)
{
    udp->datagrams.receive_closed |= receive;
    udp->datagrams.send_closed |= send;
    stack_notify(udp->stack, udp->owner, datagrams_readiness(&udp->datagrams));
    return udp->remote.port == 0 ? -ENOTCONN : 0;
}

unsigned udp_readiness(const struct udp *udp)
{
    return datagrams_readiness(&udp->datagrams);
}

int udp_error(struct udp *udp, bool clear)
{
    return datagrams_error(&udp->datagrams, clear);
}

uint32_t udp_next_length(const struct udp *udp)
{
    return datagrams_next_length(&udp->datagrams);
}

void udp_stamps_begin(struct udp *udp)
{
    datagrams_stamps_begin(&udp->datagrams);
}

void udp_complete(struct udp *udp, struct error_note *completion)
{
    datagrams_complete(udp->stack, &udp->datagrams, completion);
    stack_notify(udp->stack, udp->owner, POLLERR);
}

struct error_note *udp_take_note(struct udp *udp)
{
    return datagrams_take_note(&udp->datagrams);
}

struct datagram_options *udp_options(struct udp *udp)
{
    return &udp->datagrams.options;
}

const struct endpoint *udp_local(const struct udp *udp)
{
    return &udp->local;
}

const struct endpoint *udp_remote(const struct udp *udp)
{
    return &udp->remote;
}
