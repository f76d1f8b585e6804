/* The machine's lock: who has it, who gets it next, and who is let out of his sleep when it is
 * given away. Threads wait for each other, and not for time. */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/time.h"
#include "host/internal.h"

static struct tern t;
static struct link link_of_d;
static uint64_t link_due_ns;
static struct driver d;
static struct seated sleeper;

static uint64_t due(const struct link *link)
{
    (void)link;
    return link_due_ns;
}

static int setup(void **state)
{
    static const struct link_operations operations = {.deadline = due};
    (void)state;
    link_of_d = (struct link){.operations = &operations};
    link_due_ns = TIME_NEVER;
    t = (struct tern){0};
    wheel_init(&t.stack.wheel, 0);
    d = (struct driver){.t = &t, .link = &link_of_d};
    assert_int_equal(pthread_mutex_init(&d.turn, NULL), 0);
    assert_int_equal(pthread_mutex_init(&d.lock, NULL), 0);
    list_init(&d.to_post);
    alarm_init(&d.waiting_alarm);
    assert_int_equal(alarm_open(&d.waiting_alarm, NULL, 0), 0);
    sleeper = (struct seated){.alarm = &d.waiting_alarm};
    assert_int_equal(sem_init(&sleeper.semaphore, 0, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alarm_release(&d.waiting_alarm);
    sem_destroy(&sleeper.semaphore);
    pthread_mutex_destroy(&d.lock);
    pthread_mutex_destroy(&d.turn);
    return 0;
}

/* What another thread finds. */
static void *try_lock(void *got)
{
    *(bool *)got = driver_trylock(&d);
    if (*(bool *)got)
        driver_unlock(&d);
    return NULL;
}

static void *look_whether_held(void *held)
{
    *(bool *)held = driver_is_held(&d);
    return NULL;
}

static bool another_finds(void *(*what)(void *))
{
    bool found;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, what, &found), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return found;
}

static void one_has_it_at_a_time_and_knows(void **state)
{
    (void)state;
    assert_false(driver_is_held(&d));
    driver_lock(&d);
    assert_true(driver_is_held(&d));
    assert_false(another_finds(look_whether_held));
    assert_false(another_finds(try_lock));
    driver_unlock(&d);
    assert_false(driver_is_held(&d));
    assert_true(another_finds(try_lock));
    assert_true(driver_trylock(&d));
    assert_true(driver_is_held(&d));
    driver_unlock(&d);
}

/* Somebody is about to have it, who came first. */
static void who_only_tries_does_not_take_another_s_turn(void **state)
{
    (void)state;
    pthread_mutex_lock(&d.turn);
    assert_false(another_finds(try_lock));
    pthread_mutex_unlock(&d.turn);
    assert_true(another_finds(try_lock));
}

static bool had_it;

static void *have_it(void *unused)
{
    (void)unused;
    driver_lock(&d);
    had_it = driver_is_held(&d);
    driver_unlock(&d);
    return NULL;
}

/* A thread that waits for the lock that we have. */
static pthread_t another_waits(void)
{
    pthread_t thread;
    had_it = false;
    assert_int_equal(pthread_create(&thread, NULL, have_it, NULL), 0);
    while (!driver_is_wanted(&d))
        sched_yield();
    return thread;
}

static void who_yields_lets_others_have_it_first(void **state)
{
    (void)state;
    driver_lock(&d);
    assert_false(driver_is_wanted(&d));
    pthread_t thread = another_waits();
    while (pthread_mutex_trylock(&d.turn) == 0) { /* until it waits for the lock itself */
        pthread_mutex_unlock(&d.turn);
        sched_yield();
    }
    driver_yield(&d);
    assert_true(had_it);
    assert_true(driver_is_held(&d));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(driver_is_wanted(&d));
    driver_unlock(&d);
}

/* ── Who sleeps on a semaphore ── */

static bool is_posted(void)
{
    return sem_trywait(&sleeper.semaphore) == 0;
}

static void who_was_woken_is_let_go_with_the_lock(void **state)
{
    (void)state;
    struct seated other;
    assert_int_equal(sem_init(&other.semaphore, 0, 0), 0);
    driver_lock(&d);
    list_append(&d.to_post, &sleeper.link);
    list_append(&d.to_post, &other.link);
    assert_false(is_posted());
    driver_unlock(&d);
    assert_true(is_posted());
    assert_false(is_posted()); /* once */
    assert_int_equal(sem_trywait(&other.semaphore), 0);
    assert_true(list_empty(&d.to_post));
    sem_destroy(&other.semaphore);
}

static void who_was_woken_is_let_go_by_who_yields(void **state)
{
    (void)state;
    driver_lock(&d);
    list_append(&d.to_post, &sleeper.link);
    driver_yield(&d);
    assert_true(is_posted());
    assert_true(driver_is_held(&d));
    driver_unlock(&d);
}

/* ── Who sleeps in poll(2) ── */

static uint64_t kicks(void)
{
    eventfd_t count = 0;
    if (eventfd_read(d.waiting_alarm.kick, &count) < 0)
        assert_int_equal(errno, EAGAIN);
    return count;
}

static void a_sleep_that_would_be_too_long_is_ended(void **state)
{
    (void)state;
    d.poller = &sleeper;
    d.poll_until_ns = TIME_S(5);
    driver_lock(&d);
    link_due_ns = TIME_S(5);
    driver_unlock(&d);
    assert_int_equal(kicks(), 0); /* it ends in time */
    assert_ptr_equal(d.poller, &sleeper);
    driver_lock(&d);
    link_due_ns = TIME_S(5) - 1;
    driver_unlock(&d);
    assert_int_equal(kicks(), 1);
    assert_null(d.poller); /* it is on its way */
    driver_lock(&d);
    driver_unlock(&d);
    assert_int_equal(kicks(), 0);
}

static void kick_sleeper(void)
{
    d.poller = &sleeper;
    kick_poller(&d);
}

static void who_is_kicked_twice_wakes_once(void **state)
{
    (void)state;
    kick_sleeper();
    kick_sleeper();
    assert_int_equal(kicks(), 1);
}

static void who_has_woken_can_be_kicked_again(void **state)
{
    (void)state;
    alarm_take_back(&d.waiting_alarm); /* of none */
    kick_sleeper();
    alarm_take_back(&d.waiting_alarm);
    assert_int_equal(kicks(), 0);
    kick_sleeper();
    assert_int_equal(kicks(), 1);
}

#define LOCK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCK_TEST(one_has_it_at_a_time_and_knows),
        LOCK_TEST(who_only_tries_does_not_take_another_s_turn),
        LOCK_TEST(who_yields_lets_others_have_it_first),
        LOCK_TEST(who_was_woken_is_let_go_with_the_lock),
        LOCK_TEST(who_was_woken_is_let_go_by_who_yields),
        LOCK_TEST(a_sleep_that_would_be_too_long_is_ended),
        LOCK_TEST(who_is_kicked_twice_wakes_once),
        LOCK_TEST(who_has_woken_can_be_kicked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
