/* Connections that each carry one question of 64 bytes and one answer, some at a time; and
 * connections that carry nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "work.h"

enum { MESSAGE = 64, TOGETHER_MAX = 1024 };

static uint8_t message[MESSAGE];

static void call_begin(struct pollfd *slot, const char *host)
{
    *slot = (struct pollfd){.fd = net_connect(host, WORK_PORT, false), .events = POLLOUT};
}

/* Goes on with a call whose socket is ready: true once it is over. */
static bool call_goes_on(struct pollfd *slot)
{
    if (slot->events == POLLOUT) {
        if (net_send(slot->fd, message, MESSAGE, MSG_DONTWAIT) != MESSAGE)
            fail("the question was not taken");
        slot->events = POLLIN;
        return false;
    }
    ssize_t n = net_recv(slot->fd, message, MESSAGE, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n != MESSAGE)
        fail("no answer");
    net_close(slot->fd);
    return true;
}

void work_call(const char *host, unsigned count, unsigned at_a_time, int spins)
{
    struct pollfd slots[TOGETHER_MAX];
    struct stopwatch watch;
    unsigned begun = 0, over = 0;
    stopwatch_start(&watch);
    for (; begun < at_a_time && begun < count; begun++)
        call_begin(&slots[begun], host);
    while (over < count) {
        if (net_poll(slots, at_a_time, spins ? 0 : -1) < 0)
            fail("cannot poll");
        for (unsigned i = 0; i < at_a_time; i++) {
            if (slots[i].fd < 0 || !slots[i].revents || !call_goes_on(&slots[i]))
                continue;
            over++;
            slots[i].fd = -1;
            if (begun++ < count)
                call_begin(&slots[i], host);
        }
    }
    struct stopwatch took = stopwatch_read(&watch);
    printf("calls=%.0f cpu=%.2f\n", count / ((double)took.wall_ns / 1e9),
           (double)took.cpu_ns / count / 1000);
}

/* Each slot but the first, the listener's, is a connection whose question has not come yet. */
void work_serve(unsigned count)
{
    struct pollfd slots[TOGETHER_MAX + 1] = {{.fd = net_listen(WORK_PORT), .events = POLLIN}};
    struct stopwatch watch = {0};
    unsigned used = 1;
    for (unsigned over = 0; over < count;) {
        if (net_poll(slots, used, -1) < 0)
            fail("cannot poll");
        if (watch.wall_ns == 0)
            stopwatch_start(&watch);
        if (slots[0].revents && used <= TOGETHER_MAX)
            slots[used++] = (struct pollfd){.fd = net_accept(slots[0].fd), .events = POLLIN};
        for (unsigned i = 1; i < used; i++) {
            if (!slots[i].revents)
                continue;
            ssize_t n = net_recv(slots[i].fd, message, MESSAGE, MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN)
                continue;
            if (n == MESSAGE)
                net_send(slots[i].fd, message, MESSAGE, 0);
            net_close(slots[i].fd);
            over++;
            slots[i--] = slots[--used];
        }
    }
    struct stopwatch took = stopwatch_read(&watch);
    printf("calls=%.0f cpu=%.2f\n", count / ((double)took.wall_ns / 1e9),
           (double)took.cpu_ns / count / 1000);
    net_close(slots[0].fd);
}

/* Without pages of files: how many of a program's own are mapped depends on which of it has run. */
static unsigned long resident_bytes(void)
{
    unsigned long pages = 0, of_files = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*s %lu %lu", &pages, &of_files) != 2)
        fail("cannot read /proc/self/statm");
    fclose(file);
    return (pages - of_files) * (unsigned long)sysconf(_SC_PAGESIZE);
}

void work_hold(unsigned count)
{
    struct pollfd listener = {.fd = net_listen(WORK_PORT), .events = POLLIN};
    for (unsigned i = 0; i < count; i++)
        if (net_poll(&listener, 1, -1) < 0 || net_accept(listener.fd) < 0)
            fail("cannot accept");
    puts("held");
    fflush(stdout);
    net_poll(&listener, 1, -1);
}

/* Lets time pass until they are idle: nothing has been given back for so long. */
static void settle(struct pollfd *any)
{
    enum { QUIET_MS = 3000 };
    unsigned long before;
    do {
        before = resident_bytes();
        net_poll(any, 1, QUIET_MS);
    } while (resident_bytes() < before);
}

/* They come in so many waves, after each of which nothing happens until they are idle. */
void work_idle(const char *host, unsigned count, unsigned waves)
{
    struct pollfd any = {.events = POLLIN};
    unsigned long before = resident_bytes();
    for (unsigned wave = 0; wave < waves; wave++) {
        for (unsigned i = 0; i < count / waves; i++)
            any.fd = net_connect(host, WORK_PORT, true);
        settle(&any);
    }
    printf("bytes=%.0f\n", (double)(resident_bytes() - before) / (count / waves * waves));
}
