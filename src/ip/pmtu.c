#include "ip/pmtu.h"

#include <errno.h>
#include <stdlib.h>

#include "base/time.h"

enum { TABLE_START = 16 };

int pmtu_init(struct pmtu *pmtu)
{
    list_init(&pmtu->age);
    return table_init(&pmtu->known, TABLE_START);
}

static void forget(struct pmtu *pmtu, struct pmtu_entry *entry)
{
    table_remove(&pmtu->known, &entry->node);
    list_remove(&entry->link);
    free(entry);
}

static struct pmtu_entry *oldest(struct pmtu *pmtu)
{
    return container_of(pmtu->age.next, struct pmtu_entry, link);
}

void pmtu_release(struct pmtu *pmtu)
{
    while (!list_empty(&pmtu->age))
        forget(pmtu, oldest(pmtu));
    table_release(&pmtu->known);
}

static uint32_t hash_of(const struct stack *stack, const struct address *destination)
{
    return (uint32_t)hash_bytes(&stack->hash_key, destination, sizeof *destination);
}

static struct pmtu_entry *find(const struct stack *stack, const struct pmtu *pmtu,
                               const struct address *destination)
{
    struct table_node *node = table_first(&pmtu->known, hash_of(stack, destination));
    for (; node; node = table_next(node)) {
        struct pmtu_entry *entry = container_of(node, struct pmtu_entry, node);
        if (address_equal(&entry->destination, destination))
            return entry;
    }
    return NULL;
}

const struct pmtu_entry *pmtu_find(const struct stack *stack, const struct pmtu *pmtu,
                                   const struct address *destination)
{
    const struct pmtu_entry *entry =
        pmtu->known.count ? find(stack, pmtu, destination) : NULL; /* most often nothing is known */
    return entry && stack->now_ns < entry->expires_ns ? entry : NULL;
}

static struct pmtu_entry *add(struct stack *stack, struct pmtu *pmtu,
                              const struct address *destination)
{
    if (pmtu->known.count >= LIMIT_PATH_MTUS)
        forget(pmtu, oldest(pmtu));
    struct pmtu_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->destination = *destination;
    list_append(&pmtu->age, &entry->link);
    table_insert(&pmtu->known, &entry->node, hash_of(stack, destination));
    return entry;
}

bool pmtu_lower(struct stack *stack, struct pmtu *pmtu, const struct address *destination,
                uint32_t mtu)
{
    struct pmtu_entry *entry = find(stack, pmtu, destination);
    /* §3: what says that a packet was too big never raises the estimate. */
    if (entry && stack->now_ns < entry->expires_ns && entry->mtu <= mtu)
        return false;
    if (!entry)
        entry = add(stack, pmtu, destination);
    if (!entry)
        return false;
    entry->mtu = mtu;
    entry->expires_ns = stack->now_ns + TIME_S(stack->settings.ip_mtu_expires_s);
    list_remove(&entry->link);
    list_append(&pmtu->age, &entry->link);
    return true;
}
