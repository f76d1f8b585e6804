/* Programs beside the matrix: each a function that plays one thing from beginning to end. */
#ifndef TESTS_PARITY_PROGRAMS_H
#define TESTS_PARITY_PROGRAMS_H

#include "play.h"

struct program {
    const char *name;
    void (*run)(struct play *p);
};

/* A list of them, and how many it has. */
#define PROGRAMS(list)                             \
    extern const struct program programs_##list[]; \
    extern const unsigned programs_##list##_count

PROGRAMS(stream);
PROGRAMS(datagram);
PROGRAMS(wrong);
PROGRAMS(cork);
PROGRAMS(segment);
PROGRAMS(gro);
PROGRAMS(many);
PROGRAMS(limits);
PROGRAMS(poll);
PROGRAMS(name);
PROGRAMS(option);
PROGRAMS(epoll);
PROGRAMS(errors);
PROGRAMS(room);
PROGRAMS(sendfile);

#endif
