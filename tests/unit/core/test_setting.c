#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/setting.h"

static void defaults_are_within_their_bounds(void **state)
{
    (void)state;
    struct settings settings;
    char value[64];
    const char *name, *text;
    settings_init(&settings);
    for (size_t i = 0; (name = setting_name(i, &text)); i++) {
        assert_true(strlen(text) > 0);
        assert_int_equal(setting_get(&settings, name, value, sizeof value), 0);
        assert_int_equal(setting_set(&settings, name, value), 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(name, setting_name(j, NULL));
    }
}

static void number_is_set_and_read_back(void **state)
{
    (void)state;
    struct settings settings;
    char value[8];
    settings_init(&settings);
    assert_int_equal(settings.ip_ttl, 64);
    assert_int_equal(setting_set(&settings, "ip.ttl", "7"), 0);
    assert_int_equal(settings.ip_ttl, 7);
    assert_int_equal(setting_get(&settings, "ip.ttl", value, sizeof value), 0);
    assert_string_equal(value, "7");
}

static void number_out_of_bounds_changes_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {"0", "256", "-1", "99999999999999999999"};
    struct settings settings;
    settings_init(&settings);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(setting_set(&settings, "ip.ttl", values[i]), -ERANGE);
    assert_int_equal(settings.ip_ttl, 64);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"",   "-",  "x",    "1x",  " 1",
                                         "1 ", "+1", "0x10", "1.5", "--1"};
    struct settings settings;
    settings_init(&settings);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(setting_set(&settings, "ip.ttl", values[i]), -EINVAL);
    assert_int_equal(settings.ip_ttl, 64);
}

static void what_a_setting_takes_can_be_told(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(setting_values("ip.ttl", text, sizeof text), 0);
    assert_string_equal(text, "a whole number from 1 to 255");
    assert_int_equal(setting_values("tcp.hystart", text, sizeof text), 0);
    assert_string_equal(text, "one of off|++|delay");
    assert_int_equal(setting_values("tcp.fastopen_key", text, sizeof text), 0);
    assert_string_equal(text, "four hexadecimal words with dashes between them");
    assert_int_equal(setting_values("ip.ttl", text, 8), -ENOSPC);
    assert_int_equal(setting_values("ip.no", text, sizeof text), -ENOENT);
}

static void unknown_name_is_refused(void **state)
{
    (void)state;
    struct settings settings;
    char value[8];
    settings_init(&settings);
    assert_int_equal(setting_set(&settings, "ip.tt", "1"), -ENOENT);
    assert_int_equal(setting_get(&settings, "ip.ttl2", value, sizeof value), -ENOENT);
}

static void word_is_kept_as_its_index(void **state)
{
    (void)state;
    struct settings settings;
    char value[16];
    settings_init(&settings);
    assert_int_equal(setting_set(&settings, "tcp.congestion_control", "reno"), 0);
    assert_int_equal(settings.tcp_congestion_control, 1);
    assert_int_equal(setting_get(&settings, "tcp.congestion_control", value, sizeof value), 0);
    assert_string_equal(value, "reno");
    assert_int_equal(setting_set(&settings, "tcp.congestion_control", "1"), -EINVAL);
    assert_int_equal(settings.tcp_congestion_control, 1);
}

static void settings_that_contradict_each_other_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *lower, *upper;
    } pairs[] = {
        {"ip.port_first", "ip.port_last"},  {"memory.low", "memory.pressure"},
        {"memory.pressure", "memory.high"}, {"tcp.sndbuf", "tcp.sndbuf_max"},
        {"tcp.rcvbuf", "tcp.rcvbuf_max"},
    };
    char text[128];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct settings settings;
        char value[32];
        settings_init(&settings);
        assert_int_equal(settings_check(&settings, text, sizeof text), 0);
        assert_int_equal(setting_get(&settings, pairs[i].lower, value, sizeof value), 0);
        assert_int_equal(setting_set(&settings, pairs[i].upper, value), 0);
        assert_int_equal(settings_check(&settings, text, sizeof text), 0); /* equal */
        snprintf(value, sizeof value, "%lld", strtoll(value, NULL, 10) - 1);
        assert_int_equal(setting_set(&settings, pairs[i].upper, value), 0);
        assert_int_equal(settings_check(&settings, text, sizeof text), -EINVAL);
        assert_non_null(strstr(text, pairs[i].lower));
        assert_non_null(strstr(text, pairs[i].upper));
    }
}

static void key_is_four_words(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "1-2-3",           "1-2-3-4-5", "1-2-3-",
                                      "-1-2-3-4",  "1-2-3-4 ",        "1 -2-3-4",  "1--2-3-4",
                                      "0x1-2-3-4", "123456789-2-3-4", "g-2-3-4"};
    struct settings settings;
    char value[40];
    settings_init(&settings);
    assert_int_equal(setting_set(&settings, "tcp.fastopen_key", "0-0-0-0"), 0);
    assert_int_equal(setting_set(&settings, "tcp.fastopen_key", "1-a2-FFFFFFFF-00000004"), 0);
    assert_int_equal(settings.tcp_fastopen_key.words[2], 0xffffffff);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(setting_set(&settings, "tcp.fastopen_key", bad[i]), -EINVAL);
    assert_int_equal(setting_get(&settings, "tcp.fastopen_key", value, sizeof value), 0);
    assert_string_equal(value, "00000001-000000a2-ffffffff-00000004");
    assert_int_equal(setting_get(&settings, "tcp.fastopen_key", value, 35), -ENOSPC);
}

static void text_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct settings settings;
    char value[4];
    settings_init(&settings);
    assert_int_equal(setting_get(&settings, "ip.ttl", value, 2), -ENOSPC);
    assert_int_equal(setting_get(&settings, "ip.ttl", value, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_within_their_bounds),
        cmocka_unit_test(number_is_set_and_read_back),
        cmocka_unit_test(number_out_of_bounds_changes_nothing),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_a_setting_takes_can_be_told),
        cmocka_unit_test(unknown_name_is_refused),
        cmocka_unit_test(word_is_kept_as_its_index),
        cmocka_unit_test(key_is_four_words),
        cmocka_unit_test(settings_that_contradict_each_other_are_named),
        cmocka_unit_test(text_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
