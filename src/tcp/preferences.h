/* What users of resting connections have asked for. Most ask for the same: one that is equal is
 * held once, however many connections have it. */
#ifndef TERN_TCP_PREFERENCES_H
#define TERN_TCP_PREFERENCES_H

#include "tcp/tcb.h"

struct preferences_share {
    struct table_node node; /* in tcp->preferences */
    uint32_t users;
    struct tcp_preferences preferences;
};

/* The stack's defaults, as its settings say them now. */
void preferences_init(struct tcp_preferences *preferences, const struct settings *settings);

/* One more has these: NULL without memory. */
struct preferences_share *preferences_share(struct tcp *tcp,
                                            const struct tcp_preferences *preferences);
/* One less. */
void preferences_unshare(struct tcp *tcp, struct preferences_share *share);

#endif
