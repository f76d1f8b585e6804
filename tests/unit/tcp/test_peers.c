/* What is remembered of peers. */
#include "unit.h"

#include "base/address.h"
#include "tcp/peers.h"

struct note {
    struct peer_entry entry;
    int value;
};

static const struct hash_key key = {{1, 2}};

static struct peer_pair pair_with(uint32_t number)
{
    return (struct peer_pair){address_from_ipv4(77), address_from_ipv4(number)};
}

static struct peer_entry *add(struct peer_memory *memory, uint32_t number, int64_t most)
{
    struct peer_pair pair = pair_with(number);
    return peers_find_or_add(memory, &key, &pair, sizeof(struct note), most);
}

static struct peer_entry *find(const struct peer_memory *memory, uint32_t number)
{
    struct peer_pair pair = pair_with(number);
    return peers_find(memory, &key, &pair);
}

static void peer_is_found_by_the_pair_of_addresses_as_it_was_left(void **state)
{
    (void)state;
    struct peer_memory memory;
    assert_int_equal(peers_init(&memory), 0);
    assert_null(find(&memory, 1));
    struct note *note = container_of(add(&memory, 1, 10), struct note, entry);
    assert_int_equal(note->value, 0);
    note->value = 7;
    assert_null(find(&memory, 2));
    add(&memory, 2, 10);
    assert_ptr_equal(find(&memory, 1), &note->entry);
    assert_ptr_equal(add(&memory, 1, 10), &note->entry);
    assert_int_equal(note->value, 7);
    assert_int_equal(memory.table.count, 2);
    /* From another address of ours it is another. */
    struct peer_pair other = {address_from_ipv4(78), address_from_ipv4(1)};
    assert_null(peers_find(&memory, &key, &other));
    peers_forget(&memory, &note->entry);
    assert_null(find(&memory, 1));
    assert_non_null(find(&memory, 2));
    peers_release(&memory);
}

static void memory_is_bounded_and_who_was_not_used_for_longest_is_forgotten(void **state)
{
    (void)state;
    struct peer_memory memory;
    assert_int_equal(peers_init(&memory), 0);
    for (uint32_t i = 0; i < 100; i++)
        assert_non_null(add(&memory, i, 100));
    add(&memory, 0, 100); /* is used again */
    add(&memory, 100, 100);
    assert_int_equal(memory.table.count, 100);
    assert_null(find(&memory, 1));
    assert_non_null(find(&memory, 0));
    peers_keep_at_most(&memory, 2);
    assert_int_equal(memory.table.count, 2);
    assert_non_null(find(&memory, 0));
    assert_non_null(find(&memory, 100));
    peers_release(&memory);
}

static void none_is_remembered_where_none_may_be(void **state)
{
    (void)state;
    struct peer_memory memory;
    assert_int_equal(peers_init(&memory), 0);
    assert_null(add(&memory, 1, 0));
    assert_int_equal(memory.table.count, 0);
    peers_release(&memory);
}

/* Rule 17: the wire chooses the addresses. */
static void table_s_hash_is_keyed(void **state)
{
    (void)state;
    static const struct hash_key other = {{3, 4}};
    struct peer_memory memory;
    assert_int_equal(peers_init(&memory), 0);
    add(&memory, 1, 10);
    struct peer_pair pair = pair_with(1);
    assert_null(peers_find(&memory, &other, &pair));
    peers_release(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_is_found_by_the_pair_of_addresses_as_it_was_left),
        cmocka_unit_test(memory_is_bounded_and_who_was_not_used_for_longest_is_forgotten),
        cmocka_unit_test(none_is_remembered_where_none_may_be),
        cmocka_unit_test(table_s_hash_is_keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
