/* Many threads on one stack: blocking calls, polling ones, closing ones, on two stacks joined by a
 * pair of kernel sockets, in real time. Worth most under ThreadSanitizer. A thread that is never
 * woken hangs, and the test's time limit tells. */
#include "two_ends.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SERVERS = 4,
    CLIENTS = 8,
    CONNECTIONS = 6, /* a client */
    BYTES_MOST = 60000,
    DATAGRAMS = 200,
};

static void spawn(pthread_t *thread, void *(*run)(void *), intptr_t argument)
{
    assert_int_equal(pthread_create(thread, NULL, run, (void *)argument), 0);
}

/* ── Streams ── */

static int listener;

static void echo(int socket)
{
    char bytes[4096];
    ssize_t n;
    while ((n = tern_read(ends[1], socket, bytes, sizeof bytes)) > 0)
        if (!expect(tern_write_all(ends[1], socket, bytes, (size_t)n) == 0, "echo: write"))
            return;
    expect(n == 0, "echo: read");
}

/* Several threads accept on one listener, until it is closed under them. */
static void *serve(void *argument)
{
    (void)argument;
    for (;;) {
        int socket = tern_accept(ends[1], listener, NULL, NULL);
        if (socket < 0) {
            expect(errno == EBADF || errno == EINVAL, "accept");
            return NULL;
        }
        echo(socket);
        expect(tern_close(ends[1], socket) == 0, "serve: close");
    }
}

struct half {
    int socket;
    const uint8_t *bytes;
    size_t length;
};

static void *write_half(void *argument)
{
    struct half *half = argument;
    expect(tern_write_all(ends[0], half->socket, half->bytes, half->length) == 0, "write all");
    expect(tern_shutdown(ends[0], half->socket, SHUT_WR) == 0, "shutdown");
    return NULL;
}

/* Two threads on one socket: one writes, one reads. */
static void converse(int client, int round)
{
    uint8_t out[BYTES_MOST], in[BYTES_MOST + 1];
    size_t length = (size_t)(client * 7919 + round * 104729) % BYTES_MOST;
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)(i * 31 + i / 256 + (unsigned)client);
    pthread_t writer;
    struct half half = {tern_dial(ends[0], "10.0.0.2:7000"), out, length};
    if (!expect(half.socket >= 0, "dial"))
        return;
    if (!expect(pthread_create(&writer, NULL, write_half, &half) == 0, "thread"))
        return;
    ssize_t got = tern_read_full(ends[0], half.socket, in, sizeof in);
    pthread_join(writer, NULL);
    expect(got == (ssize_t)length && memcmp(in, out, length) == 0, "what came back");
    expect(tern_close(ends[0], half.socket) == 0, "converse: close");
}

static void *client(void *argument)
{
    for (int round = 0; round < CONNECTIONS; round++)
        converse((int)(intptr_t)argument, round);
    return NULL;
}

static void threads_share_a_stack_a_listener_and_a_socket(void **state)
{
    (void)state;
    pthread_t servers[SERVERS], clients[CLIENTS];
    setup();
    listener = tern_listen_on(ends[1], "7000", CLIENTS);
    assert_true(listener >= 0);
    for (int i = 0; i < SERVERS; i++)
        spawn(&servers[i], serve, i);
    for (int i = 0; i < CLIENTS; i++)
        spawn(&clients[i], client, i);
    join_all(clients, CLIENTS);
    assert_int_equal(tern_close(ends[1], listener), 0);
    join_all(servers, SERVERS);
    teardown();
}

/* ── Datagrams ── */

static int udp_socket(struct tern *t, uint16_t port)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
    int socket = tern_socket(t, AF_INET, SOCK_DGRAM, 0);
    expect(socket >= 0, "udp socket");
    expect(tern_bind(t, socket, (struct sockaddr *)&local, sizeof local) == 0, "udp bind");
    return socket;
}

static void *reflect(void *argument)
{
    int socket = (int)(intptr_t)argument;
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        char bytes[64];
        ssize_t n = tern_recvfrom(ends[1], socket, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
                                  &length);
        if (n < 0) {
            expect(errno == EBADF, "reflect");
            return NULL;
        }
        tern_sendto(ends[1], socket, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
    }
}

