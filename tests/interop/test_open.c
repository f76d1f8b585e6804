/* A stack over a TUN device against this host's kernel: opening, the driver, and the end. Run in a
 * network namespace of its own, as its root. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tern/tern.h>

#include "base/time.h"

enum { BYTES = 3000000 };

static struct tern_error error;

static struct tern *open_with(const struct tern_config *config)
{
    struct tern *t = tern_open(config, &error);
    if (!t)
        fail_msg("%s", error.text);
    return t;
}

static void assert_refused(const struct tern_config *config, int code, const char *words)
{
    memset(&error, 0, sizeof error);
    errno = 0;
    struct tern *t = tern_open(config, &error);
    if (t || errno != code || error.code != code || !strstr(error.text, words))
        fail_msg("wanted %d with \"%s\", got %d: \"%s\"", code, words, errno, error.text);
    errno = 0;
    assert_null(tern_open(config, NULL));
    assert_int_equal(errno, code);
}

static struct sockaddr_in sockaddr_of(const char *address, uint16_t port)
{
    struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &out.sin_addr), 1);
    return out;
}

/* ── Opening ── */

static void bad_configuration_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        struct tern_config config;
        int code;
        const char *words;
    } cases[] = {
        {{.address = "10.0.0.3"}, EINVAL, "with its prefix"},
        {{.mtu = 67}, EINVAL, "68 to 65535"},
        {{.fault = "loss=5"}, EINVAL, "a probability"},
        {{.settings = "no.such=1"}, EINVAL, "no.such"},
        {{.capture = ""}, EINVAL, "the name of a file"},
        {{.capture = "/nonexistent/x.pcapng"}, ENOENT, "cannot write the capture to /nonexistent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(&cases[i].config, cases[i].code, cases[i].words);
        assert_int_equal(if_nametoindex("tern0"), 0);
    }
}

/* What a failed opening would have written over is as it was. */
static void bad_configuration_overwrites_no_capture(void **state)
{
    (void)state;
    static const struct tern_config cases[] = {
        {.settings = "ip.ttl=0"}, {.fault = "loss=5"}, {.mtu = 67}, {.device = "lo"}};
    char path[] = "/tmp/capture-XXXXXX", bytes[16] = "";
    int file = mkstemp(path);
    assert_int_equal(write(file, "precious", 8), 8);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tern_config config = cases[i];
        config.capture = path;
        assert_null(tern_open(&config, &error));
        assert_int_equal(pread(file, bytes, sizeof bytes, 0), 8);
        assert_string_equal(bytes, "precious");
    }
    close(file);
    unlink(path);
}

static void second_stack_on_a_device_is_refused(void **state)
{
    (void)state;
    struct tern_config config = {0};
    struct tern *t = open_with(&config);
    assert_refused(&config, EBUSY, "tern0 is in use");
    config.device = "tern1";
    assert_refused(&config, EADDRINUSE, "10.0.0.2 is in use on this host's tern0");
    tern_close_stack(t);
}

static void two_stacks_live_side_by_side(void **state)
{
    (void)state;
    struct tern_config config = {.device = "tern1", .address = "10.1.0.3/24", .peer = "10.1.0.2"};
    struct tern *first = open_with(NULL), *second = open_with(&config);
    tern_close_stack(first);
    assert_int_equal(if_nametoindex("tern0"), 0);
    assert_int_not_equal(if_nametoindex("tern1"), 0);
    tern_close_stack(second);
    assert_int_equal(if_nametoindex("tern1"), 0);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void closed_stack_leaves_nothing_behind(void **state)
{
    (void)state;
    int before = open_descriptors();
    for (int i = 0; i < 5; i++) {
        struct tern_config config = {.capture = "/dev/null", .fault = "delay=1ms"};
        struct tern *t = open_with(&config);
        assert_true(tern_listen_on(t, "80", 1) >= 0);
        tern_close_stack(t);
        assert_int_equal(open_descriptors(), before);
    }
    tern_close_stack(NULL);
}

/* ── Traffic ── */

static int kernel_connect(uint16_t port)
{
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = sockaddr_of("10.0.0.3", port);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(connection, (struct sockaddr *)&to, sizeof to) < 0)
        fail_msg("connect: %s", strerror(errno));
    return connection;
}

