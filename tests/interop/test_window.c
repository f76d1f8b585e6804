/* Readers that stall: windows close, are probed, and open again; and windows that are small. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

/* Fills the way from one end to the other with the pattern until no more is taken; how much was. */
static uint64_t fill(struct end from, uint64_t seed)
{
    static uint8_t bytes[100000];
    uint64_t total = 0;
    for (uint64_t quiet_ns = scenario_now_ns() + TIME_MS(200); scenario_now_ns() < quiet_ns;) {
        pattern_fill(seed, total, bytes, sizeof bytes);
        ssize_t n = from.tern ? tern_send(from.tern, from.socket, bytes, sizeof bytes, MSG_DONTWAIT)
                              : send(from.socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0) {
            total += (uint64_t)n;
            quiet_ns = scenario_now_ns() + TIME_MS(200);
        } else {
            assert_int_equal(errno, EAGAIN);
            scenario_patient(0);
        }
    }
    return total;
}

/* Reads and compares `bytes` of the pattern. */
static void drain(struct end to, uint64_t seed, uint64_t bytes)
{
    static uint8_t got[65536], expected[65536];
    for (uint64_t done = 0; done < bytes;) {
        uint64_t left = bytes - done;
        int n = must((int)end_receive(to, got, left < sizeof got ? (size_t)left : sizeof got));
        assert_int_not_equal(n, 0);
        pattern_fill(seed, done, expected, (size_t)n);
        assert_memory_equal(got, expected, (size_t)n);
        done += (uint64_t)n;
    }
}

/* How often the kernel has probed our closed window: its back-off grows until the window opens. */
static int kernels_probes(struct end kernels)
{
    return kernel_info(kernels.socket).tcpi_backoff;
}

/* Our window has closed, and stays so while it is probed; then all is read, and the
 * stream goes on. */
static void our_reader_stalls(void **state)
{
    (void)state;
    enum { BUFFER = 200000 };
    struct scenario *s = scenario_open(&(struct wish){.settings = "tcp.rcvbuf=200000"});
    struct pair pair = pair_accept(s);
    for (uint64_t round = 1; round <= 2; round++) {
        uint64_t filled = fill(pair.kernels, round);
        wait_until(kernels_probes(pair.kernels) >= 1);
        int queued;
        must(tern_ioctl(s->tern, pair.ours.socket, FIONREAD, &queued));
        assert_in_range(queued, BUFFER - 1460, BUFFER);
        drain(pair.ours, round, filled);
        flow_run(pair.ours, pair.kernels, 0);
        pair_close(pair);
        pair = pair_connect(s);
    }
    flow_run(pair.kernels, pair.ours, 1000000);
    pair_close(pair);
    scenario_close(s);
}

static const struct wish quick_probes = {.settings = "tcp.rto_min_ms=20"};

static void kernels_reader_stalls(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&quick_probes);
    struct pair pair = pair_connect(s);
    uint64_t filled = fill(pair.ours, 1);
    assert_true(filled >= 1 << 20);
    wait_until(scenario_count(s, "TcpExtTCPWinProbe") >= 3);
    drain(pair.kernels, 1, filled);
    exchange_run(pair, 1000000, 1000000);
    pair_close(pair);
    scenario_close(s);
}

/* RFC 9293 MUST-37: an answered probe keeps the connection, however often. */
static void stalled_reader_is_not_given_up(void **state)
{
    (void)state;
    kernel_set("tcp_invalid_ratelimit", "0"); /* it leaves none of our probes unanswered */
    struct scenario *s =
        scenario_open(&(struct wish){.settings = "tcp.rto_min_ms=10,tcp.rto_max_ms=1000,"
                                                 "tcp.retries2=4"});
    struct pair pair = pair_connect(s);
    uint64_t filled = fill(pair.ours, 1);
    wait_until(scenario_count(s, "TcpExtTCPWinProbe") >= 7);
    drain(pair.kernels, 1, filled);
    exchange_run(pair, 1000, 1000);
    pair_close(pair);
    scenario_close(s);
}

