/* What expressions come to. */
#ifndef SCRIPT_EXPRESSION_H
#define SCRIPT_EXPRESSION_H

#include "script/script.h"

/* A named constant of the system's headers, as AF_INET or EAGAIN: false when unknown. */
bool symbol_find(const char *name, int64_t *value);
/* The name of an errno, or "?". */
const char *symbol_errno(int value);

/* The integer that it is: a number, a symbol, several or-ed, htons(…) or inet_addr(…) (in network
 * order). Else 0, and the problem is set. */
int64_t expression_integer(const struct expression *e, struct problem *problem);

bool expression_is_ellipsis(const struct expression *e);
/* The index-th member; NULL past the last. */
const struct expression *expression_at(const struct expression *e, size_t index);
/* The member of that name, or NULL. */
const struct expression *expression_member(const struct expression *e, const char *name);

#endif
