#include "unit.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/sanitized.h"
#include "sock/pages.h"

/* The real one: stacks of the tests have none (tests/common). */
const struct slab_source *__real_pages_source(void);

static bool is_mapped(void *pages)
{
    return msync(pages, 1, MS_ASYNC) == 0;
}

/* Of several sizes in turn, so that not all are aligned as they come. */
static void spans_are_aligned_empty_and_given_back(void **state)
{
    (void)state;
    enum { COUNT = 64, MOST = 1 << 16 };
    const struct slab_source *source = __real_pages_source();
    uint8_t *spans[COUNT];
    if (!source)
        skip();
    for (unsigned i = 0; i < COUNT; i++) {
        size_t bytes = i % 3 ? 1 << 14 : MOST;
        assert_non_null(spans[i] = source->take(bytes));
        assert_int_equal((uintptr_t)spans[i] % bytes, 0);
        for (size_t at = 0; at < bytes; at++)
            assert_int_equal(spans[i][at], 0);
        for (size_t at = 0; at < bytes; at++)
            spans[i][at] = (uint8_t)i;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        size_t bytes = i % 3 ? 1 << 14 : MOST;
        for (size_t at = 0; at < bytes; at++)
            assert_int_equal(spans[i][at], i);
        assert_true(source->give(spans[i], bytes));
        assert_false(is_mapped(spans[i]));
    }
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    const struct slab_source *source = __real_pages_source();
    struct rlimit before;
    if (!source)
        skip();
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit none = {.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    void *span = source->take(1 << 14);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_null(span);
}

/* Which then sees who uses an object that he has given back. */
static void a_sanitizer_sees_each_object_by_itself(void **state)
{
    (void)state;
    assert_int_equal(__real_pages_source() == NULL, SANITIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_aligned_empty_and_given_back),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(a_sanitizer_sees_each_object_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