/* What is behind a closed window, the FIN too, still goes out once its user has left. */
static void closed_connection_gets_past_a_closed_window(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&quick_probes);
    struct pair pair = pair_connect(s);
    uint64_t filled = fill(pair.ours, 1);
    must(end_close(pair.ours));
    wait_until(scenario_count(s, "TcpExtTCPWinProbe") >= 2);
    drain(pair.kernels, 1, filled);
    char byte;
    assert_int_equal(end_receive(pair.kernels, &byte, 1), 0);
    must(end_close(pair.kernels));
    scenario_close(s);
}

static void end_of_the_kernels_stream_gets_past_our_closed_window(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_accept(s);
    uint64_t filled = fill(pair.kernels, 1);
    must(end_close(pair.kernels));
    drain(pair.ours, 1, filled);
    char byte;
    assert_int_equal(end_receive(pair.ours, &byte, 1), 0);
    must(end_close(pair.ours));
    scenario_close(s);
}

/* Both stall at once: neither probe may be lost on the other. */
static void both_readers_stall(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&quick_probes);
    struct pair pair = pair_connect(s);
    uint64_t out = fill(pair.ours, 1), in = fill(pair.kernels, 2);
    wait_until(scenario_count(s, "TcpExtTCPWinProbe") >= 2);
    wait_until(kernels_probes(pair.kernels) >= 1);
    drain(pair.kernels, 1, out);
    drain(pair.ours, 2, in);
    exchange_run(pair, 1000000, 1000000);
    pair_close(pair);
    scenario_close(s);
}

/* Small buffers: much waiting, but no trickle of tiny segments (RFC 9293 §3.8.6.2). */
static void small_buffer_of_the_kernel_is_filled_in_good_segments(void **state)
{
    (void)state;
    enum { BYTES = 300000 };
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    kernel_option(listener, SOL_SOCKET, SO_RCVBUF, 2304);
    struct pair pair = pair_connect_to(s, listener, port);
    close(listener);
    flow_run(pair.ours, pair.kernels, BYTES);
    struct tern_tcp_info info = kernel_info(pair.kernels.socket);
    assert_in_range(info.tcpi_data_segs_in, BYTES / 1460, BYTES / 300);
    pair_close(pair);
    scenario_close(s);
}

static void small_buffer_of_ours_is_filled_in_good_segments(void **state)
{
    (void)state;
    enum { BYTES = 300000 };
    struct scenario *s = scenario_open(&(struct wish){.settings = "tcp.rcvbuf=4096"});
    struct pair pair = pair_accept(s);
    flow_run(pair.kernels, pair.ours, BYTES);
    struct tern_tcp_info info = kernel_info(pair.kernels.socket);
    assert_in_range(info.tcpi_data_segs_out, BYTES / 1460, BYTES / 300);
    pair_close(pair);
    scenario_close(s);
}

static void reader_of_single_bytes_gets_them_all(void **state)
{
    (void)state;
    enum { BYTES = 20000 };
    struct scenario *s = scenario_open(&(struct wish){.settings = "tcp.rcvbuf=2304"});
    struct pair pair = pair_connect(s);
    uint8_t *sent = malloc(BYTES), byte;
    pattern_fill(1, 0, sent, BYTES);
    assert_int_equal(end_send(pair.kernels, sent, BYTES), BYTES);
    for (int i = 0; i < BYTES; i++) {
        assert_int_equal(end_receive(pair.ours, &byte, 1), 1);
        assert_int_equal(byte, sent[i]);
    }
    free(sent);
    pair_close(pair);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(our_reader_stalls),
        scenario_test(kernels_reader_stalls),
        scenario_test(stalled_reader_is_not_given_up),
        scenario_test(closed_connection_gets_past_a_closed_window),
        scenario_test(end_of_the_kernels_stream_gets_past_our_closed_window),
        scenario_test(both_readers_stall),
        scenario_test(small_buffer_of_the_kernel_is_filled_in_good_segments),
        scenario_test(small_buffer_of_ours_is_filled_in_good_segments),
        scenario_test(reader_of_single_bytes_gets_them_all),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
