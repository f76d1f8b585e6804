/* The driver: calls that enter, wait and leave, in one thread and in many. */
#include "unit/host/driver_world.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* ── One thread ── */

static void waiting_thread_takes_in_what_has_arrived(void **state)
{
    (void)state;
    setup();
    packet_for(3);
    assert_int_equal(wait_for_hits(3, 1, TIME_NEVER), 0);
    teardown();
}

static void wait_ends_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    setup();
    uint64_t start_ns = clock_now_ns();
    assert_int_equal(wait_for_hits(0, 1, TIME_MS(20)), -ETIMEDOUT);
    assert_true(clock_now_ns() - start_ns >= TIME_MS(20));
    teardown();
}

static void wait_with_a_deadline_passed_only_looks(void **state)
{
    (void)state;
    setup();
    struct sock_waiter waiter = {0};
    enter();
    w.waiters[2] = &waiter;
    assert_int_equal(w.host->operations->wait(w.host, &waiter, 0), -ETIMEDOUT);
    /* Sent with the machine in our hands: nobody else can have taken it in. */
    packet_for(2);
    assert_int_equal(w.host->operations->wait(w.host, &waiter, 0), 0);
    assert_false(waiter.woken);
    assert_int_equal(w.hits[2], 1);
    w.waiters[2] = NULL;
    leave();
    teardown();
}

static void a_reader_that_has_enough_runs_before_more_arrives(void **state)
{
    (void)state;
    setup();
    const uint8_t packet[3] = {0x40, 2, ENOUGH};
    struct sock_waiter waiter = {0};
    enter();
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(w.outside, packet, sizeof packet, 0), sizeof packet);
    w.waiters[2] = &waiter;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(w.host->operations->wait(w.host, &waiter, 0), 0);
        assert_int_equal(w.hits[2], i);
    }
    w.waiters[2] = NULL;
    leave();
    teardown();
}

static void waiter_woken_before_it_waits_does_not_sleep(void **state)
{
    (void)state;
    setup();
    struct sock_waiter waiter = {0};
    enter();
    w.host->operations->wake(w.host, &waiter);
    assert_int_equal(w.host->operations->wait(w.host, &waiter, TIME_NEVER), 0);
    assert_false(waiter.woken);
    leave();
    teardown();
}

static void timers_run_while_a_thread_waits(void **state)
{
    (void)state;
    setup();
    enter();
    w.timer_acts = 5;
    uint64_t due_ns = w.t.stack.now_ns + TIME_MS(10);
    stack_arm(&w.t.stack, &w.timer, due_ns);
    leave();
    assert_int_equal(wait_for_hits(5, 1, TIME_NEVER), 0);
    assert_true(clock_now_ns() >= due_ns);
    teardown();
}

static void time_is_up_to_date_between_enter_and_leave(void **state)
{
    (void)state;
    setup();
    uint64_t before_ns = clock_now_ns();
    enter();
    assert_in_range(w.t.stack.now_ns, before_ns, clock_now_ns());
    leave();
    teardown();
}

/* Waits as waiter 0 with a spin of `spin_ns`, in vain or until the timer wakes it after `ms`: how
 * often it went to sleep. */
static unsigned sleeps_of_wait(uint64_t spin_ns, unsigned ms)
{
    struct sock_waiter waiter = {.spin_ns = spin_ns};
    unsigned *asked = ((struct pair_link *)w.link)->asked;
    enter();
    if (ms)
        stack_arm(&w.t.stack, &w.timer, w.t.stack.now_ns + TIME_MS(ms));
    unsigned before = *asked;
    w.waiters[0] = &waiter;
    uint64_t deadline_ns = ms ? TIME_NEVER : w.t.stack.now_ns + TIME_MS(2);
    assert_int_equal(w.host->operations->wait(w.host, &waiter, deadline_ns), ms ? 0 : -ETIMEDOUT);
    w.waiters[0] = NULL;
    unsigned sleeps = *asked - before;
    leave();
    return sleeps;
}

static void a_wait_that_spins_does_not_sleep(void **state)
{
    (void)state;
    setup();
    assert_true(sleeps_of_wait(0, 5) > 0);
    assert_int_equal(sleeps_of_wait(TIME_S(20), 5), 0);
    teardown();
}

static void spinning_in_vain_is_done_less_and_less_often(void **state)
{
    (void)state;
    setup();
    assert_true(sleeps_of_wait(1, 0) > 0);
    assert_true(sleeps_of_wait(TIME_S(20), 5) > 0); /* this one sleeps at once */
    assert_int_equal(sleeps_of_wait(TIME_S(20), 5), 0);
    assert_true(sleeps_of_wait(1, 0) > 0); /* and all is as at the start */
    assert_true(sleeps_of_wait(1, 0) > 0);
    assert_true(sleeps_of_wait(1, 0) > 0);
    for (int i = 0; i < 3; i++)
        assert_true(sleeps_of_wait(TIME_S(20), 5) > 0);
    assert_int_equal(sleeps_of_wait(TIME_S(20), 5), 0);
    teardown();
}

