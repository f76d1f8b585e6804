#include "unit.h"

#include "host/guess.h"

static void guess_is_no_until_it_was(void **state)
{
    (void)state;
    struct guess guess = {0};
    assert_false(guess_is(&guess));
    guess_learn(&guess, false);
    assert_false(guess_is(&guess));
    guess_learn(&guess, true);
    assert_true(guess_is(&guess));
}

static void guess_is_given_up_after_a_few_times_wrong(void **state)
{
    (void)state;
    struct guess guess = {0};
    for (int round = 0; round < 2; round++) {
        guess_learn(&guess, true);
        for (int i = 1; i < GUESS_DOUBTS; i++) {
            guess_learn(&guess, false);
            assert_true(guess_is(&guess));
        }
        if (round == 0) /* all doubts are gone */
            continue;
        guess_learn(&guess, false);
        assert_false(guess_is(&guess));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guess_is_no_until_it_was),
        cmocka_unit_test(guess_is_given_up_after_a_few_times_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
