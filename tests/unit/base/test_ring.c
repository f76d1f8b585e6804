#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/ring.h"
#include "common/allocation.h"

enum { MODEL_SIZE = 1 << 17 };

/* What the ring should hold, from its first byte on: the counted bytes, and beyond them those that
 * have been written ahead. */
struct model {
    uint8_t bytes[MODEL_SIZE];
    bool written[MODEL_SIZE];
    uint32_t length;
};

static void assert_agrees(const struct ring *ring, const struct model *model)
{
    static uint8_t copy[MODEL_SIZE];
    assert_int_equal(ring->length, model->length);
    assert_true(ring->capacity == 0 || (ring->capacity & (ring->capacity - 1)) == 0);
    assert_true(ring->capacity == 0 ? ring->start == 0 : ring->start < ring->capacity);
    assert_true(model->length <= ring_capacity(ring));
    ring_copy_out(ring, 0, copy, ring_capacity(ring));
    for (uint32_t i = 0; i < MODEL_SIZE; i++) {
        if (!model->written[i])
            continue;
        assert_true(i < ring_capacity(ring));
        if (copy[i] != model->bytes[i])
            fail_msg("byte %u is %u and not %u", i, copy[i], model->bytes[i]);
    }
}

/* The bytes are a copy of exactly their length, so that reading more is seen. */
static void write_ahead(struct ring *ring, struct model *model, struct random *random,
                        uint32_t offset, uint32_t length)
{
    uint8_t *bytes = malloc(length ? length : 1);
    assert_non_null(bytes);
    random_bytes(random, bytes, length);
    if (offset == model->length && random_below(random, 2)) {
        assert_int_equal(ring_append(ring, bytes, length), 0);
        model->length += length;
    } else {
        assert_int_equal(ring_reserve(ring, offset + length), 0);
        ring_write_at(ring, offset, bytes, length);
    }
    memcpy(model->bytes + offset, bytes, length);
    memset(model->written + offset, true, length);
    free(bytes);
}

static void consume(struct ring *ring, struct model *model, uint32_t count)
{
    ring_consume(ring, count);
    model->length -= count;
    memmove(model->bytes, model->bytes + count, MODEL_SIZE - count);
    memmove(model->written, model->written + count, MODEL_SIZE - count);
    memset(model->written + MODEL_SIZE - count, false, count);
}

/* The bytes that are written ahead up to where the next hole begins come to count, as reassembly
 * does it. */
static void extend(struct ring *ring, struct model *model)
{
    uint32_t end = model->length;
    while (end < MODEL_SIZE && model->written[end])
        end++;
    ring_extend(ring, end - model->length);
    model->length = end;
}

static void shrink(struct ring *ring, struct model *model)
{
    uint32_t keep = MODEL_SIZE, before = ring_capacity(ring);
    while (keep > 0 && !model->written[keep - 1])
        keep--;
    ring_shrink(ring, keep);
    assert_true(ring_capacity(ring) >= keep);
    assert_true(ring_capacity(ring) <= before);
}

static void random_operations_follow_an_array(void **state)
{
    (void)state;
    static struct model model;
    for (unsigned seed = 0; seed < 6; seed++) {
        struct ring ring = {0};
        struct random random;
        random_seed_number(&random, seed);
        memset(&model, 0, sizeof model);
        for (unsigned round = 0; round < 400; round++) {
            uint32_t scale = 1u << random_below(&random, 14);
            switch (random_below(&random, 6)) {
            case 0:
            case 1:
                if (model.length + scale <= MODEL_SIZE)
                    write_ahead(&ring, &model, &random, model.length,
                                random_below(&random, scale + 1));
                break;
            case 2: {
                uint32_t offset = model.length + random_below(&random, 3000);
                if (offset + scale <= MODEL_SIZE)
                    write_ahead(&ring, &model, &random, offset, random_below(&random, scale + 1));
                break;
            }
            case 3:
                extend(&ring, &model);
                break;
            case 4:
                consume(&ring, &model, random_below(&random, model.length + 1));
                break;
            default:
                shrink(&ring, &model);
            }
            assert_agrees(&ring, &model);
        }
        ring_release(&ring);
        assert_int_equal(ring_capacity(&ring), 0);
    }
}

