/* The network of the papers: several senders, each behind an access path of its own, share one
 * bottleneck to one receiver. Each sender is a machine and sends one endless flow.
 *
 *   sender 0 ── access 0 ──┐
 *   sender 1 ── access 1 ──┼── bottleneck ── receiver
 *   …                      ┘
 *
 * In virtual time, from a seed: the same configuration gives the same numbers, to the byte. */
#ifndef TESTS_SIM_DUMBBELL_H
#define TESTS_SIM_DUMBBELL_H

#include <stdint.h>

#include <tern/tern.h>

#include "link/fault.h"

enum { DUMBBELL_FLOWS = 8 };

struct dumbbell_config {
    uint64_t seed;
    struct fault_profile bottleneck[2]; /* towards the receiver, and back */
    unsigned flows;
    struct {
        const char *settings; /* of the sender */
        uint64_t access_ns;   /* delay of its access path, each way */
        uint64_t start_ns;    /* when it begins, counted from the start */
    } flow[DUMBBELL_FLOWS];
};

struct tcb;

struct dumbbell {
    const struct dumbbell_config *config;
    struct tern *receiver, *sender[DUMBBELL_FLOWS];
    struct link *bottleneck[2];             /* the senders' end, the receiver's */
    struct link *access[DUMBBELL_FLOWS][2]; /* the sender's end, the bottleneck's */
    uint64_t start_ns, now_ns;
    int listener;
    int out[DUMBBELL_FLOWS]; /* the senders' sockets; -1: not begun */
    int in[DUMBBELL_FLOWS];  /* the receiver's */
    uint64_t received[DUMBBELL_FLOWS];
};

void dumbbell_open(struct dumbbell *d, const struct dumbbell_config *config);
void dumbbell_close(struct dumbbell *d);

/* Lets time pass until `after_ns` from the start. Every `every_ns` on the way `sample` is called
 * (NULL: never). */
void dumbbell_run(struct dumbbell *d, uint64_t after_ns, uint64_t every_ns,
                  void (*sample)(void *user, struct dumbbell *d), void *user);

/* What has passed since the start. */
static inline uint64_t dumbbell_time(const struct dumbbell *d)
{
    return d->now_ns - d->start_ns;
}

/* The sender's end of a flow; NULL before it begins. */
const struct tcb *dumbbell_tcb(const struct dumbbell *d, unsigned flow);
/* A counter of the sender's. */
uint64_t dumbbell_counter(const struct dumbbell *d, unsigned flow, const char *name);

#endif
