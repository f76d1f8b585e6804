/* Streams through a network that marks what it could have dropped. Kernels before Linux 7.0 know
 * classic ECN alone; tests/sim has both kinds. */
#include <netinet/tcp.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

enum { BYTES = 1000000 };

#define MARKS "ce=5%,delay=1ms,seed=21"

static struct tern_tcp_info info_of(struct end end)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    if (!end.tern)
        return kernel_info(end.socket);
    must(tern_getsockopt(end.tern, end.socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info;
}

/* `writer` sends, learns of marks, and answers them. */
static void assert_marked(struct end writer, struct end reader)
{
    flow_run(writer, reader, BYTES);
    struct tern_tcp_info info = info_of(writer);
    assert_true(info.tcpi_options & TCPI_OPT_ECN);
    assert_true(info_of(reader).tcpi_options & TCPI_OPT_ECN_SEEN);
    assert_true(info.tcpi_delivered_ce > 0);
    assert_true(info.tcpi_snd_ssthresh < 0x7fffffff);
}

static void marks_are_told_both_ways(void **state)
{
    (void)state;
    kernel_set("tcp_ecn", "1");
    for (int opener = 0; opener < 4; opener++) {
        struct scenario *s = scenario_open(
            &(struct wish){.fault = MARKS, .settings = opener & 2 ? "tcp.ecn=5" : "tcp.ecn=1"});
        struct pair pair = opener & 1 || opener & 2 ? pair_accept(s) : pair_connect(s);
        if (opener & 1)
            assert_marked(pair.kernels, pair.ours);
        else
            assert_marked(pair.ours, pair.kernels);
        pair_close(pair);
        scenario_close(s);
    }
}

/* Who asks for AccECN gets what the other can. */
static void kernel_that_knows_no_AccECN_makes_it_classic(void **state)
{
    (void)state;
    kernel_set("tcp_ecn", "2");
    struct scenario *s = scenario_open(&(struct wish){.fault = MARKS, .settings = "tcp.ecn=3"});
    struct pair pair = pair_connect(s);
    assert_int_equal(info_of(pair.ours).tcpi_ecn_mode, 1);
    assert_marked(pair.ours, pair.kernels);
    pair_close(pair);
    scenario_close(s);
}

static void without_agreement_nothing_is_marked(void **state)
{
    (void)state;
    kernel_set("tcp_ecn", "0");
    struct scenario *s = scenario_open(&(struct wish){.fault = MARKS, .settings = "tcp.ecn=3"});
    struct pair pair = pair_connect(s);
    flow_run(pair.ours, pair.kernels, BYTES);
    assert_int_equal(info_of(pair.ours).tcpi_ecn_mode, 0);
    assert_int_equal(info_of(pair.ours).tcpi_delivered_ce, 0);
    assert_false(info_of(pair.kernels).tcpi_options & TCPI_OPT_ECN_SEEN);
    pair_close(pair);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(marks_are_told_both_ways),
        scenario_test(kernel_that_knows_no_AccECN_makes_it_classic),
        scenario_test(without_agreement_nothing_is_marked),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