static void spans_describe_the_area_across_the_wrap(void **state)
{
    (void)state;
    struct ring ring = {0};
    struct iovec spans[2];
    assert_int_equal(ring_spans(&ring, 0, 0, spans), 0);
    assert_int_equal(ring_reserve(&ring, 1), 0);
    uint32_t capacity = ring_capacity(&ring);
    for (uint32_t start = 0; start < capacity; start += 31) {
        for (uint32_t offset = 0; offset < capacity; offset += 37) {
            uint32_t length = capacity - offset;
            int count = ring_spans(&ring, offset, length, spans);
            uint32_t at = (ring.start + offset) % capacity;
            assert_ptr_equal(spans[0].iov_base, ring.bytes + at);
            assert_int_equal(count, at + length > capacity ? 2 : 1);
            size_t total = spans[0].iov_len + (count == 2 ? spans[1].iov_len : 0);
            assert_int_equal(total, length);
            if (count == 2) {
                assert_int_equal(at + spans[0].iov_len, capacity);
                assert_ptr_equal(spans[1].iov_base, ring.bytes);
            }
        }
        ring_extend(&ring, 31);
        ring_consume(&ring, 31);
    }
    ring_release(&ring);
}

static void an_area_that_ends_at_the_wrap_is_one_span(void **state)
{
    (void)state;
    struct ring ring = {0};
    struct iovec spans[2];
    assert_int_equal(ring_reserve(&ring, 1), 0);
    ring_extend(&ring, 100);
    ring_consume(&ring, 100);
    assert_int_equal(ring_spans(&ring, 0, ring_capacity(&ring) - 100, spans), 1);
    assert_int_equal(ring_spans(&ring, 0, ring_capacity(&ring) - 99, spans), 2);
    assert_int_equal(spans[1].iov_len, 1);
    ring_release(&ring);
}

static void growth_beyond_the_maximum_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_int_equal(ring_append(&ring, "tern", 4), 0);
    struct ring before = ring;
    assert_int_equal(ring_reserve(&ring, RING_CAPACITY_MAX + 1), -EMSGSIZE);
    assert_int_equal(ring_reserve(&ring, UINT32_MAX), -EMSGSIZE);
    assert_int_equal(ring_append(&ring, "tern", RING_CAPACITY_MAX), -EMSGSIZE);
    assert_int_equal(ring_append(&ring, "tern", UINT32_MAX - 2), -EMSGSIZE);
    assert_memory_equal(&ring, &before, sizeof ring);
    assert_memory_equal(ring.bytes, "tern", 4);
    ring_release(&ring);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_int_equal(ring_append(&ring, "tern", 4), 0);
    struct ring before = ring;
    allocations_fail_after(0);
    assert_int_equal(ring_reserve(&ring, ring_capacity(&ring) + 1), -ENOMEM);
    assert_int_equal(ring_reserve(&ring, RING_CAPACITY_MAX), -ENOMEM);
    allocations_succeed();
    assert_memory_equal(&ring, &before, sizeof ring);
    assert_memory_equal(ring.bytes, "tern", 4);

    /* A shrink that finds no memory leaves the ring as large as it was. */
    assert_int_equal(ring_reserve(&ring, 1u << 16), 0);
    allocations_fail_after(0);
    ring_shrink(&ring, 4);
    allocations_succeed();
    assert_int_equal(ring_capacity(&ring), 1u << 16);
    assert_memory_equal(ring.bytes, "tern", 4);
    ring_release(&ring);
}

