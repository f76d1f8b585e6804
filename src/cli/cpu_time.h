/* What processors this process keeps busy. */
#ifndef TERN_CLI_CPU_TIME_H
#define TERN_CLI_CPU_TIME_H

#include <stdint.h>

/* What all threads of the process have used. */
struct cpu_time {
    uint64_t user_ns, system_ns; /* in the program, and in the kernel for it */
};

/* The same of the time that passed, in percent: 100 is one processor. */
struct cpu_share {
    double total, user, system;
};

struct cpu_time cpu_time_now(void);

/* What was used from `before` to `after`, while `elapsed_ns` passed; zeros when none did. */
struct cpu_share cpu_share_of(struct cpu_time before, struct cpu_time after, uint64_t elapsed_ns);

#endif
