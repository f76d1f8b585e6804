/* What ends a sleep besides the link: kicks, what is handed over, and a timer, which for a sleep is
 * set only to what is asked for again. Deadlines that nothing waits for are an hour away. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/time.h"
#include "descriptors_open.h"
#include "host/alarm.h"
#include "host/clock.h"

enum { PATIENCE_MS = 20000 };

static struct alarm alarm_of_ours;
static int handed_over;
static uint64_t now_ns;

static bool rings(int timeout_ms)
{
    struct pollfd p = {.fd = alarm_of_ours.descriptor, .events = POLLIN};
    int ready = poll(&p, 1, timeout_ms);
    assert_true(ready >= 0);
    return ready == 1;
}

static int setup(void **state)
{
    (void)state;
    handed_over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(handed_over >= 0);
    alarm_init(&alarm_of_ours);
    assert_int_equal(alarm_open(&alarm_of_ours, &handed_over, 1), 0);
    now_ns = clock_now_ns();
    assert_false(rings(0));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alarm_release(&alarm_of_ours);
    close(handed_over);
    return 0;
}

static bool covers(uint64_t until_ns)
{
    return alarm_covers(&alarm_of_ours, until_ns, now_ns);
}

static uint64_t hour(unsigned count)
{
    return now_ns + TIME_S(3600) * count;
}

static void set_to(uint64_t until_ns)
{
    covers(until_ns);
    assert_true(covers(until_ns));
}

static void it_rings_from_a_kick_until_that_is_taken_back(void **state)
{
    (void)state;
    alarm_take_back(&alarm_of_ours); /* of none */
    for (int times = 0; times < 2; times++) {
        alarm_kick(&alarm_of_ours);
        alarm_kick(&alarm_of_ours); /* which is the same */
        assert_true(rings(0));
        assert_true(rings(0));
        alarm_take_back(&alarm_of_ours);
        assert_false(rings(0));
    }
}

static void it_rings_while_something_is_handed_over(void **state)
{
    eventfd_t count;
    (void)state;
    assert_int_equal(eventfd_write(handed_over, 1), 0);
    assert_true(rings(0));
    assert_true(rings(0));
    assert_int_equal(eventfd_read(handed_over, &count), 0);
    assert_false(rings(0));
}

static void who_sleeps_for_ever_needs_no_time(void **state)
{
    (void)state;
    assert_true(covers(TIME_NEVER));
    assert_true(covers(TIME_NEVER));
    assert_false(rings(0));
}

static void a_deadline_is_covered_when_asked_for_again(void **state)
{
    (void)state;
    assert_false(covers(hour(1)));
    assert_true(covers(hour(1)));
    assert_true(covers(hour(1)));
    assert_true(covers(hour(2))); /* it goes off before */
    assert_true(covers(TIME_NEVER));
    assert_int_equal(alarm_of_ours.set_ns, hour(1));
}

static void an_earlier_one_is_covered_when_asked_for_again(void **state)
{
    (void)state;
    set_to(hour(2));
    assert_false(covers(hour(1)));
    assert_int_equal(alarm_of_ours.set_ns, hour(2));
    assert_true(covers(hour(1)));
    assert_int_equal(alarm_of_ours.set_ns, hour(1));
}

static void what_is_asked_for_once_sets_nothing(void **state)
{
    (void)state;
    for (unsigned i = 9; i > 0; i--)
        assert_false(covers(hour(i)));
    assert_int_equal(alarm_of_ours.set_ns, TIME_NEVER);
}

static void it_rings_at_the_deadline(void **state)
{
    uint64_t until_ns = now_ns + TIME_MS(5);
    (void)state;
    set_to(until_ns);
    assert_true(rings(PATIENCE_MS));
    assert_true(clock_now_ns() >= until_ns);
}

/* Waits until the timer has gone off, and says that it is later. */
static void let_go_off(void)
{
    set_to(now_ns + TIME_US(1));
    assert_true(rings(PATIENCE_MS));
    now_ns = clock_now_ns();
}

static void what_has_gone_off_is_silent_for_the_next_sleep(void **state)
{
    (void)state;
    let_go_off();
    assert_false(covers(hour(1)));
    assert_false(rings(0));
    assert_true(covers(hour(1)));
    assert_false(rings(0));
    let_go_off();
    assert_true(covers(TIME_NEVER));
    assert_false(rings(0));
}

static void a_timer_that_is_stopped_does_not_ring(void **state)
{
    (void)state;
    alarm_set(&alarm_of_ours, now_ns + TIME_US(1));
    assert_true(rings(PATIENCE_MS));
    alarm_set(&alarm_of_ours, TIME_NEVER);
    assert_false(rings(0));
    assert_int_equal(alarm_of_ours.set_ns, TIME_NEVER);
}

static void after_that_deadlines_are_covered_as_before(void **state)
{
    (void)state;
    let_go_off();
    set_to(hour(1));
    assert_int_equal(alarm_of_ours.set_ns, hour(1));
    assert_false(rings(0));
    let_go_off();
}

static void all_is_closed_at_the_end(void **state)
{
    (void)state;
    int before = descriptors_open();
    struct alarm other;
    alarm_init(&other);
    alarm_release(&other); /* of none */
    assert_int_equal(alarm_open(&other, &handed_over, 1), 0);
    assert_true(descriptors_open() > before);
    alarm_release(&other);
    assert_int_equal(descriptors_open(), before);
}

static void without_a_descriptor_to_watch_nothing_is_left_open(void **state)
{
    (void)state;
    int before = descriptors_open();
    struct alarm other;
    alarm_init(&other);
    assert_int_equal(alarm_open(&other, (const int[]){-1, INT_MAX}, 2), -EBADF);
    assert_int_equal(descriptors_open(), before);
}

#define ALARM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALARM_TEST(it_rings_from_a_kick_until_that_is_taken_back),
        ALARM_TEST(it_rings_while_something_is_handed_over),
        ALARM_TEST(who_sleeps_for_ever_needs_no_time),
        ALARM_TEST(a_deadline_is_covered_when_asked_for_again),
        ALARM_TEST(an_earlier_one_is_covered_when_asked_for_again),
        ALARM_TEST(what_is_asked_for_once_sets_nothing),
        ALARM_TEST(it_rings_at_the_deadline),
        ALARM_TEST(what_has_gone_off_is_silent_for_the_next_sleep),
        ALARM_TEST(a_timer_that_is_stopped_does_not_ring),
        ALARM_TEST(after_that_deadlines_are_covered_as_before),
        ALARM_TEST(all_is_closed_at_the_end),
        ALARM_TEST(without_a_descriptor_to_watch_nothing_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
