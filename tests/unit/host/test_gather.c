#include "unit.h"

#include "base/time.h"
#include "host/internal.h"

enum { SUPER = 64 * 1024, NOW = 1000000 };

static struct tern t;
static struct driver d;

static int setup(void **state)
{
    (void)state;
    t = (struct tern){0};
    t.stack.settings.gather_us = 50;
    d = (struct driver){.t = &t};
    return 0;
}

/* That many super-segments have arrived, or, with a small length, other packets. */
static void arrives(unsigned count, size_t length)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(gather_received(&d, length), length == SUPER);
}

static bool gathers(void)
{
    uint64_t until_ns = gather_until(&d, NOW);
    assert_true(until_ns == 0 || until_ns == NOW + TIME_US(t.stack.settings.gather_us));
    return until_ns != 0;
}

static void only_a_long_stream_is_left_to_gather(void **state)
{
    (void)state;
    arrives(63, SUPER);
    assert_false(gathers());
    arrives(1, SUPER);
    assert_true(gathers());
}

static void packets_that_were_not_merged_are_no_stream(void **state)
{
    (void)state;
    arrives(10000, 1500);
    assert_false(gathers());
}

static void who_says_something_himself_has_no_stream(void **state)
{
    (void)state;
    arrives(100, SUPER);
    gather_sent(&d, 1); /* an acknowledgment */
    assert_true(gathers());
    arrives(4, SUPER);
    gather_sent(&d, 2);
    assert_false(gathers());
    arrives(63, SUPER);
    assert_false(gathers());
    arrives(1, SUPER);
    assert_true(gathers());
}

static void a_stream_that_pauses_is_waited_for_as_ever(void **state)
{
    (void)state;
    arrives(100, SUPER);
    assert_true(gathers());
    assert_false(gathers()); /* nothing has come meanwhile */
}

static void a_slow_stream_is_left_to_gather_less_and_less_often(void **state)
{
    (void)state;
    unsigned gathered = 0;
    arrives(100, SUPER);
    for (int i = 0; i < 128; i++) {
        gathered += gathers();
        arrives(1, SUPER);
    }
    assert_in_range(gathered, 1, 8);
    /* When it is fast again it is soon noticed. */
    gathered = 0;
    for (int i = 0; i < 256; i++) {
        gathered += gathers();
        arrives(4, SUPER);
    }
    assert_in_range(gathered, 256 - 64, 256);
}

static void setting_0_turns_it_off(void **state)
{
    (void)state;
    t.stack.settings.gather_us = 0;
    arrives(100, SUPER);
    assert_false(gathers());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_a_long_stream_is_left_to_gather, setup),
        cmocka_unit_test_setup(packets_that_were_not_merged_are_no_stream, setup),
        cmocka_unit_test_setup(who_says_something_himself_has_no_stream, setup),
        cmocka_unit_test_setup(a_stream_that_pauses_is_waited_for_as_ever, setup),
        cmocka_unit_test_setup(a_slow_stream_is_left_to_gather_less_and_less_often, setup),
        cmocka_unit_test_setup(setting_0_turns_it_off, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
