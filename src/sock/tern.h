/* A stack as its user holds it: the machine, the table of its sockets, and the host that gives it
 * time, packets and turns.
 *
 * Two things make one: tern_open() (host/open.c), whose host is a device and threads, and
 * tern_engine_new() (engine.c), whose host is the caller. Both call tern_create() and differ in
 * nothing else.
 *
 * The floor's other files: host.h, what a host must do; socket.h, the socket and its kinds
 * (kind_*.c); call.h and wait.h, the shape of every call and the one way to wait;
 * interest.h, interests that outlast a call; then one file for each group of public calls: open.c,
 * data.c over data_send.c and data_receive.c, options.c, close.c, poll.c, select.c, epoll_call.c
 * (over epoll.h), easy.c, watch.c, loop.c, see.c. */
#ifndef TERN_SOCK_TERN_H
#define TERN_SOCK_TERN_H

#include <stdint.h>

#include <tern/tern.h>

#include "base/list.h"
#include "core/stack.h"
#include "sock/descriptor.h"
#include "sock/host.h"
#include "sock/preferences.h"
#include "sock/streak.h"

struct tern {
    struct stack stack;
    struct interface *interface; /* the stack's only one, for now */
    struct sock_host *host;
    struct descriptors descriptors;
    struct slab socket_slab;
    struct socket_preferences *usual; /* of new sockets; NULL: still to be made */
    struct list waiting;   /* struct waiting (wait.h): calls that wait for the stack as a whole */
    struct list due;       /* struct watch (watch.c): callbacks that tern_step will call */
    struct streak streak;  /* of writes, the last calls */
    uint64_t epoll_items;  /* of all instances of epoll */
    uint64_t epoll_search; /* the number of the last search among them (epoll_nest.c) */
    unsigned lingering;    /* sockets that are closed, but whose close call still waits */
    unsigned away;         /* calls that have given the machine away and will come back to it */
};

/* What a stack is made of. Strings are only read during the call. */
struct tern_parameters {
    const uint8_t *seed; /* RANDOM_SEED_SIZE bytes */
    uint64_t now_ns;
    const char *address; /* ours and the subnet's prefix: "10.0.0.3/24" */
    uint32_t mtu;
    uint32_t link_features; /* TERN_LINK_… */
    uint32_t super_packet_max;
    /* The interface's (core/interface.h). */
    int (*transmit)(void *link, const struct iovec *spans, int count,
                    const struct tern_offload *offload);
    void *link;
    const char *settings; /* "name=value,name=value", or NULL */
    tern_trace_function *trace;
    void *trace_user;
    struct sock_host *host; /* from now on the stack's; before, and after a failure, the caller's */
};

/* Makes a stack with one interface, through which every destination is reached (a TUN device has
 * no neighbours). 0, or a negative errno with a sentence in `error` (may be NULL): -EINVAL
 * (address, mtu, settings), -ENOMEM. */
int tern_create(const struct tern_parameters *parameters, struct tern **out,
                struct tern_error *error);

/* Whether a stack can have these settings (may be NULL): 0, or -EINVAL with a sentence in `error`.
 * For who makes a device or overwrites a file before there is a stack to say so. */
int tern_check_settings(const char *text, struct tern_error *error);

/* Resets what is still open (the resets leave through `transmit`) and frees the stack, but not its
 * host, which runs nothing of it any more and is not told. */
void tern_destroy(struct tern *t);

/* Fills in `error`, which may be NULL, and returns -code. */
int tern_error_set(struct tern_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