static void handshake_needs_no_call_of_ours(void **state)
{
    (void)state;
    struct tern *t = open_with(NULL);
    int listener = tern_listen_on(t, "7000", 5);
    assert_true(listener >= 0);
    close(kernel_connect(7000)); /* on this same thread: only the helper can have answered */
    int socket = tern_accept(t, listener, NULL, NULL);
    assert_true(socket >= 0);
    char byte;
    assert_int_equal(tern_recv(t, socket, &byte, 1, 0), 0);
    tern_close_stack(t);
}

/* What a thread ends with when something went wrong in it. */
static void *wrong(const char *what)
{
    return (void *)(uintptr_t)what;
}

static uint8_t out[2][BYTES], in[2][BYTES];

/* The kernel's side of an exchange: writes all of out[1] while it reads in[1] full. */
static void *kernel_write(void *argument)
{
    int connection = (int)(intptr_t)argument;
    for (size_t done = 0; done < BYTES;) {
        ssize_t n = send(connection, out[1] + done, BYTES - done, MSG_NOSIGNAL);
        if (n < 0)
            return wrong("kernel: send failed");
        done += (size_t)n;
    }
    shutdown(connection, SHUT_WR);
    return NULL;
}

static void *kernel_read(void *argument)
{
    ssize_t n = recv((int)(intptr_t)argument, in[1], BYTES, MSG_WAITALL);
    return n == BYTES ? NULL : wrong("kernel: recv failed");
}

struct ours {
    struct tern *t;
    int socket;
};

static void *our_write(void *argument)
{
    struct ours *ours = argument;
    if (tern_write_all(ours->t, ours->socket, out[0], BYTES) < 0)
        return wrong("ours: write failed");
    return tern_shutdown(ours->t, ours->socket, SHUT_WR) < 0 ? wrong("ours: shutdown failed")
                                                             : NULL;
}

/* Both directions at once, two threads of ours on one socket. */
static void exchange(struct tern *t)
{
    pthread_t threads[3];
    int listener = tern_listen_on(t, "7000", 5);
    assert_true(listener >= 0);
    int connection = kernel_connect(7000);
    struct ours ours = {t, tern_accept(t, listener, NULL, NULL)};
    assert_true(ours.socket >= 0);
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < BYTES; i++)
            out[side][i] = (uint8_t)(i * 7 + i / 253 + (unsigned)side);
    memset(in, 0, sizeof in);
    void *peer = (void *)(intptr_t)connection;
    assert_int_equal(pthread_create(&threads[0], NULL, kernel_write, peer), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, kernel_read, peer), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, our_write, &ours), 0);
    assert_int_equal(tern_read_full(t, ours.socket, in[0], BYTES), BYTES);
    for (int i = 0; i < 3; i++) {
        void *what;
        assert_int_equal(pthread_join(threads[i], &what), 0);
        if (what)
            fail_msg("%s", (const char *)what);
    }
    assert_memory_equal(in[0], out[1], BYTES);
    assert_memory_equal(in[1], out[0], BYTES);
    assert_int_equal(tern_close(t, ours.socket), 0);
    close(connection);
    assert_int_equal(tern_quiesce(t, TIME_S(20)), 0);
    tern_close(t, listener);
}

static void bytes_pass_both_ways_at_once(void **state)
{
    (void)state;
    struct tern *t = open_with(NULL);
    exchange(t);
    tern_close_stack(t);
}

/* The longest packet that left, by the trace. */
static void note_longest(void *user, const struct tern_trace_event *event)
{
    size_t *longest = user, length = 0;
    for (int i = 0; i < event->count; i++)
        length += event->packet[i].iov_len;
    if (event->kind == TERN_TRACE_OUT && length > *longest)
        *longest = length;
}

/* Linux 6.3 was the first to take them. */
static void packets_of_more_than_64_KB_go_where_the_kernel_takes_them(void **state)
{
    (void)state;
    int major = 0, minor = 0;
    struct utsname name;
    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
    bool takes = major > 6 || (major == 6 && minor >= 3);
    for (int wanted = 0; wanted < 2; wanted++) {
        size_t longest = 0;
        struct tern_config config = {.trace = note_longest,
                                     .trace_user = &longest,
                                     .settings = wanted ? NULL : "ip.big_packets=0"};
        struct tern *t = open_with(&config);
        exchange(t);
        tern_close_stack(t);
        assert_true(longest > 32 * 1024);
        assert_int_equal(longest > UINT16_MAX, wanted && takes);
    }
}

