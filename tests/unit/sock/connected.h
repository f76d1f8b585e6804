/* A connection between a and b, fresh for each test. */
#ifndef TESTS_UNIT_SOCK_CONNECTED_H
#define TESTS_UNIT_SOCK_CONNECTED_H

#include "unit/sock/sockets.h"

static int client, server; /* its ends, of a and of b */

static inline int setup_connected(void **state)
{
    setup(state);
    pair_connect(&pair, 7, &client, &server);
    return 0;
}

#define connected_test(name) cmocka_unit_test_setup_teardown(name, setup_connected, teardown)

#endif
