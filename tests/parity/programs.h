/* Programs beside the matrix: each a function that plays one thing from beginning to end. */
#ifndef TESTS_PARITY_PROGRAMS_H
#define TESTS_PARITY_PROGRAMS_H

#include "play.h"

struct program {
    const char *name;
    void (*run)(struct play *p);
};

extern const struct program programs_stream[], programs_name[], programs_option[], programs_epoll[],
    programs_errors[];
extern const unsigned programs_stream_count, programs_name_count, programs_option_count,
    programs_epoll_count, programs_errors_count;

#endif
