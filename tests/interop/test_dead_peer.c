/* The peer dies: its process, its network, or it was never there. Ours must learn of it in the time
 * it has asked for, and only then. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

/* ── A process that is killed ── */

/* A child that has the listener's next connection, and reads `appetite` bytes of it and no more, or
 * (below 0) writes for ever. */
static pid_t peer_start(int listener, long appetite)
{
    static char bytes[65536];
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0)
        return child;
    int connection = accept(listener, NULL, NULL);
    close(listener);
    while (appetite < 0)
        if (send(connection, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
            _exit(1);
    while (appetite > 0) {
        ssize_t got = recv(connection, bytes, sizeof bytes, 0);
        if (got <= 0)
            _exit(1);
        appetite -= got;
    }
    for (;;)
        pause();
}

static void peer_kill(pid_t child)
{
    int status;
    must(kill(child, SIGKILL));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static int connect_to(const struct scenario *s, uint16_t port)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    int ours = must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0));
    must(tern_setsockopt(s->tern, ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(tern_setsockopt(s->tern, ours, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    must(tern_connect(s->tern, ours, (struct sockaddr *)&there, sizeof there));
    return ours;
}

/* It dies with data unread, and the kernel resets. */
static void writer_learns_of_the_death_of_its_reader(void **state)
{
    (void)state;
    static char bytes[1 << 20];
    struct scenario *s = scenario_open(
        &(struct wish){.settings = "tcp.rto_min_ms=20", .explains = "Connection reset"});
    uint16_t port;
    int listener = kernel_listen(s, &port);
    pid_t child = peer_start(listener, 3000000);
    int ours = connect_to(s, port);
    while (scenario_count(s, "TcpExtTCPWinProbe") == 0) /* it reads no more */
        if (tern_send(s->tern, ours, bytes, sizeof bytes, MSG_DONTWAIT) < 0)
            assert_int_equal(errno, EAGAIN);
    peer_kill(child);
    assert_fails((int)tern_write_all(s->tern, ours, bytes, sizeof bytes), ECONNRESET);
    assert_fails((int)tern_send(s->tern, ours, bytes, 1, 0), EPIPE);
    assert_int_equal(tern_recv(s->tern, ours, bytes, 1, 0), 0);
    must(tern_close(s->tern, ours));
    close(listener);
    scenario_close(s);
}

/* What a killed writer had written still comes, then the end. */
static void reader_is_given_what_a_killed_writer_had_written(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    pid_t child = peer_start(listener, -1);
    int ours = connect_to(s, port);
    ssize_t got;
    for (long total = 0; total < 3000000; total += got) {
        got = tern_recv(s->tern, ours, bytes, sizeof bytes, 0);
        assert_true(got > 0);
    }
    peer_kill(child);
    do
        got = must((int)tern_recv(s->tern, ours, bytes, sizeof bytes, 0));
    while (got > 0);
    must(tern_close(s->tern, ours));
    close(listener);
    scenario_close(s);
}

/* ── A network that is gone ── */

/* The kernel forgets its address: our packets reach nobody, and nobody answers. */
static void address_remove(const struct scenario *s)
{
    kernel_command("ip address del %s/24 dev %s", s->kernels, s->device);
}

static void address_restore(const struct scenario *s)
{
    kernel_command("ip address add %s/24 dev %s", s->kernels, s->device);
}

static const struct wish impatient = {.settings =
                                          "tcp.rto_min_ms=20,tcp.retries2=4,tcp.orphan_retries=3"};

static void silence_ends_a_connection_after_its_retries(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&impatient);
    struct pair pair = pair_connect(s);
    address_remove(s);
    must((int)end_send(pair.ours, "anyone?", 7));
    char byte;
    assert_fails((int)end_receive(pair.ours, &byte, 1), ETIMEDOUT);
    assert_true(scenario_count(s, "TcpRetransSegs") >= 4);
    assert_fails((int)end_send(pair.ours, "x", 1), EPIPE);
    must(end_close(pair.ours));
    scenario_close(s);
    close(pair.kernels.socket);
}

static void silence_ends_a_connection_that_its_user_has_left(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&impatient);
    struct pair pair = pair_connect(s);
    address_remove(s);
    must((int)end_send(pair.ours, "anyone?", 7));
    must(end_close(pair.ours));
    must(tern_quiesce(s->tern, PATIENCE_NS));
    assert_int_equal(tern_memory_used(s->tern), 0);
    scenario_close(s);
    close(pair.kernels.socket);
}

static void silence_ends_a_connection_after_the_user_timeout(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    unsigned timeout_ms = 500;
    must(tern_setsockopt(s->tern, pair.ours.socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                         sizeof timeout_ms));
    address_remove(s);
    must((int)end_send(pair.ours, "anyone?", 7));
    char byte;
    uint64_t before_ns = scenario_now_ns();
    assert_fails((int)end_receive(pair.ours, &byte, 1), ETIMEDOUT);
    assert_true(scenario_now_ns() - before_ns >= TIME_MS(490));
    must(end_close(pair.ours));
    scenario_close(s);
    close(pair.kernels.socket);
}

static void keepalives_find_out_that_an_idle_peer_is_gone(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(
        &(struct wish){.settings = "tcp.keepalive_time_s=1,tcp.keepalive_interval_s=1,"
                                   "tcp.keepalive_probes=1",
                       .explains = "Connection reset"});
    struct pair pair = pair_connect(s);
    int on = 1;
    must(tern_setsockopt(s->tern, pair.ours.socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    wait_until(scenario_count(s, "TcpExtTCPKeepAlive") == 1); /* answered */
    address_remove(s);
    char byte;
    assert_fails((int)end_receive(pair.ours, &byte, 1), ETIMEDOUT);
    assert_in_range(scenario_count(s, "TcpExtTCPKeepAlive"), 2, 3);
    must(end_close(pair.ours));
    scenario_close(s);
    close(pair.kernels.socket);
}

static void nobody_answers_a_connect(void **state)
{
    (void)state;
    struct scenario *s =
        scenario_open(&(struct wish){.settings = "tcp.rto_initial_ms=20,tcp.syn_retries=3"});
    struct sockaddr_in there = scenario_sockaddr(s->kernels, 9);
    address_remove(s);
    int ours = must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0));
    assert_fails(tern_connect(s->tern, ours, (struct sockaddr *)&there, sizeof there), ETIMEDOUT);
    assert_int_equal(scenario_count(s, "TcpRetransSegs"), 3);
    must(tern_close(s->tern, ours));
    scenario_close(s);
}

/* ── A network that comes back ── */

/* How often something did not get through: it went unanswered, or the device did not take it. */
static uint64_t failures(const struct scenario *s)
{
    return scenario_count(s, "TcpExtTCPTimeouts") + scenario_count(s, "DropLINK");
}

/* Cuts the network in the middle of an exchange for so long, and until that has been noticed, and
 * restores it. */
static void survive(struct scenario *s, void cut(const struct scenario *),
                    void mend(const struct scenario *))
{
    struct pair pair = pair_connect(s);
    static struct exchange e;
    exchange_start(&e, pair, UNTIL_STOPPED, UNTIL_STOPPED);
    wait_until(e.out.received > 1000000 && e.in.received > 1000000);
    uint64_t before = failures(s);
    cut(s);
    uint64_t end_ns = scenario_now_ns() + TIME_MS(300);
    wait_until(failures(s) >= before + 2 && scenario_now_ns() >= end_ns);
    mend(s);
    exchange_stop(&e);
    exchange_finish(&e);
    pair_close(pair);
    scenario_close(s);
}

static const struct wish interrupted = {.settings = "tcp.rto_min_ms=50",
                                        .explains = "not captured|wasn't captured"};

static void exchange_survives_a_peer_without_address(void **state)
{
    (void)state;
    survive(scenario_open(&interrupted), address_remove, address_restore);
}

static void device_down(const struct scenario *s)
{
    kernel_command("ip link set %s down", s->device);
}

static void device_up(const struct scenario *s)
{
    kernel_command("ip link set %s up", s->device);
}

static void exchange_survives_a_device_that_is_down_for_a_while(void **state)
{
    (void)state;
    survive(scenario_open(&interrupted), device_down, device_up);
}

static void silence_of_a_device_that_is_down_ends_a_connection(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&impatient);
    struct pair pair = pair_accept(s);
    device_down(s);
    end_send(pair.ours, "anyone?", 7);
    char byte;
    assert_fails((int)end_receive(pair.ours, &byte, 1), ETIMEDOUT);
    must(end_close(pair.ours));
    scenario_close(s);
    close(pair.kernels.socket);
}

