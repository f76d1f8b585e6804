#include "unit.h"

#include <errno.h>

#include "core/words.h"

static const char list[] = "cubic|reno|bbr";

static void word_is_found_at_its_place(void **state)
{
    (void)state;
    assert_int_equal(words_find(list, "cubic"), 0);
    assert_int_equal(words_find(list, "reno"), 1);
    assert_int_equal(words_find(list, "bbr"), 2);
}

static void what_is_no_whole_word_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"", "cubi", "cubicc", "cubic|reno", "|", "0", "r", "bb"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(words_find(list, words[i]), -EINVAL);
}

static void word_is_written_where_it_fits(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(words_get(list, 1, text, sizeof text), 0);
    assert_string_equal(text, "reno");
    assert_int_equal(words_get(list, 2, text, 4), 0);
    assert_string_equal(text, "bbr");
    assert_int_equal(words_get(list, 0, text, 5), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_is_found_at_its_place),
        cmocka_unit_test(what_is_no_whole_word_is_refused),
        cmocka_unit_test(word_is_written_where_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
