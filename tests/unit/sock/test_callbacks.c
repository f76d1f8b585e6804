/* What each callback of an engine may do, and what it is told when it does more: `output` and the
 * trace run in the middle of the stack's work, `wait` and a watch do not. */
#include "unit/sock/sockets.h"

#include <pthread.h>

#include "common/every_call.h"

static const uint8_t seed[32] = {1};

static struct {
    struct tern *t;
    int calls;         /* of the callback */
    const char *taken; /* a call that was not refused */
} within;

/* Every call says EBUSY, those without an errno what the header says of them, and nothing has
 * happened. */
static void try_every_call(struct tern *t)
{
    within.calls++;
    for (size_t i = 0; i < EVERY_CALL_COUNT; i++) {
        errno = 0;
        if (every_call[i].call(t) != -1 || errno != EBUSY)
            within.taken = every_call[i].name;
    }
    errno = 0;
    tern_close_stack(t);
    if (errno != EBUSY)
        within.taken = "tern_close_stack";
    if (tern_input(t, "", 0, NULL, UINT64_MAX) == NULL)
        within.taken = "tern_input";
    tern_advance(t, UINT64_MAX);
    if (tern_memory_used(t) != 0)
        within.taken = "tern_memory_used";
}

static int output(void *user, const struct iovec *packet, int count,
                  const struct tern_offload *offload)
{
    (void)user, (void)packet, (void)count, (void)offload;
    if (within.t)
        try_every_call(within.t);
    return 0;
}

static void trace(void *user, const struct tern_trace_event *event)
{
    (void)user, (void)event;
    if (within.t)
        try_every_call(within.t);
}

static void trace_of_end(void *user, const struct tern_trace_event *event)
{
    const struct pair_end *end = user;
    if (end->t == within.t)
        trace(NULL, event);
}

static int output_nothing(void *user, const struct iovec *packet, int count,
                          const struct tern_offload *offload)
{
    (void)user, (void)packet, (void)count, (void)offload;
    return 0;
}

/* Sends from a call, from the end of a timer, and from the end of the stack. */
static void assert_refused_from_within(struct tern_engine_config *config)
{
    memset(&within, 0, sizeof within);
    config->seed = seed;
    config->now_ns = TIME_S(5);
    config->address = "10.0.0.1/24";
    struct tern *t = within.t = tern_engine_new(config, NULL);
    assert_non_null(t);
    int s = open_stream(t);
    assert_fails(connect_to(t, s, "10.0.0.2", 7), EINPROGRESS);
    assert_int_equal(within.calls, 1);
    assert_true(tern_deadline(t) < TIME_S(7)); /* its time has not moved */
    tern_advance(t, TIME_S(7));
    assert_int_equal(within.calls, 2);
    static const uint8_t echo_request[] = {0x45, 0,    0,    28,   0, 0, 0,  0, 64, 1,
                                           0x66, 0xdf, 10,   0,    0, 2, 10, 0, 0,  1,
                                           8,    0,    0xf7, 0xff, 0, 0, 0,  0};
    assert_null(tern_input(t, echo_request, sizeof echo_request, NULL, TIME_S(7)));
    assert_true(within.calls > 2);
    assert_int_equal(open_stream(t), s + 1); /* and no number is taken */
    tern_close_stack(t);
    assert_null(within.taken);
}

static void output_is_refused_every_call(void **state)
{
    (void)state;
    assert_refused_from_within(&(struct tern_engine_config){.output = output});
}

static void the_trace_is_refused_every_call(void **state)
{
    (void)state;
    assert_refused_from_within(
        &(struct tern_engine_config){.output = output_nothing, .trace = trace});
}

/* A connection is reset with its stack, and that leaves through callbacks too. */
static void the_resets_of_a_closing_stack_are_no_exception(void **state)
{
    (void)state;
    int client, server;
    memset(&within, 0, sizeof within);
    open_pair(&(struct pair_options){.trace = trace_of_end});
    pair_connect(&pair, 7, &client, &server);
    within.t = a;
    pair_close(&pair);
    assert_true(within.calls > 0);
    assert_null(within.taken);
}

static void close_the_waiting(struct pair *p)
{
    (void)p;
    within.calls++;
    errno = 0;
    tern_close_stack(a);
    assert_int_equal(errno, EBUSY);
    assert_int_equal(get_int(a, *(int *)pair.user, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
}

static void wait_may_call_but_not_close_the_stack(void **state)
{
    (void)state;
    char byte;
    memset(&within, 0, sizeof within);
    int s = open_datagram(a);
    set_timeout(a, s, SO_RCVTIMEO, TIME_S(1));
    pair.meanwhile = close_the_waiting;
    pair.user = &s;
    assert_fails(tern_recv(a, s, &byte, 1, 0), EAGAIN);
    assert_true(within.calls > 0);
}

static void close_the_stepping(void *user, int socket, short events)
{
    (void)user, (void)events;
    within.calls++;
    errno = 0;
    tern_close_stack(a);
    assert_int_equal(errno, EBUSY);
    assert_int_equal(get_int(a, socket, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
}

static void a_watch_may_call_but_not_close_the_stack(void **state)
{
    (void)state;
    memset(&within, 0, sizeof within);
    assert_int_equal(tern_watch(a, open_datagram(a), POLLOUT, close_the_stepping, NULL), 0);
    assert_int_equal(tern_step(a), 1);
    assert_int_equal(within.calls, 1);
}

static void be_cancelled(struct pair *p)
{
    p->meanwhile = NULL;
    within.calls++;
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

static void *receive_and_end(void *socket)
{
    char byte;
    bool right = tern_recv(a, *(int *)socket, &byte, 1, 0) == -1 && errno == EAGAIN;
    within.taken = right ? NULL : "tern_recv";
    within.calls++;
    pthread_testcancel();
    return NULL;
}

/* Who waits would stay on the list of those to be woken. */
static void cancellation_waits_for_the_call_that_waits(void **state)
{
    (void)state;
    pthread_t thread;
    void *result;
    memset(&within, 0, sizeof within);
    int s = open_datagram(a);
    set_timeout(a, s, SO_RCVTIMEO, TIME_S(1));
    pair.meanwhile = be_cancelled;
    assert_int_equal(pthread_create(&thread, NULL, receive_and_end, &s), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_int_equal(within.calls, 2);
    assert_null(within.taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_refused_every_call),
        cmocka_unit_test(the_trace_is_refused_every_call),
        cmocka_unit_test(the_resets_of_a_closing_stack_are_no_exception),
        socket_test(wait_may_call_but_not_close_the_stack),
        socket_test(a_watch_may_call_but_not_close_the_stack),
        socket_test(cancellation_waits_for_the_call_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
