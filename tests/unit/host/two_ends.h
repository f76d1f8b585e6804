/* Two stacks joined by a pair of kernel sockets, in real time, for tests of many threads. A thread
 * that is never woken hangs, and the test's time limit tells. */
#ifndef TESTS_UNIT_HOST_TWO_ENDS_H
#define TESTS_UNIT_HOST_TWO_ENDS_H

#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "host/open.h"
#include "pair_link.h"

/* cmocka's assertions jump, which only its own thread may: what goes wrong in others is counted,
 * and said. */
static atomic_int failures;

static inline bool expect(bool right, const char *what)
{
    if (right)
        return true;
    failures++;
    print_error("%s: %s\n", what, strerror(errno));
    return false;
}

static struct tern *ends[2]; /* 10.0.0.1 and 10.0.0.2 */

/* The first of them has `first`, but for its address. */
static inline void setup_with(const struct tern_config *first)
{
    static const char *const addresses[2] = {"10.0.0.1/24", "10.0.0.2/24"};
    int descriptors[2];
    failures = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, descriptors), 0);
    for (int i = 0; i < 2; i++) {
        struct tern_config config = i == 0 ? *first : (struct tern_config){0};
        config.address = addresses[i];
        struct tern_error error;
        if (open_over(pair_link_over(descriptors[i]), &config, &ends[i], &error) < 0)
            fail_msg("%s", error.text);
    }
}

static inline void setup(void)
{
    setup_with(&(struct tern_config){0});
}

static inline void teardown(void)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(tern_quiesce(ends[i], TIME_S(20)), 0);
    for (int i = 0; i < 2; i++)
        tern_close_stack(ends[i]);
    assert_int_equal(failures, 0);
}

static inline void join_all(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

#endif