static int ask(const struct scenario *s, int socket)
{
    static const uint8_t request[8] = {8}; /* of an echo socket a request, of UDP eight bytes */
    struct sockaddr_in there = scenario_sockaddr(s->kernels, 9);
    return (int)tern_sendto(s->tern, socket, request, sizeof request, 0, (struct sockaddr *)&there,
                            sizeof there);
}

static void device_that_is_down_is_told_to_who_sends_datagrams(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&interrupted);
    const int sockets[] = {must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0)),
                           must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, IPPROTO_ICMP))};
    device_down(s);
    for (int i = 0; i < 2; i++)
        assert_fails(ask(s, sockets[i]), ENETDOWN);
    device_up(s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(s, sockets[i]), 8);
        must(tern_close(s->tern, sockets[i]));
    }
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(writer_learns_of_the_death_of_its_reader),
        scenario_test(reader_is_given_what_a_killed_writer_had_written),
        scenario_test(silence_ends_a_connection_after_its_retries),
        scenario_test(silence_ends_a_connection_that_its_user_has_left),
        scenario_test(silence_ends_a_connection_after_the_user_timeout),
        scenario_test(keepalives_find_out_that_an_idle_peer_is_gone),
        scenario_test(nobody_answers_a_connect),
        scenario_test(exchange_survives_a_peer_without_address),
        scenario_test(exchange_survives_a_device_that_is_down_for_a_while),
        scenario_test(silence_of_a_device_that_is_down_ends_a_connection),
        scenario_test(device_that_is_down_is_told_to_who_sends_datagrams),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
