#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

int table_init(struct table *table, uint32_t buckets)
{
    table->buckets = calloc(buckets, sizeof *table->buckets);
    if (table->buckets == NULL)
        return -ENOMEM;
    table->mask = buckets - 1;
    table->count = 0;
    return 0;
}

void table_release(struct table *table)
{
    free(table->buckets);
    *table = (struct table){0};
}

static void link_first(struct table *table, struct table_node *node)
{
    struct table_node **bucket = &table->buckets[node->hash & table->mask];
    node->next = *bucket;
    *bucket = node;
}

static void grow(struct table *table)
{
    struct table larger;
    if (table->mask >= UINT32_MAX / 2 || table_init(&larger, (table->mask + 1) * 2) < 0)
        return;
    for (uint32_t i = 0; i <= table->mask; i++) {
        struct table_node *next;
        for (struct table_node *node = table->buckets[i]; node; node = next) {
            next = node->next;
            link_first(&larger, node);
        }
    }
    larger.count = table->count;
    free(table->buckets);
    *table = larger;
}

void table_insert(struct table *table, struct table_node *node, uint32_t hash)
{
    if (table->count > table->mask)
        grow(table);
    node->hash = hash;
    link_first(table, node);
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **at = &table->buckets[node->hash & table->mask];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    table->count--;
}

static struct table_node *with_hash(struct table_node *node, uint32_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct table_node *table_first(const struct table *table, uint32_t hash)
{
    return with_hash(table->buckets[hash & table->mask], hash);
}

struct table_node *table_next(const struct table_node *node)
{
    return with_hash(node->next, node->hash);
}
