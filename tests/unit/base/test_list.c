#include "unit.h"

#include <string.h>

#include "base/list.h"
#include "base/random.h"

struct item {
    int before;
    struct list link;
    unsigned number;
};

static void the_object_is_found_from_its_link(void **state)
{
    (void)state;
    struct item item = {.number = 5};
    struct list *link = &item.link;
    assert_ptr_equal(container_of(link, struct item, link), &item);
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct list head, node;
    list_init(&head);
    assert_true(list_empty(&head));
    list_append(&head, &node);
    assert_false(list_empty(&head));
    list_remove(&node);
    list_remove(&node);
    assert_true(list_empty(&head));
    assert_true(list_empty(&node));
}

enum { ITEMS = 40 };

static void assert_list_is(struct list *head, const unsigned *expected, unsigned count)
{
    struct list *link = head->next;
    for (unsigned i = 0; i < count; i++, link = link->next) {
        assert_int_equal(container_of(link, struct item, link)->number, expected[i]);
        assert_ptr_equal(link->next->prev, link);
    }
    assert_ptr_equal(link, head);
}

static void insertions_and_removals_follow_an_array(void **state)
{
    (void)state;
    struct item items[ITEMS];
    unsigned model[ITEMS], count = 0;
    struct list head;
    struct random random;
    random_seed_number(&random, 3);
    list_init(&head);
    for (unsigned i = 0; i < ITEMS; i++) {
        items[i].number = i;
        list_init(&items[i].link);
    }
    for (unsigned round = 0; round < 5000; round++) {
        unsigned number = random_below(&random, ITEMS), at = 0;
        while (at < count && model[at] != number)
            at++;
        if (at < count) {
            list_remove(&items[number].link);
            memmove(model + at, model + at + 1, (--count - at) * sizeof *model);
        } else if (count == 0 || random_below(&random, 2)) {
            list_append(&head, &items[number].link);
            model[count++] = number;
        } else {
            at = random_below(&random, count);
            list_insert(&items[model[at]].link, &items[number].link);
            memmove(model + at + 1, model + at, (count++ - at) * sizeof *model);
            model[at] = number;
        }
        assert_list_is(&head, model, count);
    }
}

static void one_list_s_nodes_follow_another_s(void **state)
{
    static const unsigned all[] = {0, 1, 2, 3, 4};
    (void)state;
    for (unsigned first = 0; first <= 5; first++) {
        struct item items[5];
        struct list to, from;
        list_init(&to);
        list_init(&from);
        for (unsigned i = 0; i < 5; i++) {
            items[i].number = i;
            list_init(&items[i].link);
            list_append(i < first ? &to : &from, &items[i].link);
        }
        list_move(&to, &from);
        assert_list_is(&to, all, 5);
        assert_true(list_empty(&from));
        list_remove(&items[4].link);
        assert_list_is(&to, all, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_list_s_nodes_follow_another_s),
        cmocka_unit_test(the_object_is_found_from_its_link),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(insertions_and_removals_follow_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
