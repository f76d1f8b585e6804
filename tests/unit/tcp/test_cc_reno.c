/* RFC 5681 §3.1. */
#include "unit.h"

#include "tcp/ack.h"
#include "tcp/tcb.h"

static struct tcb begun(uint32_t cwnd, uint32_t ssthresh)
{
    struct tcb tcb = {.cc.operations = &cc_reno,
                      .cc.cwnd = cwnd,
                      .cc.ssthresh = ssthresh,
                      .cc.limited = true,
                      .cc.fraction = 99};
    cc_reno.init(&tcb);
    return tcb;
}

static void acknowledge(struct tcb *tcb, uint32_t segments)
{
    struct ack_event event = {.delivered = segments};
    cc_reno.acknowledged(tcb, &event);
}

static void window_doubles_in_slow_start_and_grows_by_one_afterwards(void **state)
{
    (void)state;
    struct tcb tcb = begun(10, 40);
    for (int i = 0; i < 10; i++)
        acknowledge(&tcb, 1);
    assert_int_equal(tcb.cc.cwnd, 20);
    acknowledge(&tcb, 20);
    assert_int_equal(tcb.cc.cwnd, 40);
    for (int i = 0; i < 40; i++)
        acknowledge(&tcb, 1);
    assert_int_equal(tcb.cc.cwnd, 41);
}

static void what_is_left_of_slow_start_counts_for_avoidance(void **state)
{
    (void)state;
    struct tcb tcb = begun(8, 10);
    acknowledge(&tcb, 12);
    assert_int_equal(tcb.cc.cwnd, 11);
}

static void unfilled_window_does_not_grow(void **state)
{
    (void)state;
    struct tcb tcb = begun(10, 5);
    tcb.cc.limited = false;
    acknowledge(&tcb, 100);
    assert_int_equal(tcb.cc.cwnd, 10);
}

/* Equation 4: max(FlightSize / 2, 2 * SMSS). */
static void reduction_halves_and_leaves_two_segments_at_least(void **state)
{
    (void)state;
    for (uint32_t cwnd = 1; cwnd < 100; cwnd++) {
        struct tcb tcb = begun(cwnd, 100);
        assert_int_equal(cc_reno.reduced(&tcb), cwnd / 2 > 2 ? cwnd / 2 : 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_doubles_in_slow_start_and_grows_by_one_afterwards),
        cmocka_unit_test(what_is_left_of_slow_start_counts_for_avoidance),
        cmocka_unit_test(unfilled_window_does_not_grow),
        cmocka_unit_test(reduction_halves_and_leaves_two_segments_at_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
