/* What the stack counts. Counters only grow, and read by name from the API, the command and the
 * tests alike. */
#ifndef TERN_CORE_COUNTER_H
#define TERN_CORE_COUNTER_H

#include <stdint.h>

#include "core/drop.h"

enum counter {
#define COUNTER(name, text) COUNTER_##name,
#include "core/counter.def"
#undef COUNTER
    COUNTER_DROPS, /* the first of one for each drop reason, in their order */
    COUNTERS = COUNTER_DROPS + DROP_REASONS
};

struct counters {
    uint64_t value[COUNTERS];
};

const char *counter_name(enum counter counter); /* "TcpRetransSegs", "DropTCP_PAWS" */
const char *counter_text(enum counter counter); /* what it counts, for people */
int counter_find(const char *name);             /* its enum counter, or -ENOENT */

#endif
