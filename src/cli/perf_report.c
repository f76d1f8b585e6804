#include "cli/perf_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/line.h"
#include "cli/units.h"

enum { LINE_SIZE = 256 };

struct perf_count perf_part_of(const struct perf_stream *stream, enum perf_part part)
{
    const struct perf_count *now = &stream->count, *before = &stream->before;
    if (part == PERF_THERE)
        return stream->there;
    if (part == PERF_HERE)
        return *now;
    return (struct perf_count){
        .bytes = now->bytes - before->bytes,
        .retransmits = now->retransmits - before->retransmits,
        .datagrams = now->datagrams - before->datagrams,
        .lost = now->lost > before->lost ? now->lost - before->lost : 0, /* late ones came */
        .reordered = now->reordered - before->reordered,
        .jitter_s = now->jitter_s,
    };
}

struct perf_count perf_sum(const struct trial *t, bool sends, enum perf_part part)
{
    struct perf_count sum = {0};
    unsigned streams = 0;
    for (unsigned i = 0; i < t->count; i++) {
        if (t->streams[i].sends != sends)
            continue;
        struct perf_count count = perf_part_of(&t->streams[i], part);
        sum.bytes += count.bytes;
        sum.retransmits += count.retransmits;
        sum.datagrams += count.datagrams;
        sum.lost += count.lost;
        sum.reordered += count.reordered;
        sum.jitter_s += count.jitter_s;
        streams++;
    }
    if (streams)
        sum.jitter_s /= streams;
    return sum;
}

double perf_lost_percent(const struct perf_count *count)
{
    return count->datagrams ? 100.0 * (double)count->lost / (double)count->datagrams : 0;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* What is counted beside bytes: by a sender of TCP and of UDP, and by a receiver of UDP. */
static void details_add(struct line *line, const struct trial *t, const struct perf_count *count,
                        bool sender)
{
    if (!t->test.udp && sender)
        line_add(line, ", %u retransmission%s", count->retransmits, plural(count->retransmits));
    if (t->test.udp && sender)
        line_add(line, ", %" PRIu64 " datagram%s", count->datagrams, plural(count->datagrams));
    if (t->test.udp && !sender)
        line_add(line, ", jitter %.3f ms, lost %" PRIu64 " of %" PRIu64 " (%.1f %%)",
                 count->jitter_s * 1000, count->lost, count->datagrams, perf_lost_percent(count));
    if (t->test.udp && !sender && count->reordered)
        line_add(line, ", %" PRIu64 " out of order", count->reordered);
}

static void lines_begin(const struct trial *t)
{
    if (!t->server)
        return;
    printf("%s measures %s, %u stream%s%s\n", t->peer, t->test.udp ? "UDP" : "TCP", t->test.streams,
           plural(t->test.streams),
           t->test.bidirectional ? ", both ways"
           : t->test.reverse     ? ", from here"
                                 : ", to here");
    fflush(stdout);
}

static void interval_line(const struct trial *t, bool sends, uint64_t from_ns, uint64_t to_ns,
                          bool omitted)
{
    char size[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX], text[LINE_SIZE];
    struct line line = line_over(text, sizeof text);
    struct perf_count count = perf_sum(t, sends, PERF_INTERVAL);
    line_add(&line, "%7.2f to %7.2f s   %10s   %14s", (double)from_ns / 1e9, (double)to_ns / 1e9,
             units_bytes(count.bytes, size), units_bit_rate(count.bytes, to_ns - from_ns, rate));
    if (t->test.bidirectional)
        line_add(&line, " %s", sends ? "sent" : "received");
    if (t->test.udp)
        details_add(&line, t, &count, sends);
    printf("%s%s\n", text, omitted ? ", omitted" : "");
}

static void lines_interval(const struct trial *t, uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    if (trial_sends(t))
        interval_line(t, true, from_ns, to_ns, omitted);
    if (trial_receives(t))
        interval_line(t, false, from_ns, to_ns, omitted);
    fflush(stdout);
}

static void side_add(struct line *line, const struct trial *t, const char *who, bool sender,
                     const struct perf_count *count)
{
    char rate[UNITS_TEXT_MAX];
    line_add(line, "%s %s %" PRIu64 " bytes, %s", who, sender ? "sent" : "received", count->bytes,
             units_bit_rate(count->bytes, t->elapsed_ns, rate));
    details_add(line, t, count, sender);
}

static void way_line(const struct trial *t, bool sends)
{
    char text[2 * LINE_SIZE];
    struct line line = line_over(text, sizeof text);
    struct perf_count here = perf_sum(t, sends, PERF_HERE), there = perf_sum(t, sends, PERF_THERE);
    if (sends || t->told)
        side_add(&line, t, sends ? "tern" : t->peer, true, sends ? &here : &there);
    if (t->told)
        line_add(&line, "; ");
    if (!sends || t->told)
        side_add(&line, t, sends ? t->peer : "tern", false, sends ? &there : &here);
    printf("%s\n", text);
}

/* Both ways count, for both are worked for. */
static void cpu_add(struct line *line, const struct trial *t, const char *who,
                    const struct cpu_share *cpu)
{
    double gigabytes = 0, seconds = (double)t->elapsed_ns / 1e9;
    for (unsigned i = 0; i < t->count; i++)
        gigabytes += (double)t->streams[i].count.bytes / 1e9;
    line_add(line, "%s %.0f %% (%.0f user, %.0f system)", who, cpu->total, cpu->user, cpu->system);
    if (gigabytes > 0)
        line_add(line, ", %.3f s a GB", cpu->total / 100 * seconds / gigabytes);
}

static void cpu_line(const struct trial *t)
{
    char text[2 * LINE_SIZE];
    struct line line = line_over(text, sizeof text);
    line_add(&line, "CPU: ");
    cpu_add(&line, t, "tern", &t->here.cpu);
    if (t->told) {
        line_add(&line, "; ");
        cpu_add(&line, t, t->peer, &t->there.cpu);
    }
    printf("%s\n", text);
}

static void lines_end(const struct trial *t)
{
    if (trial_sends(t))
        way_line(t, true);
    if (trial_receives(t))
        way_line(t, false);
    cpu_line(t);
    fflush(stdout);
}

static void lines_broken(const struct trial *t, const char *why)
{
    (void)why; /* standard error tells */
    if (t->counted)
        lines_end(t);
}

const struct perf_show perf_show_lines = {lines_begin, lines_interval, lines_end, lines_broken};
