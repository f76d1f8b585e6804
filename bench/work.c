/* bench_NAME WORK ARGUMENTS...: does one side of one of the measured works over the network that
 * the program is linked with. */
#include "work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "net.h"

void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t wall_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t of_timeval(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

/* User and system, all threads. */
static uint64_t cpu_now_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return of_timeval(usage.ru_utime) + of_timeval(usage.ru_stime);
}

/* The wall's clock is the last that is started and the first that is read. */
void stopwatch_start(struct stopwatch *watch)
{
    watch->cpu_ns = cpu_now_ns();
    watch->wall_ns = wall_now_ns();
}

struct stopwatch stopwatch_read(const struct stopwatch *watch)
{
    uint64_t wall_ns = wall_now_ns();
    return (struct stopwatch){wall_ns - watch->wall_ns, cpu_now_ns() - watch->cpu_ns};
}

static int usage(void)
{
    fprintf(stderr,
            "source HOST FLOWS BYTES   sends BYTES over each of FLOWS connections\n"
            "sink FLOWS                takes them\n"
            "ask HOST COUNT SPINS      sends 64 bytes and waits for 64, COUNT times\n"
            "answer COUNT SPINS        answers\n"
            "call HOST COUNT TOGETHER SPINS  COUNT connections of one question and answer\n"
            "serve COUNT               answers them\n"
            "hold COUNT                accepts COUNT connections and leaves them idle\n"
            "idle HOST COUNT WAVES     opens COUNT connections, in WAVES, and leaves them idle\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *work = argc > 1 ? argv[1] : "";
    unsigned long long n[6] = {0};
    for (int i = 2; i < argc && i < 6; i++)
        n[i] = strtoull(argv[i], NULL, 10);
    net_begin();
    if (!strcmp(work, "source") && argc == 5)
        work_source(argv[2], (unsigned)n[3], n[4]);
    else if (!strcmp(work, "sink") && argc == 3)
        work_sink((unsigned)n[2]);
    else if (!strcmp(work, "ask") && argc == 5)
        work_ask(argv[2], (unsigned)n[3], (int)n[4]);
    else if (!strcmp(work, "answer") && argc == 4)
        work_answer((unsigned)n[2], (int)n[3]);
    else if (!strcmp(work, "call") && argc == 6)
        work_call(argv[2], (unsigned)n[3], (unsigned)n[4], (int)n[5]);
    else if (!strcmp(work, "serve") && argc == 3)
        work_serve((unsigned)n[2]);
    else if (!strcmp(work, "hold") && argc == 3)
        work_hold((unsigned)n[2]);
    else if (!strcmp(work, "idle") && argc == 5)
        work_idle(argv[2], (unsigned)n[3], (unsigned)n[4]);
    else
        return usage();
    net_end();
    return 0;
}
