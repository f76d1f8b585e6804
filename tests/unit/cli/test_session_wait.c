/* Calls of the command that wait for somebody else, in virtual time. */
#include "unit.h"

#include <errno.h>
#include <signal.h>

#include "printed.h"
#include "trial_pair.h"

static struct session *const session = &trial_sessions[0];
static struct sockaddr_in to;

static int session_make(void **state)
{
    trials_open(state);
    session->quiet = false;
    to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(TRIAL_PORT)};
    inet_pton(AF_INET, PAIR_ADDRESS_1, &to.sin_addr);
    return 0;
}

/* What a connection comes to, and what is said on the way, in `printed`. */
static int connect_and_listen(void)
{
    print_begin_on(stderr);
    int result = session_connect_patiently(session, &to, "server", 0);
    print_end();
    return result;
}

static void who_answers_at_once_is_not_spoken_of(void **state)
{
    (void)state;
    trial_listen();
    int socket = connect_and_listen();
    assert_true(socket >= 0);
    assert_string_equal(printed, "");
    /* Its calls return now and then, to look for an interruption. */
    char byte;
    uint64_t before_ns = trial_pair.now_ns;
    assert_fails(tern_recv(trial_stack(0), socket, &byte, 1, 0), EAGAIN);
    assert_in_range(trial_pair.now_ns - before_ns, TIME_MS(INTERRUPT_TICK_MS),
                    TIME_MS(INTERRUPT_TICK_MS + 1));
}

static void who_refuses_is_not_spoken_of_either(void **state)
{
    (void)state;
    assert_int_equal(connect_and_listen(), -ECONNREFUSED);
    assert_string_equal(printed, "");
}

/* RFC 9293 MUST-23: for three minutes at least. */
static void who_does_not_answer_is_told_once_and_given_up(void **state)
{
    (void)state;
    char told[128];
    trial_pair.ends[0].cut = true;
    uint64_t before_ns = trial_pair.now_ns;
    assert_int_equal(connect_and_listen(), -ETIMEDOUT);
    assert_in_range(trial_pair.now_ns - before_ns, TIME_S(180), TIME_S(300));
    snprintf(told, sizeof told,
             "connecting to %s:5201, which has not answered yet; interrupt (Ctrl-C) to end\n",
             PAIR_ADDRESS_1);
    assert_string_equal(printed, told);
    session->quiet = true;
    assert_int_equal(connect_and_listen(), -ETIMEDOUT);
    assert_string_equal(printed, "");
}

static uint64_t interrupt_ns;

static void interrupt_later(struct pair *pair)
{
    if (pair->now_ns >= interrupt_ns)
        interrupt_note(SIGINT);
}

static void an_interruption_is_noticed_within_a_moment(void **state)
{
    (void)state;
    trial_pair.ends[0].cut = true;
    interrupt_ns = trial_pair.now_ns + TIME_MS(500);
    trial_pair.meanwhile = interrupt_later;
    assert_int_equal(connect_and_listen(), -EINTR);
    assert_in_range(trial_pair.now_ns, interrupt_ns, interrupt_ns + TIME_MS(INTERRUPT_TICK_MS + 1));
    assert_string_equal(printed, ""); /* it was no second yet */
}

static void a_note_is_told_when_it_has_been_a_second(void **state)
{
    (void)state;
    struct wait_note note = wait_note_begin();
    trial_pair.now_ns += TIME_S(1) - 1;
    print_begin_on(stderr);
    session_note_wait(session, &note, "%d", 1);
    assert_string_equal(print_end(), "");
    trial_pair.now_ns += 1;
    print_begin_on(stderr);
    session_note_wait(session, &note, "waiting for %d", 2);
    session_note_wait(session, &note, "waiting for %d", 3);
    assert_string_equal(print_end(), "waiting for 2\n");
}

#define WAIT_TEST(name) cmocka_unit_test_setup_teardown(name, session_make, trials_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAIT_TEST(who_answers_at_once_is_not_spoken_of),
        WAIT_TEST(who_refuses_is_not_spoken_of_either),
        WAIT_TEST(who_does_not_answer_is_told_once_and_given_up),
        WAIT_TEST(an_interruption_is_noticed_within_a_moment),
        WAIT_TEST(a_note_is_told_when_it_has_been_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
