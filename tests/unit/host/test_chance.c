#include "unit.h"

#include "host/chance.h"

/* Chances passed by until one is taken. */
static unsigned passed_by(struct chance *chance)
{
    unsigned count = 0;
    while (!chance_is_taken(chance))
        count++;
    return count;
}

static void chance_is_taken_as_long_as_it_pays(void **state)
{
    (void)state;
    struct chance chance = {0};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(passed_by(&chance), 0);
        chance_paid(&chance);
    }
}

static void chance_in_vain_is_taken_less_and_less_often(void **state)
{
    (void)state;
    struct chance chance = {0};
    static const unsigned expected[] = {1, 3, 7, 15, 31, 63, 63, 63};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        chance_failed(&chance);
        assert_int_equal(passed_by(&chance), expected[i]);
    }
    chance_paid(&chance);
    assert_int_equal(passed_by(&chance), 0);
    chance_failed(&chance);
    assert_int_equal(passed_by(&chance), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_is_taken_as_long_as_it_pays),
        cmocka_unit_test(chance_in_vain_is_taken_less_and_less_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
