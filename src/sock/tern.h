/* A stack as its user holds it: the machine, the table of its sockets, and the host that gives it
 * time, packets and turns.
 *
 * Two things make one: tern_open() (host/open.c), whose host is a device and threads, and
 * tern_engine_new() (engine.c), whose host is the caller. Both call tern_create() and differ in
 * nothing else. The floor's files hold one group of public calls each; socket.h says how they
 * hang together. */
#ifndef TERN_SOCK_TERN_H
#define TERN_SOCK_TERN_H

#include <stdint.h>

#include <tern/tern.h>

#include "core/stack.h"
#include "sock/descriptor.h"

struct host;

struct tern {
    struct stack stack;
    struct interface *interface; /* the stack's only one, for now */
    struct host *host;           /* whom the calls enter, leave, wait for and are woken by */
    struct descriptors descriptors;
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
    struct host *host; /* stays the caller's */
};

/* Makes a stack with one interface, through which every destination is reached (a TUN device has
 * no neighbours). 0, or a negative errno with a sentence in `error` (may be NULL): -EINVAL
 * (address, mtu, settings), -ENOMEM. */
int tern_create(const struct tern_parameters *parameters, struct tern **out,
                struct tern_error *error);

/* Resets what is still open (the resets leave through `transmit`) and frees the stack, but not its
 * host, which has nothing of it running any more and is not told. */
void tern_destroy(struct tern *t);

/* Fills in `error`, which may be NULL, and returns -code. */
int tern_error_set(struct tern_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
