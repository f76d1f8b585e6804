/* Looking, over a link that counts how often it is looked at. */
#include "unit.h"

#include <errno.h>

#include "base/limits.h"
#include "base/time.h"
#include "host/internal.h"

enum { BUDGET = 32, SMALL = 100, SUPER = 64 * 1024, NOW = 1000000 };

static struct tern t;
static struct interface wire;
static struct driver d;
static unsigned queued, looks, batches_over, turns_over;
static size_t length_of_each;
static bool wakes; /* whoever waits, with each packet */
static bool fills; /* the reader's room, with each packet */

static int count_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                      void *machine)
{
    static const uint8_t packet[SUPER] = {0x40};
    int delivered = 0;
    do {
        looks++;
        link->drained = queued == 0;
        if (link->drained)
            break;
        queued--;
        delivered++;
        deliver(machine, packet, length_of_each, NULL, now_ns);
    } while (delivered < budget && length_of_each == SMALL);
    return delivered;
}

static enum drop_reason input(struct stack *stack, struct interface *interface,
                              const uint8_t *packet, size_t length,
                              const struct tern_offload *offload)
{
    (void)stack, (void)interface, (void)packet, (void)length, (void)offload;
    d.look.woke |= wakes;
    t.stack.batch_enough |= fills;
    return DROP_NONE;
}

static void count_batch(struct stack *stack, bool late)
{
    (void)stack;
    if (late)
        turns_over++;
    else
        batches_over++;
}

static int setup(void **state)
{
    static const struct link_operations operations = {.poll = count_poll};
    static struct link link = {.operations = &operations};
    (void)state;
    t = (struct tern){.interface = &wire};
    t.stack.networks[4].input = input;
    d = (struct driver){.t = &t, .link = &link};
    t.stack.batch_over = count_batch;
    queued = looks = batches_over = turns_over = 0;
    length_of_each = SMALL;
    wakes = true;
    fills = false;
    return 0;
}

/* How many looks it takes to take in what is there. */
static unsigned take_in(void)
{
    unsigned before = looks;
    look_take_in(&d, NOW, BUDGET, false);
    return looks - before;
}

/* A question goes out, and its answer comes while who asked sleeps. */
static void ask_and_sleep(void)
{
    look_sent(&d);
    if (look_pays(&d))
        take_in();
    look_slept(&d, NOW - TIME_US(10));
    queued = 1;
    take_in();
    assert_int_equal(queued, 0);
}

static void answers_that_take_their_time_cost_one_look_each(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        ask_and_sleep();
    looks = 0;
    for (int i = 0; i < 10; i++)
        ask_and_sleep();
    assert_int_equal(looks, 10);
}

/* The same, but the answer is there before who asked could sleep. */
static bool ask_and_have_it(void)
{
    look_sent(&d);
    queued = 1;
    bool looked = look_pays(&d);
    if (!looked)
        look_slept(&d, NOW - 100);
    take_in();
    assert_int_equal(queued, 0);
    return looked;
}

static void answers_that_are_there_at_once_are_looked_for_without_a_sleep(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        ask_and_sleep();
    for (int i = 0; i < 10; i++)
        ask_and_have_it();
    looks = 0;
    for (int i = 0; i < 10; i++)
        assert_true(ask_and_have_it());
    assert_int_equal(looks, 10);
}

static void what_comes_in_bunches_is_taken_in_together(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        queued += 3;
        take_in();
        while (look_pays(&d))
            take_in();
        /* What was left is found by the sleep, at once: */
        look_slept(&d, NOW - 100);
        take_in();
    }
    queued = 3;
    take_in();
    assert_int_equal(queued, 0);
}

static void super_segments_are_looked_for_until_there_are_none(void **state)
{
    (void)state;
    length_of_each = SUPER;
    for (int i = 0; i < 5; i++) {
        queued = 4;
        assert_int_equal(take_in(), 5);
        assert_false(look_pays(&d));
    }
}

static void who_wakes_nobody_is_looked_for_more_behind(void **state)
{
    (void)state;
    wakes = false;
    for (int i = 0; i < 10; i++) {
        queued = 2;
        assert_int_equal(take_in(), 3);
    }
}

static void no_more_than_the_budget_is_taken_in(void **state)
{
    (void)state;
    length_of_each = SUPER;
    queued = BUDGET + 1;
    assert_true(look_take_in(&d, NOW, BUDGET, false));
    assert_int_equal(queued, 1);
    assert_true(look_pays(&d));
    assert_false(look_take_in(&d, NOW, BUDGET, false));
    assert_int_equal(queued, 0);
}

static void who_is_woken_has_a_turn_before_the_batch_is_over(void **state)
{
    (void)state;
    queued = 1;
    take_in();
    assert_int_equal(batches_over, 0);
    assert_false(t.stack.in_batch);
    look_flush(&d);
    assert_int_equal(batches_over, 1);
}

/* What was put off before its connection's next write, and not since packets were taken in. */
static void nothing_is_put_off_any_longer_where_no_turn_has_begun(void **state)
{
    (void)state;
    look_flush(&d);
    assert_int_equal(batches_over, 1);
}

static void where_nobody_is_woken_the_batch_is_over_unless_a_call_goes_on(void **state)
{
    (void)state;
    wakes = false;
    queued = 1;
    take_in();
    assert_int_equal(batches_over, 1);
    queued = 1;
    look_take_in(&d, NOW, BUDGET, true);
    assert_int_equal(batches_over, 1);
    look_flush(&d);
    assert_int_equal(batches_over, 2);
}

