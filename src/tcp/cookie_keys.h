/* The keys that cookies are made with: Fast Open's (fastopen.h) and SYN cookies (cookie.h). */
#ifndef TERN_TCP_COOKIE_KEYS_H
#define TERN_TCP_COOKIE_KEYS_H

#include "base/hash.h"

enum { FAST_OPEN_COOKIE = 8, FAST_OPEN_KEY = 16 };

/* The keys that cookies are made with; the second, when there is one, is an older one that is still
 * honoured. */
struct fast_open_keys {
    struct hash_key key[2];
    unsigned count;
};

/* What SYN cookies are made with: a new key every COOKIE_ROTATE_MINUTES, the one before it still
 * honoured for as long as its cookies last. */
struct cookie_secret {
    struct hash_key key, previous;
    uint32_t minute; /* when `key` was made */
};

#endif
