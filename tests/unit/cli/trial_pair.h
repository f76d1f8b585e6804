/* A trial at each end of a pair (common/pair.h): end 0 is the client, end 1 the server. The
 * command's stopwatch shows the pair's time, so that a minute of patience takes no time at all; of
 * that, half goes by in the program and a quarter in the kernel.
 *
 * The linker's --wrap sends calls of stopwatch_ns and of cpu_time_now here
 * (tests/unit/meson.build). */
#ifndef TESTS_UNIT_CLI_TRIAL_PAIR_H
#define TESTS_UNIT_CLI_TRIAL_PAIR_H

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "base/time.h"
#include "cli/cpu_time.h"
#include "cli/interrupt.h"
#include "cli/perf_trial.h"
#include "common/fails.h"
#include "common/pair.h"

enum { TRIAL_PORT = 5201 };

static struct pair trial_pair;
static struct session trial_sessions[2];
static struct trial trials[2];

uint64_t __wrap_stopwatch_ns(void);
uint64_t __wrap_stopwatch_ns(void)
{
    return trial_pair.now_ns;
}

struct cpu_time __wrap_cpu_time_now(void);
struct cpu_time __wrap_cpu_time_now(void)
{
    return (struct cpu_time){.user_ns = trial_pair.now_ns / 2, .system_ns = trial_pair.now_ns / 4};
}

static inline struct tern *trial_stack(int end)
{
    return trial_pair.ends[end].t;
}

static inline int trials_open(void **state)
{
    (void)state;
    pair_open(&trial_pair, NULL);
    for (int end = 0; end < 2; end++) {
        trial_sessions[end] = (struct session){.stack = trial_stack(end), .quiet = true};
        memset(&trials[end], 0, sizeof trials[end]);
        trials[end].session = &trial_sessions[end];
        trials[end].server = end == 1;
        trials[end].control = trials[end].listener = -1;
        trials[end].test.streams = 1;
    }
    return 0;
}

static inline int trials_close(void **state)
{
    (void)state;
    interrupt_note(0);
    pair_close(&trial_pair);
    return 0;
}

/* Takes a listener of the server's. */
static inline void trial_listen(void)
{
    struct trial *server = &trials[1];
    server->listener = tern_listen_on(trial_stack(1), "5201", 16);
    assert_true(server->listener >= 0);
    assert_int_equal(tern_fcntl(trial_stack(1), server->listener, F_SETFL, O_NONBLOCK), 0);
}

/* Calls it from the client's end: a socket whose calls do not block. */
static inline int trial_call(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(TRIAL_PORT)};
    inet_pton(AF_INET, PAIR_ADDRESS_1, &to.sin_addr);
    int socket = tern_socket(trial_stack(0), AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(socket >= 0);
    assert_fails(tern_connect(trial_stack(0), socket, (const void *)&to, sizeof to), EINPROGRESS);
    return socket;
}

/* The caller is told that it comes at the wrong time, and is let go. */
static inline void assert_denied(int caller)
{
    int8_t said[2] = {0};
    pair_run(&trial_pair, TIME_MS(10));
    assert_int_equal(tern_recv(trial_stack(0), caller, said, sizeof said, 0), 1);
    assert_int_equal(said[0], PERF_ACCESS_DENIED);
    assert_int_equal(tern_recv(trial_stack(0), caller, said, sizeof said, 0), 0);
}

#endif
