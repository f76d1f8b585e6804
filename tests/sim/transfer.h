/* One conversation between the two machines of a world: both may send, in pieces of random size,
 * and close in any order. Checks as it goes that every byte arrives once and in order. */
#ifndef TESTS_SIM_TRANSFER_H
#define TESTS_SIM_TRANSFER_H

#include "base/random.h"
#include "sim/world.h"

enum transfer_close {
    CLOSE_WHEN_SENT,  /* shuts down its side as soon as all is written */
    CLOSE_AFTER_PEER, /* waits for the peer's end first */
    CLOSE_FULLY,      /* close() without shutdown, once the peer's end has been read */
    TRANSFER_CLOSES
};

enum { TRANSFER_WRITE_MOST = 1 << 20 };

struct transfer_side {
    uint64_t to_send;
    enum transfer_close close;
    uint32_t write_most, read_most; /* bytes a call */
    bool no_delay;
    int send_buffer, receive_buffer; /* 0: the default */
    int keepalive_s;                 /* TCP_KEEPIDLE; 0: none */
    bool fast_open;                  /* of who connects: what he writes first opens */
    bool spans;                      /* what is written comes from several places */
    bool urgent;                     /* some of it is sent with MSG_OOB, and read in line */
    bool paused;                     /* it neither reads nor writes while this is set */

    /* Progress. */
    int socket;
    uint64_t sent, received;
    bool connected, shut, ended, closed;
    int error;
};

struct transfer {
    struct world *world;
    struct random random;
    struct transfer_side side[2];
    int listener;
    uint64_t deadline_ns;
    uint16_t port;
    bool forged;       /* there are segments of somebody else's: what arrives may be anything */
    bool memory_fails; /* now and then: a call that says so is made again */
};

/* Machine 1 listens, machine 0 connects. */
void transfer_begin(struct transfer *transfer, struct world *world, uint64_t seed);
/* What side `index` has got by other means than transfer_step(): it must be what comes next. */
void transfer_arrived(struct transfer *transfer, int index, const uint8_t *bytes, size_t length);
/* To be given to world_run: WORLD_STOP when both sides have closed. */
enum world_answer transfer_step(void *transfer);

#endif
