#include "unit.h"

#include "base/random.h"
#include "base/seq.h"

static void order_holds_across_the_wrap(void **state)
{
    (void)state;
    assert_true(seq_lt(0xffffffff, 0));
    assert_true(seq_gt(0, 0xffffffff));
    assert_true(seq_leq(0xfffffff0, 0x10));
    assert_true(seq_geq(0x10, 0xfffffff0));
    assert_false(seq_lt(0, 0xffffffff));
    assert_int_equal(seq_diff(0x10, 0xfffffff0), 0x20);
    assert_int_equal(seq_diff(0xfffffff0, 0x10), -0x20);
    assert_int_equal(seq_max(0xffffffff, 1), 1);
    assert_true(seq_min(0xffffffff, 1) == 0xffffffff);
}

/* Near any origin, numbers less than 2^31 apart are ordered as their distances from it are. */
static void order_is_that_of_the_distances(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 2);
    for (unsigned round = 0; round < 100000; round++) {
        uint32_t origin = random_u32(&random);
        uint32_t shift = random_below(&random, 31);
        int32_t a = (int32_t)(random_u32(&random) >> 2 >> shift) - (int32_t)(1u << 29 >> shift);
        int32_t b = (int32_t)(random_u32(&random) >> 2 >> shift) - (int32_t)(1u << 29 >> shift);
        uint32_t x = origin + (uint32_t)a, y = origin + (uint32_t)b;
        assert_int_equal(seq_lt(x, y), a < b);
        assert_int_equal(seq_leq(x, y), a <= b);
        assert_int_equal(seq_gt(x, y), a > b);
        assert_int_equal(seq_geq(x, y), a >= b);
        assert_int_equal(seq_diff(x, y), a - b);
        assert_true(seq_max(x, y) == (a > b ? x : y));
        assert_true(seq_min(x, y) == (a < b ? x : y));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_holds_across_the_wrap),
        cmocka_unit_test(order_is_that_of_the_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
