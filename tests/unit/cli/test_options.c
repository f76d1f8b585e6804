#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/values.h"

/* A command with an option of its own, and what parsing it yields. */
static struct {
    uint64_t count;
} own;

static int take_count(void *target, const char *value, struct tern_error *error)
{
    assert_ptr_equal(target, &own);
    return value_number("-c", value, 1, 9, &own.count, error);
}

static const struct option_entry own_entries[] = {
    {"count", 'c', "N", "how many\ntimes", take_count}, {0}};

static const struct command command = {
    .name = "probe",
    .synopsis = "HOST [FILE]",
    .text = "Probes.\n",
    .options = own_entries,
    .values = &own,
    .arguments_least = 1,
    .arguments_most = 2,
    .arguments_missing = "whom? give a HOST",
};

static struct common common;
static struct tern_error error;
static char *words[32];
static int first, count;

/* Parses a line, given as its words up to a NULL. */
static enum parsed parse(const char *const *line)
{
    int n = 0;
    words[n++] = (char *)(uintptr_t) "probe";
    for (; *line; line++)
        words[n++] = (char *)(uintptr_t)*line;
    words[n] = NULL;
    common = (struct common){0};
    own.count = 0;
    error = (struct tern_error){0};
    return options_parse(&command, n, words, &common, &first, &count, &error);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void wrong(enum parsed parsed, const char *text)
{
    assert_int_equal(parsed, PARSED_WRONG);
    assert_string_equal(error.text, text);
}

static void without_options_all_is_left_to_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE("host"), PARSED_RUN);
    assert_int_equal(count, 1);
    assert_string_equal(words[first], "host");
    static const struct common none;
    assert_memory_equal(&common, &none, sizeof none);
}

static void common_options_are_taken(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--dev", "tun7", "--addr=10.1.0.3/16", "--peer", "10.1.0.2", "--mtu",
                           "9000", "--no-offload", "--capture", "f.pcapng", "--fault", "loss=5%",
                           "--trace", "--counters", "--sandbox", "host"),
                     PARSED_RUN);
    assert_string_equal(common.device, "tun7");
    assert_string_equal(common.address, "10.1.0.3/16");
    assert_string_equal(common.peer, "10.1.0.2");
    assert_int_equal(common.mtu, 9000);
    assert_string_equal(common.capture, "f.pcapng");
    assert_string_equal(common.fault, "loss=5%");
    assert_true(common.no_offload && common.trace && common.counters && common.sandbox);
}

static void options_may_stand_anywhere_before_two_dashes(void **state)
{
    (void)state;
    assert_int_equal(PARSE("host", "-c3", "--trace", "file"), PARSED_RUN);
    assert_int_equal(own.count, 3);
    assert_true(common.trace);
    assert_int_equal(count, 2);
    assert_string_equal(words[first], "host");
    assert_string_equal(words[first + 1], "file");
    assert_int_equal(PARSE("host", "--", "--trace"), PARSED_RUN);
    assert_false(common.trace);
    assert_string_equal(words[first + 1], "--trace");
}

static void help_is_found_wherever_it_stands(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), PARSED_HELP);
    assert_int_equal(PARSE("host", "-h"), PARSED_HELP);
}

static void unknown_options_are_named(void **state)
{
    (void)state;
    wrong(PARSE("host", "--tracer"), "unknown option '--tracer'");
    wrong(PARSE("-x", "host"), "unknown option '-x'");
    wrong(PARSE("-c3", "-xy", "host"), "unknown option '-x'");
}

static void values_that_miss_or_are_too_many_are_told(void **state)
{
    (void)state;
    wrong(PARSE("host", "--mtu"), "--mtu needs a value: --mtu BYTES");
    wrong(PARSE("host", "-c"), "--count needs a value: --count N");
    wrong(PARSE("host", "--trace=yes"), "--trace takes no value");
}

