#include "unit.h"

#include <errno.h>
#include <string.h>

#include "link/error.h"

static void an_error_is_a_number_and_a_sentence(void **state)
{
    (void)state;
    char text[32];
    assert_int_equal(link_error(text, sizeof text, ENODEV, "%s has %d", "tun0", 7), -ENODEV);
    assert_string_equal(text, "tun0 has 7");
}

static void a_sentence_is_cut_where_the_room_ends(void **state)
{
    (void)state;
    char text[8] = "xxxxxxx";
    assert_int_equal(link_error(text, 5, EINVAL, "%s", "sentence"), -EINVAL);
    assert_string_equal(text, "sent");
    assert_int_equal(text[5], 'x');
}

static void who_does_not_want_to_read_it_need_not(void **state)
{
    (void)state;
    char text[] = "x";
    assert_int_equal(link_error(NULL, 10, EPERM, "no"), -EPERM);
    assert_int_equal(link_error(text, 0, EPERM, "no"), -EPERM);
    assert_string_equal(text, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_a_number_and_a_sentence),
        cmocka_unit_test(a_sentence_is_cut_where_the_room_ends),
        cmocka_unit_test(who_does_not_want_to_read_it_need_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
