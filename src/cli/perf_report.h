/* What a measurement shows: lines for people, or JSON in the shape of iperf3's, which programs that
 * read that can read too. */
#ifndef TERN_CLI_PERF_REPORT_H
#define TERN_CLI_PERF_REPORT_H

#include "cli/perf_trial.h"

extern const struct perf_show perf_show_lines;
extern const struct perf_show perf_show_json;

/* The sum of all streams of one way, as seen from here: of what was counted here in all (HERE) or
 * in the last interval (INTERVAL), or by the other side (THERE). Jitter is the mean. */
enum perf_part { PERF_HERE, PERF_INTERVAL, PERF_THERE };
struct perf_count perf_sum(const struct trial *t, bool sends, enum perf_part part);
struct perf_count perf_part_of(const struct perf_stream *stream, enum perf_part part);

/* Lost of all, in percent. */
double perf_lost_percent(const struct perf_count *count);

#endif
