/* What outlives connections: memories of peers, by their address and ours (RFC 9040).
 *
 * There is one for each thing remembered: Fast Open (fastopen_client.c), and where AccECN gets lost
 * (accecn_peers.c). A memory is bounded; the peer that was not used for longest is forgotten
 * first. For that it is not charged to the stack's memory. */
#ifndef TERN_TCP_PEERS_H
#define TERN_TCP_PEERS_H

#include "base/address.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/table.h"

struct peer_memory {
    struct table table; /* by the pair */
    struct list use;    /* least recent first */
};

/* What comes from another address of ours takes another way, and is another host to the peer. */
struct peer_pair {
    struct address ours, theirs;
};

/* The first member of what is remembered, which is freed as a whole. */
struct peer_entry {
    struct table_node node;
    struct list use;
    struct peer_pair pair;
};

int peers_init(struct peer_memory *memory); /* 0 or -ENOMEM */
void peers_release(struct peer_memory *memory);

/* Both take the key of the stack's tables (stack->hash_key). NULL: not remembered. */
struct peer_entry *peers_find(const struct peer_memory *memory, const struct hash_key *key,
                              const struct peer_pair *pair);
/* The entry, made of `size` zeroed bytes if there is none, as the one used last; others are
 * forgotten where there would be more than `most`. NULL: without memory, or where that is 0. */
struct peer_entry *peers_find_or_add(struct peer_memory *memory, const struct hash_key *key,
                                     const struct peer_pair *pair, size_t size, int64_t most);
void peers_forget(struct peer_memory *memory, struct peer_entry *entry);
/* Forgets whom was not talked to for longest, until there are no more than `most`. */
void peers_keep_at_most(struct peer_memory *memory, int64_t most);

#endif
