#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "base/ranges.h"
#include "base/seq.h"
#include "common/allocation.h"

enum { SPAN = 1000 };

/* The model: one flag for each sequence number of a window that begins at `origin`. */
struct model {
    uint32_t origin;
    bool has[SPAN + 1]; /* the last one stays false */
};

static uint32_t model_runs(const struct model *model)
{
    uint32_t runs = 0;
    for (uint32_t i = 0; i < SPAN; i++)
        runs += model->has[i] && !model->has[i + 1];
    return runs;
}

/* The run that contains number `at` of the window, or else the first after it. */
static bool model_find(const struct model *model, uint32_t at, struct range *run)
{
    while (at < SPAN && !model->has[at])
        at++;
    if (at == SPAN)
        return false;
    uint32_t start = at;
    while (start > 0 && model->has[start - 1])
        start--;
    while (model->has[at])
        at++;
    *run = (struct range){model->origin + start, model->origin + at};
    return true;
}

static uint64_t sum_of_lengths(const struct ranges *set)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < set->count; i++)
        total += set->items[i].end - set->items[i].start;
    return total;
}

static void assert_agrees(const struct ranges *set, const struct model *model)
{
    uint32_t total = 0, index = 0;
    for (uint32_t i = 0; i < SPAN; i++) {
        total += model->has[i];
        if (!model->has[i] || (i > 0 && model->has[i - 1]))
            continue;
        struct range run;
        assert_true(model_find(model, i, &run));
        assert_true(index < set->count);
        assert_true(set->items[index].start == run.start);
        assert_true(set->items[index].end == run.end);
        index++;
    }
    assert_int_equal(set->count, index);
    assert_true(set->capacity >= set->count);
    assert_int_equal(sum_of_lengths(set), total);
}

static void add(struct ranges *set, struct model *model, struct random *random, uint32_t limit)
{
    uint32_t start = random_below(random, SPAN);
    uint32_t length = 1 + random_below(random, random_below(random, 8) ? 6 : 120);
    uint32_t end = start + length < SPAN ? start + length : SPAN;
    struct model after = *model;
    memset(after.has + start, true, end - start);
    struct range merged = {1, 2}, run;
    int expected =
        model_runs(&after) > limit && model_runs(&after) > model_runs(model) ? -ENOSPC : 0;

    assert_int_equal(ranges_add(set, model->origin + start, model->origin + end, limit, &merged),
                     expected);
    if (expected < 0)
        return;
    *model = after;
    assert_true(model_find(model, start, &run));
    assert_true(merged.start == run.start && merged.end == run.end);
}

static void assert_queries_agree(const struct ranges *set, const struct model *model,
                                 struct random *random)
{
    uint32_t at = random_below(random, SPAN);
    uint32_t end = at + random_below(random, SPAN - at + 1);
    struct range run;
    const struct range *found = ranges_find(set, model->origin + at);
    assert_int_equal(found != NULL, model_find(model, at, &run));
    if (found)
        assert_true(found->start == run.start && found->end == run.end);

    bool all = true;
    for (uint32_t i = at; i < end; i++)
        all = all && model->has[i];
    assert_int_equal(ranges_cover(set, model->origin + at, model->origin + end), all);
}

static void random_operations_follow_a_bitmap(void **state)
{
    (void)state;
    static const uint32_t limits[] = {0, 1, 4, 60, 1000};
    for (unsigned seed = 0; seed < 10; seed++) {
        struct ranges set = {0};
        struct random random;
        random_seed_number(&random, seed);
        uint32_t limit = limits[seed % 5];
        /* Half of the windows wrap. */
        struct model model = {.origin =
                                  seed % 2 ? -random_below(&random, SPAN) : random_u32(&random)};
        for (unsigned round = 0; round < 3000; round++) {
            add(&set, &model, &random, limit);
            assert_queries_agree(&set, &model, &random);
            if (random_below(&random, 60) == 0) {
                /* The window never moves, so only its beginning empties. */
                uint32_t until = random_below(&random, random_below(&random, 4) ? 50 : SPAN + 1);
                memset(model.has, false, until);
                ranges_trim(&set, model.origin + until);
            }
            if (round % 8 == 0)
                assert_agrees(&set, &model);
        }
        assert_agrees(&set, &model);
        ranges_release(&set);
        assert_int_equal(set.count, 0);
    }
}

