/* A hash table of nodes that live inside the objects it finds.
 *
 * The caller hashes (with hash_bytes and a secret key) and compares. The table grows by linear
 * hashing (Litwin 1980), one bucket at a time, so that no insertion has to wait while all others
 * move. A table that cannot grow goes on, slower. */
#ifndef TERN_BASE_TABLE_H
#define TERN_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
    struct table_node *next;
    uint32_t hash;
};

struct table {
    struct table_node **buckets;
    uint32_t size;     /* buckets in use */
    uint32_t capacity; /* buckets there is memory for, a power of two */
    uint32_t mask;     /* the power of two that size has not passed yet, - 1 */
    uint32_t count;
};

int table_init(struct table *table, uint32_t buckets); /* a power of two: 0 or -ENOMEM */
void table_release(struct table *table);               /* the nodes are the caller's */
void table_insert(struct table *table, struct table_node *node, uint32_t hash);
void table_remove(struct table *table, struct table_node *node);

static inline struct table_node **table_bucket(const struct table *table, uint32_t hash)
{
    uint32_t index = hash & table->mask;
    /* A bucket that does not exist yet has its nodes in the one it will split from. */
    return &table->buckets[index < table->size ? index : index & table->mask >> 1];
}

/* Fetches what table_first will read, while the caller does something else. */
static inline void table_prefetch(const struct table *table, uint32_t hash)
{
    __builtin_prefetch(table_bucket(table, hash));
}

static inline struct table_node *table_skip_to(struct table_node *node, uint32_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

/* The nodes with exactly this hash: for (n = table_first(t, h); n; n = table_next(n)). */
static inline struct table_node *table_first(const struct table *table, uint32_t hash)
{
    return table_skip_to(*table_bucket(table, hash), hash);
}

static inline struct table_node *table_next(const struct table_node *node)
{
    return table_skip_to(node->next, node->hash);
}

#endif
