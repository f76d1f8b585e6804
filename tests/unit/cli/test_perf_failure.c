#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/perf.h"
#include "printed.h"

static char why[512]; /* as it is shown, as JSON may be */

static void note_why(const struct trial *t, const char *said)
{
    (void)t;
    snprintf(why, sizeof why, "%s", said);
}

static const struct perf_show show = {.broken = note_why};
static const struct command command = {.name = "perf", .start_first = "'iperf3 -s'"};
static struct common common;
static struct session session = {.command = &command, .common = &common};
static struct trial trial;

static int trial_make(void **state)
{
    (void)state;
    why[0] = 0;
    common = (struct common){0};
    trial = (struct trial){.session = &session, .show = &show, .control = -1, .listener = -1};
    trial.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5201)};
    inet_pton(AF_INET, "10.0.0.77", &trial.to.sin_addr);
    strcpy(trial.peer, "10.0.0.77:5201");
    strcpy(trial.test.congestion, "westwould");
    return 0;
}

/* Fails, and says on standard error first of all what is shown too. */
static enum status fail_with(int error)
{
    print_begin_on(stderr);
    enum status status = perf_failed(&trial, error);
    print_end();
    return status;
}

static void assert_said_as_shown(void)
{
    char line[600];
    snprintf(line, sizeof line, "tern perf: %s\n", why);
    assert_int_equal(strncmp(printed, line, strlen(line)), 0);
}

static void what_only_a_measurement_knows_has_its_words(void **state)
{
    (void)state;
    static const struct {
        int error;
        bool server;
        enum status status;
        const char *text;
    } cases[] = {
        {EBUSY, false, STATUS_FAILED, "the server at 10.0.0.77:5201 is busy with another test"},
        {EPROTO, false, STATUS_FAILED, "10.0.0.77:5201 does not speak iperf3's protocol"},
        {ENOENT, false, STATUS_FAILED, "refuses the congestion control 'westwould'"},
        {ENOENT, true, STATUS_FAILED, "wishes the congestion control 'westwould'"},
        {EBADMSG, true, STATUS_FAILED, "the results that 10.0.0.77:5201 tells make no sense"},
        {ETIME, true, STATUS_FAILED, "did not end the test when its time was over"},
        {ENOMSG, false, STATUS_TIMED_OUT, "10.0.0.77:5201 answers to TCP, but not to UDP"},
    };
    trial.control = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trial.server = cases[i].server;
        assert_int_equal(fail_with(cases[i].error), cases[i].status);
        assert_non_null(strstr(why, cases[i].text));
        assert_said_as_shown();
    }
}

static void who_never_answered_is_told_from_who_fell_silent(void **state)
{
    (void)state;
    assert_int_equal(fail_with(ETIMEDOUT), STATUS_TIMED_OUT);
    assert_non_null(strstr(why, "no answer from 10.0.0.77:5201: check the address, whether "
                                "'iperf3 -s' runs there"));
    assert_said_as_shown();
    assert_non_null(strstr(printed, "  In the device's subnet (--addr 10.0.0.3/24)"));
    trial.control = 0;
    assert_int_equal(fail_with(ETIMEDOUT), STATUS_TIMED_OUT);
    assert_non_null(strstr(why, "10.0.0.77:5201 fell silent"));
    assert_said_as_shown();
    assert_null(strstr(printed, "In the device's subnet"));
}

static void from_a_sandbox_only_its_other_side_is_reached(void **state)
{
    (void)state;
    common.sandbox = true;
    common.peer = "10.0.0.77";
    assert_int_equal(fail_with(ETIMEDOUT), STATUS_TIMED_OUT);
    assert_null(strstr(printed, "sandbox"));
    common.peer = "10.0.0.78";
    assert_int_equal(fail_with(ETIMEDOUT), STATUS_TIMED_OUT);
    assert_non_null(strstr(printed, "only its other side, 10.0.0.78, can be reached"));
}

static void a_refusal_says_what_to_start(void **state)
{
    (void)state;
    assert_int_equal(fail_with(ECONNREFUSED), STATUS_REFUSED);
    assert_string_equal(why, "10.0.0.77:5201 refused the connection: nothing listens there; start "
                             "'iperf3 -s' there first");
    assert_said_as_shown();
    assert_null(strstr(printed, "sandbox"));
    common.sandbox = true;
    assert_int_equal(fail_with(ECONNREFUSED), STATUS_REFUSED);
    assert_non_null(strstr(printed, "A sandbox is new and empty"));
}

static void an_interruption_says_whether_there_was_a_connection(void **state)
{
    (void)state;
    interrupt_note(SIGINT);
    assert_int_equal(fail_with(EINTR), 130);
    assert_string_equal(why, "interrupted");
    assert_non_null(strstr(printed, "tern perf: interrupted; nothing was measured, for "
                                    "10.0.0.77:5201 accepted no connection: does 'iperf3 -s' run "
                                    "there?\n  In the device's subnet"));
    trial.control = 0;
    interrupt_note(SIGTERM);
    assert_int_equal(fail_with(EINTR), 143);
    assert_string_equal(printed, "tern perf: interrupted; the test was not finished\n");
    interrupt_note(0);
}

#define FAILURE_TEST(name) cmocka_unit_test_setup(name, trial_make)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAILURE_TEST(what_only_a_measurement_knows_has_its_words),
        FAILURE_TEST(who_never_answered_is_told_from_who_fell_silent),
        FAILURE_TEST(from_a_sandbox_only_its_other_side_is_reached),
        FAILURE_TEST(a_refusal_says_what_to_start),
        FAILURE_TEST(an_interruption_says_whether_there_was_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
