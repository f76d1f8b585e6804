#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "ip/identification.h"

/* RFC 6864 §4.2: no value comes again within 32,768 packets, and none is left out. */
static void every_cycle_has_each_value_once(void **state)
{
    (void)state;
    struct random random;
    struct identification identification;
    random_seed_number(&random, 1);
    identification_init(&identification, &random);
    uint8_t *seen = calloc(1, 65536);
    assert_non_null(seen);
    for (int cycle = 1; cycle <= 3; cycle++) {
        for (uint32_t i = 0; i < 65536; i++) {
            uint16_t value = identification_next(&identification, &random);
            assert_int_equal(++seen[value], cycle);
        }
    }
    free(seen);
}

static void values_do_not_repeat_across_the_end_of_a_cycle(void **state)
{
    (void)state;
    struct random random;
    struct identification identification;
    random_seed_number(&random, 2);
    identification_init(&identification, &random);
    uint32_t *last = calloc(65536, sizeof *last);
    assert_non_null(last);
    for (uint32_t i = 1; i <= 200000; i++) {
        uint16_t value = identification_next(&identification, &random);
        if (last[value])
            assert_true(i - last[value] > 32768);
        last[value] = i;
    }
    free(last);
}

/* Security rule 7: not a counter. */
static void values_do_not_follow_each_other(void **state)
{
    (void)state;
    struct random random;
    struct identification identification;
    random_seed_number(&random, 3);
    identification_init(&identification, &random);
    unsigned close = 0;
    uint16_t before = identification_next(&identification, &random);
    for (unsigned i = 0; i < 1000; i++) {
        uint16_t value = identification_next(&identification, &random);
        close += (uint16_t)(value - before + 16) <= 32;
        before = value;
    }
    assert_true(close < 30);
}

static void seeds_give_different_orders(void **state)
{
    (void)state;
    struct random one, two;
    struct identification a, b;
    unsigned same = 0;
    random_seed_number(&one, 4);
    random_seed_number(&two, 5);
    identification_init(&a, &one);
    identification_init(&b, &two);
    for (unsigned i = 0; i < 1000; i++)
        same += identification_next(&a, &one) == identification_next(&b, &two);
    assert_true(same < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cycle_has_each_value_once),
        cmocka_unit_test(values_do_not_repeat_across_the_end_of_a_cycle),
        cmocka_unit_test(values_do_not_follow_each_other),
        cmocka_unit_test(seeds_give_different_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
