#include "unit.h"

#include "cli/line.h"

static void text_is_added_and_cut_at_the_limit(void **state)
{
    (void)state;
    char text[8];
    struct line line = line_over(text, sizeof text);
    assert_string_equal(text, "");
    line_add(&line, "%d-%s", 12, "ab");
    assert_string_equal(text, "12-ab");
    line_add(&line, "cdef");
    assert_string_equal(text, "12-abcd");
    line_add(&line, "g");
    assert_string_equal(text, "12-abcd");
}

/* A line always ends, however little fits, and however often it is added to. */
static void a_line_of_one_character_is_only_its_end(void **state)
{
    (void)state;
    char text[2] = "xy";
    struct line line = line_over(text, 1);
    line_add(&line, "%s", "abc");
    line_add(&line, "%s", "");
    assert_int_equal(text[0], 0);
    assert_int_equal(text[1], 'y');
    assert_int_equal(line.used, 0);
}

static void what_fits_to_the_last_character_is_whole(void **state)
{
    (void)state;
    char text[6];
    struct line line = line_over(text, sizeof text);
    line_add(&line, "%s", "abcde");
    assert_int_equal(line.used, 5);
    line_add(&line, "%s", "f");
    assert_string_equal(text, "abcde");
    assert_int_equal(line.used, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_added_and_cut_at_the_limit),
        cmocka_unit_test(a_line_of_one_character_is_only_its_end),
        cmocka_unit_test(what_fits_to_the_last_character_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
