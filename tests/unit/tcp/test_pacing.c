#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/time.h"
#include "tcp/cc.h"
#include "tcp/pacing.h"
#include "tcp/tcb.h"

enum { MSS = 1000, RATE = 1000000 }; /* a segment a millisecond */

struct fixture {
    struct stack stack;
    struct tcb tcb;
};

static struct tcb *tcb_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    settings_init(&f->stack.settings);
    f->stack.settings.tcp_pacing = 1;
    f->stack.now_ns = TIME_S(1);
    f->tcb.stack = &f->stack;
    f->tcb.snd.mss = MSS;
    f->tcb.cc.operations = &cc_reno;
    f->tcb.cc.cwnd = 10;
    f->tcb.cc.ssthresh = UINT32_MAX;
    f->tcb.cc.pacing_rate = RATE;
    f->tcb.preferences.max_pacing_rate = UINT64_MAX;
    f->tcb.stat.data_segments_out = (uint32_t)f->stack.settings.tcp_initial_window;
    return &f->tcb;
}

static void tcb_free(struct tcb *tcb)
{
    free(tcb->stack);
}

static void next_segment_waits_as_long_as_the_last_one_takes(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    tcb->cc.next_send_ns = tcb->stack->now_ns;
    assert_false(pacing_holds(tcb));
    pacing_sent(tcb, 3 * MSS);
    assert_true(pacing_holds(tcb));
    assert_int_equal(tcb->cc.next_send_ns, tcb->stack->now_ns + TIME_MS(3));
    tcb->stack->now_ns += TIME_MS(3);
    assert_false(pacing_holds(tcb));
    tcb_free(tcb);
}

/* A timer late by less than half of what is sent costs nothing over the long run. */
static void late_timer_does_not_lower_the_rate(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    uint64_t start = tcb->stack->now_ns;
    tcb->cc.next_send_ns = start;
    for (int i = 0; i < 1000; i++) {
        pacing_sent(tcb, MSS);
        tcb->stack->now_ns = tcb->cc.next_send_ns + TIME_US(65);
    }
    uint64_t taken = tcb->stack->now_ns - start;
    assert_in_range(taken, TIME_MS(1000), TIME_MS(1001));
    tcb_free(tcb);
}

static void initial_window_goes_at_once_but_for_BBR(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    tcb->cc.next_send_ns = tcb->stack->now_ns;
    tcb->stat.data_segments_out--;
    pacing_sent(tcb, MSS);
    assert_false(pacing_holds(tcb));
    tcb->cc.operations = &cc_bbr;
    pacing_sent(tcb, MSS);
    assert_true(pacing_holds(tcb));
    tcb_free(tcb);
}

static void idle_time_does_not_become_a_burst(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    pacing_sent(tcb, MSS);
    tcb->stack->now_ns += TIME_S(100);
    uint64_t now = tcb->stack->now_ns;
    pacing_sent(tcb, 2 * MSS);
    assert_int_equal(tcb->cc.next_send_ns, now + TIME_MS(1)); /* half of it on account */
    pacing_sent(tcb, MSS);
    assert_int_equal(tcb->cc.next_send_ns, now + TIME_MS(2));
    tcb_free(tcb);
}

static void nobody_waits_unasked(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    tcb->stack->settings.tcp_pacing = 0;
    pacing_sent(tcb, MSS);
    assert_false(pacing_holds(tcb));
    tcb->preferences.max_pacing_rate = RATE; /* SO_MAX_PACING_RATE asks */
    pacing_sent(tcb, MSS);
    assert_true(pacing_holds(tcb));
    tcb_free(tcb);
}

/* 10 segments of 1000 bytes in 100 ms are 100,000 bytes a second: twice that in slow start, 120 %
 * once the window is beyond half of ssthresh. */
static void usual_rate_is_window_over_rtt_and_a_part_more(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    tcb->cc.pacing_rate = 0;
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, 0); /* no round trip yet */
    tcb->rtt.srtt_ns = TIME_MS(100);
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, 200000);
    tcb->cc.ssthresh = 20;
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, 120000);
    tcb->stack->settings.tcp_pacing_ca_ratio = 150;
    pacing_update_rate(tcb);
    assert_int_equal(tcb->cc.pacing_rate, 150000);
    tcb_free(tcb);
}

static void user_may_limit_the_rate(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    tcb->rtt.srtt_ns = TIME_MS(100);
    uint32_t narrow = 5000;
    assert_int_equal(tcp_set_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, sizeof narrow),
                     0);
    assert_int_equal(tcb->cc.pacing_rate, 5000);
    uint64_t wide = 6000;
    assert_int_equal(tcp_set_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &wide, sizeof wide), 0);
    assert_int_equal(tcb->cc.pacing_rate, 6000);
    socklen_t length = sizeof wide;
    assert_int_equal(tcp_get_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &wide, &length), 0);
    assert_int_equal(length, sizeof wide);
    assert_int_equal(wide, 6000);

    narrow = UINT32_MAX; /* no limit */
    assert_int_equal(tcp_set_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, sizeof narrow),
                     0);
    assert_int_equal(tcb->cc.pacing_rate, 200000);
    length = sizeof narrow;
    assert_int_equal(tcp_get_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, &length), 0);
    assert_int_equal(narrow, UINT32_MAX);
    assert_int_equal(tcp_set_option(tcb, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, 2), -EINVAL);
    tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_segment_waits_as_long_as_the_last_one_takes),
        cmocka_unit_test(late_timer_does_not_lower_the_rate),
        cmocka_unit_test(initial_window_goes_at_once_but_for_BBR),
        cmocka_unit_test(idle_time_does_not_become_a_burst),
        cmocka_unit_test(nobody_waits_unasked),
        cmocka_unit_test(usual_rate_is_window_over_rtt_and_a_part_more),
        cmocka_unit_test(user_may_limit_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
