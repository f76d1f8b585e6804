#include "unit.h"

#include <string.h>

#include "core/drop.h"

static void every_reason_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < DROP_REASONS; i++) {
        assert_true(strlen(drop_text((enum drop_reason)i)) > 0);
        assert_non_null(drop_clause((enum drop_reason)i));
    }
}

static void reason_says_what_and_by_which_clause(void **state)
{
    (void)state;
    assert_string_equal(drop_text(DROP_TCP_PAWS), "timestamp older than the last (PAWS)");
    assert_string_equal(drop_clause(DROP_TCP_PAWS), "RFC 7323 §5.3 R1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_text),
        cmocka_unit_test(reason_says_what_and_by_which_clause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
