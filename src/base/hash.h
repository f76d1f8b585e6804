/* SipHash-1-3 (Aumasson and Bernstein), the keyed hash of every table whose keys come from the
 * wire, of initial sequence numbers and of cookies (security rules 7 and 17). */
#ifndef TERN_BASE_HASH_H
#define TERN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t words[2];
};

/* The same on every machine, whatever its byte order. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length);
/* SipHash-2-4, for what a peer holds and may study at leisure: cookies. */
uint64_t hash_cookie(const struct hash_key *key, const void *bytes, size_t length);

#endif
