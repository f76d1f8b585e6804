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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_added_and_cut_at_the_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
