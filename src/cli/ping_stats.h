/* What ping knows at its end: how many replies came, and how long they took. */
#ifndef TERN_CLI_PING_STATS_H
#define TERN_CLI_PING_STATS_H

#include <stddef.h>
#include <stdint.h>

struct ping_stats {
    uint64_t sent;
    uint64_t received;
    uint64_t duplicates;
    uint64_t errors;
    uint64_t least_ns, most_ns;
    double mean_ns, spread; /* spread: sum of squared distances from the mean (Welford) */
};

void ping_stats_add(struct ping_stats *stats, uint64_t rtt_ns);

/* The closing lines of ping(8). */
void ping_stats_format(const struct ping_stats *stats, const char *host, uint64_t elapsed_ns,
                       char *text, size_t size);

#endif
