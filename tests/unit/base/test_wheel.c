#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/time.h"
#include "base/wheel.h"

#define TICK (UINT64_C(1) << WHEEL_TICK_SHIFT)
#define YEAR TIME_S(UINT64_C(365) * 86400)

/* The model: the armed timers in the order of their deadlines. */
enum { TIMERS = 200 };

struct model {
    struct wheel wheel;
    struct timer timers[TIMERS];
    struct timer *sorted[TIMERS];
    uint64_t deadlines[TIMERS]; /* of the sorted ones */
    size_t count;
    uint64_t now_ns;
    struct random random;
};

static void model_remove(struct model *model, const struct timer *timer)
{
    size_t at = 0;
    while (at < model->count && model->sorted[at] != timer)
        at++;
    if (at == model->count)
        return;
    size_t after = --model->count - at;
    memmove(model->sorted + at, model->sorted + at + 1, after * sizeof *model->sorted);
    memmove(model->deadlines + at, model->deadlines + at + 1, after * sizeof *model->deadlines);
}

static void model_insert(struct model *model, struct timer *timer, uint64_t deadline_ns)
{
    size_t at = model->count++;
    for (; at > 0 && model->deadlines[at - 1] > deadline_ns; at--) {
        model->sorted[at] = model->sorted[at - 1];
        model->deadlines[at] = model->deadlines[at - 1];
    }
    model->sorted[at] = timer;
    model->deadlines[at] = deadline_ns;
}

static void arm(struct model *model, struct timer *timer, uint64_t deadline_ns)
{
    wheel_arm(&model->wheel, timer, deadline_ns);
    model_remove(model, timer);
    model_insert(model, timer, deadline_ns);
    assert_true(timer_armed(timer));
}

static void cancel(struct model *model, struct timer *timer)
{
    wheel_cancel(&model->wheel, timer);
    model_remove(model, timer);
    assert_false(timer_armed(timer));
}

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
    return a + b < a || a + b == TIME_NEVER ? TIME_NEVER - 1 : a + b;
}

/* Any order of magnitude from nanoseconds to hundreds of years; often at the very end of a slot or
 * next to a deadline that there is already. */
static uint64_t random_deadline(struct model *model)
{
    struct random *random = &model->random;
    uint64_t distance = random_u64(random);
    distance >>= random_below(random, 64);
    switch (random_below(random, 8)) {
    case 0:
        return random_below(random, 2) ? model->now_ns : model->now_ns / 2;
    case 1:
        if (model->count > 0)
            return model->deadlines[random_below(random, (uint32_t)model->count)];
        return saturating_add(model->now_ns, distance);
    case 2: {
        uint64_t slot = TICK << 6 * random_below(random, 8);
        uint64_t end = saturating_add(model->now_ns, distance % (slot * 4)) / slot * slot;
        return saturating_add(end, random_below(random, 3)) - (end > 0);
    }
    case 3:
    case 4:
        return saturating_add(model->now_ns, distance);
    default:
        return saturating_add(model->now_ns, distance % TIME_S(10));
    }
}

static void assert_deadline(const struct model *model)
{
    uint64_t deadline = wheel_deadline(&model->wheel);
    if (model->count == 0) {
        assert_true(deadline == TIME_NEVER);
        return;
    }
    uint64_t earliest = model->deadlines[0];
    assert_true(deadline <= earliest);
    if (earliest < saturating_add(model->now_ns, 64 * TICK))
        assert_true(deadline == earliest);
}

/* Everything due fires, in order, nothing else does; half of what fires is armed again while others
 * wait, and others are moved or cancelled in between. */
static void expire(struct model *model, uint64_t now_ns)
{
    struct timer *timer;
    model->now_ns = now_ns;
    while ((timer = wheel_expire(&model->wheel, now_ns))) {
        assert_false(timer_armed(timer));
        assert_true(model->count > 0);
        uint64_t earliest = model->deadlines[0];
        assert_true(earliest <= now_ns);
        size_t at = 0; /* of equal deadlines, any may come first */
        while (at < model->count && model->sorted[at] != timer)
            at++;
        assert_true(at < model->count && model->deadlines[at] == earliest);
        model_remove(model, timer);

        struct timer *other = &model->timers[random_below(&model->random, TIMERS)];
        uint64_t later = time_max(random_deadline(model), saturating_add(now_ns, 1));
        uint32_t action = random_below(&model->random, 8);
        if (action == 0)
            cancel(model, other);
        else if (action <= 2 && later > now_ns)
            arm(model, action == 1 ? timer : other, later);
    }
    if (model->count > 0)
        assert_true(model->deadlines[0] > now_ns);
}

