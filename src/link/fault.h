/* The fault link: wraps a link and does to its packets, both ways, what networks do: loses,
 * duplicates, reorders, corrupts, marks and delays them, and limits their rate with a queue.
 * Seeded: the same seed and the same traffic meet the same fate. */
#ifndef TERN_LINK_FAULT_H
#define TERN_LINK_FAULT_H

#include "link/link.h"

struct fault_profile {
    double loss, duplicate, reorder, corrupt; /* probabilities, 0 to 1 */
    double mark; /* the same: CE on what can be marked (RFC 3168 §5), and nothing else */
    uint64_t delay_ns, jitter_ns; /* each way: delay ± jitter, order kept unless reordered */
    uint64_t rate_bits;           /* a second; 0: no limit */
    uint32_t queue_packets;       /* that may wait for the rate; 0: 1000 */
    uint64_t seed;
};

/* Parses
 * "loss=5%,dup=1%,reorder=5%,corrupt=1%,ce=2%,delay=20ms,jitter=5ms,rate=100mbit,queue=1000,seed=7":
 * 0, or -EINVAL with a sentence in `error` that names the bad part and says what is allowed. */
int fault_profile_parse(const char *text, struct fault_profile *out, char *error,
                        size_t error_size);

/* Takes over `below` (closed with it). `profile[0]` is for what we send, `profile[1]` for what we
 * receive. -ENOMEM or 0. A super-packet meets its fate cut into wire packets, as on a real
 * network. */
int fault_link_new(struct link *below, const struct fault_profile profile[2], struct link **out);

/* Tells `trace`, as a TERN_TRACE_NOTE with the packet, each thing that it does to one, but for the
 * delay; from within link_send and link_poll. NULL, as at the start: nobody. */
void fault_link_trace(struct link *link, tern_trace_function *trace, void *user);

struct fault_counts {
    uint64_t passed, lost, duplicated, reordered, corrupted, marked, overflowed;
};
/* What has happened so far: [0] sent, [1] received. */
void fault_link_counts(const struct link *link, struct fault_counts out[2]);

#endif
