/* The driver under a machine of the tests' own: a packet names the waiters that it wakes, and is
 * answered on demand. Whatever waits here waits for a condition; a driver that loses one hangs, and
 * the test's time limit tells. */
#ifndef TESTS_UNIT_HOST_DRIVER_WORLD_H
#define TESTS_UNIT_HOST_DRIVER_WORLD_H

#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/list.h"
#include "host/clock.h"
#include "host/driver.h"
#include "pair_link.h"
#include "sock/tern.h"

enum { WAITERS = 16, ANSWER_PLEASE = 0xff, ENOUGH = 0xfe, SIGNAL = 0xfd, ENDLESS = 0xfc };

/* Everything of it but `outside` belongs to whoever is between enter and leave. */
static struct world {
    struct tern t;
    struct driver *driver;
    struct sock_host *host;
    struct link *link;
    int outside; /* the other end of the link */
    struct sock_waiter *waiters[WAITERS];
    int hits[WAITERS]; /* packets that named it */
    struct stack_timer timer;
    int timer_acts; /* as a byte of a packet would */
    bool arms;      /* the next wait arms it */
    bool ends;      /* what is endless */
    bool put_off;   /* something, until the batch is over */
} w;

/* A packet from outside that wakes `waiter`. */
static inline void packet_for(int waiter)
{
    const uint8_t packet[2] = {0x40, (uint8_t)waiter};
    assert_int_equal(send(w.outside, packet, sizeof packet, 0), sizeof packet);
}

/* Says something to the outside, or wakes. */
static inline void act(int index)
{
    if (index == SIGNAL) {
        pthread_kill(pthread_self(), SIGUSR1);
        return;
    }
    if (index == ENDLESS) {
        if (!w.ends)
            packet_for(ENDLESS);
        return;
    }
    if (index == ANSWER_PLEASE) {
        struct iovec span = {(char[]){'!'}, 1};
        w.t.interface->transmit(w.t.interface->link, &span, 1, NULL);
        return;
    }
    if (index == ENOUGH) {
        w.t.stack.batch_enough = true;
        return;
    }
    w.hits[index]++;
    if (w.waiters[index])
        w.host->operations->wake(w.host, w.waiters[index]);
}

static inline enum drop_reason input(struct stack *stack, struct interface *interface,
                                     const uint8_t *packet, size_t length,
                                     const struct tern_offload *offload)
{
    (void)stack, (void)interface, (void)offload;
    for (size_t i = 1; i < length; i++)
        act(packet[i]);
    return DROP_NONE;
}

static inline void timer_expired(struct stack *stack, struct stack_timer *timer)
{
    (void)stack, (void)timer;
    act(w.timer_acts);
}

static inline void setup(void)
{
    static const uint8_t seed[RANDOM_SEED_SIZE] = {1};
    int ends[2];
    memset(&w, 0, sizeof w);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    w.outside = ends[1];
    w.link = pair_link_over(ends[0]);
    assert_int_equal(driver_new(w.link, NULL, &w.driver), 0);
    w.host = driver_host(w.driver);
    assert_int_equal(stack_init(&w.t.stack, seed, clock_now_ns()), 0);
    w.t.interface = stack_add_interface(&w.t.stack);
    w.t.interface->transmit = driver_transmit;
    w.t.interface->link = w.driver;
    w.t.stack.networks[4].input = input;
    w.timer.expired = timer_expired;
    timer_init(&w.timer.timer);
    assert_int_equal(driver_start(w.driver, &w.t), 0);
}

/* Once it has stopped. */
static inline void release(void)
{
    stack_release(&w.t.stack);
    w.host->operations->release(w.host);
    close(w.outside);
}

static inline void teardown(void)
{
    assert_int_equal(w.host->operations->stop(w.host), 0);
    release();
}

static inline void enter(void)
{
    assert_int_equal(w.host->operations->enter(w.host), 0);
    w.host->operations->catch_up(w.host);
}

static inline void leave(void)
{
    w.host->operations->leave(w.host);
}

/* One waiting call of waiter `index`, in the shape that all socket calls have: until `wanted`
 * packets have named it. 0 or the error that ended the wait. */
static inline int wait_for_hits(int index, int wanted, uint64_t patience_ns)
{
    struct sock_waiter waiter = {0};
    int error = 0;
    enter();
    uint64_t deadline_ns = patience_ns == TIME_NEVER ? TIME_NEVER : w.t.stack.now_ns + patience_ns;
    if (w.arms)
        stack_arm(&w.t.stack, &w.timer, w.t.stack.now_ns + TIME_US(200));
    w.arms = false;
    while (w.hits[index] < wanted && error == 0) {
        w.waiters[index] = &waiter;
        error = w.host->operations->wait(w.host, &waiter, deadline_ns);
        w.waiters[index] = NULL;
    }
    leave();
    return error;
}

/* ── Threads that wait ── */

struct thread {
    pthread_t id;
    int waiter, wanted, result;
    uint64_t patience_ns;
    atomic_bool done;
};

static inline void *thread_run(void *argument)
{
    struct thread *thread = argument;
    thread->result = wait_for_hits(thread->waiter, thread->wanted, thread->patience_ns);
    thread->done = true;
    return NULL;
}

static inline void thread_start(struct thread *thread, int waiter, int wanted)
{
    *thread = (struct thread){.waiter = waiter, .wanted = wanted, .patience_ns = TIME_NEVER};
    assert_int_equal(pthread_create(&thread->id, NULL, thread_run, thread), 0);
}

/* Until a thread waits as this waiter; one that is alone has the seat then. */
static inline void await_waiter(int waiter)
{
    for (bool waits = false; !waits;) {
        enter();
        waits = w.waiters[waiter];
        leave();
    }
}

static inline int thread_join(struct thread *thread)
{
    assert_int_equal(pthread_join(thread->id, NULL), 0);
    return thread->result;
}

#endif
