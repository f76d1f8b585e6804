/* A world of two machines in virtual time: two engines joined by a memory link, with faults in
 * between and every packet captured.
 *
 * Nothing in it reads a clock or a random source but its seed: the same seed is the same world, to
 * the byte. Time passes in world_run(), from one deadline to the next, as fast as the processor
 * goes. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <tern/tern.h>

#include "link/fault.h"

struct world_config {
    uint64_t seed;
    uint32_t mtu;                  /* 0: 1500 */
    uint32_t link_features;        /* TERN_LINK_… */
    const char *settings[2];       /* of each machine, or NULL */
    struct fault_profile fault[2]; /* from machine 0 to 1, and back */
    uint32_t refuse_percent[2];    /* of what each machine sends its link does not take */
    const char *capture_path;      /* NULL: the capture is only hashed */
};

struct world {
    struct tern *machine[2]; /* 10.0.0.1 and 10.0.0.2 */
    struct link *link[2];
    uint64_t now_ns;
    uint64_t capture_hash; /* of every byte of the capture */
    uint64_t packets;
};

void world_open(struct world *world, const struct world_config *config);
/* Closes both machines; the capture is complete then. */
void world_close(struct world *world);

/* Lets everything happen that can happen now, then calls `step` (may be NULL); repeats while `step`
 * says that it did something; then lets time pass to the next deadline. Until `step` returns
 * WORLD_STOP, nothing is pending any more, or `until_ns`. Whether it was stopped by `step` or ran
 * dry (false: the time was over). */
enum world_answer { WORLD_IDLE, WORLD_BUSY, WORLD_STOP };
bool world_run(struct world *world, uint64_t until_ns, enum world_answer (*step)(void *user),
               void *user);

/* The address of machine 0 or 1, with this port. */
struct sockaddr *world_address(int machine, uint16_t port);
socklen_t world_address_length(void);

#endif
