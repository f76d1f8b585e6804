/* The descriptor for a foreign loop, on a stack over a pair of kernel sockets whose other end is a
 * stack with a helper of its own; in real time. Whatever waits here waits for a condition. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "common/fails.h"
#include "descriptors_open.h"
#include "host/open.h"
#include "pair_link.h"

enum { PATIENCE_MS = 20000 };

static struct tern *ours, *theirs; /* 10.0.0.1 and 10.0.0.2 */
static int fd;                     /* of ours */

static struct tern *open_end(int descriptor, const char *address)
{
    struct tern_config config = {.address = address};
    struct tern_error error;
    struct tern *t = NULL;
    if (open_over(pair_link_over(descriptor), &config, &t, &error) < 0)
        fail_msg("%s", error.text);
    return t;
}

static int setup(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ours = open_end(ends[0], "10.0.0.1/24");
    theirs = open_end(ends[1], "10.0.0.2/24");
    fd = tern_fd(ours);
    assert_true(fd >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tern_close_stack(ours);
    tern_close_stack(theirs);
    return 0;
}

static bool readable(int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, timeout_ms);
    assert_true(ready >= 0);
    return ready == 1;
}

/* What a loop does, until `*count` is at least `wanted`. */
static void loop_until(const int *count, int wanted)
{
    while (*count < wanted) {
        assert_true(readable(PATIENCE_MS));
        assert_true(tern_step(ours) >= 0);
    }
}

/* Steps until there is nothing to do at this time. */
static void come_to_rest(void)
{
    while (readable(0))
        assert_true(tern_step(ours) >= 0);
}

static int calls;

static void count_and_read(void *user, int socket, short events)
{
    (void)user, (void)events;
    char bytes[64];
    tern_recv(ours, socket, bytes, sizeof bytes, MSG_DONTWAIT);
    calls++;
}

static int udp(struct tern *t, const char *host, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &at.sin_addr), 1);
    int s = tern_socket(t, AF_INET, SOCK_DGRAM, 0);
    assert_true(s >= 0);
    assert_int_equal(tern_bind(t, s, (struct sockaddr *)&at, sizeof at), 0);
    return s;
}

static void say(struct tern *t, int socket, const char *host, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &to.sin_addr);
    assert_int_equal(tern_sendto(t, socket, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
}

static void the_descriptor_is_the_same_each_time(void **state)
{
    (void)state;
    assert_int_equal(tern_fd(ours), fd);
    assert_int_not_equal(tern_fd(theirs), fd);
}

static void it_is_silent_when_there_is_nothing(void **state)
{
    (void)state;
    come_to_rest();
    assert_false(readable(0));
}

static void a_packet_makes_it_readable_until_it_is_taken_in(void **state)
{
    (void)state;
    udp(ours, "10.0.0.1", 5);
    come_to_rest();
    say(theirs, udp(theirs, "10.0.0.2", 6), "10.0.0.1", 5);
    assert_true(readable(PATIENCE_MS));
    assert_true(readable(0));
    come_to_rest();
}

static void a_watch_is_called(void **state)
{
    (void)state;
    calls = 0;
    int to = udp(ours, "10.0.0.1", 5), from = udp(theirs, "10.0.0.2", 6);
    assert_int_equal(tern_watch(ours, to, POLLIN, count_and_read, NULL), 0);
    for (int i = 1; i <= 5; i++) {
        say(theirs, from, "10.0.0.1", 5);
        loop_until(&calls, i);
    }
    come_to_rest();
    assert_int_equal(calls, 5);
}

/* A watch that begins where there is something to tell is told, although no packet comes. */
static void a_new_watch_makes_it_readable(void **state)
{
    (void)state;
    calls = 0;
    int s = udp(ours, "10.0.0.1", 5);
    come_to_rest();
    assert_int_equal(tern_watch(ours, s, POLLOUT, count_and_read, NULL), 0);
    loop_until(&calls, 1);
    assert_true(readable(0)); /* it is writable still */
    assert_int_equal(tern_close(ours, s), 0);
    come_to_rest();
}

/* Nobody answers, and nobody but the timer tells. */
static void a_deadline_makes_it_readable(void **state)
{
    (void)state;
    int s = tern_socket(ours, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
    uint64_t sent = 0;
    inet_pton(AF_INET, "10.0.0.9", &nobody.sin_addr);
    assert_fails(tern_connect(ours, s, (struct sockaddr *)&nobody, sizeof nobody), EINPROGRESS);
    come_to_rest();
    while (sent == 0) {
        assert_true(readable(PATIENCE_MS));
        assert_int_equal(tern_step(ours), 0);
        assert_int_equal(tern_counter(ours, "TcpRetransSegs", &sent), 0);
    }
}

/* The helper rests: nothing is answered between steps. That it does not come is seen by asking,
 * waiting, and then stepping: the first answer is then that of the step. */
static void only_steps_answer(void **state)
{
    (void)state;
    come_to_rest();
    int s = tern_socket(theirs, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    struct sockaddr_in to = {.sin_family = AF_INET};
    const uint8_t ping[8] = {8};
    struct pollfd p = {.fd = s, .events = POLLIN};
    inet_pton(AF_INET, "10.0.0.1", &to.sin_addr);
    assert_int_equal(
        tern_sendto(theirs, s, ping, sizeof ping, 0, (struct sockaddr *)&to, sizeof to), 8);
    assert_true(readable(PATIENCE_MS));
    assert_int_equal(tern_poll(theirs, &p, 1, 50), 0);
    assert_int_equal(tern_step(ours), 0);
    assert_int_equal(tern_poll(theirs, &p, 1, PATIENCE_MS), 1);
}

static void *wait_for_a_byte(void *socket)
{
    char byte;
    return (void *)tern_recv(ours, *(int *)socket, &byte, 1, 0);
}

/* Whoever waits drives: another thread takes in the packet, and the loop is told nevertheless. */
static void a_thread_that_waits_and_a_loop_share_the_stack(void **state)
{
    (void)state;
    calls = 0;
    pthread_t thread;
    void *got;
    int watched = udp(ours, "10.0.0.1", 5), waited = udp(ours, "10.0.0.1", 7);
    int from = udp(theirs, "10.0.0.2", 6);
    assert_int_equal(tern_watch(ours, watched, POLLIN, count_and_read, NULL), 0);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(pthread_create(&thread, NULL, wait_for_a_byte, &waited), 0);
        say(theirs, from, "10.0.0.1", 5);
        loop_until(&calls, i);
        say(theirs, from, "10.0.0.1", 7);
        assert_int_equal(pthread_join(thread, &got), 0);
        assert_int_equal((intptr_t)got, 1);
    }
}

enum { BUSY_THREADS = 3, BUSY_ROUNDS = 300 };

static atomic_int busy;

static void look(void *user, int socket, short events)
{
    (void)user;
    char byte;
    if (events & POLLIN)
        tern_recv(ours, socket, &byte, 1, MSG_DONTWAIT);
}

/* Sockets that are watched, spoken to and closed, in no order that the loop would know. */
static void *watch_and_close(void *number)
{
    const uint16_t port = (uint16_t)(100 + *(int *)number);
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "10.0.0.1", &self.sin_addr);
    intptr_t wrong = 0;
    for (int i = 0; i < BUSY_ROUNDS; i++) {
        int s = tern_socket(ours, AF_INET, SOCK_DGRAM, 0);
        wrong += tern_bind(ours, s, (struct sockaddr *)&self, sizeof self) < 0;
        wrong += tern_watch(ours, s, POLLIN | POLLOUT, look, NULL) < 0;
        wrong += tern_sendto(ours, s, "x", 1, 0, (struct sockaddr *)&self, sizeof self) < 0;
        if (i % 2)
            wrong += tern_watch(ours, s, 0, NULL, NULL) < 0;
        wrong += tern_close(ours, s) < 0;
    }
    busy--;
    return (void *)wrong;
}

static void other_threads_watch_and_close_while_the_loop_steps(void **state)
{
    (void)state;
    pthread_t threads[BUSY_THREADS];
    int numbers[BUSY_THREADS];
    busy = BUSY_THREADS;
    for (int i = 0; i < BUSY_THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, watch_and_close, &numbers[i]), 0);
    }
    while (busy > 0)
        assert_true(tern_step(ours) >= 0);
    for (int i = 0; i < BUSY_THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_int_equal((intptr_t)wrong, 0);
    }
    come_to_rest();
}