static void growth_is_geometric(void **state)
{
    (void)state;
    struct ring ring = {0};
    uint8_t byte = 0;
    unsigned growths = 0;
    for (uint32_t i = 0; i < 1u << 20; i++) {
        uint32_t before = ring_capacity(&ring), growth = ring_growth(&ring, i + 1);
        assert_int_equal(ring_append(&ring, &byte, 1), 0);
        assert_int_equal(ring_capacity(&ring), before + growth);
        growths += growth != 0;
    }
    assert_in_range(growths, 1, 20);
    assert_int_equal(ring_capacity(&ring), 1u << 20);
    ring_release(&ring);
}

static void memory_is_given_back_when_a_quarter_would_do(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_int_equal(ring_reserve(&ring, 1u << 16), 0);
    ring_shrink(&ring, (1u << 14) + 1);
    assert_int_equal(ring_capacity(&ring), 1u << 16);
    ring_shrink(&ring, 1u << 14);
    assert_in_range(ring_capacity(&ring), 1u << 14, 1u << 15);
    ring_shrink(&ring, 0);
    assert_int_equal(ring_capacity(&ring), 0);
    assert_null(ring.bytes);
}

static void a_released_ring_is_empty_and_usable(void **state)
{
    (void)state;
    struct ring ring = {0};
    ring_release(&ring);
    assert_int_equal(ring_append(&ring, "tern", 4), 0);
    ring_release(&ring);
    assert_int_equal(ring.length, 0);
    assert_int_equal(ring_append(&ring, "swift", 5), 0);
    char text[5];
    ring_copy_out(&ring, 0, text, 5);
    assert_memory_equal(text, "swift", 5);
    ring_release(&ring);
}

static void nothing_can_be_appended_and_consumed_without_memory(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_int_equal(ring_append(&ring, NULL, 0), 0);
    ring_consume(&ring, 0);
    ring_copy_out(&ring, 0, NULL, 0);
    ring_write_at(&ring, 0, NULL, 0);
    assert_int_equal(ring_capacity(&ring), 0);
}

static void held_memory_outlives_growth_and_release(void **state)
{
    (void)state;
    struct ring ring = {0};
    struct iovec spans[2];
    static const uint8_t more[5000];
    assert_int_equal(ring_append(&ring, "held", 4), 0);
    uint32_t before = ring_capacity(&ring);
    ring_spans(&ring, 0, 4, spans);
    ring_hold(&ring);
    assert_int_equal(ring_capacity(&ring), before);
    assert_int_equal(ring_append(&ring, more, sizeof more), 0);
    assert_memory_equal(spans[0].iov_base, "held", 4);
    assert_true(ring_capacity(&ring) >= before + 4 + sizeof more); /* both are paid for */
    ring_release(&ring);
    assert_memory_equal(spans[0].iov_base, "held", 4);
    assert_int_equal(ring_capacity(&ring), before);
    ring_unhold(&ring);
    assert_int_equal(ring_capacity(&ring), 0);
    ring_unhold(&ring); /* harmless */

    assert_int_equal(ring_append(&ring, "again", 5), 0);
    ring_hold(&ring);
    ring_release(&ring);
    ring_hold(&ring); /* of nothing: lets go of the first */
    assert_int_equal(ring_capacity(&ring), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_memory_outlives_growth_and_release),
        cmocka_unit_test(random_operations_follow_an_array),
        cmocka_unit_test(spans_describe_the_area_across_the_wrap),
        cmocka_unit_test(an_area_that_ends_at_the_wrap_is_one_span),
        cmocka_unit_test(growth_beyond_the_maximum_is_refused_and_changes_nothing),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(growth_is_geometric),
        cmocka_unit_test(memory_is_given_back_when_a_quarter_would_do),
        cmocka_unit_test(a_released_ring_is_empty_and_usable),
        cmocka_unit_test(nothing_can_be_appended_and_consumed_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
