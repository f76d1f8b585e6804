/* A question of 64 bytes and an answer of as many, again and again. Who spins does not sleep while
 * it waits, but asks again and again. */
#include <stdio.h>
#include <stdlib.h>

#include "net.h"
#include "work.h"

enum { MESSAGE = 64, WARM_UP = 200 };

static uint8_t message[MESSAGE];

static bool take(int socket, int spins)
{
    for (size_t got = 0; got < MESSAGE;) {
        ssize_t n = spins ? net_recv_spinning(socket, message, MESSAGE - got)
                          : net_recv(socket, message, MESSAGE - got, 0);
        if (n == 0)
            return false;
        if (n < 0)
            fail("the connection broke");
        got += (size_t)n;
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void work_ask(const char *host, unsigned count, int spins)
{
    uint64_t *took = calloc(count, sizeof *took);
    int socket = net_connect(host, WORK_PORT, true);
    struct stopwatch all, watch;
    if (!took)
        fail("no memory");
    net_no_delay(socket);
    for (unsigned i = 0; i < count + WARM_UP; i++) {
        if (i == WARM_UP)
            stopwatch_start(&all);
        stopwatch_start(&watch);
        if (net_send(socket, message, MESSAGE, 0) != MESSAGE || !take(socket, spins))
            fail("no answer");
        if (i >= WARM_UP)
            took[i - WARM_UP] = stopwatch_read(&watch).wall_ns;
    }
    double cpu = (double)stopwatch_read(&all).cpu_ns;
    qsort(took, count, sizeof *took, by_size);
    printf("p50=%.2f p99=%.2f cpu=%.2f\n", (double)took[count / 2] / 1000,
           (double)took[count - 1 - count / 100] / 1000, cpu / count / 1000);
    net_finish(socket);
    net_close(socket);
    free(took);
}

void work_answer(unsigned count, int spins)
{
    int listener = net_listen(WORK_PORT);
    int socket = net_accept(listener);
    if (socket < 0)
        fail("cannot accept");
    net_no_delay(socket);
    for (unsigned i = 0; i < count + WARM_UP && take(socket, spins); i++)
        if (net_send(socket, message, MESSAGE, 0) != MESSAGE)
            fail("the answer was not taken");
    while (net_recv(socket, message, MESSAGE, 0) > 0)
        ;
    net_close(socket);
    net_close(listener);
}
