#include "cli/cpu_time.h"

#include <sys/resource.h>

#include "base/time.h"

static uint64_t ns_of(struct timeval time)
{
    return TIME_S((uint64_t)time.tv_sec) + TIME_US((uint64_t)time.tv_usec);
}

struct cpu_time cpu_time_now(void)
{
    struct rusage used = {0};
    getrusage(RUSAGE_SELF, &used);
    return (struct cpu_time){.user_ns = ns_of(used.ru_utime), .system_ns = ns_of(used.ru_stime)};
}

struct cpu_share cpu_share_of(struct cpu_time before, struct cpu_time after, uint64_t elapsed_ns)
{
    if (elapsed_ns == 0)
        return (struct cpu_share){0};
    double user = 100.0 * (double)(after.user_ns - before.user_ns) / (double)elapsed_ns;
    double system = 100.0 * (double)(after.system_ns - before.system_ns) / (double)elapsed_ns;
    return (struct cpu_share){.total = user + system, .user = user, .system = system};
}
