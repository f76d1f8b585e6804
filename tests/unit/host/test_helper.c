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

static void setup_putting_off(void)
{
    setup();
    enter();
    w.t.stack.batch_over = batch_over;
    leave();
}

static bool may_put_off(void)
{
    return w.host->operations->may_put_off(w.host) != 0;
}

/* As soon as the driver lets something be put off, which may have to take the seat back first. */
static void enter_to_put_off(void)
{
    for (bool may = false; !may;) {
        assert_int_equal(wait_for_hits(0, 1, TIME_US(1)), -ETIMEDOUT);
        enter();
        may = may_put_off();
        if (!may)
            leave();
    }
}

static void put_off(void)
{
    enter_to_put_off();
    w.put_off = true;
    leave();
}

static void nothing_is_put_off_where_others_drive_or_nobody_does(void **state)
{
    (void)state;
    setup();
    struct seated other = {0};
    enter_to_put_off();
    w.driver->seat = &other;
    assert_false(may_put_off());
    w.driver->seat = NULL;
    w.driver->waiters = 1;
    assert_false(may_put_off());
    w.driver->waiters = 0;
    w.driver->broken = -EIO;
    assert_false(may_put_off());
    w.driver->broken = 0;
    assert_true(may_put_off());
    w.driver->dismissed = true;
    assert_false(may_put_off());
    leave();
    teardown();
}

static void *put_off_and_wait(void *argument)
{
    struct sock_waiter waiter = {0};
    int error = 0;
    (void)argument;
    enter_to_put_off();
    w.put_off = true;
    w.hits[1] = 0;
    w.waiters[1] = &waiter;
    while (w.hits[1] == 0 && error == 0)
        error = w.host->operations->wait(w.host, &waiter, TIME_NEVER);
    w.waiters[1] = NULL;
    leave();
    return NULL;
}

static void what_is_put_off_is_done_before_its_thread_sleeps(void **state)
{
    (void)state;
    setup_putting_off();
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        char sign;
        assert_int_equal(pthread_create(&thread, NULL, put_off_and_wait, NULL), 0);
        assert_int_equal(recv(w.outside, &sign, 1, 0), 1);
        packet_for(1);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    teardown();
}

static void what_is_put_off_is_done_before_the_end(void **state)
{
    (void)state;
    char sign;
    setup_putting_off();
    put_off();
    assert_int_equal(w.host->operations->stop(w.host), 0);
    assert_int_equal(recv(w.outside, &sign, 1, MSG_DONTWAIT), 1);
    release();
}

static void what_is_put_off_is_done_while_nobody_calls(void **state)
{
    (void)state;
    setup_putting_off();
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
        cmocka_unit_test(nothing_is_put_off_where_others_drive_or_nobody_does),
        cmocka_unit_test(what_is_put_off_is_done_before_its_thread_sleeps),
        cmocka_unit_test(what_is_put_off_is_done_before_the_end),
        cmocka_unit_test(what_is_put_off_is_done_while_nobody_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
