/* A scenario: a stack over a TUN device with Linux on the other side, everything on the wire
 * captured. Each has a device and a subnet of its own, so that several may run side by side and
 * none meets what another has left in the kernel.
 *
 * A program of scenarios lists its tests with scenario_test(), ends the list with
 * scenario_captures_test(), and runs them with scenario_run(). It must run in a network namespace
 * of its own, as its root (scripts/sandbox); elsewhere it refuses to. */
#ifndef TESTS_INTEROP_SCENARIO_H
#define TESTS_INTEROP_SCENARIO_H

#include "unit.h"

#include <netinet/in.h>
#include <stdbool.h>

#include <tern/tern.h>

#include "base/time.h"

/* How long anything may take before it counts as never. */
#define PATIENCE_S  20
#define PATIENCE_NS TIME_S(PATIENCE_S)

struct wish {
    unsigned mtu;         /* 0: 1500 */
    const char *fault;    /* a fault link's profile, or NULL */
    const char *settings; /* or NULL */
    const char *explains; /* parts of what tshark may say about it, separated by '|', or NULL */
    bool unwatched;       /* nothing is captured: some of what a link does is for whom nobody
                             watches (reading text straight to its reader, packets of 256 KB) */
    bool no_offload;
};

struct scenario {
    struct tern *tern;
    char device[16];
    char ours[16], kernels[16]; /* addresses */
};

/* NULL: nothing special is wished. Fails the test when the stack cannot be opened. */
struct scenario *scenario_open(const struct wish *wish);
/* All sockets are closed: waits until the stack has nothing left to do, sees that it holds no
 * memory any more, and closes it. */
void scenario_close(struct scenario *scenario);
/* Closes the stack as it is. */
void scenario_break_off(struct scenario *scenario);

struct sockaddr_in scenario_sockaddr(const char *address, uint16_t port);
/* The counter's value. */
uint64_t scenario_count(const struct scenario *scenario, const char *counter);
/* The monotonic clock; and it plus PATIENCE_NS. */
uint64_t scenario_now_ns(void);
uint64_t scenario_deadline_ns(void);
/* Waits a moment before a condition is looked at again, while its deadline has not come. */
bool scenario_patient(uint64_t deadline_ns);

/* Waits until the condition holds; fails the test when it does not come true. */
#define wait_until(condition)                                \
    do {                                                     \
        uint64_t deadline_ns_ = scenario_deadline_ns();      \
        while (!(condition))                                 \
            if (!scenario_patient(deadline_ns_))             \
                fail_msg("never came true: %s", #condition); \
    } while (0)

/* A test fails, with errno's text, unless the call gives 0 or more. */
#define must(call) scenario_must((long)(call), #call, __FILE__, __LINE__)
int scenario_must(long result, const char *call, const char *file, int line);

/* A scenario that a failed test has left open is closed before the next. */
int scenario_teardown(void **state);
#define scenario_test(function) cmocka_unit_test_teardown(function, scenario_teardown)

int scenario_setup_all(void **state);
int scenario_teardown_all(void **state);
/* Ends with 77 where the tests cannot run. */
void scenario_need_namespace(void);
#define scenario_run(tests)     \
    (scenario_need_namespace(), \
     cmocka_run_group_tests(tests, scenario_setup_all, scenario_teardown_all))

#endif