/* Each half a millisecond ends for what has waited all of one: others have not had their turn. */
static void turns_end_after_a_while(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 4; half++) {
        for (uint64_t us = 0; us < 500; us += 100) {
            queued = 1;
            look_take_in(&d, NOW + TIME_US(500 * half + us), BUDGET, false);
            assert_int_equal(turns_over, half);
            assert_false(t.stack.in_batch);
        }
    }
    assert_int_equal(batches_over, 0);
    look_flush(&d);
    assert_int_equal(batches_over, 1);
}

static void no_turn_is_left_to_a_loop_of_the_users_own(void **state)
{
    (void)state;
    d.dismissed = true;
    queued = 1;
    take_in();
    assert_int_equal(batches_over, 1);
}

static void who_passes_by_looks_where_streams_come_and_not_for_long_in_vain(void **state)
{
    (void)state;
    queued = 1;
    assert_false(look_behind(&d.host));
    assert_int_equal(looks, 0);
    length_of_each = SUPER;
    d.look.super = true;
    guess_learn(&d.look.behind, true);
    queued = 2;
    assert_true(look_behind(&d.host));
    assert_int_equal(queued, 1); /* one at a time */
    assert_true(look_behind(&d.host));
    looks = 0;
    for (int i = 0; i < 10; i++)
        assert_false(look_behind(&d.host));
    assert_int_equal(looks, GUESS_DOUBTS);
}

static void small_packets_are_taken_in_together_by_who_passes_by(void **state)
{
    (void)state;
    guess_learn(&d.look.behind, true);
    queued = LIMIT_READ_AHEAD + 8;
    assert_true(look_behind(&d.host));
    assert_int_equal(queued, 8);
    assert_true(look_behind(&d.host));
    assert_int_equal(queued, 0);
    assert_int_equal(batches_over, 0); /* the reader goes on */
}

static void who_has_no_room_for_another_looks_no_more(void **state)
{
    (void)state;
    d.look.super = true;
    guess_learn(&d.look.behind, true);
    fills = true;
    queued = 2;
    assert_false(look_behind(&d.host));
    assert_int_equal(queued, 1);
}

/* However often in vain: and then it says nothing of answers that are waited for. */
static void who_has_sent_much_looks_back(void **state)
{
    (void)state;
    guess_learn(&d.look.waiting, true);
    queued = 5;
    for (unsigned left = 4; left > 0; left--) {
        assert_true(look_back(&d.host));
        assert_int_equal(queued, left);
    }
    queued = looks = 0;
    for (int i = 0; i < 7; i++)
        assert_false(look_back(&d.host));
    assert_int_equal(looks, 7);
    assert_int_equal(d.look.waiting.left, GUESS_DOUBTS);
    d.broken = -EIO;
    queued = 1;
    for (int i = 0; i < 100; i++)
        assert_false(look_back(&d.host));
    assert_int_equal(looks, 7);
}

/* What is due in the next call is not looked for again. */
static void who_looks_back_has_looked(void **state)
{
    (void)state;
    look_back(&d.host);
    assert_true(d.served_ns > 0);
}

static void nothing_due(struct stack *stack, struct stack_timer *timer)
{
    (void)stack, (void)timer;
}

/* Or a reader with much room could keep them from it for as long as that takes to fill. */
static void who_passes_by_lets_others_and_timers_go_first(void **state)
{
    (void)state;
    struct stack_timer timer = {.expired = nothing_due};
    timer_init(&timer.timer);
    wheel_init(&t.stack.wheel, NOW);
    d.look.super = true;
    guess_learn(&d.look.behind, true);
    queued = 2;
    d.wanting = 1;
    assert_false(look_behind(&d.host));
    d.wanting = 0;
    stack_arm(&t.stack, &timer, NOW);
    assert_false(look_behind(&d.host));
    assert_int_equal(queued, 2);
    stack_cancel(&t.stack, &timer);
    assert_true(look_behind(&d.host));
    assert_int_equal(queued, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_that_take_their_time_cost_one_look_each, setup),
        cmocka_unit_test_setup(answers_that_are_there_at_once_are_looked_for_without_a_sleep,
                               setup),
        cmocka_unit_test_setup(what_comes_in_bunches_is_taken_in_together, setup),
        cmocka_unit_test_setup(super_segments_are_looked_for_until_there_are_none, setup),
        cmocka_unit_test_setup(who_wakes_nobody_is_looked_for_more_behind, setup),
        cmocka_unit_test_setup(no_more_than_the_budget_is_taken_in, setup),
        cmocka_unit_test_setup(who_is_woken_has_a_turn_before_the_batch_is_over, setup),
        cmocka_unit_test_setup(nothing_is_put_off_any_longer_where_no_turn_has_begun, setup),
        cmocka_unit_test_setup(where_nobody_is_woken_the_batch_is_over_unless_a_call_goes_on,
                               setup),
        cmocka_unit_test_setup(turns_end_after_a_while, setup),
        cmocka_unit_test_setup(no_turn_is_left_to_a_loop_of_the_users_own, setup),
        cmocka_unit_test_setup(who_passes_by_looks_where_streams_come_and_not_for_long_in_vain,
                               setup),
        cmocka_unit_test_setup(small_packets_are_taken_in_together_by_who_passes_by, setup),
        cmocka_unit_test_setup(who_has_sent_much_looks_back, setup),
        cmocka_unit_test_setup(who_looks_back_has_looked, setup),
        cmocka_unit_test_setup(who_passes_by_lets_others_and_timers_go_first, setup),
        cmocka_unit_test_setup(who_has_no_room_for_another_looks_no_more, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
