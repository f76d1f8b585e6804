/* Options whose value is kept in the preferences of a connection, or of a listener for those that
 * it accepts. */
#ifndef TERN_TCP_SOCKOPT_PREFERENCE_H
#define TERN_TCP_SOCKOPT_PREFERENCE_H

#include "tcp/tcb.h"

/* As setsockopt and getsockopt: 0, -EINVAL, -ENOENT (no such congestion control), or -ENOPROTOOPT
 * where it is no option of these. */
int preference_set(struct tcp_preferences *p, const struct settings *settings, int level,
                   int option, const void *value, socklen_t length);
int preference_get(const struct tcp_preferences *p, const struct settings *settings, int level,
                   int option, void *value, socklen_t *length);

#endif
