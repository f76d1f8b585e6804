/* A hash table of nodes that live inside the objects it finds.
 *
 * The caller hashes (with hash_bytes and a secret key) and compares. The bucket array doubles as
 * the count grows; a table that cannot grow goes on, slower. */
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
    uint32_t mask; /* number of buckets - 1 */
    uint32_t count;
};

int table_init(struct table *table, uint32_t buckets); /* a power of two: 0 or -ENOMEM */
void table_release(struct table *table);               /* the nodes are the caller's */
void table_insert(struct table *table, struct table_node *node, uint32_t hash);
void table_remove(struct table *table, struct table_node *node);

/* The nodes with exactly this hash: for (n = table_first(t, h); n; n = table_next(n)). */
struct table_node *table_first(const struct table *table, uint32_t hash);
struct table_node *table_next(const struct table_node *node);

#endif