/* What tshark finds wrong in a capture: bad checksums, malformed packets. */
static void capture_pleases_tshark(void **state)
{
    (void)state;
    char path[] = "/tmp/tern-open-XXXXXX", command[400], line[400];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct tern_config config = {.capture = path};
    struct tern *t = open_with(&config);
    exchange(t);
    tern_close_stack(t);
    if (system("command -v tshark >/dev/null 2>&1") != 0) {
        print_message("(tshark is not installed: the capture is not looked at)\n");
        remove(path);
        skip();
    }
    snprintf(command, sizeof command,
             "tshark -r %s -d tcp.port==7000,data -o ip.check_checksum:TRUE -o "
             "tcp.check_checksum:TRUE -Y '_ws.malformed "
             "|| ip.checksum.status == 0 || tcp.checksum.status == 0' 2>/dev/null || echo failed",
             path);
    FILE *found = popen(command, "r");
    assert_non_null(found);
    bool wrong_packet = fgets(line, sizeof line, found) != NULL;
    pclose(found);
    if (wrong_packet)
        fail_msg("%s: %s", path, line);
    remove(path);
}

static void bytes_pass_through_every_fault(void **state)
{
    (void)state;
    struct tern_config config = {.fault = "loss=2%,dup=1%,reorder=2%,corrupt=1%,delay=1ms,"
                                          "jitter=500us,seed=7"};
    struct tern *t = open_with(&config);
    exchange(t);
    tern_close_stack(t);
}

static void small_mtu_is_kept_to(void **state)
{
    (void)state;
    struct tern_config config = {.mtu = 576};
    struct tern *t = open_with(&config);
    exchange(t);
    tern_close_stack(t);
}

/* ── When something goes wrong ── */

static void child_of_a_fork_is_told_that_it_has_no_device(void **state)
{
    (void)state;
    struct tern *t = open_with(NULL);
    int listener = tern_listen_on(t, "7000", 5);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right = tern_socket(t, AF_INET, SOCK_STREAM, 0) == -1 && errno == ENODEV;
        right = right && tern_accept(t, listener, NULL, NULL) == -1 && errno == ENODEV;
        tern_close_stack(t);
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(kernel_connect(7000));
    int socket = tern_accept(t, listener, NULL, NULL);
    assert_true(socket >= 0);
    tern_close_stack(t);
}

static void *accept_until_the_end(void *argument)
{
    struct ours *ours = argument;
    int result = tern_accept(ours->t, ours->socket, NULL, NULL);
    return result == -1 && errno == ENETDOWN ? NULL : wrong("accept went on without its device");
}

static void device_taken_away_ends_the_calls_that_wait(void **state)
{
    (void)state;
    pthread_t threads[2];
    struct tern *t = open_with(NULL);
    struct ours ours = {t, tern_listen_on(t, "7000", 5)};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, accept_until_the_end, &ours), 0);
    int datagrams = tern_socket(t, AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(9)};
    assert_int_equal(inet_pton(AF_INET, "10.0.0.2", &there.sin_addr), 1);
    assert_int_equal(system("ip link delete tern0"), 0);
    assert_int_equal(tern_sendto(t, datagrams, "x", 1, 0, (struct sockaddr *)&there, sizeof there),
                     -1);
    assert_int_equal(errno, ENETDOWN);
    for (int i = 0; i < 2; i++) {
        void *what;
        assert_int_equal(pthread_join(threads[i], &what), 0);
        if (what)
            fail_msg("%s", (const char *)what);
    }
    tern_close_stack(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_configuration_is_told_and_leaves_nothing),
        cmocka_unit_test(bad_configuration_overwrites_no_capture),
        cmocka_unit_test(second_stack_on_a_device_is_refused),
        cmocka_unit_test(two_stacks_live_side_by_side),
        cmocka_unit_test(closed_stack_leaves_nothing_behind),
        cmocka_unit_test(handshake_needs_no_call_of_ours),
        cmocka_unit_test(bytes_pass_both_ways_at_once),
        cmocka_unit_test(packets_of_more_than_64_KB_go_where_the_kernel_takes_them),
        cmocka_unit_test(capture_pleases_tshark),
        cmocka_unit_test(bytes_pass_through_every_fault),
        cmocka_unit_test(small_mtu_is_kept_to),
        cmocka_unit_test(child_of_a_fork_is_told_that_it_has_no_device),
        cmocka_unit_test(device_taken_away_ends_the_calls_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
