/* Streams between a stack and the kernel, every byte compared. */
#ifndef TESTS_INTEROP_EXCHANGE_H
#define TESTS_INTEROP_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "scenario.h"

/* One end of a connection: a socket of the stack, or of the kernel (tern NULL). */
struct end {
    struct tern *tern;
    int socket;
};

ssize_t end_send(struct end end, const void *bytes, size_t length);
ssize_t end_receive(struct end end, void *bytes, size_t length);
int end_shutdown(struct end end, int how);
int end_close(struct end end);
/* SO_LINGER. */
void end_linger(struct end end, int seconds);

/* A connection, seen from its ends. */
struct pair {
    struct end ours, kernels;
};

/* We connect; the kernel does. Calls on either end give up after PATIENCE_S. */
struct pair pair_connect(const struct scenario *scenario);
struct pair pair_accept(const struct scenario *scenario);
/* The same with a listening socket that is there already. */
struct pair pair_connect_to(const struct scenario *scenario, int listener, uint16_t port);
struct pair pair_accept_from(const struct scenario *scenario, int listener, uint16_t port);
void pair_close(struct pair pair);

/* A listening socket of ours, and its port. */
int tern_listener(const struct scenario *scenario, uint16_t *port);

/* What a writer does after its last byte. */
enum ending {
    END_WITH_SHUTDOWN,
    END_WITH_CLOSE,
    END_NOT, /* and the reader expects no end */
};

/* One direction of a stream. The bytes are a pattern that never repeats; its reader compares each,
 * and then expects the end. */
struct flow {
    struct end from, to;
    _Atomic uint64_t bytes; /* the writer of UNTIL_STOPPED sets it before its last call */
    uint64_t seed;
    atomic_bool stopped;
    enum ending ending;
    pthread_t writer, reader;
    _Atomic uint64_t sent, received; /* so far */
    char wrong[2][160];
};

void flow_start(struct flow *flow);
/* Waits for its end; fails the test when anything has gone wrong. */
void flow_finish(struct flow *flow);
/* Both. */
void flow_run(struct end from, struct end to, uint64_t bytes);

/* The pattern's bytes from `offset` on. */
void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t length);

/* For tests that must do something in the middle of a stream: it has no end before
 * it is told to. */
#define UNTIL_STOPPED UINT64_MAX

/* Both directions at once, each ended by its writer. */
struct exchange {
    struct flow out, in;
};
void exchange_start(struct exchange *exchange, struct pair pair, uint64_t out, uint64_t in);
/* Ends what was started with UNTIL_STOPPED. */
void exchange_stop(struct exchange *exchange);
void exchange_finish(struct exchange *exchange);
void exchange_run(struct pair pair, uint64_t out, uint64_t in);

#endif
