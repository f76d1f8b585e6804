#ifndef TESTS_COMMON_FAILS_H
#define TESTS_COMMON_FAILS_H

#include <errno.h>

/* A call of the public door says -1 and this errno. */
#define assert_fails(call, error)       \
    do {                                \
        errno = 0;                      \
        assert_int_equal(call, -1);     \
        assert_int_equal(errno, error); \
    } while (0)

#endif
