/* Why packets are dropped. Every drop has a reason, is counted under it and appears in the trace
 * with it. */
#ifndef TERN_CORE_DROP_H
#define TERN_CORE_DROP_H

enum drop_reason {
    DROP_NONE, /* taken */
#define DROP(name, text, clause) DROP_##name,
#include "core/drop.def"
#undef DROP
    DROP_REASONS
};

const char *drop_text(enum drop_reason reason);   /* for people */
const char *drop_clause(enum drop_reason reason); /* "" when no clause is behind it */

#endif
