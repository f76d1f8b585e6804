/* What is left of a page. */
#include "unit.h"

#include "base/page.h"

static _Alignas(PAGE_LEAST) const uint8_t pages[2 * PAGE_LEAST];

static void all_up_to_the_next_page_is_left_and_of_a_new_one_all_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAGE_LEAST; i++) {
        assert_int_equal(page_left(pages + i), PAGE_LEAST - i);
        assert_int_equal(page_left(pages + PAGE_LEAST + i), PAGE_LEAST - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_up_to_the_next_page_is_left_and_of_a_new_one_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
