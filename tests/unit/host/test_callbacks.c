/* The trace of a stack over a device runs in the middle of the stack's work, with its lock held, in
 * whatever thread drives: a call from within it is refused at once and does not wait for itself. */
#include "unit/host/two_ends.h"

#include <arpa/inet.h>
#include <semaphore.h>

#include "common/every_call.h"
#include "common/fails.h"
#include "host/internal.h"

static struct {
    struct tern *t;   /* ends[0], once it may be tried */
    pthread_t caller; /* the test's thread */
    sem_t helped;     /* posted when the trace has run in another thread */
    int calls;        /* of the trace, in the test's thread */
    bool crowded;     /* another thread is to stand before the lock first */
    pthread_t other;
} within;

static void *name_a_socket(void *unused)
{
    (void)unused;
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    expect(tern_getsockname(within.t, 0, (struct sockaddr *)&name, &length) == 0, "getsockname");
    return NULL;
}

/* Another thread comes to want the lock, and is the next to have it. */
static void let_another_come(void)
{
    struct driver *d = driver_of(within.t->host);
    within.crowded = false;
    expect(pthread_create(&within.other, NULL, name_a_socket, NULL) == 0, "pthread_create");
    while (pthread_mutex_trylock(&d->turn) == 0) {
        pthread_mutex_unlock(&d->turn);
        sched_yield();
    }
}

static void try_every_call(void *user, const struct tern_trace_event *event)
{
    (void)user, (void)event;
    if (!within.t)
        return;
    if (within.crowded)
        let_another_come();
    for (size_t i = 0; i < EVERY_CALL_COUNT; i++) {
        errno = 0;
        expect(every_call[i].call(within.t) == -1 && errno == EBUSY, every_call[i].name);
    }
    errno = 0;
    tern_close_stack(within.t);
    expect(errno == EBUSY, "tern_close_stack");
    expect(tern_memory_used(within.t) == 0, "tern_memory_used");
    if (pthread_equal(pthread_self(), within.caller))
        within.calls++;
    else
        sem_post(&within.helped);
}

static int bound(struct tern *t)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7)};
    int s = tern_socket(t, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(s, 0);
    assert_int_equal(tern_bind(t, s, (struct sockaddr *)&at, sizeof at), 0);
    return s;
}

static void say(struct tern *t, int socket, const char *host)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(7)};
    inet_pton(AF_INET, host, &to.sin_addr);
    assert_int_equal(tern_sendto(t, socket, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
}

static int setup_traced(void **state)
{
    (void)state;
    memset(&within, 0, sizeof within);
    within.caller = pthread_self();
    assert_int_equal(sem_init(&within.helped, 0, 0), 0);
    setup_with(&(struct tern_config){.trace = try_every_call});
    bound(ends[0]);
    bound(ends[1]);
    within.t = ends[0];
    return 0;
}

static int teardown_traced(void **state)
{
    (void)state;
    teardown();
    sem_destroy(&within.helped);
    return 0;
}

static void a_call_of_the_thread_that_calls_is_refused(void **state)
{
    (void)state;
    say(ends[0], 0, "10.0.0.2");
    assert_true(within.calls > 0);
    assert_int_equal(tern_socket(ends[0], AF_INET, SOCK_DGRAM, 0), 1); /* and all is as it was */
}

static void a_call_of_the_helper_is_refused(void **state)
{
    (void)state;
    say(ends[1], 0, "10.0.0.1");
    while (sem_wait(&within.helped) < 0)
        assert_int_equal(errno, EINTR);
}

static void a_call_does_not_wait_behind_others_for_itself(void **state)
{
    (void)state;
    within.crowded = true;
    say(ends[0], 0, "10.0.0.2");
    assert_true(within.calls > 0);
    assert_int_equal(pthread_join(within.other, NULL), 0);
}

static void the_resets_of_a_closing_stack_are_no_exception(void **state)
{
    (void)state;
    int listener = tern_listen_on(ends[1], "9", 1);
    assert_true(listener >= 0 && tern_dial(ends[0], "10.0.0.2:9") >= 0);
    within.calls = 0;
    tern_close_stack(ends[0]);
    assert_true(within.calls > 0);
    within.t = NULL;
    tern_close_stack(ends[1]);
    assert_int_equal(failures, 0);
    sem_destroy(&within.helped);
}

static void ask_the_other(void *user, const struct tern_trace_event *event)
{
    (void)user, (void)event;
    if (!within.t)
        return;
    name_a_socket(NULL);
    within.calls++;
}

static void another_stack_may_be_called(void **state)
{
    (void)state;
    memset(&within, 0, sizeof within);
    setup_with(&(struct tern_config){.trace = ask_the_other});
    bound(ends[0]);
    struct tern *traced = ends[0];
    within.t = NULL;
    bound(ends[1]);
    within.t = ends[1];
    say(traced, 0, "10.0.0.99");
    within.t = NULL;
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_of_the_thread_that_calls_is_refused, setup_traced,
                                        teardown_traced),
        cmocka_unit_test_setup_teardown(a_call_of_the_helper_is_refused, setup_traced,
                                        teardown_traced),
        cmocka_unit_test_setup_teardown(a_call_does_not_wait_behind_others_for_itself, setup_traced,
                                        teardown_traced),
        cmocka_unit_test_setup(the_resets_of_a_closing_stack_are_no_exception, setup_traced),
        cmocka_unit_test(another_stack_may_be_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