/* ── Several threads ── */

static void each_waiting_thread_is_woken_by_what_is_its_own(void **state)
{
    (void)state;
    struct thread threads[WAITERS];
    enum { ROUNDS = 200 };
    setup();
    for (int i = 0; i < WAITERS; i++)
        thread_start(&threads[i], i, ROUNDS);
    for (int i = 0; i < ROUNDS * WAITERS; i++)
        packet_for(i * 7 % WAITERS);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    teardown();
}

/* Who waits already might sleep on it; and a loop of the user's own may be long in coming. */
static void nothing_is_put_off_where_others_drive(void **state)
{
    (void)state;
    struct thread thread;
    setup();
    thread_start(&thread, 1, 1);
    await_waiter(1);
    enter();
    assert_int_equal(w.host->operations->may_put_off(w.host), 0);
    leave();
    packet_for(1);
    assert_int_equal(thread_join(&thread), 0);
    enter();
    assert_true(w.host->operations->descriptor(w.host) >= 0);
    assert_int_equal(w.host->operations->may_put_off(w.host), 0);
    leave();
    teardown();
}

static void who_leaves_hands_over_to_who_still_waits(void **state)
{
    (void)state;
    struct thread threads[3];
    setup();
    for (int round = 0; round < 100; round++) {
        memset(w.hits, 0, sizeof w.hits);
        for (int i = 0; i < 3; i++)
            thread_start(&threads[i], i, 1);
        for (int i = 0; i < 3; i++) { /* whichever drives: it leaves, the others go on */
            packet_for((i + round) % 3);
            assert_int_equal(thread_join(&threads[(i + round) % 3]), 0);
        }
    }
    teardown();
}

static void wake_from_another_call_reaches_driver_and_sleeper(void **state)
{
    (void)state;
    struct thread threads[4];
    setup();
    for (int round = 0; round < 100; round++) {
        memset(w.hits, 0, sizeof w.hits);
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], i, 1);
        for (int i = 0; i < 4; i++) {
            enter();
            act(i);
            leave();
        }
        for (int i = 0; i < 4; i++)
            assert_int_equal(thread_join(&threads[i]), 0);
    }
    teardown();
}

static void earlier_deadline_kicks_who_sleeps_in_poll(void **state)
{
    (void)state;
    struct thread thread;
    setup();
    w.timer_acts = 1;
    for (int round = 0; round < 100; round++) {
        w.hits[1] = 0;
        thread_start(&thread, 1, 1);
        enter();
        stack_arm(&w.t.stack, &w.timer, w.t.stack.now_ns + TIME_US(200));
        leave();
        assert_int_equal(thread_join(&thread), 0);
    }
    teardown();
}

/* Not only at a call's end: this one arms a timer and goes on to sleep. */
static void earlier_deadline_of_a_call_that_waits_kicks_who_sleeps_in_poll(void **state)
{
    (void)state;
    struct thread thread;
    setup();
    w.timer_acts = 2;
    thread_start(&thread, 1, 1);
    await_waiter(1);
    for (int round = 0; round < 100; round++) {
        w.arms = true;
        w.hits[2] = 0;
        assert_int_equal(wait_for_hits(2, 1, TIME_NEVER), 0);
    }
    packet_for(1);
    assert_int_equal(thread_join(&thread), 0);
    teardown();
}

static void deadlines_of_sleeping_threads_are_kept(void **state)
{
    (void)state;
    struct thread first, second;
    setup();
    thread_start(&first, 0, 1);
    second = (struct thread){.waiter = 1, .wanted = 1, .patience_ns = TIME_MS(20)};
    assert_int_equal(pthread_create(&second.id, NULL, thread_run, &second), 0);
    assert_int_equal(thread_join(&second), -ETIMEDOUT);
    packet_for(0);
    assert_int_equal(thread_join(&first), 0);
    teardown();
}

/* ── Signals, cancellation, fork ── */

static void on_signal(int number)
{
    (void)number;
}

/* Both the one in poll(2) and the one on its semaphore, also with SA_RESTART. */
static void handled_signal_ends_the_wait(void **state)
{
    (void)state;
    struct thread threads[2];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    setup();
    for (int i = 0; i < 2; i++)
        thread_start(&threads[i], i, 1);
    for (int i = 1; i >= 0; i--) {
        while (!threads[i].done) { /* a signal before the wait is none during it: again */
            pthread_kill(threads[i].id, SIGUSR1);
            poll(NULL, 0, 1);
        }
        assert_int_equal(thread_join(&threads[i]), -EINTR);
    }
    packet_for(ANSWER_PLEASE);
    char answer;
    assert_int_equal(recv(w.outside, &answer, 1, 0), 1);
    teardown();
}