static void a_broken_device_is_told_at_each_step(void **state)
{
    (void)state;
    tern_close_stack(theirs);
    theirs = NULL;
    int error = 0;
    while (!error) {
        assert_true(readable(PATIENCE_MS));
        error = tern_step(ours) < 0 ? errno : 0;
    }
    assert_int_equal(error, ENETDOWN);
    assert_true(readable(0));
    assert_fails(tern_step(ours), ENETDOWN);
}

static void a_child_of_a_fork_cannot_step(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        bool refused = tern_step(ours) == -1 && errno == ENODEV && tern_fd(ours) == -1;
        _exit(refused && errno == ENODEV ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_closed_stack_leaves_no_descriptor(void **state)
{
    int before = descriptors_open();
    setup(state);
    assert_true(descriptors_open() > before);
    teardown(state);
    assert_int_equal(descriptors_open(), before);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static atomic_int signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* Why no call of ours takes a signal mask: one that came just before is not missed. */
static void a_wait_for_the_descriptor_can_let_a_signal_through(void **state)
{
    (void)state;
    const struct timespec patience = {PATIENCE_MS / 1000, 0};
    const struct sigaction counted = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    struct sigaction before;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    sigset_t blocked, usual;
    while (readable(0))
        tern_step(ours);
    assert_int_equal(sigaction(SIGUSR1, &counted, &before), 0);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &usual), 0);
    pthread_kill(pthread_self(), SIGUSR1);
    assert_int_equal(signals, 0);
    assert_fails(ppoll(&p, 1, &patience, &usual), EINTR);
    assert_int_equal(signals, 1);
    pthread_sigmask(SIG_SETMASK, &usual, NULL);
    sigaction(SIGUSR1, &before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_descriptor_is_the_same_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_silent_when_there_is_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_packet_makes_it_readable_until_it_is_taken_in, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_watch_is_called, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_watch_makes_it_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deadline_makes_it_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(only_steps_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_thread_that_waits_and_a_loop_share_the_stack, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(other_threads_watch_and_close_while_the_loop_steps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_broken_device_is_told_at_each_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_of_a_fork_cannot_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wait_for_the_descriptor_can_let_a_signal_through, setup,
                                        teardown),
        cmocka_unit_test(a_closed_stack_leaves_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
