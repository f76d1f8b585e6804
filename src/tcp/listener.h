/* Listeners: their life, and the connections that wait to be accepted. The calls are in tcp.h. */
#ifndef TERN_TCP_LISTENER_H
#define TERN_TCP_LISTENER_H

#include "tcp/tcb.h"

struct tcp_listener {
    struct stack *stack;
    struct tcp *tcp;
    void *owner;
    struct tcp_port *port;
    struct list port_link;
    struct endpoint local;
    struct tcp_preferences preferences; /* for what it accepts */
    struct list accept_queue;           /* tcb.queue, oldest first */
    struct list half_open;              /* half_open.link, oldest first */
    unsigned backlog, accept_count, half_open_count;
    struct list early;         /* tcb.fast_open.early_link: open before their handshake is over */
    unsigned fast_open_count;  /* of them */
    unsigned fast_open_resets; /* of those that were, and were reset */
    uint64_t fast_open_resets_until_ns;   /* so long they count as well */
    struct fast_open_keys fast_open_keys; /* TCP_FASTOPEN_KEY; none: the stack's */
    bool interactive;          /* what it accepts begins without quick ACKs (TCP_QUICKACK) */
    uint64_t cookies_until_ns; /* the last SYN cookie sent has expired then; 0: none was sent */
};

/* The accept queue has no room for another one. */
bool tcp_listener_is_full(const struct tcp_listener *listener);

#endif
