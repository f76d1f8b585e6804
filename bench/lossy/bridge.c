/* bridge FAULTS NAMESPACE: a bad network between two namespaces, for whatever TCP stands at its
 * ends.
 *
 * A TUN device here and one in the other namespace (a path such as /proc/PID/ns/net), and between
 * them the fault link: what one kernel sends the other receives, as far as FAULTS (as of tern
 * --fault) let it. The kernel here has 10.9.0.1, the other 10.9.0.2. Says "ready" when both are up,
 * and ends with its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "link/fault.h"
#include "link/tun_open.h"

enum { BUDGET = 64 };

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return TIME_S((uint64_t)t.tv_sec) + (uint64_t)t.tv_nsec;
}

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bridge: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static struct link *open_end(const char *kernels, const char *others)
{
    struct link *link;
    char error[256];
    struct tun_config config = {.device = "bridge0", .address = others, .peer = kernels};
    if (tun_link_open(&config, &link, error, sizeof error) < 0)
        give_up("bridge0", error);
    return link;
}

static void enter(const char *namespace)
{
    int descriptor = open(namespace, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || setns(descriptor, CLONE_NEWNET) < 0)
        give_up(namespace, strerror(errno));
    close(descriptor);
}

/* A device that has no room has lost the packet, as a full network would. */
static enum drop_reason pass_on(void *to, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    struct iovec span = {.iov_base = (void *)(uintptr_t)packet, .iov_len = length};
    return link_send(to, &span, 1, offload, now_ns) ? DROP_LINK : DROP_NONE;
}

/* Waits for a packet, for one to become due, or for the end of standard input (then false). */
static bool wait_for_more(struct pollfd waits[3], uint64_t deadline_ns)
{
    uint64_t at = now();
    uint64_t left = deadline_ns > at ? deadline_ns - at : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / TIME_S(1)),
                               .tv_nsec = (long)(left % TIME_S(1))};
    ppoll(waits, 3, deadline_ns == TIME_NEVER ? NULL : &timeout, NULL);
    char byte;
    return !waits[2].revents || read(STDIN_FILENO, &byte, 1) > 0;
}

int main(int count, char **arguments)
{
    struct fault_profile profile[2];
    char error[256];
    if (count != 3)
        give_up("usage", "bridge FAULTS NAMESPACE");
    if (fault_profile_parse(arguments[1], &profile[0], error, sizeof error) < 0)
        give_up(arguments[1], error);
    profile[1] = profile[0];
    struct link *here = open_end("10.9.0.1", "10.9.0.2/24");
    enter(arguments[2]);
    struct link *there = open_end("10.9.0.2", "10.9.0.1/24");
    if (fault_link_new(here, profile, &here) < 0)
        give_up("faults", "out of memory");
    puts("ready");
    fflush(stdout);

    struct pollfd waits[3] = {{.fd = link_descriptor(here), .events = POLLIN},
                              {.fd = link_descriptor(there), .events = POLLIN},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    do {
        int moved;
        do {
            moved = link_poll(here, now(), BUDGET, pass_on, there);
            moved += link_poll(there, now(), BUDGET, pass_on, here);
        } while (moved > 0);
    } while (wait_for_more(waits, link_deadline(here)));
    link_close(here);
    link_close(there);
    return EXIT_SUCCESS;
}
