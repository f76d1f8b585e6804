#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/random.h"
#include "base/table.h"
#include "common/allocation.h"

struct item {
    struct table_node node;
    uint32_t hash;
    bool in;
};

enum { ITEMS = 3000 };

/* Each item is found by its hash exactly when it is in, once, among none but those of the same
 * hash. */
static void assert_found(const struct table *table, const struct item *item)
{
    unsigned found = 0;
    for (struct table_node *n = table_first(table, item->hash); n; n = table_next(n)) {
        struct item *other = container_of(n, struct item, node);
        assert_true(other->in);
        assert_true(other->hash == item->hash);
        found += other == item;
    }
    assert_int_equal(found, item->in);
}

static void random_operations(struct table *table, struct item *items, struct random *random)
{
    uint32_t count = 0;
    for (unsigned round = 0; round < 40000; round++) {
        /* The number of items swells and shrinks in turn. */
        uint32_t population = round / 10000 % 2 ? 100 : ITEMS;
        struct item *item = &items[random_below(random, population)];
        if (item->in)
            table_remove(table, &item->node);
        else
            table_insert(table, &item->node, item->hash);
        item->in = !item->in;
        count += item->in ? 1u : -1u;
        assert_int_equal(table->count, count);
        assert_found(table, item);
        assert_found(table, &items[random_below(random, ITEMS)]);
        if (round % 5000 == 0)
            for (unsigned i = 0; i < ITEMS; i++)
                assert_found(table, &items[i]);
    }
}

static void random_operations_follow_a_set(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 4; seed++) {
        struct random random;
        struct table table;
        struct item *items = calloc(ITEMS, sizeof *items);
        assert_non_null(items);
        random_seed_number(&random, seed);
        for (unsigned i = 0; i < ITEMS; i++) /* all bits, or many that are equal */
            items[i].hash = random_u32(&random) & (seed % 2 ? UINT32_MAX : 0xf00003f0);
        assert_int_equal(table_init(&table, 1u << seed), 0);
        random_operations(&table, items, &random);
        table_release(&table);
        free(items);
    }
}

static void chains_stay_short_while_the_count_grows(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct random random;
    struct table table;
    struct table_node *nodes = calloc(COUNT, sizeof *nodes);
    assert_non_null(nodes);
    random_seed_number(&random, 12);
    assert_int_equal(table_init(&table, 16), 0);
    for (unsigned i = 0; i < COUNT; i++)
        table_insert(&table, &nodes[i], random_u32(&random));
    unsigned longest = 0;
    for (uint32_t i = 0; i < table.size; i++) {
        unsigned length = 0;
        for (struct table_node *n = table.buckets[i]; n; n = n->next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_in_range(longest, 1, 16);
    table_release(&table);
    free(nodes);
}

/* However the count grows, one insertion moves no more than one bucket. */
static void an_insertion_adds_at_most_one_bucket(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct random random;
    struct table table;
    struct table_node *nodes = calloc(COUNT, sizeof *nodes);
    assert_non_null(nodes);
    random_seed_number(&random, 13);
    assert_int_equal(table_init(&table, 1), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t before = table.size;
        table_insert(&table, &nodes[i], random_u32(&random));
        assert_in_range(table.size, before, before + 1);
        assert_true(table.size >= table.count);
    }
    table_release(&table);
    free(nodes);
}

static void a_table_that_cannot_grow_goes_on(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct random random;
    struct table table;
    struct item *items = calloc(COUNT, sizeof *items);
    assert_non_null(items);
    random_seed_number(&random, 24);
    allocations_fail_after(0);
    assert_int_equal(table_init(&table, 4), -ENOMEM);
    table_release(&table);
    allocations_succeed();
    assert_int_equal(table_init(&table, 4), 0);
    allocations_fail_after(2);
    for (uint32_t i = 0; i < COUNT; i++) {
        items[i] = (struct item){.hash = random_u32(&random), .in = true};
        table_insert(&table, &items[i].node, items[i].hash);
    }
    allocations_succeed();
    assert_int_equal(table.size, 16);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_found(&table, &items[i]);
    /* And it catches up when there is memory again. */
    for (uint32_t i = 0; i < COUNT; i++) {
        table_remove(&table, &items[i].node);
        table_insert(&table, &items[i].node, items[i].hash);
    }
    assert_in_range(table.size, 400, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_found(&table, &items[i]);
    table_release(&table);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_follow_a_set),
        cmocka_unit_test(chains_stay_short_while_the_count_grows),
        cmocka_unit_test(an_insertion_adds_at_most_one_bucket),
        cmocka_unit_test(a_table_that_cannot_grow_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
