#include "unit.h"

#include <string.h>

#include "base/ring_spares.h"

static void ring_of(struct ring *ring, uint32_t capacity)
{
    *ring = (struct ring){0};
    assert_int_equal(ring_reserve(ring, capacity), 0);
    assert_int_equal(ring_capacity(ring), capacity);
    memset(ring->bytes, 1, capacity);
}

static void memory_that_was_given_last_is_taken_first(void **state)
{
    (void)state;
    struct ring_spares spares = {0};
    struct ring first, second, next = {0};
    ring_of(&first, LIMIT_RING_SPARE_LEAST);
    ring_of(&second, LIMIT_RING_SPARE_LEAST);
    const uint8_t *first_bytes = first.bytes, *second_bytes = second.bytes;
    ring_spares_give(&spares, &first);
    ring_spares_give(&spares, &second);
    assert_int_equal(ring_capacity(&first), 0);
    assert_null(first.bytes);
    ring_spares_take(&spares, &next, 1);
    assert_ptr_equal(next.bytes, second_bytes);
    ring_release(&next);
    ring_spares_take(&spares, &next, 1);
    assert_ptr_equal(next.bytes, first_bytes);
    assert_int_equal(ring_capacity(&next), LIMIT_RING_SPARE_LEAST);
    assert_int_equal(next.length, 0);
    ring_release(&next);
    ring_spares_release(&spares);
}

static void a_ring_with_memory_takes_none(void **state)
{
    (void)state;
    struct ring_spares spares = {0};
    struct ring ring, other;
    ring_of(&ring, LIMIT_RING_SPARE_LEAST);
    ring_of(&other, 1024);
    ring_spares_give(&spares, &ring);
    ring_spares_take(&spares, &other, 1);
    assert_int_equal(ring_capacity(&other), 1024);
    assert_int_equal(spares.count, 1);
    ring_release(&other);
    ring_spares_release(&spares);
}

static void small_memory_huge_memory_and_too_many_are_not_kept(void **state)
{
    (void)state;
    struct ring_spares spares = {0};
    struct ring ring;
    ring_of(&ring, LIMIT_RING_SPARE_LEAST / 2);
    ring_spares_give(&spares, &ring);
    ring_of(&ring, LIMIT_RING_SPARE_MOST * 2);
    ring_spares_give(&spares, &ring);
    assert_int_equal(spares.count, 0);
    for (int i = 0; i < LIMIT_RING_SPARES + 2; i++) {
        ring_of(&ring, LIMIT_RING_SPARE_MOST);
        ring_spares_give(&spares, &ring);
    }
    assert_int_equal(spares.count, LIMIT_RING_SPARES);
    ring_spares_release(&spares);
    assert_int_equal(spares.count, 0);
}

static void held_memory_is_not_kept(void **state)
{
    (void)state;
    static struct ring_spares spares;
    struct ring ring = {0};
    assert_int_equal(ring_reserve(&ring, LIMIT_RING_SPARE_LEAST), 0);
    ring_hold(&ring);
    ring_spares_give(&spares, &ring);
    assert_int_equal(spares.count, 0);
    assert_null(ring.bytes);
    ring_unhold(&ring);
}

static void the_least_memory_is_kept_apart_and_given_where_it_is_enough(void **state)
{
    (void)state;
    struct ring_spares spares = {0};
    struct ring rings[LIMIT_RING_SMALL_SPARES + 1], large = {0}, small = {0};
    for (int i = 0; i <= LIMIT_RING_SMALL_SPARES; i++)
        ring_of(&rings[i], RING_CAPACITY_MIN);
    for (int i = 0; i <= LIMIT_RING_SMALL_SPARES; i++)
        ring_spares_give(&spares, &rings[i]);
    assert_int_equal(spares.small_count, LIMIT_RING_SMALL_SPARES);
    assert_int_equal(spares.count, 0);
    ring_spares_take(&spares, &large, RING_CAPACITY_MIN + 1);
    assert_null(large.bytes);
    ring_spares_take(&spares, &small, RING_CAPACITY_MIN);
    assert_int_equal(ring_capacity(&small), RING_CAPACITY_MIN);
    assert_int_equal(spares.small_count, LIMIT_RING_SMALL_SPARES - 1);
    ring_hold(&small);
    ring_spares_give(&spares, &small);
    assert_int_equal(spares.small_count, LIMIT_RING_SMALL_SPARES - 1);
    ring_unhold(&small);
    ring_spares_release(&spares);
    assert_int_equal(spares.small_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_memory_is_kept_apart_and_given_where_it_is_enough),
        cmocka_unit_test(held_memory_is_not_kept),
        cmocka_unit_test(memory_that_was_given_last_is_taken_first),
        cmocka_unit_test(a_ring_with_memory_takes_none),
        cmocka_unit_test(small_memory_huge_memory_and_too_many_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
