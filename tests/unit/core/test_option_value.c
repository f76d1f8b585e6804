/* How the value of a socket option comes and goes. */
#include "unit.h"

#include <errno.h>

#include "core/option_value.h"

static void value_is_cut_to_the_room_there_is(void **state)
{
    (void)state;
    static const char from[4] = {1, 2, 3, 4};
    for (socklen_t room = 0; room < 8; room++) {
        char to[8] = {0};
        socklen_t length = room;
        assert_int_equal(option_put(to, &length, from, sizeof from), 0);
        assert_int_equal(length, room < sizeof from ? room : sizeof from);
        assert_memory_equal(to, from, length);
        for (size_t i = length; i < sizeof to; i++)
            assert_int_equal(to[i], 0);
    }
}

static void value_nowhere_to_be_put_is_EFAULT(void **state)
{
    (void)state;
    int value = 0;
    socklen_t length = sizeof value;
    assert_int_equal(option_put_int(NULL, &length, 7), -EFAULT);
    assert_int_equal(option_put_int(&value, NULL, 7), -EFAULT);
    assert_int_equal(option_put_int(&value, &length, 7), 0);
    assert_int_equal(value, 7);
}

static void value_to_be_taken_is_whole_and_may_be_longer(void **state)
{
    (void)state;
    int values[2] = {7, 8}, out = -1;
    for (socklen_t length = 0; length < sizeof out; length++)
        assert_int_equal(option_take_int(values, length, &out), -EINVAL);
    assert_int_equal(option_take_int(NULL, sizeof out, &out), -EFAULT);
    assert_int_equal(out, -1);
    assert_int_equal(option_take_int(values, sizeof values, &out), 0);
    assert_int_equal(out, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_cut_to_the_room_there_is),
        cmocka_unit_test(value_nowhere_to_be_put_is_EFAULT),
        cmocka_unit_test(value_to_be_taken_is_whole_and_may_be_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
