/* How connections with the kernel begin: at both ends at once, through losses, with cookies, with
 * data in the first segment. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

static int our_stream(const struct scenario *s, int flags)
{
    return must(tern_socket(s->tern, AF_INET, SOCK_STREAM | flags, 0));
}

static struct tern_tcp_info our_info(int socket, const struct scenario *s)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    must(tern_getsockopt(s->tern, socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info;
}

static void our_option(const struct scenario *s, int socket, int option, int value)
{
    must(tern_setsockopt(s->tern, socket, IPPROTO_TCP, option, &value, sizeof value));
}

/* RFC 9293 §3.5, figure 8 (MUST-10): the SYNs cross on a long way. */
static void connection_that_both_open_at_once(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.fault = "delay=100ms"});
    struct sockaddr_in ours = scenario_sockaddr(s->ours, 4000);
    struct sockaddr_in kernels = scenario_sockaddr(s->kernels, 5000);
    struct pair pair = {{s->tern, our_stream(s, SOCK_NONBLOCK)},
                        {NULL, kernel_socket(SOCK_STREAM | SOCK_NONBLOCK, 0)}};
    must(tern_bind(s->tern, pair.ours.socket, (struct sockaddr *)&ours, sizeof ours));
    must(bind(pair.kernels.socket, (struct sockaddr *)&kernels, sizeof kernels));
    assert_fails(connect(pair.kernels.socket, (struct sockaddr *)&ours, sizeof ours), EINPROGRESS);
    assert_fails(
        tern_connect(s->tern, pair.ours.socket, (struct sockaddr *)&kernels, sizeof kernels),
        EINPROGRESS);
    wait_until(our_info(pair.ours.socket, s).tcpi_state == TCP_SYN_RECV);
    assert_int_equal(kernel_poll(pair.kernels.socket, POLLOUT), POLLOUT);
    wait_until(our_info(pair.ours.socket, s).tcpi_state == TCP_ESTABLISHED);
    must(tern_fcntl(s->tern, pair.ours.socket, F_SETFL, 0));
    must(fcntl(pair.kernels.socket, F_SETFL, 0));
    exchange_run(pair, 10000, 10000);
    pair_close(pair);
    scenario_close(s);
}

/* Any of the three segments may be lost, or come twice. The byte that follows them brings the last
 * one's news once more. */
static const struct wish lossy = {.fault = "loss=10%,dup=10%,seed=23",
                                  .settings = "tcp.rto_initial_ms=50"};

enum { COUNT = 12 };

static void assert_one_byte(struct end end)
{
    char byte = 0;
    assert_int_equal(must((int)end_receive(end, &byte, 1)), 1);
    assert_int_equal(byte, 'x');
}

static void connections_open_through_losses(void **state)
{
    (void)state;
    struct end ours[COUNT];
    struct scenario *s = scenario_open(&lossy);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    for (int i = 0; i < COUNT; i++) {
        ours[i] = (struct end){s->tern, our_stream(s, 0)};
        must(tern_connect(s->tern, ours[i].socket, (struct sockaddr *)&there, sizeof there));
        assert_int_equal(end_send(ours[i], "x", 1), 1);
    }
    for (int i = 0; i < COUNT; i++) {
        struct end kernels = {NULL, kernel_accept(listener)};
        assert_one_byte(kernels);
        must(end_close(kernels));
    }
    for (int i = 0; i < COUNT; i++)
        must(end_close(ours[i]));
    close(listener);
    scenario_close(s);
}

static int theirs[COUNT];

/* Writes a byte on each as soon as it is connected, in whatever order that happens: who accepts
 * waits for the byte, and those behind it wait for room in the accept queue. NULL or
 * what is wrong. */
static void *kernel_greets(void *unused)
{
    (void)unused;
    struct pollfd waiting[COUNT];
    for (int i = 0; i < COUNT; i++)
        waiting[i] = (struct pollfd){.fd = theirs[i], .events = POLLOUT};
    for (int greeted = 0; greeted < COUNT;) {
        if (poll(waiting, COUNT, PATIENCE_S * 1000) < 1)
            return (void *)(uintptr_t) "the kernel's connections do not open";
        for (int i = 0; i < COUNT; i++) {
            if (!waiting[i].revents)
                continue;
            if (waiting[i].revents != POLLOUT || send(theirs[i], "x", 1, MSG_NOSIGNAL) != 1)
                return (void *)(uintptr_t) "a connection of the kernel's has failed";
            waiting[i].fd = -1;
            waiting[i].revents = 0;
            greeted++;
        }
    }
    return NULL;
}