static void advance(struct model *model)
{
    struct random *random = &model->random;
    uint64_t step, deadline = wheel_deadline(&model->wheel);
    switch (random_below(random, 8)) {
    case 0: /* to the named time, or just short of it */
        if (deadline == TIME_NEVER)
            return;
        if (deadline > model->now_ns + 1)
            expire(model, deadline - 1);
        expire(model, deadline > model->now_ns ? deadline : model->now_ns);
        return;
    case 1:
        expire(model, model->now_ns);
        return;
    case 2: /* rarely, so that time is not used up */
        if (random_below(random, 300) == 0)
            expire(model, saturating_add(model->now_ns, random_u64(random) % (20 * YEAR)));
        return;
    default:
        step = random_u64(random) % TIME_S(1);
        expire(model, saturating_add(model->now_ns, step >> random_below(random, 30)));
    }
}

static void random_operations(struct model *model, uint64_t seed, uint64_t start_ns)
{
    random_seed_number(&model->random, seed);
    model->count = 0;
    model->now_ns = start_ns;
    wheel_init(&model->wheel, start_ns);
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&model->timers[i]);
    uint32_t population = seed % 3 ? TIMERS : 4;
    for (unsigned round = 0; round < 20000; round++) {
        struct timer *timer = &model->timers[random_below(&model->random, population)];
        switch (random_below(&model->random, 4)) {
        case 0:
        case 1:
            arm(model, timer, random_deadline(model));
            break;
        case 2:
            if (random_below(&model->random, 2))
                cancel(model, timer);
            break;
        default:
            advance(model);
        }
        assert_deadline(model);
    }
    expire(model, TIME_NEVER - 1);
}

static void random_operations_follow_a_sorted_array(void **state)
{
    (void)state;
    static struct model model;
    for (uint64_t seed = 0; seed < 12; seed++)
        random_operations(&model, seed, seed % 4 ? TIME_S(seed) * 1000 : UINT64_MAX / 13 * seed);
}

/* Following wheel_deadline alone, each timer fires exactly at its deadline, and few wake-ups are in
 * vain. */
static void whoever_sleeps_until_the_named_time_is_never_late(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct wheel wheel;
    struct random random;
    struct timer *timers = calloc(COUNT, sizeof *timers);
    assert_non_null(timers);
    random_seed_number(&random, 14);
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        timer_init(&timers[i]);
        uint64_t deadline_ns = random_u64(&random) >> 4;
        wheel_arm(&wheel, &timers[i], deadline_ns >> random_below(&random, 50));
    }
    unsigned fired = 0, wakes = 0;
    uint64_t now_ns = 0;
    for (; fired < COUNT; wakes++) {
        uint64_t deadline = wheel_deadline(&wheel);
        assert_true(deadline >= now_ns && deadline != TIME_NEVER);
        now_ns = deadline;
        uint64_t armed_for[COUNT];
        for (unsigned i = 0; i < COUNT; i++)
            armed_for[i] = timers[i].deadline_ns;
        for (struct timer *t; (t = wheel_expire(&wheel, now_ns)); fired++)
            assert_true(armed_for[t - timers] == now_ns);
        assert_true(wakes < COUNT * (1 + WHEEL_LEVELS));
    }
    assert_true(wheel_deadline(&wheel) == TIME_NEVER);
    free(timers);
}

static void a_deadline_in_the_past_is_due_at_once(void **state)
{
    (void)state;
    struct wheel wheel;
    struct timer a, b;
    timer_init(&a);
    timer_init(&b);
    wheel_init(&wheel, TIME_S(100));
    wheel_arm(&wheel, &a, TIME_S(99));
    wheel_arm(&wheel, &b, 0);
    assert_true(wheel_deadline(&wheel) == 0);
    assert_ptr_equal(wheel_expire(&wheel, TIME_S(100)), &b);
    assert_ptr_equal(wheel_expire(&wheel, TIME_S(100)), &a);
    assert_null(wheel_expire(&wheel, TIME_S(100)));
}