/* Waits by poll, and asks again for what got lost where the link was full. */
static void *ask(void *argument)
{
    int number = (int)(intptr_t)argument;
    int socket = udp_socket(ends[0], (uint16_t)(5000 + number));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(6000)};
    inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
    for (int asked = 0; asked < DATAGRAMS; asked++) {
        struct pollfd waiting = {.fd = socket, .events = POLLIN};
        int answer = -1;
        do {
            tern_sendto(ends[0], socket, &asked, sizeof asked, 0, (struct sockaddr *)&to,
                        sizeof to);
            while (tern_poll(ends[0], &waiting, 1, 50) == 1)
                if (tern_recv(ends[0], socket, &answer, sizeof answer, MSG_DONTWAIT) < 0 ||
                    answer == asked)
                    break;
        } while (answer != asked);
    }
    expect(tern_close(ends[0], socket) == 0, "ask: close");
    return NULL;
}

static void threads_poll_for_datagrams(void **state)
{
    (void)state;
    pthread_t reflectors[2], askers[4];
    setup();
    int socket = udp_socket(ends[1], 6000);
    for (int i = 0; i < 2; i++)
        spawn(&reflectors[i], reflect, socket);
    for (int i = 0; i < 4; i++)
        spawn(&askers[i], ask, i);
    join_all(askers, 4);
    assert_int_equal(tern_close(ends[1], socket), 0);
    join_all(reflectors, 2);
    teardown();
}

/* ── Closing under others ── */

static void *receive_until_closed(void *argument)
{
    char byte;
    expect(tern_recv(ends[0], (int)(intptr_t)argument, &byte, 1, 0) == -1 && errno == EBADF,
           "receive until closed");
    return NULL;
}

/* Whether the close comes before a receiver's call or during it, the answer is the same. */
static void close_ends_the_calls_of_others(void **state)
{
    (void)state;
    pthread_t receivers[4];
    setup();
    for (int round = 0; round < 50; round++) {
        int socket = udp_socket(ends[0], 4000);
        for (int i = 0; i < 4; i++)
            spawn(&receivers[i], receive_until_closed, socket);
        assert_int_equal(tern_close(ends[0], socket), 0);
        join_all(receivers, 4);
    }
    teardown();
}

/* A file keeps sendfile waiting, and nobody else: meanwhile the socket can be closed, and the
 * connection end, under the memory that is read into. */
struct sending {
    int socket, file;
};

static void *send_a_slow_file(void *argument)
{
    const struct sending *sending = argument;
    expect(tern_sendfile(ends[0], sending->socket, sending->file, NULL, 1000) == -1 &&
               errno == EBADF,
           "sendfile until closed");
    return NULL;
}

static void close_ends_a_sendfile_whose_file_waits(void **state)
{
    (void)state;
    setup();
    listener = tern_listen_on(ends[1], "7001", CLIENTS);
    assert_true(listener >= 0);
    for (int round = 0; round < 20; round++) {
        int pipe_ends[2];
        pthread_t thread;
        assert_int_equal(pipe(pipe_ends), 0);
        struct sending sending = {tern_dial(ends[0], "10.0.0.2:7001"), pipe_ends[0]};
        int server = tern_accept(ends[1], listener, NULL, NULL);
        assert_true(sending.socket >= 0 && server >= 0);
        assert_int_equal(pthread_create(&thread, NULL, send_a_slow_file, &sending), 0);
        /* Every other time it reads already: room is reserved, and so there is none to write to. */
        struct pollfd writable = {.fd = sending.socket, .events = POLLOUT};
        while (round % 2 && tern_poll(ends[0], &writable, 1, 0) == 1)
            sched_yield();
        assert_int_equal(tern_close(ends[0], sending.socket), 0);
        assert_int_equal(write(pipe_ends[1], "late", 4), 4);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(tern_close(ends[1], server), 0);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
    }
    assert_int_equal(tern_close(ends[1], listener), 0);
    teardown();
}

static struct {
    ssize_t sent;
    bool returned;
} cancelled;

static void *send_a_slow_file_and_end(void *argument)
{
    const struct sending *sending = argument;
    cancelled.sent = tern_sendfile(ends[0], sending->socket, sending->file, NULL, 4);
    cancelled.returned = true;
    pthread_testcancel();
    return NULL;
}

