#include "unit.h"

#include <limits.h>

#include "core/buffer_size.h"

static void size_is_doubled_within_its_bounds(void **state)
{
    (void)state;
    assert_int_equal(buffer_size(5000, 2304, 8000), 10000);
    assert_int_equal(buffer_size(8000, 2304, 8000), 16000);
    assert_int_equal(buffer_size(8001, 2304, 8000), 16000);
    assert_int_equal(buffer_size(INT_MAX, 2304, 8000), 16000);
    assert_int_equal(buffer_size(1152, 2304, 8000), 2304);
    assert_int_equal(buffer_size(1151, 2304, 8000), 2304);
    assert_int_equal(buffer_size(0, 2304, 8000), 2304);
}

static void negative_size_is_as_much_as_there_may_be(void **state)
{
    (void)state;
    assert_int_equal(buffer_size(-1, 2304, 8000), 16000);
    assert_int_equal(buffer_size(INT_MIN, 2304, 1 << 30), UINT32_C(1) << 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_is_doubled_within_its_bounds),
        cmocka_unit_test(negative_size_is_as_much_as_there_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
