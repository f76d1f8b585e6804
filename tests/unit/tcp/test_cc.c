/* What every congestion control shares. */
#include "unit.h"

#include "tcp/tcb.h"

static void algorithms_stand_in_the_order_of_the_setting_s_words(void **state)
{
    (void)state;
    assert_int_equal(cc_count(), 3);
    assert_string_equal(cc_by_index(0)->name, "cubic");
    assert_string_equal(cc_by_index(1)->name, "reno");
    assert_string_equal(cc_by_index(2)->name, "bbr");
    assert_ptr_equal(cc_by_index(3), cc_by_index(0));
    assert_ptr_equal(cc_by_index(-1), cc_by_index(0));
}

/* RFC 5681 §3.1: slow start ends at ssthresh. */
static void slow_start_grows_by_what_was_acknowledged_up_to_ssthresh(void **state)
{
    (void)state;
    struct tcb tcb = {.cc.cwnd = 10, .cc.ssthresh = 15};
    assert_int_equal(cc_slow_start(&tcb, 3), 0);
    assert_int_equal(tcb.cc.cwnd, 13);
    assert_int_equal(cc_slow_start(&tcb, 5), 3);
    assert_int_equal(tcb.cc.cwnd, 15);
    assert_int_equal(cc_slow_start(&tcb, 5), 5);
}

/* RFC 5681 §3.1, equation 3: one segment a round trip. */
static void congestion_avoidance_grows_by_one_for_each_window_acknowledged(void **state)
{
    (void)state;
    struct tcb tcb = {.cc.cwnd = 10};
    for (int i = 0; i < 9; i++)
        cc_additive_increase(&tcb, 10, 1);
    assert_int_equal(tcb.cc.cwnd, 10);
    cc_additive_increase(&tcb, 10, 1);
    assert_int_equal(tcb.cc.cwnd, 11);
    cc_additive_increase(&tcb, 10, 25); /* a stretch ACK */
    assert_int_equal(tcb.cc.cwnd, 13);
    cc_additive_increase(&tcb, 0, 1); /* no division by nothing */
}

/* RFC 7661 §4. */
static void window_that_is_not_filled_does_not_grow(void **state)
{
    (void)state;
    struct tcb tcb = {.cc.cwnd = 20, .cc.ssthresh = 10, .cc.most_out = 15};
    assert_false(cc_is_limited(&tcb));
    tcb.cc.limited = true;
    assert_true(cc_is_limited(&tcb));
    tcb.cc.limited = false;
    tcb.cc.ssthresh = 100; /* slow start: half filled suffices */
    assert_true(cc_is_limited(&tcb));
    tcb.cc.most_out = 10;
    assert_false(cc_is_limited(&tcb));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algorithms_stand_in_the_order_of_the_setting_s_words),
        cmocka_unit_test(slow_start_grows_by_what_was_acknowledged_up_to_ssthresh),
        cmocka_unit_test(congestion_avoidance_grows_by_one_for_each_window_acknowledged),
        cmocka_unit_test(window_that_is_not_filled_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
