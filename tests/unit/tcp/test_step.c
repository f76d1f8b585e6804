#include "unit.h"

#include "tcp/step.h"

static void segment_that_is_taken_is_not_dropped(void **state)
{
    (void)state;
    assert_int_equal(tcp_step_reason(TCP_STEP_CONTINUE), DROP_NONE);
    assert_int_equal(tcp_step_reason(TCP_STEP_DONE), DROP_NONE);
    assert_int_equal(tcp_step_reason(TCP_STEP_GONE), DROP_NONE);
}

static void drop_keeps_its_reason_however_it_is_answered(void **state)
{
    (void)state;
    for (int reason = DROP_NONE + 1; reason < DROP_REASONS; reason++) {
        assert_int_equal(tcp_step_reason(tcp_drop((enum drop_reason)reason)), reason);
        assert_int_equal(tcp_step_reason(tcp_drop_ack((enum drop_reason)reason)), reason);
        assert_int_equal(tcp_step_reason(tcp_drop_rst((enum drop_reason)reason)), reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_that_is_taken_is_not_dropped),
        cmocka_unit_test(drop_keeps_its_reason_however_it_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
