/* Members and elements are found where they stand; what is not JSON ends the walk. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "cli/perf_json.h"

static void members_are_found_behind_others(void **state)
{
    (void)state;
    const char *text =
        "{\"a\": \"x\\\"}{\", \"b\":[1,{\"c\":7}], \"c\" : 3 ,\n\"d\":true,\"e\":-2.5}";
    assert_true(json_count(text, "c", 0) == 3);
    assert_true(json_true(text, "d"));
    assert_false(json_true(text, "c"));
    assert_true(json_number(text, "e", 0) == -2.5);
    assert_null(json_member(text, "f"));
    assert_null(json_member(text, "")); /* no member has an empty name */
}

static void elements_follow_each_other(void **state)
{
    (void)state;
    const char *value = json_first(json_member("{\"list\":[ {\"n\":1}, [2,\"]\"] , 3]}", "list"));
    assert_true(json_count(value, "n", 0) == 1);
    value = json_next(value);
    assert_int_equal(*value, '[');
    value = json_next(value);
    assert_int_equal(*value, '3');
    assert_null(json_next(value));
    assert_null(json_first("[]"));
    assert_null(json_first("{}"));
}

static void numbers_keep_to_their_range(void **state)
{
    (void)state;
    const char *text = "{\"less\":-5,\"more\":1e300,\"text\":\"7\",\"all\":9007199254740992,"
                       "\"beyond\":1e999,\"infinite\":-inf,\"none at all\":-nan}";
    assert_true(json_count(text, "less", 1) == 0);
    assert_true(json_count(text, "more", 1) == UINT64_MAX);
    assert_true(json_count(text, "beyond", 1) == UINT64_MAX);
    assert_true(isinf(json_number(text, "beyond", 1)));
    assert_true(json_count(text, "text", 1) == 1); /* not a number */
    assert_true(json_number(text, "infinite", 1) == 1);
    assert_true(json_number(text, "none at all", 1) == 1);
    assert_true(json_count(text, "none", 9) == 9);
    assert_true(json_count(text, "all", 1) == 9007199254740992u);
}

static void a_name_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"n\":7}",          "{\"n\":\"\"}", "{\"n\":\"12345678\"}", "{\"n\":\"a b\"}",
        "{\"n\":\"a\\\"b\"}", "{\"n\":\"abc", "{\"m\":\"abc\"}",      "",
    };
    char name[8];
    assert_true(json_name("{\"n\": \"1234567\"}", "n", name, sizeof name));
    assert_string_equal(name, "1234567");
    assert_true(json_name("{\"n\":\"a_B-9\"}", "n", name, sizeof name));
    assert_string_equal(name, "a_B-9");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(json_name(wrong[i], "n", name, sizeof name));
        assert_string_equal(name, "");
    }
}

/* Every beginning of a text is a text that ends too early. */
static void what_ends_early_is_survived(void **state)
{
    (void)state;
    const char *whole = "{\"a\":\"\\\"\",\"b\":[1,{\"c\":[[2]]}],\"z\":4}";
    char part[64];
    for (size_t length = 0; length + 1 < strlen(whole); length++) {
        memcpy(part, whole, length);
        part[length] = 0;
        const char *found = json_member(part, "z");
        assert_true(!found || found >= part);
        assert_true(json_count(part, "z", 0) == (length + 2 > strlen(whole) ? 4 : 0));
        const char *list = json_first(json_member(part, "b"));
        for (unsigned i = 0; list; i++, list = json_next(list))
            assert_true(i < 2);
    }
    static const char *const others[] = {"",        "[",        "{",  "{]", "{:1}",
                                         "{\"a\"}", "{\"a\":}", "}{", "\""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_null(json_member(others[i], "b"));
        assert_null(json_first(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_behind_others),
        cmocka_unit_test(elements_follow_each_other),
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(a_name_is_taken_whole_or_not_at_all),
        cmocka_unit_test(what_ends_early_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
