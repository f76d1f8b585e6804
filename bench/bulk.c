/* Many bytes one way, from memory to memory. One connection is served by calls that block, several
 * by poll in one thread, as their users would do it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "work.h"

enum { BLOCK = 256 * 1024, FLOWS_MAX = 64 };

static uint8_t block[BLOCK];

struct flow {
    uint64_t done;
    uint64_t ended_ns; /* after the start; 0: not yet */
};

static void report(const struct flow *flows, unsigned count, const struct stopwatch *watch)
{
    struct stopwatch took = stopwatch_read(watch);
    uint64_t bytes = 0, fastest = UINT64_MAX, slowest = 0;
    for (unsigned i = 0; i < count; i++) {
        bytes += flows[i].done;
        fastest = flows[i].ended_ns < fastest ? flows[i].ended_ns : fastest;
        slowest = flows[i].ended_ns > slowest ? flows[i].ended_ns : slowest;
    }
    printf("gbit=%.3f cpu=%.4f fair=%.3f\n", 8.0 * (double)bytes / (double)took.wall_ns,
           (double)took.cpu_ns / (double)bytes, slowest ? (double)fastest / (double)slowest : 1);
}

/* Moves a block of one flow. False at its end: all of `bytes` are sent, or, with 0, the peer's end
 * has come. */
static bool flow_move(struct flow *flow, int socket, uint64_t bytes, int flags)
{
    uint64_t left = bytes - flow->done;
    ssize_t n = bytes ? net_send(socket, block, left < BLOCK ? (size_t)left : BLOCK, flags)
                      : net_recv(socket, block, BLOCK, flags);
    if (n < 0 && errno != EAGAIN)
        fail("the connection broke");
    flow->done += n > 0 ? (uint64_t)n : 0;
    return bytes ? flow->done < bytes : n != 0;
}

static void move_one(struct flow *flow, int socket, uint64_t bytes)
{
    while (flow_move(flow, socket, bytes, 0))
        ;
}

static void move_many(struct flow *flows, const int *sockets, unsigned count, uint64_t bytes,
                      const struct stopwatch *watch)
{
    struct pollfd ready[FLOWS_MAX];
    for (unsigned i = 0; i < count; i++)
        ready[i] = (struct pollfd){.fd = sockets[i], .events = bytes ? POLLOUT : POLLIN};
    for (unsigned left = count; left > 0;) {
        if (net_poll(ready, count, -1) < 0)
            fail("cannot poll");
        for (unsigned i = 0; i < count; i++) {
            if (ready[i].fd < 0 || !ready[i].revents ||
                flow_move(&flows[i], sockets[i], bytes, MSG_DONTWAIT))
                continue;
            flows[i].ended_ns = stopwatch_read(watch).wall_ns;
            ready[i].fd = -1;
            left--;
        }
    }
}

static void move(const int *sockets, unsigned count, uint64_t bytes)
{
    struct flow flows[FLOWS_MAX] = {0};
    struct stopwatch watch;
    stopwatch_start(&watch);
    if (count == 1)
        move_one(&flows[0], sockets[0], bytes);
    else
        move_many(flows, sockets, count, bytes, &watch);
    for (unsigned i = 0; i < count && bytes; i++)
        net_finish(sockets[i]);
    /* The other side closes when it has all. */
    for (unsigned i = 0; i < count && bytes; i++)
        while (net_recv(sockets[i], block, BLOCK, 0) > 0)
            ;
    report(flows, count, &watch);
    for (unsigned i = 0; i < count; i++)
        net_close(sockets[i]);
}

void work_source(const char *host, unsigned flows, uint64_t bytes)
{
    int sockets[FLOWS_MAX];
    memset(block, 'x', sizeof block);
    for (unsigned i = 0; i < flows && i < FLOWS_MAX; i++)
        sockets[i] = net_connect(host, WORK_PORT, true);
    move(sockets, flows, bytes);
}

void work_sink(unsigned flows)
{
    int listener = net_listen(WORK_PORT), sockets[FLOWS_MAX];
    memset(block, 'x', sizeof block);
    for (unsigned i = 0; i < flows && i < FLOWS_MAX; i++)
        if ((sockets[i] = net_accept(listener)) < 0)
            fail("cannot accept");
    move(sockets, flows, 0);
    net_close(listener);
}
