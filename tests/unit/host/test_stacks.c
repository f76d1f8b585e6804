/* Many stacks in one process know nothing of each other, and one that is closed leaves nothing
 * behind: no descriptor, no thread, and, as the address sanitizer sees, no memory. Pairs of stacks
 * over pairs of kernel sockets, in real time. */
#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tern/tern.h>

#include "base/time.h"
#include "descriptors_open.h"
#include "host/open.h"
#include "pair_link.h"

enum { PAIRS = 12, BYTES = 100000 };

struct two {
    struct tern *ends[2]; /* 10.0.0.1 and 10.0.0.2, of every pair */
    int listener, client, server;
};

static struct two pairs[PAIRS];

static void two_open(struct two *two)
{
    static const char *const addresses[2] = {"10.0.0.1/24", "10.0.0.2/24"};
    int descriptors[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, descriptors), 0);
    for (int i = 0; i < 2; i++) {
        struct tern_config config = {.address = addresses[i]};
        struct tern_error error;
        if (open_over(pair_link_over(descriptors[i]), &config, &two->ends[i], &error) < 0)
            fail_msg("%s", error.text);
    }
}

static void two_connect(struct two *two)
{
    two->listener = tern_listen_on(two->ends[1], "7", 4);
    assert_true(two->listener >= 0);
    two->client = tern_dial(two->ends[0], "10.0.0.2:7");
    assert_true(two->client >= 0);
    two->server = tern_accept(two->ends[1], two->listener, NULL, NULL);
    assert_true(two->server >= 0);
}

static void two_close(struct two *two)
{
    for (int i = 0; i < 2; i++)
        tern_close_stack(two->ends[i]);
}

static bool is_helper(const char *task)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", task);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool read = fgets(name, sizeof name, file) != NULL;
    fclose(file);
    return read && strcmp(name, "tern\n") == 0;
}

static int helpers_running(void)
{
    DIR *directory = opendir("/proc/self/task");
    int count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += is_helper(entry->d_name);
    closedir(directory);
    return count;
}

static int descriptors_before;

static int setup(void **state)
{
    (void)state;
    descriptors_before = descriptors_open();
    for (int i = 0; i < PAIRS; i++)
        two_open(&pairs[i]);
    return 0;
}

/* A thread that has been joined may be seen in /proc for a moment still. */
static void assert_nothing_is_left(void)
{
    assert_int_equal(descriptors_open(), descriptors_before);
    for (int patience = 2000; helpers_running() > 0; patience--) {
        assert_true(patience > 0);
        poll(NULL, 0, 1);
    }
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PAIRS; i++)
        two_close(&pairs[i]);
    assert_nothing_is_left();
    return 0;
}

static uint64_t counter(struct tern *t, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(tern_counter(t, name, &value), 0);
    return value;
}

/* Each has sockets, ports, settings and counters of its own, though all have the same addresses. */
static void stacks_share_nothing(void **state)
{
    (void)state;
    char text[16];
    assert_int_equal(helpers_running(), 2 * PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        snprintf(text, sizeof text, "%d", 10 + i);
        assert_int_equal(tern_set(pairs[i].ends[0], "ip.ttl", text), 0);
        two_connect(&pairs[i]);
        assert_int_equal(pairs[i].client, 0);
    }
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(tern_get(pairs[i].ends[0], "ip.ttl", text, sizeof text), 0);
        assert_int_equal(atoi(text), 10 + i);
        assert_int_equal(tern_send(pairs[i].ends[0], pairs[i].client, &i, sizeof i, 0), sizeof i);
    }
    for (int i = 0; i < PAIRS; i++) {
        int number = -1;
        assert_int_equal(tern_recv(pairs[i].ends[1], pairs[i].server, &number, sizeof number, 0),
                         sizeof number);
        assert_int_equal(number, i);
        assert_int_equal(counter(pairs[i].ends[0], "TcpActiveOpens"), 1);
        assert_int_equal(counter(pairs[i].ends[1], "TcpPassiveOpens"), 1);
    }
}

