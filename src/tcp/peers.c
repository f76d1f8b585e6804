#include "tcp/peers.h"

#include <stdlib.h>

enum { TABLE_START = 16 };

static uint32_t hash_of(const struct hash_key *key, const struct peer_pair *pair)
{
    return (uint32_t)hash_bytes(key, pair, sizeof *pair);
}

int peers_init(struct peer_memory *memory)
{
    list_init(&memory->use);
    return table_init(&memory->table, TABLE_START);
}

void peers_release(struct peer_memory *memory)
{
    peers_keep_at_most(memory, 0);
    table_release(&memory->table);
}

struct peer_entry *peers_find(const struct peer_memory *memory, const struct hash_key *key,
                              const struct peer_pair *pair)
{
    if (memory->table.count == 0) /* most often nothing is known */
        return NULL;
    struct table_node *node = table_first(&memory->table, hash_of(key, pair));
    for (; node; node = table_next(node)) {
        struct peer_entry *entry = container_of(node, struct peer_entry, node);
        if (address_equal(&entry->pair.ours, &pair->ours) &&
            address_equal(&entry->pair.theirs, &pair->theirs))
            return entry;
    }
    return NULL;
}

static struct peer_entry *add(struct peer_memory *memory, const struct hash_key *key,
                              const struct peer_pair *pair, size_t size, int64_t most)
{
    if (most == 0)
        return NULL;
    peers_keep_at_most(memory, most - 1);
    struct peer_entry *entry = calloc(1, size);
    if (!entry)
        return NULL;
    entry->pair = *pair;
    list_init(&entry->use);
    table_insert(&memory->table, &entry->node, hash_of(key, pair));
    return entry;
}

struct peer_entry *peers_find_or_add(struct peer_memory *memory, const struct hash_key *key,
                                     const struct peer_pair *pair, size_t size, int64_t most)
{
    struct peer_entry *entry = peers_find(memory, key, pair);
    if (!entry)
        entry = add(memory, key, pair, size, most);
    if (!entry)
        return NULL;
    list_remove(&entry->use);
    list_append(&memory->use, &entry->use);
    return entry;
}

void peers_forget(struct peer_memory *memory, struct peer_entry *entry)
{
    table_remove(&memory->table, &entry->node);
    list_remove(&entry->use);
    free(entry);
}

void peers_keep_at_most(struct peer_memory *memory, int64_t most)
{
    while ((int64_t)memory->table.count > most)
        peers_forget(memory, container_of(memory->use.next, struct peer_entry, use));
}
