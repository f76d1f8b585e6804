/* The keys that Fast Open cookies are made with (fastopen.h). */
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

#endif
