/* What the two sides may agree on or not: options switched off by either, every MTU, the kernel's
 * congestion controls. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

static struct tern_tcp_info our_info(struct end ours)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    must(tern_getsockopt(ours.tern, ours.socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info;
}

/* ── Options ── */

enum { OPTIONS = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE };

/* Both must believe that exactly these options are in use; and data must pass. */
static void exchange_with(const struct scenario *s, int options)
{
    for (int opener = 0; opener < 2; opener++) {
        struct pair pair = opener ? pair_accept(s) : pair_connect(s);
        assert_int_equal(our_info(pair.ours).tcpi_options & OPTIONS, options);
        assert_int_equal(kernel_info(pair.kernels.socket).tcpi_options & OPTIONS, options);
        exchange_run(pair, 1000000, 1000000);
        pair_close(pair);
    }
}

/* The same through a network that loses and reorders, where the options matter. */
static void exchange_with_over_both(const char *settings, int options)
{
    struct scenario *s = scenario_open(&(struct wish){.settings = settings});
    exchange_with(s, options);
    scenario_close(s);
    s = scenario_open(
        &(struct wish){.settings = settings, .fault = "loss=1%,reorder=1%,delay=500us,seed=11"});
    struct pair pair = pair_connect(s);
    exchange_run(pair, 300000, 300000);
    pair_close(pair);
    scenario_close(s);
}

static void all_options_are_in_use(void **state)
{
    (void)state;
    exchange_with_over_both(NULL, OPTIONS);
}

static void kernel_without_timestamps(void **state)
{
    (void)state;
    kernel_set("tcp_timestamps", "0");
    exchange_with_over_both(NULL, OPTIONS & ~TCPI_OPT_TIMESTAMPS);
}

static void kernel_without_sack(void **state)
{
    (void)state;
    kernel_set("tcp_sack", "0");
    exchange_with_over_both(NULL, OPTIONS & ~TCPI_OPT_SACK);
}

static void kernel_without_window_scaling(void **state)
{
    (void)state;
    kernel_set("tcp_window_scaling", "0");
    exchange_with_over_both(NULL, OPTIONS & ~TCPI_OPT_WSCALE);
}

static void kernel_without_any_option(void **state)
{
    (void)state;
    kernel_set("tcp_timestamps", "0");
    kernel_set("tcp_sack", "0");
    kernel_set("tcp_window_scaling", "0");
    exchange_with_over_both(NULL, 0);
}

static void we_without_timestamps(void **state)
{
    (void)state;
    exchange_with_over_both("tcp.timestamps=0", OPTIONS & ~TCPI_OPT_TIMESTAMPS);
}

static void we_without_sack(void **state)
{
    (void)state;
    exchange_with_over_both("tcp.sack=0", OPTIONS & ~TCPI_OPT_SACK);
}

static void we_without_window_scaling(void **state)
{
    (void)state;
    exchange_with_over_both("tcp.window_scaling=0", OPTIONS & ~TCPI_OPT_WSCALE);
}

static void we_without_any_option(void **state)
{
    (void)state;
    exchange_with_over_both("tcp.timestamps=0,tcp.sack=0,tcp.window_scaling=0", 0);
}

static void kernel_that_asks_for_ecn(void **state)
{
    (void)state;
    kernel_set("tcp_ecn", "1");
    struct scenario *s = scenario_open(NULL);
    exchange_with(s, OPTIONS);
    scenario_close(s);
}

/* ── Sizes ── */

static void exchange_around_segments(const struct scenario *s, uint32_t mss)
{
    const uint32_t sizes[] = {0, 1, mss - 1, mss, mss + 1, 3 * mss};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair pair = i & 1 ? pair_accept(s) : pair_connect(s);
        assert_int_equal(our_info(pair.ours).tcpi_snd_mss, mss);
        exchange_run(pair, sizes[i], sizes[i]);
        pair_close(pair);
    }
}

static void every_mtu(void **state)
{
    (void)state;
    enum { HEADERS = 20 + 20 + 12 };
    static const unsigned mtus[] = {576, 1500, 9000, 65535};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct scenario *s = scenario_open(&(struct wish){.mtu = mtus[i]});
        exchange_around_segments(s, mtus[i] - HEADERS);
        struct pair pair = pair_connect(s);
        exchange_run(pair, 3000000, 3000000);
        pair_close(pair);
        scenario_close(s);
    }
}

static void every_mtu_through_faults(void **state)
{
    (void)state;
    static const unsigned mtus[] = {576, 1500, 9000, 65535};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct scenario *s = scenario_open(
            &(struct wish){.mtu = mtus[i], .fault = "loss=1%,reorder=2%,corrupt=1%,seed=13"});
        struct pair pair = pair_accept(s);
        exchange_run(pair, mtus[i] * 200, mtus[i] * 200);
        pair_close(pair);
        scenario_close(s);
    }
}

/* ── Congestion control ── */

static void exchange_under(const char *theirs, const char *ours, const char *fault)
{
    char settings[64];
    snprintf(settings, sizeof settings, "tcp.congestion_control=%s", ours);
    struct scenario *s = scenario_open(&(struct wish){.settings = settings, .fault = fault});
    struct pair pair = pair_accept(s);
    if (setsockopt(pair.kernels.socket, IPPROTO_TCP, TCP_CONGESTION, theirs,
                   (socklen_t)strlen(theirs)) < 0)
        print_message("(this kernel has no %s: Cubic instead)\n", theirs);
    exchange_run(pair, 3000000, 3000000);
    pair_close(pair);
    scenario_close(s);
}

static void every_congestion_control(void **state)
{
    (void)state;
    static const char *const theirs[] = {"reno", "cubic", "bbr"};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        exchange_under(theirs[i], i ? "cubic" : "reno", NULL);
        exchange_under(theirs[i], i ? "cubic" : "reno", "loss=0.2%,delay=1ms,seed=17");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(all_options_are_in_use),
        scenario_test(kernel_without_timestamps),
        scenario_test(kernel_without_sack),
        scenario_test(kernel_without_window_scaling),
        scenario_test(kernel_without_any_option),
        scenario_test(we_without_timestamps),
        scenario_test(we_without_sack),
        scenario_test(we_without_window_scaling),
        scenario_test(we_without_any_option),
        scenario_test(kernel_that_asks_for_ecn),
        scenario_test(every_mtu),
        scenario_test(every_mtu_through_faults),
        scenario_test(every_congestion_control),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
