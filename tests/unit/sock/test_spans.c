#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/random.h"
#include "sock/spans.h"

static void the_length_is_the_sum(void **state)
{
    (void)state;
    char byte;
    struct iovec spans[] = {{&byte, 1}, {NULL, 0}, {&byte, 10}};
    assert_int_equal(spans_length(spans, 3, false), 11);
    assert_int_equal(spans_length(spans, 0, false), 0);
    assert_int_equal(spans_length(NULL, 0, false), 0);
}

static void a_null_that_is_not_empty_is_efault(void **state)
{
    (void)state;
    struct iovec span = {NULL, 1};
    assert_int_equal(spans_length(NULL, 1, false), -EFAULT);
    assert_int_equal(spans_length(&span, 1, false), -EFAULT);
    assert_int_equal(spans_length(&span, 1, true), 1);
}

static void more_than_a_ssize_t_can_say_is_einval(void **state)
{
    (void)state;
    char byte;
    struct iovec spans[] = {{&byte, SSIZE_MAX}, {&byte, 1}};
    assert_int_equal(spans_length(spans, 1, false), SSIZE_MAX);
    assert_int_equal(spans_length(spans, 2, false), -EINVAL);
    spans[0].iov_len = SIZE_MAX;
    assert_int_equal(spans_length(spans, 1, false), -EINVAL);
}

/* However the bytes are moved, each is moved once and in order. */
static void every_byte_is_met_once_and_in_order(void **state)
{
    (void)state;
    enum { SPANS = 6, LENGTH = 100 };
    struct random random;
    random_seed_number(&random, 7);
    for (int round = 0; round < 500; round++) {
        char from[LENGTH], to[LENGTH];
        struct iovec spans[SPANS];
        size_t laid = 0, moved = 0;
        random_bytes(&random, from, sizeof from);
        for (int i = 0; i < SPANS; i++) {
            size_t length = i + 1 < SPANS ? random_below(&random, 20) : LENGTH - laid;
            spans[i] = (struct iovec){from + laid, length};
            laid += length;
        }
        struct spans left = {.first = spans, .count = SPANS};
        while (moved < LENGTH) {
            struct iovec partial;
            const struct iovec *next;
            int count = spans_next(&left, &partial, &next);
            size_t offered = 0, want = 1 + random_below(&random, 30), take = 0;
            for (int i = 0; i < count && take < want; i++) {
                size_t part = next[i].iov_len < want - take ? next[i].iov_len : want - take;
                memcpy(to + moved + take, next[i].iov_base, part);
                take += part;
                offered += next[i].iov_len;
            }
            assert_true(offered > 0);
            spans_consume(&left, take);
            moved += take;
        }
        assert_int_equal(left.count, 0);
        assert_memory_equal(from, to, LENGTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_is_the_sum),
        cmocka_unit_test(a_null_that_is_not_empty_is_efault),
        cmocka_unit_test(more_than_a_ssize_t_can_say_is_einval),
        cmocka_unit_test(every_byte_is_met_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