static void bad_values_are_told_with_what_is_wanted(void **state)
{
    (void)state;
    wrong(PARSE("--mtu", "67", "host"), "--mtu '67' is not a number from 68 to 65535");
    wrong(PARSE("--peer", "kernel", "host"),
          "--peer 'kernel' is not an IPv4 address like 10.0.0.2 (names are not looked up)");
    wrong(PARSE("--addr", "10.0.0.3", "host"),
          "--addr '10.0.0.3' is not an IPv4 address and its prefix's length, 1 to 31, like "
          "10.0.0.3/24");
    wrong(PARSE("--capture", "", "host"), "--capture needs the name of a file to write");
    wrong(PARSE("-c", "10", "host"), "-c '10' is not a number from 1 to 9");
}

static void settings_add_up(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--set", "ip.ttl=9", "--set", "icmp.echo=0", "host"), PARSED_RUN);
    assert_string_equal(common.settings, "ip.ttl=9,icmp.echo=0");
}

static void settings_have_a_form_and_known_names(void **state)
{
    (void)state;
    wrong(PARSE("--set", "ip.ttl", "host"), "--set 'ip.ttl' is not of the form NAME=VALUE");
    wrong(PARSE("--set", "=9", "host"), "--set '=9' is not of the form NAME=VALUE");
    wrong(PARSE("--set", "ip.ttl=", "host"), "--set 'ip.ttl=' is not of the form NAME=VALUE");
    wrong(PARSE("--set", "ip.ttl=9,icmp.echo=0", "host"),
          "--set 'ip.ttl=9,icmp.echo=0' is not of the form NAME=VALUE");
    wrong(PARSE("--set", "ip.tt=9", "host"),
          "--set: no setting is called 'ip.tt'; 'tern help settings' lists them");
    wrong(PARSE("--set", "ip.ttlx=9", "host"),
          "--set: no setting is called 'ip.ttlx'; 'tern help settings' lists them");
}

static void settings_have_a_limit_together(void **state)
{
    (void)state;
    static char setting[600];
    memset(setting, '0', sizeof setting - 1);
    memcpy(setting, "ip.ttl=", 7);
    assert_int_equal(PARSE("--set", setting, "host"), PARSED_RUN);
    wrong(PARSE("--set", setting, "--set", setting, "host"),
          "--set: too many settings, at most 1023 characters in all");
}

static void arguments_are_counted(void **state)
{
    (void)state;
    wrong(PARSE("--trace"), "whom? give a HOST");
    wrong(PARSE("a", "b", "c"),
          "'c' is one argument too many, 2 at most; usage: tern probe HOST [FILE]");
}

/* Parsing starts afresh each time, whatever the last line was. */
static void a_second_line_is_parsed_like_the_first(void **state)
{
    (void)state;
    PARSE("-x", "host");
    assert_int_equal(PARSE("-c", "4", "host"), PARSED_RUN);
    assert_int_equal(own.count, 4);
}

static void help_shows_every_option_with_its_value(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    options_help(&command, to);
    fclose(to);
    assert_non_null(strstr(text, "Usage: tern probe [OPTION]... HOST [FILE]\n\nProbes.\n"));
    assert_non_null(strstr(text, "\n  -c, --count N           how many\n"
                                 "                          times\n"));
    assert_non_null(strstr(text, "\n      --addr CIDR         our address"));
    assert_non_null(strstr(text, "\n  -h, --help              print this\n"));
    assert_non_null(strstr(text, "\nExit status:\n  0    success\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_all_is_left_to_the_defaults),
        cmocka_unit_test(common_options_are_taken),
        cmocka_unit_test(options_may_stand_anywhere_before_two_dashes),
        cmocka_unit_test(help_is_found_wherever_it_stands),
        cmocka_unit_test(unknown_options_are_named),
        cmocka_unit_test(values_that_miss_or_are_too_many_are_told),
        cmocka_unit_test(bad_values_are_told_with_what_is_wanted),
        cmocka_unit_test(settings_add_up),
        cmocka_unit_test(settings_have_a_form_and_known_names),
        cmocka_unit_test(settings_have_a_limit_together),
        cmocka_unit_test(arguments_are_counted),
        cmocka_unit_test(a_second_line_is_parsed_like_the_first),
        cmocka_unit_test(help_shows_every_option_with_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
