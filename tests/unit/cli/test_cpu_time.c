#include "unit.h"

#include "base/time.h"
#include "cli/cpu_time.h"

static void share_is_of_the_time_that_passed(void **state)
{
    (void)state;
    struct cpu_time before = {.user_ns = TIME_S(1), .system_ns = TIME_S(2)};
    struct cpu_time after = {.user_ns = TIME_S(2), .system_ns = TIME_S(5)};
    struct cpu_share share = cpu_share_of(before, after, TIME_S(2));
    assert_true(share.user == 50 && share.system == 150 && share.total == 200);
}

static void in_no_time_nothing_is_used(void **state)
{
    (void)state;
    struct cpu_time before = {0}, after = {.user_ns = 1, .system_ns = 1};
    struct cpu_share share = cpu_share_of(before, after, 0);
    assert_true(share.user == 0 && share.system == 0 && share.total == 0);
}

/* Ends only when it has: work is what moves this clock. */
static void work_is_counted(void **state)
{
    (void)state;
    struct cpu_time before = cpu_time_now(), now = before;
    while (now.user_ns + now.system_ns == before.user_ns + before.system_ns)
        now = cpu_time_now();
    assert_true(now.user_ns >= before.user_ns && now.system_ns >= before.system_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share_is_of_the_time_that_passed),
        cmocka_unit_test(in_no_time_nothing_is_used),
        cmocka_unit_test(work_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
