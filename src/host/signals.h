/* Signals while a thread waits and drives. One that is handled ends the wait; but between two
 * sleeps in poll(2) a handler would have run before the next sleep begins, and nobody would be
 * told. So they are held back meanwhile, and let in while it sleeps, as by ppoll(2), or has not
 * slept for long. Those that a fault of the program's raises are not. */
#ifndef TERN_HOST_SIGNALS_H
#define TERN_HOST_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* One wait's. Starts as {0}; by the thread that waits alone. */
struct signals {
    bool held;
    sigset_t before;  /* what was let in before that */
    uint64_t seen_ns; /* when they were last let in */
};

/* From now on they are held back. */
void signals_hold(struct signals *signals, uint64_t now_ns);
/* Lets in those that have come, at most once a millisecond: whether one was handled. */
bool signals_came(struct signals *signals, uint64_t now_ns);
void signals_release(struct signals *signals);

#endif
