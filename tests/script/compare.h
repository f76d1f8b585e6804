/* Whether a packet is the one that the script expects. */
#ifndef SCRIPT_COMPARE_H
#define SCRIPT_COMPARE_H

#include "script/packet.h"

/* NULL, or in what `actual`, in the script's numbers, is not what was expected. `slack_ns` is how
 * far timestamps may be off. Payload and ports are not looked at. */
const char *packet_compare(const struct packet_spec *spec, struct packet_view *actual,
                           const struct config *config, int64_t slack_ns, struct arena *arena);

/* Whether `next` may follow `last` as the next part of one expected segment: NULL, or why not. */
const char *packet_follows(const struct packet_view *last, const struct packet_view *next,
                           bool is_final, struct arena *arena);

#endif
