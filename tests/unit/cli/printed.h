/* What a call prints on standard output. */
#ifndef TESTS_UNIT_CLI_PRINTED_H
#define TESTS_UNIT_CLI_PRINTED_H

#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char printed[64 * 1024];
static int printed_before; /* what standard output was */

/* In between nothing is asserted, so that what an assertion says is seen. */
static inline void print_begin(void)
{
    fflush(stdout);
    int file = memfd_create("printed", 0);
    printed_before = dup(STDOUT_FILENO);
    assert_true(file >= 0 && printed_before >= 0);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    close(file);
}

static inline const char *print_end(void)
{
    fflush(stdout);
    ssize_t length = pread(STDOUT_FILENO, printed, sizeof printed, 0);
    dup2(printed_before, STDOUT_FILENO);
    close(printed_before);
    assert_in_range(length, 0, sizeof printed - 1);
    printed[length] = 0;
    return printed;
}

#endif