/* A handler that has run is not seen by the poll(2) that comes next. */
static void signal_between_two_sleeps_ends_the_wait(void **state)
{
    (void)state;
    struct thread thread;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    setup();
    for (int i = 0; i < 20; i++) {
        thread_start(&thread, 1, 1);
        await_waiter(1);
        packet_for(SIGNAL);
        assert_int_equal(thread_join(&thread), -EINTR);
    }
    teardown();
}

static void signal_ends_a_wait_that_has_no_time_to_sleep(void **state)
{
    (void)state;
    struct thread thread;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    setup();
    thread_start(&thread, 1, 1);
    await_waiter(1);
    packet_for(ENDLESS);
    packet_for(SIGNAL);
    assert_int_equal(thread_join(&thread), -EINTR);
    enter();
    w.ends = true;
    leave();
    teardown();
}

static void *thread_cancelled(void *argument)
{
    struct thread *thread = argument;
    thread->result = wait_for_hits(thread->waiter, thread->wanted, thread->patience_ns);
    thread->done = true;
    pthread_testcancel();
    thread->result = 1;
    return NULL;
}

static void cancellation_waits_for_the_call_to_end(void **state)
{
    (void)state;
    struct thread threads[2];
    void *returned;
    setup();
    for (int i = 0; i < 2; i++) {
        threads[i] =
            (struct thread){.waiter = i, .wanted = 1, .patience_ns = TIME_NEVER, .result = -1};
        assert_int_equal(pthread_create(&threads[i].id, NULL, thread_cancelled, &threads[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_cancel(threads[i].id), 0);
        poll(NULL, 0, 5); /* gives a wrong cancellation its chance; a right one needs no time */
        packet_for(i);
        assert_int_equal(pthread_join(threads[i].id, &returned), 0);
        assert_ptr_equal(returned, PTHREAD_CANCELED);
        assert_true(threads[i].done);
        assert_int_equal(threads[i].result, 0);
    }
    teardown();
}

static void child_of_a_fork_is_refused(void **state)
{
    (void)state;
    setup();
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right = w.host->operations->enter(w.host) == -ENODEV &&
                     w.host->operations->stop(w.host) == -ENODEV;
        w.host->operations->release(w.host);
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    packet_for(ANSWER_PLEASE);
    char answer;
    assert_int_equal(recv(w.outside, &answer, 1, 0), 1);
    teardown();
}

/* ── The end ── */

static void broken_link_ends_every_wait(void **state)
{
    (void)state;
    struct thread threads[3];
    setup();
    for (int i = 0; i < 3; i++)
        thread_start(&threads[i], i, 1);
    enter();
    ((struct pair_link *)w.link)->failure = -EBADFD;
    leave();
    packet_for(9); /* makes the descriptor readable, as a device that is gone does */
    for (int i = 0; i < 3; i++)
        assert_int_equal(thread_join(&threads[i]), -ENETDOWN);
    assert_int_equal(wait_for_hits(0, 1, TIME_NEVER), -ENETDOWN);
    teardown();
}

static int open_descriptors(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        setup();
        if (i % 2)
            assert_int_equal(wait_for_hits(0, 1, TIME_US(100)), -ETIMEDOUT);
        teardown();
    }
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_thread_takes_in_what_has_arrived),
        cmocka_unit_test(wait_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(wait_with_a_deadline_passed_only_looks),
        cmocka_unit_test(a_reader_that_has_enough_runs_before_more_arrives),
        cmocka_unit_test(waiter_woken_before_it_waits_does_not_sleep),
        cmocka_unit_test(timers_run_while_a_thread_waits),
        cmocka_unit_test(time_is_up_to_date_between_enter_and_leave),
        cmocka_unit_test(a_wait_that_spins_does_not_sleep),
        cmocka_unit_test(spinning_in_vain_is_done_less_and_less_often),
        cmocka_unit_test(each_waiting_thread_is_woken_by_what_is_its_own),
        cmocka_unit_test(nothing_is_put_off_where_others_drive),
        cmocka_unit_test(who_leaves_hands_over_to_who_still_waits),
        cmocka_unit_test(wake_from_another_call_reaches_driver_and_sleeper),
        cmocka_unit_test(earlier_deadline_kicks_who_sleeps_in_poll),
        cmocka_unit_test(earlier_deadline_of_a_call_that_waits_kicks_who_sleeps_in_poll),
        cmocka_unit_test(deadlines_of_sleeping_threads_are_kept),
        cmocka_unit_test(handled_signal_ends_the_wait),
        cmocka_unit_test(signal_between_two_sleeps_ends_the_wait),
        cmocka_unit_test(signal_ends_a_wait_that_has_no_time_to_sleep),
        cmocka_unit_test(cancellation_waits_for_the_call_to_end),
        cmocka_unit_test(child_of_a_fork_is_refused),
        cmocka_unit_test(broken_link_ends_every_wait),
        cmocka_unit_test(nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