/* What it was reading into would be written to for ever by nobody, and given back by nobody. */
static void cancellation_waits_for_a_sendfile_whose_file_waits(void **state)
{
    (void)state;
    int pipe_ends[2];
    pthread_t thread;
    void *result;
    setup();
    listener = tern_listen_on(ends[1], "7001", CLIENTS);
    assert_true(listener >= 0);
    assert_int_equal(pipe(pipe_ends), 0);
    struct sending sending = {tern_dial(ends[0], "10.0.0.2:7001"), pipe_ends[0]};
    struct pollfd writable = {.fd = sending.socket, .events = POLLOUT};
    assert_int_equal(pthread_create(&thread, NULL, send_a_slow_file_and_end, &sending), 0);
    while (tern_poll(ends[0], &writable, 1, 0) == 1)
        sched_yield();
    assert_int_equal(pthread_cancel(thread), 0);
    poll(NULL, 0, 5); /* gives a wrong cancellation its chance; a right one needs no time */
    assert_int_equal(write(pipe_ends[1], "late", 4), 4);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_true(cancelled.returned);
    assert_int_equal(cancelled.sent, 4);
    assert_int_equal(tern_close(ends[0], sending.socket), 0);
    assert_int_equal(tern_close(ends[1], listener), 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    teardown();
}

/* ── Calls that never wait ── */

static void *look_and_set(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        uint64_t value;
        expect(tern_counter(ends[0], "IpInReceives", &value) == 0, "counter");
        expect(tern_set(ends[0], "ip.ttl", i % 2 ? "64" : "63") == 0, "set");
        int socket = tern_socket(ends[0], AF_INET, SOCK_STREAM, 0);
        expect(socket >= 0 && tern_close(ends[0], socket) == 0, "socket");
    }
    return NULL;
}

static void calls_that_never_wait_go_on_beside_those_that_do(void **state)
{
    (void)state;
    pthread_t lookers[3], server, clients[2];
    setup();
    listener = tern_listen_on(ends[1], "7000", CLIENTS);
    assert_true(listener >= 0);
    spawn(&server, serve, 0);
    for (int i = 0; i < 2; i++)
        spawn(&clients[i], client, i);
    for (int i = 0; i < 3; i++)
        spawn(&lookers[i], look_and_set, i);
    join_all(lookers, 3);
    join_all(clients, 2);
    assert_int_equal(tern_close(ends[1], listener), 0);
    join_all(&server, 1);
    teardown();
}

static void *wait_for_text(void *argument)
{
    char byte;
    expect(tern_recv(ends[0], (int)(intptr_t)argument, &byte, 1, 0) == 0, "the end");
    return NULL;
}

/* Who opens a connection sleeps while another thread drives, without a deadline of its own: that
 * one has to send the SYN again, and to carry what goes to the stack's own address. */
static void connections_are_opened_while_another_thread_waits(void **state)
{
    (void)state;
    pthread_t waiting;
    const struct tern_config hasty = {.settings = "tcp.syn_retries=1,tcp.rto_initial_ms=50"};
    setup_with(&hasty);
    listener = tern_listen_on(ends[1], "7000", 1);
    int idle = tern_dial(ends[0], "10.0.0.2:7000"), own = tern_listen_on(ends[0], "7000", 1);
    assert_true(listener >= 0 && idle >= 0 && own >= 0);
    spawn(&waiting, wait_for_text, idle);
    assert_int_equal(tern_dial(ends[0], "10.0.0.77:7000"), -1); /* nobody has that */
    assert_int_equal(errno, ETIMEDOUT);
    int near = tern_dial(ends[0], "10.0.0.1:7000"), far = tern_accept(ends[0], own, NULL, NULL);
    assert_true(near >= 0 && far >= 0);
    assert_int_equal(tern_dial(ends[0], "10.0.0.1:7001"), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(tern_shutdown(ends[0], idle, SHUT_RDWR), 0);
    join_all(&waiting, 1);
    assert_int_equal(tern_close(ends[0], idle), 0);
    assert_int_equal(tern_close(ends[0], near), 0);
    assert_int_equal(tern_close(ends[0], far), 0);
    assert_int_equal(tern_close(ends[0], own), 0);
    assert_int_equal(tern_close(ends[1], listener), 0);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_stack_a_listener_and_a_socket),
        cmocka_unit_test(threads_poll_for_datagrams),
        cmocka_unit_test(close_ends_the_calls_of_others),
        cmocka_unit_test(close_ends_a_sendfile_whose_file_waits),
        cmocka_unit_test(cancellation_waits_for_a_sendfile_whose_file_waits),
        cmocka_unit_test(calls_that_never_wait_go_on_beside_those_that_do),
        cmocka_unit_test(connections_are_opened_while_another_thread_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
