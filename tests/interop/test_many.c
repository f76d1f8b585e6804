/* Many connections at once, each with a stream in both directions: the kernel's sides are served by
 * one thread with poll(2), ours by another with tern_poll(). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

enum { CONNECTIONS = 200, BYTES = 30000, CHUNK = 5000 };

/* One side of one connection. */
struct member {
    struct end end;
    uint32_t sent, received;
    bool ended; /* the peer's stream */
};

/* One side of all connections; what it writes is the same on all of them. */
struct crowd {
    struct member members[CONNECTIONS];
    unsigned count;
    uint64_t writes, reads; /* seeds */
    char wrong[128];
};

static struct crowd ours, kernels;

static void crowd_add(struct crowd *crowd, struct end end)
{
    assert_true(crowd->count < CONNECTIONS);
    crowd->members[crowd->count++] = (struct member){.end = end};
}

static ssize_t try_send(struct end end, const void *bytes, size_t length)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return end.tern ? tern_send(end.tern, end.socket, bytes, length, flags)
                    : send(end.socket, bytes, length, flags);
}

static ssize_t try_receive(struct end end, void *bytes, size_t length)
{
    return end.tern ? tern_recv(end.tern, end.socket, bytes, length, MSG_DONTWAIT)
                    : recv(end.socket, bytes, length, MSG_DONTWAIT);
}

static bool member_write(const struct crowd *crowd, struct member *m)
{
    uint8_t bytes[CHUNK];
    uint32_t left = BYTES - m->sent, length = left < CHUNK ? left : CHUNK;
    pattern_fill(crowd->writes, m->sent, bytes, length);
    ssize_t n = try_send(m->end, bytes, length);
    if (n < 0)
        return errno == EAGAIN;
    m->sent += (uint32_t)n;
    return m->sent < BYTES || end_shutdown(m->end, SHUT_WR) == 0;
}

static bool member_read(const struct crowd *crowd, struct member *m)
{
    uint8_t got[CHUNK], expected[CHUNK];
    ssize_t n = try_receive(m->end, got, CHUNK);
    if (n < 0)
        return errno == EAGAIN;
    m->ended = n == 0;
    pattern_fill(crowd->reads, m->received, expected, (size_t)n);
    m->received += (uint32_t)n;
    return memcmp(got, expected, (size_t)n) == 0;
}

/* What each member waits for; whether there is anything. */
static bool crowd_wants(const struct crowd *crowd, struct pollfd *p)
{
    bool any = false;
    for (unsigned i = 0; i < crowd->count; i++) {
        const struct member *m = &crowd->members[i];
        p[i].events = (short)((m->sent < BYTES ? POLLOUT : 0) | (m->ended ? 0 : POLLIN));
        p[i].fd = p[i].events ? m->end.socket : -1;
        any = any || p[i].events;
    }
    return any;
}

static void *crowd_serve(void *argument)
{
    struct crowd *crowd = argument;
    struct tern *t = crowd->members[0].end.tern;
    struct pollfd p[CONNECTIONS];
    while (crowd_wants(crowd, p) && !crowd->wrong[0]) {
        int ready = t ? tern_poll(t, p, crowd->count, PATIENCE_S * 1000)
                      : poll(p, crowd->count, PATIENCE_S * 1000);
        if (ready <= 0)
            snprintf(crowd->wrong, sizeof crowd->wrong, "poll: %d (%s)", ready, strerror(errno));
        for (unsigned i = 0; i < crowd->count && ready > 0; i++) {
            struct member *m = &crowd->members[i];
            if ((p[i].revents & POLLOUT && !member_write(crowd, m)) ||
                (p[i].revents & (POLLIN | POLLERR | POLLHUP) && !member_read(crowd, m)))
                snprintf(crowd->wrong, sizeof crowd->wrong,
                         "connection %u: sent %u, received %u (%s)", i, m->sent, m->received,
                         strerror(errno));
        }
    }
    return NULL;
}

static void crowds_begin(void)
{
    memset(&ours, 0, sizeof ours);
    memset(&kernels, 0, sizeof kernels);
    ours.writes = kernels.reads = 1;
    ours.reads = kernels.writes = 2;
}

/* Everyone sends and receives everything, and closes. */
static void crowds_meet(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, crowd_serve, &kernels), 0);
    crowd_serve(&ours);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (ours.wrong[0] || kernels.wrong[0])
        fail_msg("ours: %s; the kernel's: %s", ours.wrong, kernels.wrong);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(ours.members[i].received, BYTES);
        assert_int_equal(kernels.members[i].received, BYTES);
        must(end_close(ours.members[i].end));
        must(end_close(kernels.members[i].end));
    }
}

/* Starts `count` connections from the kernel, all before the first is accepted. */
static void kernel_connects(const struct scenario *s, unsigned count)
{
    uint16_t port;
    int listener = tern_listener(s, &port);
    struct sockaddr_in there = scenario_sockaddr(s->ours, port);
    for (unsigned i = 0; i < count; i++) {
        int theirs = kernel_socket(SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_fails(connect(theirs, (struct sockaddr *)&there, sizeof there), EINPROGRESS);
        crowd_add(&kernels, (struct end){NULL, theirs});
    }
    for (unsigned i = 0; i < count; i++)
        crowd_add(&ours, (struct end){s->tern, must(tern_accept(s->tern, listener, NULL, NULL))});
    must(tern_close(s->tern, listener));
}

static void we_connect(const struct scenario *s, unsigned count)
{
    uint16_t port;
    int listener = kernel_listen(s, &port);
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    for (unsigned i = 0; i < count; i++) {
        int socket = must(tern_socket(s->tern, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        assert_fails(tern_connect(s->tern, socket, (struct sockaddr *)&there, sizeof there),
                     EINPROGRESS);
        crowd_add(&ours, (struct end){s->tern, socket});
    }
    for (unsigned i = 0; i < count; i++)
        crowd_add(&kernels, (struct end){NULL, kernel_accept(listener)});
    close(listener);
}

/* A device keeps 500 packets for us, and drops what else the kernel sends meanwhile. What is sent
 * again too early is answered with a reset when its connection is over. */
static const struct wish crowded = {.explains = "not captured|wasn't captured|Connection reset"};

static void many_connections_from_the_kernel(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&crowded);
    crowds_begin();
    kernel_connects(s, CONNECTIONS);
    crowds_meet();
    scenario_close(s);
}

static void many_connections_from_us(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&crowded);
    crowds_begin();
    we_connect(s, CONNECTIONS);
    crowds_meet();
    scenario_close(s);
}

static void many_connections_from_both_through_faults(void **state)
{
    (void)state;
    struct scenario *s =
        scenario_open(&(struct wish){.fault = "loss=1%,dup=1%,reorder=5%,delay=1ms,seed=5"});
    crowds_begin();
    we_connect(s, CONNECTIONS / 2);
    kernel_connects(s, CONNECTIONS / 2);
    crowds_meet();
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(many_connections_from_the_kernel),
        scenario_test(many_connections_from_us),
        scenario_test(many_connections_from_both_through_faults),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