/* The kernel's SYNs go out all at once, and then we accept. */
static void let_the_kernel_connect(const struct scenario *s, int listener, uint16_t port)
{
    struct sockaddr_in there = scenario_sockaddr(s->ours, port);
    pthread_t thread;
    void *wrong;
    for (int i = 0; i < COUNT; i++) {
        theirs[i] = kernel_socket(SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_fails(connect(theirs[i], (struct sockaddr *)&there, sizeof there), EINPROGRESS);
    }
    assert_int_equal(pthread_create(&thread, NULL, kernel_greets, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        struct end ours = {s->tern, must(tern_accept(s->tern, listener, NULL, NULL))};
        assert_one_byte(ours);
        must(end_close(ours));
    }
    assert_int_equal(pthread_join(thread, &wrong), 0);
    if (wrong)
        fail_msg("%s", (const char *)wrong);
    for (int i = 0; i < COUNT; i++)
        close(theirs[i]);
}

static void connections_of_the_kernel_open_through_losses(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&lossy);
    uint16_t port;
    int listener = tern_listener(s, &port);
    let_the_kernel_connect(s, listener, port);
    must(tern_close(s->tern, listener));
    scenario_close(s);
}

/* More connections than may wait are not refused, but made to try again, or
 * remembered by cookies. */
static void connections_beyond_the_backlog_open_later(void **state)
{
    (void)state;
    static const char *const settings[] = {"tcp.syncookies=0", "tcp.syncookies=1",
                                           "tcp.syncookies=2"};
    for (int i = 0; i < 3; i++) {
        struct scenario *s = scenario_open(&(struct wish){.settings = settings[i]});
        uint16_t port;
        int listener = tern_listener(s, &port);
        must(tern_listen(s->tern, listener, 3));
        let_the_kernel_connect(s, listener, port);
        must(tern_close(s->tern, listener));
        scenario_close(s);
    }
}

/* The kernel keeps nothing of a SYN but what its SYN,ACK says, and our ACK must bring
 * it all back. */
static void kernel_that_answers_with_cookies(void **state)
{
    (void)state;
    kernel_set("tcp_syncookies", "2");
    struct scenario *s = scenario_open(NULL);
    for (int round = 0; round < 3; round++) {
        struct pair pair = pair_connect(s);
        struct tern_tcp_info info = kernel_info(pair.kernels.socket);
        assert_true(info.tcpi_options & TCPI_OPT_SACK && info.tcpi_options & TCPI_OPT_WSCALE);
        exchange_run(pair, 300000, 300000);
        pair_close(pair);
    }
    scenario_close(s);
}

static void smaller_segments_on_request(void **state)
{
    (void)state;
    enum { KERNELS = 700, OURS = 600, TIMESTAMPS = 12 };
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    kernel_option(listener, IPPROTO_TCP, TCP_MAXSEG, KERNELS);
    struct pair pair = pair_connect_to(s, listener, port);
    assert_int_equal(our_info(pair.ours.socket, s).tcpi_snd_mss, KERNELS - TIMESTAMPS);
    exchange_run(pair, 100000, 100000);
    pair_close(pair);
    close(listener);

    listener = tern_listener(s, &port);
    our_option(s, listener, TCP_MAXSEG, OURS);
    pair = pair_accept_from(s, listener, port);
    assert_int_equal(kernel_info(pair.kernels.socket).tcpi_snd_mss, OURS - TIMESTAMPS);
    exchange_run(pair, 100000, 100000);
    pair_close(pair);
    must(tern_close(s->tern, listener));
    scenario_close(s);
}

/* ── Fast Open (RFC 7413) ── */

static const char hello[] = "hello in the first segment";

static void assert_hello(struct end end)
{
    char got[sizeof hello];
    size_t done = 0;
    while (done < sizeof hello)
        done += (size_t)must((int)end_receive(end, got + done, sizeof hello - done));
    assert_memory_equal(got, hello, sizeof hello);
}

/* First the kernel is given a cookie; then its SYN carries data. */
static void kernel_opens_with_data(void **state)
{
    (void)state;
    kernel_set("tcp_fastopen", "1");
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = tern_listener(s, &port);
    our_option(s, listener, TCP_FASTOPEN, 5);
    struct sockaddr_in there = scenario_sockaddr(s->ours, port);
    for (int round = 0; round < 3; round++) {
        struct end kernels = {NULL, kernel_socket(SOCK_STREAM, 0)};
        assert_int_equal(sendto(kernels.socket, hello, sizeof hello, MSG_FASTOPEN,
                                (struct sockaddr *)&there, sizeof there),
                         sizeof hello);
        struct end ours = {s->tern, must(tern_accept(s->tern, listener, NULL, NULL))};
        assert_hello(ours);
        bool with_data = kernel_info(kernels.socket).tcpi_options & TCPI_OPT_SYN_DATA;
        assert_int_equal(with_data, round > 0);
        exchange_run((struct pair){ours, kernels}, 100000, 100000);
        pair_close((struct pair){ours, kernels});
    }
    assert_int_equal(scenario_count(s, "TcpExtTCPFastOpenPassive"), 2);
    must(tern_close(s->tern, listener));
    scenario_close(s);
}

static void we_open_with_data(void **state)
{
    (void)state;
    kernel_set("tcp_fastopen", "3");
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    kernel_option(listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    for (int round = 0; round < 3; round++) {
        struct end ours = {s->tern, our_stream(s, 0)};
        assert_int_equal(tern_sendto(s->tern, ours.socket, hello, sizeof hello, MSG_FASTOPEN,
                                     (struct sockaddr *)&there, sizeof there),
                         sizeof hello);
        struct end kernels = {NULL, kernel_accept(listener)};
        assert_hello(kernels);
        exchange_run((struct pair){ours, kernels}, 100000, 100000);
        pair_close((struct pair){ours, kernels});
    }
    assert_int_equal(scenario_count(s, "TcpExtTCPFastOpenActive"), 2);
    close(listener);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(connection_that_both_open_at_once),
        scenario_test(connections_open_through_losses),
        scenario_test(connections_of_the_kernel_open_through_losses),
        scenario_test(connections_beyond_the_backlog_open_later),
        scenario_test(kernel_that_answers_with_cookies),
        scenario_test(smaller_segments_on_request),
        scenario_test(kernel_opens_with_data),
        scenario_test(we_open_with_data),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
