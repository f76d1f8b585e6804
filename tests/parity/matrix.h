/* Every call in every state: what a socket answers depends on little else. */
#ifndef TESTS_PARITY_MATRIX_H
#define TESTS_PARITY_MATRIX_H

#include "play.h"

/* Brings a socket into a state: p->subject, and where there is one p->peer. */
struct state {
    const char *name;
    void (*reach)(struct play *p);
};

/* One call on the socket `s`, its steps written down. */
struct action {
    const char *name;
    void (*act)(struct play *p, int s);
};

extern const struct state states[];
extern const unsigned state_count;

/* A list of them, and how many it has. */
#define ACTIONS(list)                            \
    extern const struct action actions_##list[]; \
    extern const unsigned actions_##list##_count

ACTIONS(join);
ACTIONS(move);
ACTIONS(control);
ACTIONS(wrong);

#endif
