#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/random.h"
#include "base/tree.h"

struct item {
    struct tree_node node;
    uint32_t key;
};

static struct item *item_of(struct tree_node *node)
{
    return node ? container_of(node, struct item, node) : NULL;
}

/* Equal keys go after those that are there. */
static void insert(struct tree *tree, struct item *item)
{
    struct tree_node *parent = NULL, *at = tree->root;
    int side = 0;
    while (at) {
        parent = at;
        side = item->key >= item_of(at)->key;
        at = at->child[side];
    }
    tree_insert(tree, parent, side, &item->node);
}

/* Checks links and balances below `node`; returns the height. */
static int assert_avl(struct tree_node *node, struct tree_node *parent)
{
    if (node == NULL)
        return 0;
    assert_ptr_equal(node->parent, parent);
    int lower = assert_avl(node->child[0], node);
    int higher = assert_avl(node->child[1], node);
    assert_int_equal(node->balance, higher - lower);
    assert_in_range(node->balance + 1, 0, 2);
    return 1 + (lower > higher ? lower : higher);
}

/* The tree, walked both ways, is the sorted array. */
static void assert_walk(const struct tree *tree, struct item *const *sorted, size_t count)
{
    assert_avl(tree->root, NULL);
    struct tree_node *node = tree_first(tree);
    for (size_t i = 0; i < count; i++, node = tree_next(node))
        assert_ptr_equal(item_of(node), sorted[i]);
    assert_null(node);
    node = tree_last(tree);
    for (size_t i = count; i > 0; i--, node = tree_previous(node))
        assert_ptr_equal(item_of(node), sorted[i - 1]);
    assert_null(node);
}

enum { ITEMS = 300 };

struct model {
    struct item *sorted[ITEMS];
    size_t count;
};

static void model_insert(struct model *model, struct item *item)
{
    size_t at = model->count++;
    for (; at > 0 && model->sorted[at - 1]->key > item->key; at--)
        model->sorted[at] = model->sorted[at - 1];
    model->sorted[at] = item;
}

static void model_remove(struct model *model, const struct item *item)
{
    size_t at = 0;
    while (model->sorted[at] != item)
        at++;
    memmove(model->sorted + at, model->sorted + at + 1,
            (--model->count - at) * sizeof *model->sorted);
}

static void random_operations_follow_a_sorted_array(void **state)
{
    (void)state;
    static struct item items[ITEMS];
    for (unsigned seed = 0; seed < 8; seed++) {
        struct tree tree = {0};
        struct model model = {0};
        struct random random;
        bool in[ITEMS] = {0};
        random_seed_number(&random, seed);
        uint32_t keys = seed % 2 ? 10 : 1000000; /* many equal keys, or hardly any */
        for (unsigned round = 0; round < 4000; round++) {
            /* The number of items swells and shrinks in turn. */
            uint32_t population = round % 1000 < 500 ? ITEMS : 20;
            uint32_t i = random_below(&random, population);
            struct item *item = &items[i];
            if (in[i]) {
                tree_remove(&tree, &item->node);
                model_remove(&model, item);
            } else {
                item->key = random_below(&random, keys);
                insert(&tree, item);
                model_insert(&model, item);
            }
            in[i] = !in[i];
            if (model.count < 30 || round % 16 == 0)
                assert_walk(&tree, model.sorted, model.count);
        }
        while (model.count > 0) {
            struct item *item = model.sorted[random_below(&random, (uint32_t)model.count)];
            tree_remove(&tree, &item->node);
            model_remove(&model, item);
            assert_walk(&tree, model.sorted, model.count);
        }
        assert_null(tree.root);
    }
}

static void every_order_of_removal_from_every_small_tree_keeps_balance(void **state)
{
    (void)state;
    struct item items[7];
    /* All 7! orders of insertion, each followed by removal in one other order. */
    for (unsigned order = 0; order < 5040; order++) {
        struct tree tree = {0};
        struct model model = {0};
        unsigned left[7] = {0, 1, 2, 3, 4, 5, 6}, digits = order;
        for (unsigned n = 7; n > 0; n--) {
            unsigned pick = digits % n;
            digits /= n;
            struct item *item = &items[left[pick]];
            item->key = left[pick];
            left[pick] = left[n - 1];
            insert(&tree, item);
            model_insert(&model, item);
            assert_walk(&tree, model.sorted, model.count);
        }
        digits = order * 2654435761u % 5040;
        for (unsigned n = 7; n > 0; n--) {
            struct item *item = model.sorted[digits % n];
            digits /= n;
            tree_remove(&tree, &item->node);
            model_remove(&model, item);
            assert_walk(&tree, model.sorted, model.count);
        }
    }
}

static void height_is_logarithmic_when_keys_come_in_order(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16 };
    struct item *items = calloc(COUNT, sizeof *items);
    struct tree tree = {0};
    assert_non_null(items);
    for (uint32_t i = 0; i < COUNT; i++) {
        items[i].key = i;
        insert(&tree, &items[i]);
    }
    assert_in_range(assert_avl(tree.root, NULL), 17, 23); /* 1.44 log2 n at most */
    /* Half of them leave in order, as acknowledged records do. */
    for (uint32_t i = 0; i < COUNT / 2; i++) {
        assert_ptr_equal(tree_first(&tree), &items[i].node);
        tree_remove(&tree, &items[i].node);
    }
    assert_in_range(assert_avl(tree.root, NULL), 16, 22);
    free(items);
}

static void an_empty_tree_has_no_first_and_no_last(void **state)
{
    (void)state;
    struct tree tree = {0};
    assert_null(tree_first(&tree));
    assert_null(tree_last(&tree));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_follow_a_sorted_array),
        cmocka_unit_test(every_order_of_removal_from_every_small_tree_keeps_balance),
        cmocka_unit_test(height_is_logarithmic_when_keys_come_in_order),
        cmocka_unit_test(an_empty_tree_has_no_first_and_no_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
