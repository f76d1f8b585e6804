/* The works that are measured. Each is one side of a conversation and says, in one line of
 * "name=value" on standard output, what it took. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdint.h>

#define WORK_PORT 7000

/* bulk.c */
void work_source(const char *host, unsigned flows, uint64_t bytes);
void work_sink(unsigned flows);
/* talk.c */
void work_ask(const char *host, unsigned count, int spins);
void work_answer(unsigned count, int spins);
/* calls.c */
void work_call(const char *host, unsigned count, unsigned at_a_time, int spins);
void work_serve(unsigned count);
void work_hold(unsigned count);
void work_idle(const char *host, unsigned count, unsigned waves);

struct stopwatch {
    uint64_t wall_ns, cpu_ns;
};
void stopwatch_start(struct stopwatch *watch);
/* What has passed since the start; the start stays. */
struct stopwatch stopwatch_read(const struct stopwatch *watch);

#endif
