#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/status.h"

static char text[512];

static enum status of(int error)
{
    return status_of_connection(error, false, "10.0.0.2:8000", "the receiver", text, sizeof text);
}

static void each_end_of_a_connection_has_its_status_and_its_words(void **state)
{
    (void)state;
    assert_int_equal(of(ECONNREFUSED), 4);
    assert_string_equal(text, "10.0.0.2:8000 refused the connection: nothing listens there; start "
                              "the receiver there first");
    status_of_connection(ECONNREFUSED, false, "10.0.0.2:8000", NULL, text, sizeof text);
    assert_string_equal(text, "10.0.0.2:8000 refused the connection: nothing listens there");
    assert_int_equal(of(ECONNRESET), 5);
    assert_non_null(strstr(text, "10.0.0.2:8000 reset the connection"));
    assert_int_equal(of(EPIPE), 5);
    assert_int_equal(of(EHOSTUNREACH), 6);
    assert_non_null(strstr(text, "10.0.0.2:8000 is unreachable"));
    assert_int_equal(of(ENETUNREACH), 6);
    assert_int_equal(of(ETIMEDOUT), 7);
    assert_non_null(strstr(text, "no answer from 10.0.0.2:8000: check the address, whether the "
                                 "receiver runs there, and whether a firewall"));
    status_of_connection(ETIMEDOUT, false, "10.0.0.2", NULL, text, sizeof text);
    assert_non_null(strstr(text, "no answer from 10.0.0.2: check the address, and whether"));
    assert_int_equal(
        status_of_connection(ETIMEDOUT, true, "10.0.0.2:8000", "the receiver", text, sizeof text),
        7);
    assert_non_null(strstr(text, "10.0.0.2:8000 fell silent"));
    assert_int_equal(of(ENOBUFS), 1);
    assert_non_null(strstr(text, strerror(ENOBUFS)));
    assert_int_equal(of(ENETDOWN), 1);
    assert_non_null(strstr(text, "10.0.0.2:8000 failed: the device is gone, or is down"));
}

static const char *help_of(unsigned statuses, bool serves)
{
    memset(text, 0, sizeof text);
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    status_help(statuses, serves, to);
    fclose(to);
    return text;
}

static void help_lists_every_status(void **state)
{
    (void)state;
    const char *help = help_of(~0u, false);
    for (int status = STATUS_OK; status <= STATUS_TIMED_OUT; status++) {
        char start[16];
        snprintf(start, sizeof start, "\n  %d    ", status);
        assert_true(strncmp(help, start + 1, strlen(start) - 1) == 0 ||
                    strstr(help, start) != NULL);
    }
    assert_non_null(strstr(help, "\n  130  interrupted"));
    assert_non_null(strstr(help, "\n  141  "));
}

static void help_lists_only_what_a_command_ends_with(void **state)
{
    (void)state;
    const char *help = help_of(STATUS_BIT(STATUS_RESET), true);
    assert_non_null(strstr(help, "  0    success; interrupted, terminated or hung up too\n"));
    assert_non_null(strstr(help, "\n  3    "));
    assert_null(strstr(help, "\n  4    "));
    assert_non_null(strstr(help, "\n  5    "));
    assert_null(strstr(help, "\n  6    "));
    assert_null(strstr(help, "130"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_of_a_connection_has_its_status_and_its_words),
        cmocka_unit_test(help_lists_every_status),
        cmocka_unit_test(help_lists_only_what_a_command_ends_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
