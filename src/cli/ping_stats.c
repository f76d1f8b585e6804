#include "cli/ping_stats.h"

#include <inttypes.h>
#include <math.h>

#include "base/time.h"
#include "cli/line.h"

void ping_stats_add(struct ping_stats *stats, uint64_t rtt_ns)
{
    stats->received++;
    if (stats->received == 1 || rtt_ns < stats->least_ns)
        stats->least_ns = rtt_ns;
    if (rtt_ns > stats->most_ns)
        stats->most_ns = rtt_ns;
    double off = (double)rtt_ns - stats->mean_ns;
    stats->mean_ns += off / (double)stats->received;
    stats->spread += off * ((double)rtt_ns - stats->mean_ns);
}

static double milliseconds(double ns)
{
    return ns / (double)TIME_MS(1);
}

void ping_stats_format(const struct ping_stats *stats, const char *host, uint64_t elapsed_ns,
                       char *text, size_t size)
{
    struct line line = line_over(text, size);
    double lost = stats->sent > stats->received
                      ? 100.0 * (double)(stats->sent - stats->received) / (double)stats->sent
                      : 0;
    line_add(&line, "--- %s ping statistics ---\n", host);
    line_add(&line, "%" PRIu64 " packets transmitted, %" PRIu64 " received", stats->sent,
             stats->received);
    if (stats->duplicates)
        line_add(&line, ", +%" PRIu64 " duplicates", stats->duplicates);
    if (stats->errors)
        line_add(&line, ", +%" PRIu64 " errors", stats->errors);
    line_add(&line, ", %.4g%% packet loss, time %.0fms\n", lost, milliseconds((double)elapsed_ns));
    if (stats->received)
        line_add(&line, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
                 milliseconds((double)stats->least_ns), milliseconds(stats->mean_ns),
                 milliseconds((double)stats->most_ns),
                 milliseconds(sqrt(stats->spread / (double)stats->received)));
}
