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

#include "base/random.h"
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

struct world;

/* What a machine's link is to it. */
struct world_end {
    struct world *world;
    int index;
    uint32_t refuse_percent;
    struct random refusals;
};

struct world {
    struct tern *machine[2]; /* 10.0.0.1 and 10.0.0.2 */
    struct link *link[2];
    struct world_end end[2];
    void (*arrived)(struct world *world, int machine); /* after each packet, to look; or NULL */
    void *user;                                        /* of who does */
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

/* What world_run() consists of: moves packets until none moves; when something is due; lets time
 * pass. */
void world_settle(struct world *world);
uint64_t world_deadline(const struct world *world);
void world_advance(struct world *world, uint64_t now_ns);

/* A packet that the other machine has not sent; its transport's checksum need not be right. */
void world_inject(struct world *world, int machine, const void *packet, size_t length);

/* The address of machine 0 or 1, with this port. */
struct sockaddr *world_address(int machine, uint16_t port);
socklen_t world_address_length(void);

#endif
