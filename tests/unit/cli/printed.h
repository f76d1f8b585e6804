/* What a call prints on standard output, or on standard error. */
#ifndef TESTS_UNIT_CLI_PRINTED_H
#define TESTS_UNIT_CLI_PRINTED_H

#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char printed[64 * 1024];
static FILE *printed_to;
static int printed_before; /* what its descriptor was */

/* In between nothing is asserted, so that what an assertion says is seen. */
static inline void print_begin_on(FILE *stream)
{
    fflush(stream);
    int file = memfd_create("printed", 0);
    printed_to = stream;
    printed_before = dup(fileno(stream));
    assert_true(file >= 0 && printed_before >= 0);
    assert_int_equal(dup2(file, fileno(stream)), fileno(stream));
    close(file);
}

static inline void print_begin(void)
{
    print_begin_on(stdout);
}

static inline const char *print_end(void)
{
    fflush(printed_to);
    ssize_t length = pread(fileno(printed_to), printed, sizeof printed, 0);
    dup2(printed_before, fileno(printed_to));
    close(printed_before);
    assert_in_range(length, 0, sizeof printed - 1);
    printed[length] = 0;
    return printed;
}

#endif