/* The others go on while every second pair is closed in the middle of what it does. */
static void closing_some_disturbs_no_others(void **state)
{
    (void)state;
    static char out[BYTES], in[BYTES];
    for (int i = 0; i < PAIRS; i++) {
        two_connect(&pairs[i]);
        assert_int_equal(tern_send(pairs[i].ends[0], pairs[i].client, out, 1000, 0), 1000);
    }
    for (int i = 0; i < PAIRS; i += 2) {
        two_close(&pairs[i]);
        pairs[i].ends[0] = pairs[i].ends[1] = NULL;
    }
    for (int i = 1; i < PAIRS; i += 2) {
        struct two *two = &pairs[i];
        assert_int_equal(tern_read_full(two->ends[1], two->server, in, 1000), 1000);
        assert_int_equal(tern_write_all(two->ends[0], two->client, out, BYTES), 0);
        assert_int_equal(tern_read_full(two->ends[1], two->server, in, BYTES), BYTES);
    }
}

static uint64_t memory_before[PAIRS][2];

static void await_no_memory(int pair, int end)
{
    struct tern *t = pairs[pair].ends[end];
    assert_int_equal(tern_quiesce(t, TIME_S(20)), 0);
    for (int patience = 20000; tern_memory_used(t) > memory_before[pair][end]; patience--) {
        assert_true(patience > 0);
        poll(NULL, 0, 1);
    }
}

/* Sockets that are closed in good order leave a stack that holds nothing for them, when TIME-WAIT
 * is over. */
static void closed_sockets_leave_no_memory(void **state)
{
    (void)state;
    for (int i = 0; i < PAIRS; i++) {
        struct two *two = &pairs[i];
        for (int end = 0; end < 2; end++) {
            assert_int_equal(tern_set(two->ends[end], "tcp.time_wait_s", "1"), 0);
            memory_before[i][end] = tern_memory_used(two->ends[end]);
        }
        two_connect(two);
        assert_true(tern_memory_used(two->ends[0]) > memory_before[i][0]);
        assert_int_equal(tern_close(two->ends[0], two->client), 0);
        assert_int_equal(tern_close(two->ends[1], two->server), 0);
        assert_int_equal(tern_close(two->ends[1], two->listener), 0);
    }
    for (int i = 0; i < PAIRS; i++)
        for (int end = 0; end < 2; end++)
            await_no_memory(i, end);
}

static void ignore(void *user, int socket, short events)
{
    (void)user, (void)socket, (void)events;
}

static void say_to_nobody(struct tern *t, int type)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(9)};
    inet_pton(AF_INET, "10.0.0.99", &nobody.sin_addr);
    int s = tern_socket(t, AF_INET, type | SOCK_NONBLOCK, 0);
    assert_true(s >= 0);
    tern_connect(t, s, (struct sockaddr *)&nobody, sizeof nobody);
    tern_send(t, s, "x", 1, MSG_DONTWAIT);
}

/* All that a stack can be in the middle of when it is closed: connections with bytes that nobody
 * has read or acknowledged, some that wait to be accepted, some half open, datagrams, watches that
 * are due, and a loop's descriptor. */
static void a_stack_closed_in_the_middle_leaves_nothing(void **state)
{
    (void)state;
    static char bytes[BYTES];
    for (int i = 0; i < PAIRS; i++) {
        struct two *two = &pairs[i];
        two_connect(two);
        assert_true(tern_dial(two->ends[0], "10.0.0.2:7") >= 0);
        assert_true(tern_send(two->ends[0], two->client, bytes, BYTES, MSG_DONTWAIT) > 0);
        assert_true(tern_send(two->ends[1], two->server, bytes, BYTES, MSG_DONTWAIT) > 0);
        say_to_nobody(two->ends[0], SOCK_STREAM);
        say_to_nobody(two->ends[0], SOCK_DGRAM);
        assert_true(tern_fd(two->ends[1]) >= 0);
        assert_int_equal(tern_watch(two->ends[1], two->server, POLLIN | POLLOUT, ignore, NULL), 0);
        assert_true(tern_step(two->ends[1]) >= 0);
    }
}

/* Again and again: what a stack left behind would add up. */
static void stacks_come_and_go(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct two two;
        two_open(&two);
        two_connect(&two);
        two_close(&two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stacks_share_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_some_disturbs_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_sockets_leave_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stack_closed_in_the_middle_leaves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stacks_come_and_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
