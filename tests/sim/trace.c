/* trace SECONDS EVERY_MS THERE BACK FLOW...: what flows that share a bottleneck do, as a table.
 *
 * THERE and BACK are the bottleneck's two ways (as of tern --fault); a FLOW is
 * ACCESS_MS:START_MS:SETTINGS, the delay of its access path each way, when it begins, and the
 * sender's settings. Every EVERY_MS a line for each flow that has begun:
 *
 *   seconds, flow, cwnd, ssthresh (0: none yet), segments in flight, latest RTT in ms, Mbit/s since
 * the line before
 *
 * scripts/plot draws from it the pictures of docs/performance.md. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "sim/dumbbell.h"
#include "tcp/tcb.h"

struct lines {
    uint64_t received[DUMBBELL_FLOWS]; /* as of the line before */
    uint64_t every_ns;
};

static void print_line(void *user, struct dumbbell *d)
{
    struct lines *lines = user;
    for (unsigned i = 0; i < d->config->flows; i++) {
        const struct tcb *tcb = dumbbell_tcb(d, i);
        if (!tcb)
            continue;
        uint64_t bits = 8 * (d->received[i] - lines->received[i]);
        lines->received[i] = d->received[i];
        printf("%.3f\t%u\t%u\t%u\t%u\t%.3f\t%.3f\n", (double)dumbbell_time(d) / 1e9, i,
               tcb->cc.cwnd, tcb->cc.ssthresh == UINT32_MAX ? 0 : tcb->cc.ssthresh,
               tcb_in_flight(tcb), (double)tcb->rtt.latest_ns / 1e6,
               (double)bits * 1e3 / (double)lines->every_ns);
    }
}

static void read_way(const char *text, struct fault_profile *way)
{
    char error[256];
    if (fault_profile_parse(text, way, error, sizeof error) == 0)
        return;
    fprintf(stderr, "trace: %s\n", error);
    exit(EXIT_FAILURE);
}

static void read_flow(char *text, struct dumbbell_config *config)
{
    char *at = text;
    unsigned i = config->flows;
    config->flow[i].access_ns = (uint64_t)(strtod(at, &at) * 1e6);
    if (*at++ == ':') {
        config->flow[i].start_ns = (uint64_t)(strtod(at, &at) * 1e6);
        if (*at++ == ':') {
            config->flow[i].settings = at;
            config->flows++;
            return;
        }
    }
    fprintf(stderr, "trace: '%s' is not ACCESS_MS:START_MS:SETTINGS\n", text);
    exit(EXIT_FAILURE);
}

int main(int count, char **arguments)
{
    if (count < 6 || count > 5 + DUMBBELL_FLOWS) {
        fprintf(stderr, "trace SECONDS EVERY_MS THERE BACK FLOW...\n");
        return EXIT_FAILURE;
    }
    struct dumbbell_config config = {.seed = 1};
    read_way(arguments[3], &config.bottleneck[0]);
    read_way(arguments[4], &config.bottleneck[1]);
    for (int i = 5; i < count; i++)
        read_flow(arguments[i], &config);
    struct lines lines = {.every_ns = (uint64_t)(strtod(arguments[2], NULL) * 1e6)};
    if (lines.every_ns == 0)
        lines.every_ns = TIME_MS(1);
    struct dumbbell d;
    dumbbell_open(&d, &config);
    dumbbell_run(&d, (uint64_t)(strtod(arguments[1], NULL) * 1e9), lines.every_ns, print_line,
                 &lines);
    dumbbell_close(&d);
    return EXIT_SUCCESS;
}
