/* The helper thread: what goes on while nobody calls. */
#include "unit/host/driver_world.h"

static void packets_are_answered_while_nobody_calls(void **state)
{
    (void)state;
    setup();
    for (int round = 0; round < 50; round++) {
        char answer;
        packet_for(ANSWER_PLEASE);
        assert_int_equal(recv(w.outside, &answer, 1, 0), 1);
        if (round % 10 == 0) /* and after a thread has waited */
            assert_int_equal(wait_for_hits(0, 1, TIME_MS(3)), -ETIMEDOUT);
    }
    teardown();
}

static void timers_run_while_nobody_calls(void **state)
{
    (void)state;
    setup();
    w.timer_acts = ANSWER_PLEASE;
    for (int round = 0; round < 50; round++) {
        enter();
        uint64_t due_ns = w.t.stack.now_ns + TIME_US(300);
        stack_arm(&w.t.stack, &w.timer, due_ns);
        leave();
        char sign;
        assert_int_equal(recv(w.outside, &sign, 1, 0), 1);
        assert_true(clock_now_ns() >= due_ns);
        if (round % 10 == 0) /* and after a thread has waited */
            assert_int_equal(wait_for_hits(0, 1, TIME_MS(3)), -ETIMEDOUT);
    }
    teardown();
}

static void batch_over(struct stack *stack, bool late)
{
    (void)stack;
    if (late || !w.put_off)
        return;
    w.put_off = false;
    act(ANSWER_PLEASE);
}

/* Puts something off as soon as the driver lets it, which may have to take the seat back first. */
static void put_off(void)
{
    while (!w.put_off) {
        assert_int_equal(wait_for_hits(0, 1, TIME_US(1)), -ETIMEDOUT);
        enter();
        w.put_off = w.host->operations->may_put_off(w.host) != 0;
        leave();
    }
}

static void what_is_put_off_is_done_while_nobody_calls(void **state)
{
    (void)state;
    setup();
    w.t.stack.batch_over = batch_over;
    for (int round = 0; round < 20; round++) {
        char sign;
        put_off();
        assert_int_equal(recv(w.outside, &sign, 1, 0), 1);
    }
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_answered_while_nobody_calls),
        cmocka_unit_test(timers_run_while_nobody_calls),
        cmocka_unit_test(what_is_put_off_is_done_while_nobody_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
