/* The helper thread: what goes on while nobody calls. */
#include "host/internal.h"
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

/* ── How long it leaves others alone ── */

#define NOON   TIME_S(43200) /* a tick */
#define LATELY (NOON + TIME_US(1700))

static uint64_t looks_again(uint64_t served_ns, uint64_t now_ns)
{
    const struct driver d = {.served_ns = served_ns};
    return helper_looks_again(&d, now_ns);
}

static uint64_t looks_again_at_a_waiter(uint64_t since_ns, uint64_t now_ns)
{
    const struct driver d = {.served_ns = now_ns - TIME_US(1), /* which is of no account */
                             .waiters = 1,
                             .waiting_since_ns = since_ns};
    return helper_looks_again(&d, now_ns);
}

static void who_goes_on_driving_is_left_alone_until_the_tick(void **state)
{
    (void)state;
    assert_int_equal(looks_again(LATELY - TIME_US(99), LATELY), NOON + TIME_MS(4));
    assert_int_equal(looks_again(LATELY + TIME_US(1), LATELY), NOON + TIME_MS(4)); /* meanwhile */
    assert_int_equal(looks_again_at_a_waiter(LATELY - TIME_US(99), LATELY), NOON + TIME_MS(4));
    assert_int_equal(looks_again(NOON - TIME_US(12), NOON - 1), NOON);
    assert_int_equal(looks_again(NOON - TIME_US(12), NOON), NOON + TIME_MS(4));
}

static void who_has_paused_is_waited_for_as_long_as_ever(void **state)
{
    (void)state;
    uint64_t since_ns = LATELY - TIME_US(100);
    assert_int_equal(looks_again(since_ns, LATELY), since_ns + TIME_MS(2));
    assert_int_equal(looks_again_at_a_waiter(since_ns, LATELY), since_ns + TIME_MS(2));
}

static void little_more_than_a_tick_is_the_most(void **state)
{
    (void)state;
    for (uint64_t now_ns = NOON; now_ns < NOON + TIME_MS(8); now_ns += TIME_US(7))
        for (uint64_t ago_ns = 0; ago_ns < TIME_MS(2); ago_ns += TIME_US(11)) {
            uint64_t at_ns = looks_again(now_ns - ago_ns, now_ns);
            assert_true(at_ns > now_ns && at_ns <= now_ns - ago_ns + TIME_US(4100));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_goes_on_driving_is_left_alone_until_the_tick),
        cmocka_unit_test(who_has_paused_is_waited_for_as_long_as_ever),
        cmocka_unit_test(little_more_than_a_tick_is_the_most),
        cmocka_unit_test(packets_are_answered_while_nobody_calls),
        cmocka_unit_test(timers_run_while_nobody_calls),
        cmocka_unit_test(what_is_put_off_is_done_while_nobody_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
