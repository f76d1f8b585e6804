/* Signals are held back while a thread drives, let in now and then, and none is lost. */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/time.h"
#include "host/signals.h"

#define START_NS TIME_S(1000)

static volatile sig_atomic_t handled;

static void note(int number)
{
    (void)number;
    handled++;
}

static bool is_blocked(int number)
{
    sigset_t now;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    return sigismember(&now, number) == 1;
}

static void block(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

static int setup(void **state)
{
    struct sigaction action = {.sa_handler = note};
    sigset_t none;
    (void)state;
    sigemptyset(&none);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &none, NULL), 0);
    handled = 0;
    return 0;
}

static void what_came_meanwhile_is_handled_when_it_is_let_in(void **state)
{
    (void)state;
    struct signals signals = {0};
    signals_hold(&signals, START_NS);
    raise(SIGUSR1);
    assert_int_equal(handled, 0);
    assert_true(signals_came(&signals, START_NS + TIME_MS(1)));
    assert_int_equal(handled, 1);
    raise(SIGUSR1); /* it is held back again */
    assert_int_equal(handled, 1);
    signals_release(&signals);
    assert_int_equal(handled, 2);
    raise(SIGUSR1);
    assert_int_equal(handled, 3);
}

static void they_are_let_in_once_a_millisecond(void **state)
{
    (void)state;
    struct signals signals = {0};
    signals_hold(&signals, START_NS);
    signals_hold(&signals, START_NS + TIME_US(900)); /* is not to let them in */
    raise(SIGUSR1);
    assert_false(signals_came(&signals, START_NS + TIME_MS(1) - 1));
    assert_int_equal(handled, 0);
    assert_true(signals_came(&signals, START_NS + TIME_MS(1)));
    raise(SIGUSR1);
    assert_false(signals_came(&signals, START_NS + TIME_MS(2) - 1));
    assert_true(signals_came(&signals, START_NS + TIME_MS(2)));
    signals_release(&signals);
}

static void where_none_is_handled_none_came(void **state)
{
    (void)state;
    struct signals signals = {0};
    signals_hold(&signals, START_NS);
    assert_false(signals_came(&signals, START_NS + TIME_MS(1)));
    raise(SIGCHLD); /* of which nobody wishes to know */
    assert_false(signals_came(&signals, START_NS + TIME_MS(2)));
    signals_release(&signals);
}

/* What the program holds back itself it goes on holding back. */
static void the_mask_of_the_thread_is_kept(void **state)
{
    (void)state;
    struct signals signals = {0};
    block(SIGUSR1);
    signals_hold(&signals, START_NS);
    raise(SIGUSR1);
    assert_false(signals_came(&signals, START_NS + TIME_MS(1)));
    signals_hold(&signals, START_NS + TIME_MS(1)); /* what it was before is known */
    signals_release(&signals);
    assert_int_equal(handled, 0);
    assert_true(is_blocked(SIGUSR1));
    assert_false(is_blocked(SIGUSR2));
}

static void who_has_held_none_back_releases_none(void **state)
{
    (void)state;
    struct signals signals = {0};
    block(SIGUSR1);
    signals_release(&signals);
    assert_true(is_blocked(SIGUSR1));
    signals_hold(&signals, START_NS);
    signals_release(&signals);
    block(SIGUSR2);
    signals_release(&signals); /* a second time */
    assert_true(is_blocked(SIGUSR2));
}

/* To hold back what a fault raises would be to die of it, whatever the program would have done. */
static void faults_are_let_through(void **state)
{
    (void)state;
    static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE, SIGUSR1};
    static const int let_through[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    struct signals signals = {0};
    signals_hold(&signals, START_NS);
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        assert_true(is_blocked(held[i]));
    for (size_t i = 0; i < sizeof let_through / sizeof *let_through; i++)
        assert_false(is_blocked(let_through[i]));
    signals_release(&signals);
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        assert_false(is_blocked(held[i]));
}

#define SIGNALS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGNALS_TEST(what_came_meanwhile_is_handled_when_it_is_let_in),
        SIGNALS_TEST(they_are_let_in_once_a_millisecond),
        SIGNALS_TEST(where_none_is_handled_none_came),
        SIGNALS_TEST(the_mask_of_the_thread_is_kept),
        SIGNALS_TEST(who_has_held_none_back_releases_none),
        SIGNALS_TEST(faults_are_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
