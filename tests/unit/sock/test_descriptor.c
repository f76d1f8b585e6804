#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/random.h"
#include "sock/descriptor.h"

/* The table never looks into a socket: any address will do for one. */
static struct socket *fake(int n)
{
    static char sockets[20000];
    assert_in_range(n, 0, sizeof sockets - 1);
    return (struct socket *)(void *)&sockets[n];
}

static int take(struct descriptors *d, int n, uint32_t limit)
{
    int error = descriptor_reserve(d, limit);
    return error < 0 ? error : descriptor_take(d, fake(n));
}

static void numbers_are_handed_out_from_0_up(void **state)
{
    (void)state;
    struct descriptors d;
    descriptors_init(&d);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(take(&d, i, 100000), i);
    for (int i = 0; i < 10000; i++)
        assert_ptr_equal(descriptor_find(&d, i), fake(i));
    assert_int_equal(d.count, 10000);
    descriptors_release(&d);
}

static void the_lowest_free_number_comes_first(void **state)
{
    (void)state;
    struct descriptors d;
    descriptors_init(&d);
    for (int i = 0; i < 5000; i++)
        take(&d, i, 5000);
    /* On both sides of words and of blocks of words. */
    static const int holes[] = {0, 1, 63, 64, 127, 4095, 4096, 4999};
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++)
        descriptor_free(&d, holes[i]);
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++)
        assert_int_equal(take(&d, 0, 5000), holes[i]);
    assert_int_equal(take(&d, 0, 5000), -EMFILE);
    descriptors_release(&d);
}

static void no_number_reaches_the_limit(void **state)
{
    (void)state;
    struct descriptors d;
    descriptors_init(&d);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(&d, i, 3), i);
    assert_int_equal(take(&d, 3, 3), -EMFILE);
    /* A limit that has sunk below what is in use refuses, and nothing else. */
    assert_int_equal(take(&d, 3, 1), -EMFILE);
    descriptor_free(&d, 2);
    assert_int_equal(take(&d, 3, 1), -EMFILE);
    assert_int_equal(take(&d, 3, 3), 2);
    descriptors_release(&d);
    assert_int_equal(take(&d, 0, 0), -EMFILE);
}

static void numbers_that_are_not_taken_find_nothing(void **state)
{
    (void)state;
    struct descriptors d;
    descriptors_init(&d);
    static const int numbers[] = {INT32_MIN, -1, 0, 1, 4095, 4096, 1 << 20, INT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_null(descriptor_find(&d, numbers[i]));
    assert_int_equal(take(&d, 0, 10), 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i] != 0)
            assert_null(descriptor_find(&d, numbers[i]));
    descriptor_free(&d, 0);
    assert_null(descriptor_find(&d, 0));
    descriptors_release(&d);
}

static int naive_lowest(const bool *taken)
{
    int n = 0;
    while (taken[n])
        n++;
    return n;
}

static void it_agrees_with_a_naive_table(void **state)
{
    (void)state;
    enum { NUMBERS = 9000, STEPS = 60000 };
    bool *taken = calloc(NUMBERS + 1, sizeof *taken);
    struct descriptors d;
    struct random random;
    uint32_t count = 0;
    descriptors_init(&d);
    random_seed_number(&random, 1);
    for (int step = 0; step < STEPS; step++) {
        int n = (int)random_below(&random, NUMBERS);
        /* Rises at first and then falls, so that both ends are visited. */
        bool wants = random_below(&random, STEPS) > (uint32_t)step;
        if (wants) {
            int expected = naive_lowest(taken);
            assert_int_equal(take(&d, n, NUMBERS), expected < NUMBERS ? expected : -EMFILE);
            count += expected < NUMBERS;
            taken[expected] = expected < NUMBERS;
        } else if (taken[n]) {
            descriptor_free(&d, n);
            taken[n] = false;
            count--;
        }
        assert_int_equal(d.count, count);
        assert_int_equal(descriptor_find(&d, n) != NULL, taken[n]);
    }
    descriptors_release(&d);
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_handed_out_from_0_up),
        cmocka_unit_test(the_lowest_free_number_comes_first),
        cmocka_unit_test(no_number_reaches_the_limit),
        cmocka_unit_test(numbers_that_are_not_taken_find_nothing),
        cmocka_unit_test(it_agrees_with_a_naive_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
