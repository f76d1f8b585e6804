/* Several stacks over the queues of one device, with the kernel on the other side, whose choice of
 * queues is its own. For programs run by scripts/sandbox (scenario.h). */
#ifndef TESTS_INTEROP_QUEUES_H
#define TESTS_INTEROP_QUEUES_H

#include "scenario.h"

enum { QUEUES_MOST = 4 };

struct queues {
    unsigned count;
    struct tern *stacks[QUEUES_MOST]; /* NULL: closed already */
    struct scenario place;            /* the addresses */
};

/* Each has a device and a subnet of its own. */
void queues_open(struct queues *queues, unsigned count, bool no_offload);
void queues_close(struct queues *queues);

/* The counter's value in all of them. */
uint64_t queues_counter(const struct queues *queues, const char *counter);
/* Calls on a socket of ours end after PATIENCE_S. */
void queues_patient(struct tern *tern, int socket);

#endif