static void the_limit_refuses_new_ranges_but_not_growth_of_old_ones(void **state)
{
    (void)state;
    struct ranges set = {0};
    assert_int_equal(ranges_add(&set, 0, 10, 2, NULL), 0);
    assert_int_equal(ranges_add(&set, 20, 30, 2, NULL), 0);
    assert_int_equal(ranges_add(&set, 40, 50, 2, NULL), -ENOSPC);
    assert_int_equal(set.count, 2);
    assert_int_equal(sum_of_lengths(&set), 20);
    assert_int_equal(ranges_add(&set, 30, 35, 2, NULL), 0);
    assert_int_equal(ranges_add(&set, 10, 20, 2, NULL), 0);
    assert_int_equal(set.count, 1);
    assert_int_equal(ranges_add(&set, 40, 50, 2, NULL), 0);
    assert_int_equal(set.count, 2);
    ranges_release(&set);
}

static void order_holds_for_ranges_almost_two_to_the_31_apart(void **state)
{
    (void)state;
    struct ranges set = {0};
    uint32_t base = 0xf0000000;
    assert_int_equal(ranges_add(&set, base + 0x7ffffff0, base + 0x7fffffff, 9, NULL), 0);
    assert_int_equal(ranges_add(&set, base, base + 1, 9, NULL), 0);
    assert_int_equal(ranges_add(&set, base + 0x40000000, base + 0x40000001, 9, NULL), 0);
    assert_int_equal(set.count, 3);
    assert_true(set.items[0].start == base);
    assert_true(set.items[2].end == base + 0x7fffffff);
    assert_ptr_equal(ranges_find(&set, base + 2), &set.items[1]);
    ranges_release(&set);
}

static void memory_follows_the_number(void **state)
{
    (void)state;
    struct ranges set = {0};
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal(ranges_add(&set, 4 * i, 4 * i + 1, 256, NULL), 0);
    assert_int_equal(set.count, 256);
    assert_true(set.capacity <= 512);
    for (uint32_t i = 0; i < 255; i++) {
        ranges_trim(&set, 4 * i + 1);
        assert_true(set.capacity <= 4 * set.count + 4);
    }
    ranges_trim(&set, 4 * 255 + 1);
    assert_int_equal(set.count, 0);
    assert_null(set.items);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct ranges set = {0};
    allocations_fail_after(0);
    assert_int_equal(ranges_add(&set, 0, 1, 100, NULL), -ENOMEM);
    assert_int_equal(set.count, 0);
    allocations_succeed();
    for (uint32_t i = 0; i == 0 || set.count < set.capacity; i++)
        assert_int_equal(ranges_add(&set, 4 * i, 4 * i + 1, 100, NULL), 0);

    uint32_t count = set.count;
    allocations_fail_after(0);
    assert_int_equal(ranges_add(&set, 4 * count, 4 * count + 1, 100, NULL), -ENOMEM);
    assert_int_equal(set.count, count);
    assert_int_equal(sum_of_lengths(&set), count);
    /* What needs no more memory still succeeds. */
    assert_int_equal(ranges_add(&set, 1, 2, 100, NULL), 0);
    allocations_succeed();
    assert_int_equal(sum_of_lengths(&set), count + 1);
    ranges_release(&set);
}

static void trimming_inside_a_range_keeps_its_end(void **state)
{
    (void)state;
    struct ranges set = {0};
    assert_int_equal(ranges_add(&set, 0xfffffff0, 0x10, 1, NULL), 0);
    ranges_trim(&set, 0xffffffe0);
    assert_int_equal(sum_of_lengths(&set), 0x20);
    ranges_trim(&set, 0);
    assert_int_equal(sum_of_lengths(&set), 0x10);
    assert_true(set.items[0].start == 0 && set.items[0].end == 0x10);
    ranges_trim(&set, 0x10);
    assert_int_equal(sum_of_lengths(&set), 0);
    ranges_trim(&set, 0x20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_follow_a_bitmap),
        cmocka_unit_test(the_limit_refuses_new_ranges_but_not_growth_of_old_ones),
        cmocka_unit_test(order_holds_for_ranges_almost_two_to_the_31_apart),
        cmocka_unit_test(memory_follows_the_number),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(trimming_inside_a_range_keeps_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
