#include "tcp_peer.h"

#include "tcp/preferences.h"

static struct tcp_preferences defaults(const struct peer *p)
{
    struct tcp_preferences preferences;
    memset(&preferences, 0, sizeof preferences);
    preferences_init(&preferences, &p->m->stack.settings);
    return preferences;
}

static void equal_ones_are_held_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcp_preferences usual = defaults(p), other = defaults(p);
    other.no_delay = true;
    struct preferences_share *a = preferences_share(tcp, &usual);
    struct preferences_share *b = preferences_share(tcp, &other);
    struct preferences_share *c = preferences_share(tcp, &usual);
    assert_ptr_equal(a, c);
    assert_ptr_not_equal(a, b);
    assert_true(b->preferences.no_delay);
    assert_false(a->preferences.no_delay);
    assert_int_equal(p->m->stack.memory_used_bytes, 2 * sizeof *a);
    preferences_unshare(tcp, a);
    assert_int_equal(p->m->stack.memory_used_bytes, 2 * sizeof *a);
    preferences_unshare(tcp, c);
    assert_int_equal(p->m->stack.memory_used_bytes, sizeof *a);
    preferences_unshare(tcp, b);
    assert_int_equal(p->m->stack.memory_used_bytes, 0);
    peer_free(p);
}

static void defaults_are_the_settings(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_keepalive_probes = 5;
    struct tcp_preferences preferences = defaults(p);
    assert_int_equal(preferences.keepalive_probes, 5);
    assert_int_equal(preferences.max_pacing_rate, UINT64_MAX);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ones_are_held_once),
        cmocka_unit_test(defaults_are_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