static void a_timer_does_not_fire_a_nanosecond_early(void **state)
{
    (void)state;
    static const uint64_t distances[] = {1,         TICK - 1,     TICK, 64 * TICK + 7,
                                         TIME_S(3), 12 * YEAR + 5};
    for (unsigned i = 0; i < sizeof distances / sizeof *distances; i++) {
        struct wheel wheel;
        struct timer timer;
        timer_init(&timer);
        wheel_init(&wheel, 12345);
        wheel_arm(&wheel, &timer, 12345 + distances[i]);
        assert_null(wheel_expire(&wheel, 12345));
        assert_null(wheel_expire(&wheel, 12345 + distances[i] - 1));
        assert_true(wheel_deadline(&wheel) == 12345 + distances[i]);
        assert_ptr_equal(wheel_expire(&wheel, 12345 + distances[i]), &timer);
        assert_null(wheel_expire(&wheel, 12345 + distances[i]));
    }
}

static void arming_for_never_cancels(void **state)
{
    (void)state;
    struct wheel wheel;
    struct timer timer;
    timer_init(&timer);
    assert_false(timer_armed(&timer));
    wheel_init(&wheel, 0);
    wheel_cancel(&wheel, &timer);
    wheel_arm(&wheel, &timer, 10);
    wheel_arm(&wheel, &timer, TIME_NEVER);
    assert_false(timer_armed(&timer));
    assert_true(wheel_deadline(&wheel) == TIME_NEVER);
    assert_null(wheel_expire(&wheel, TIME_S(1)));
}

static void time_that_seems_to_go_back_harms_nothing(void **state)
{
    (void)state;
    struct wheel wheel;
    struct timer timer;
    timer_init(&timer);
    wheel_init(&wheel, TIME_S(10));
    wheel_arm(&wheel, &timer, TIME_S(11));
    assert_null(wheel_expire(&wheel, TIME_S(5)));
    assert_true(wheel.now_ns == TIME_S(10));
    assert_ptr_equal(wheel_expire(&wheel, TIME_S(11)), &timer);
}

/* What lies beyond the last level waits in a slot that may come before its deadline, and before
 * that of others. */
static void a_timer_beyond_the_last_level_hides_no_earlier_one(void **state)
{
    (void)state;
    const uint64_t slot = TICK << 6 * (WHEEL_LEVELS - 1), deadline_ns = 65 * slot + 7;
    struct wheel wheel;
    struct timer beyond, earlier;
    timer_init(&beyond);
    timer_init(&earlier);
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &beyond, 200 * slot); /* waits in slot 63 */
    assert_null(wheel_expire(&wheel, 10 * slot));
    wheel_arm(&wheel, &earlier, deadline_ns);
    assert_null(wheel_expire(&wheel, 63 * slot - 1));
    assert_true(wheel_deadline(&wheel) <= deadline_ns);
    assert_null(wheel_expire(&wheel, deadline_ns - 1));
    assert_true(wheel_deadline(&wheel) == deadline_ns);
    assert_ptr_equal(wheel_expire(&wheel, deadline_ns), &earlier);
    assert_ptr_equal(wheel_expire(&wheel, 200 * slot), &beyond);
}

/* Many timers of one tick, armed in no order, come out in order: what a slot of the wheel sorts. */
static void a_crowded_tick_fires_in_order(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct wheel wheel;
    struct random random;
    struct timer *timers = calloc(COUNT, sizeof *timers);
    uint64_t *deadlines = calloc(COUNT, sizeof *deadlines);
    assert_non_null(timers);
    assert_non_null(deadlines);
    random_seed_number(&random, 15);
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        timer_init(&timers[i]);
        deadlines[i] = TIME_S(1) / TICK * TICK + random_below(&random, TICK);
        wheel_arm(&wheel, &timers[i], deadlines[i]);
    }
    uint64_t last = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        struct timer *timer = wheel_expire(&wheel, TIME_S(2));
        assert_non_null(timer);
        assert_true(deadlines[timer - timers] >= last);
        last = deadlines[timer - timers];
    }
    assert_null(wheel_expire(&wheel, TIME_S(2)));
    free(timers);
    free(deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_follow_a_sorted_array),
        cmocka_unit_test(whoever_sleeps_until_the_named_time_is_never_late),
        cmocka_unit_test(a_deadline_in_the_past_is_due_at_once),
        cmocka_unit_test(a_timer_does_not_fire_a_nanosecond_early),
        cmocka_unit_test(arming_for_never_cancels),
        cmocka_unit_test(time_that_seems_to_go_back_harms_nothing),
        cmocka_unit_test(a_timer_beyond_the_last_level_hides_no_earlier_one),
        cmocka_unit_test(a_crowded_tick_fires_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
