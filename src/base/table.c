#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

int table_init(struct table *table, uint32_t buckets)
{
    *table = (struct table){.size = buckets, .capacity = buckets, .mask = buckets - 1};
    table->buckets = calloc(buckets, sizeof *table->buckets);
    return table->buckets ? 0 : -ENOMEM;
}

void table_release(struct table *table)
{
    free(table->buckets);
    *table = (struct table){0};
}

static int reserve_bucket(struct table *table)
{
    if (table->size < table->capacity)
        return 0;
    if (table->capacity > UINT32_MAX / 2)
        return -ENOMEM;
    struct table_node **buckets =
        realloc(table->buckets, (size_t)table->capacity * 2 * sizeof *buckets);
    if (buckets == NULL)
        return -ENOMEM;
    table->buckets = buckets;
    table->capacity *= 2;
    return 0;
}

/* Adds one bucket, which takes from its lower half-brother the nodes whose next hash bit is set. */
static void split(struct table *table)
{
    if (reserve_bucket(table) < 0)
        return;
    uint32_t added = table->size++;
    if (added > table->mask)
        table->mask = table->mask * 2 + 1;
    struct table_node **from = &table->buckets[added & table->mask >> 1];
    struct table_node **to = &table->buckets[added];
    while (*from) {
        struct table_node *node = *from;
        if ((node->hash & table->mask) == added) {
            *from = node->next;
            *to = node;
            to = &node->next;
        } else {
            from = &node->next;
        }
    }
    *to = NULL;
}

void table_insert(struct table *table, struct table_node *node, uint32_t hash)
{
    if (table->count >= table->size)
        split(table);
    struct table_node **bucket = table_bucket(table, hash);
    *node = (struct table_node){.next = *bucket, .hash = hash};
    *bucket = node;
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **at = table_bucket(table, node->hash);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    table->count--;
}
