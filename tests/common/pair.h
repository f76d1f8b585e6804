/* Two stacks joined by a link, in one thread and in virtual time.
 *
 * Nothing sleeps: time jumps to the next thing that is due at either end or on the link. Calls on
 * either end may block; while one does, everything else goes on, and `meanwhile` may use the other
 * end as its own thread would. Links are those of link/: a memory pair, and a fault link in between
 * where `fault` asks for one. The same options give the same run, to the byte.
 *
 * A call that would block for ever fails with EDEADLK: nothing is due, so nothing will change. */
#ifndef TESTS_COMMON_PAIR_H
#define TESTS_COMMON_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <tern/tern.h>

struct link;
struct pair;

struct pair_options {
    uint32_t mtu;               /* 0: 1500 */
    uint32_t features;          /* TERN_LINK_… */
    const char *fault;          /* for fault_profile_parse(), both ways; NULL: none */
    const char *settings[2];    /* of each end */
    uint64_t seed;              /* of the stacks */
    bool cannot_wait;           /* the ends have no wait: their calls never block */
    tern_trace_function *trace; /* of both; `user` is the struct pair_end */
};

struct pair_end {
    struct pair *pair;
    struct tern *t;
    struct link *link;
    int index;
    uint64_t packets_out; /* so far */
    bool cut;             /* what it sends is lost */
    int output_error;     /* what its link answers from now on; 0: it takes packets */
};

struct pair {
    struct pair_end ends[2]; /* 10.0.0.1 and 10.0.0.2, both /24 */
    uint64_t now_ns;
    /* Called after every step of a call that waits: time for what another thread would do. */
    void (*meanwhile)(struct pair *pair);
    void *user;
    int interrupt_in; /* steps until a waiting call is interrupted (EINTR); 0: never */
    int idle;         /* waits in a row that nothing came of */
};

#define PAIR_ADDRESS_0 "10.0.0.1"
#define PAIR_ADDRESS_1 "10.0.0.2"

/* Stops the test on a failure. `options` may be NULL. */
void pair_open(struct pair *pair, const struct pair_options *options);
void pair_close(struct pair *pair);
/* Joins a new TCP socket of end 0 to one of end 1, over this port of end 1, where nobody listens
 * any more afterwards. */
void pair_connect(struct pair *pair, uint16_t port, int *client, int *server);

/* Does the next thing that is due before or at `until_ns`, moving time there. False when there is
 * none; then it is `until_ns` (unless that is UINT64_MAX). */
bool pair_step(struct pair *pair, uint64_t until_ns);
/* Lets `duration_ns` pass. */
void pair_run(struct pair *pair, uint64_t duration_ns);
/* Lets time pass until nothing is due any more at either end; stops the test if that is not within
 * an hour of virtual time. */
void pair_settle(struct pair *pair);

#endif
