#include "unit.h"

#include <errno.h>
#include <string.h>

#include "core/counter.h"

static void every_counter_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(counter_find(counter_name((enum counter)i)), i);
}

static void every_counter_says_what_it_counts(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTERS; i++) {
        const char *text = counter_text((enum counter)i);
        assert_true(text && strlen(text) > 10);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, counter_text((enum counter)j));
    }
}

static void drops_have_a_counter_each(void **state)
{
    (void)state;
    assert_int_equal(counter_find("DropTCP_PAWS"), COUNTER_DROPS + DROP_TCP_PAWS);
    assert_int_equal(counter_find("TcpRetransSegs"), COUNTER_TcpRetransSegs);
}

static void unknown_name_is_refused(void **state)
{
    (void)state;
    assert_int_equal(counter_find("TcpRetrans"), -ENOENT);
    assert_int_equal(counter_find(""), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_found_by_its_name),
        cmocka_unit_test(every_counter_says_what_it_counts),
        cmocka_unit_test(drops_have_a_counter_each),
        cmocka_unit_test(unknown_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
