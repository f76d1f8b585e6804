#include "unit/sock/sockets.h"

#include <stdio.h>

static void a_setting_is_read_and_written_by_name(void **state)
{
    (void)state;
    char value[32];
    assert_int_equal(tern_get(a, "ip.ttl", value, sizeof value), 0);
    assert_string_equal(value, "64");
    assert_int_equal(tern_set(a, "ip.ttl", "33"), 0);
    assert_int_equal(tern_get(a, "ip.ttl", value, sizeof value), 0);
    assert_string_equal(value, "33");
    /* Of this stack alone. */
    assert_int_equal(tern_get(b, "ip.ttl", value, sizeof value), 0);
    assert_string_equal(value, "64");
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    char value[32];
    assert_fails(tern_set(a, "no.such", "1"), ENOENT);
    assert_fails(tern_set(a, "ip.ttl", "many"), EINVAL);
    assert_fails(tern_set(a, "ip.ttl", ""), EINVAL);
    assert_fails(tern_set(a, "ip.ttl", "0"), ERANGE);
    assert_fails(tern_set(a, "ip.ttl", "256"), ERANGE);
    assert_fails(tern_set(a, NULL, "1"), EFAULT);
    assert_fails(tern_set(a, "ip.ttl", NULL), EFAULT);
    assert_fails(tern_get(a, "no.such", value, sizeof value), ENOENT);
    assert_fails(tern_get(a, "ip.ttl", value, 2), ENOSPC);
    assert_fails(tern_get(a, "ip.ttl", NULL, 2), EFAULT);
    assert_fails(tern_get(a, NULL, value, 2), EFAULT);
    assert_int_equal(tern_get(a, "ip.ttl", value, 3), 0);
    assert_string_equal(value, "64");
}

/* The header says which hold for sockets that are there already. */
static void a_setting_holds_at_once_but_for_what_a_socket_was_made_with(void **state)
{
    (void)state;
    int before = open_stream(a);
    assert_int_equal(tern_set(a, "ip.ttl", "33"), 0);
    assert_int_equal(get_int(a, before, IPPROTO_IP, IP_TTL), 33);
    static const struct {
        const char *name;
        int level, option;
    } taken_over[] = {
        {"tcp.keepalive_time_s", IPPROTO_TCP, TCP_KEEPIDLE},
        {"tcp.keepalive_interval_s", IPPROTO_TCP, TCP_KEEPINTVL},
        {"tcp.keepalive_probes", IPPROTO_TCP, TCP_KEEPCNT},
        {"tcp.syn_retries", IPPROTO_TCP, TCP_SYNCNT},
        {"tcp.sndbuf", SOL_SOCKET, SO_SNDBUF},
        {"tcp.rcvbuf", SOL_SOCKET, SO_RCVBUF},
        {"socket.busy_poll_us", SOL_SOCKET, SO_BUSY_POLL},
    };
    for (size_t i = 0; i < sizeof taken_over / sizeof taken_over[0]; i++) {
        char value[32];
        int was = get_int(a, before, taken_over[i].level, taken_over[i].option);
        snprintf(value, sizeof value, "%d", was + 1);
        assert_int_equal(tern_set(a, taken_over[i].name, value), 0);
        int after = open_stream(a);
        assert_int_equal(get_int(a, before, taken_over[i].level, taken_over[i].option), was);
        assert_int_equal(get_int(a, after, taken_over[i].level, taken_over[i].option), was + 1);
    }
}

static void every_setting_is_listed_and_can_be_set_to_what_it_is(void **state)
{
    (void)state;
    size_t count = 0;
    const char *name, *text;
    for (; (name = tern_setting_name(count, &text)) != NULL; count++) {
        char value[64];
        assert_true(strlen(text) > 0);
        assert_int_equal(tern_get(a, name, value, sizeof value), 0);
        assert_int_equal(tern_set(a, name, value), 0);
        assert_ptr_equal(tern_setting_name(count, NULL), name);
    }
    assert_true(count > 5);
    assert_null(tern_setting_name(SIZE_MAX, NULL));
}

static uint64_t counter(struct tern *t, const char *name)
{
    uint64_t value;
    assert_int_equal(tern_counter(t, name, &value), 0);
    return value;
}

static void counters_count(void **state)
{
    (void)state;
    int client, server;
    assert_int_equal(counter(a, "TcpActiveOpens"), 0);
    pair_connect(&pair, 7, &client, &server);
    assert_int_equal(counter(a, "TcpActiveOpens"), 1);
    assert_int_equal(counter(a, "TcpPassiveOpens"), 0);
    assert_int_equal(counter(b, "TcpPassiveOpens"), 1);
    assert_int_equal(counter(a, "DropIP_TRUNCATED"), 0);
    assert_non_null(tern_input(a, "", 0, NULL, pair.now_ns));
    assert_int_equal(counter(a, "DropIP_TRUNCATED"), 1);
}

static void bad_counters_are_refused(void **state)
{
    (void)state;
    uint64_t value;
    assert_fails(tern_counter(a, "NoSuch", &value), ENOENT);
    assert_fails(tern_counter(a, "", &value), ENOENT);
    assert_fails(tern_counter(a, NULL, &value), EFAULT);
    assert_fails(tern_counter(a, "TcpInSegs", NULL), EFAULT);
}

static void every_counter_is_listed(void **state)
{
    (void)state;
    size_t count = 0;
    const char *name;
    for (; (name = tern_counter_name(count)) != NULL; count++) {
        assert_int_equal(counter(a, name), 0);
        assert_non_null(tern_counter_text(count));
    }
    assert_true(count > 20);
    assert_null(tern_counter_text(count));
    assert_null(tern_counter_name(SIZE_MAX));
    assert_null(tern_counter_text(SIZE_MAX));
}

static void memory_is_held_while_data_waits(void **state)
{
    (void)state;
    int client, server;
    assert_int_equal(tern_memory_used(a), 0);
    pair_connect(&pair, 7, &client, &server);
    uint64_t idle = tern_memory_used(b);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(100));
    assert_true(tern_memory_used(b) > idle);
    assert_int_equal(tern_close(b, server), 0);
    assert_int_equal(tern_close(a, client), 0);
    pair_settle(&pair);
    assert_int_equal(tern_memory_used(a), 0);
    assert_int_equal(tern_memory_used(b), 0);
}

static void the_version_is_the_header_s(void **state)
{
    (void)state;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TERN_VERSION_MAJOR, TERN_VERSION_MINOR,
             TERN_VERSION_PATCH);
    assert_string_equal(tern_version(), version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_setting_is_read_and_written_by_name),
        socket_test(bad_settings_are_refused),
        socket_test(a_setting_holds_at_once_but_for_what_a_socket_was_made_with),
        socket_test(every_setting_is_listed_and_can_be_set_to_what_it_is),
        socket_test(counters_count),
        socket_test(bad_counters_are_refused),
        socket_test(every_counter_is_listed),
        socket_test(memory_is_held_while_data_waits),
        socket_test(the_version_is_the_header_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
