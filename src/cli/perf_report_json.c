/* The members that iperf3 prints and tern knows, under iperf3's names. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/perf_report.h"

static const char *yes_or_no(bool value)
{
    return value ? "true" : "false";
}

/* Where a stream is from and to; nothing of what does not exist any more. */
static void connected_print(const struct trial *t, const struct perf_stream *stream)
{
    struct sockaddr_in ends[2] = {{0}};
    char host[2][INET_ADDRSTRLEN];
    socklen_t length = sizeof ends[0];
    tern_getsockname(t->session->stack, stream->socket, (struct sockaddr *)&ends[0], &length);
    length = sizeof ends[1];
    tern_getpeername(t->session->stack, stream->socket, (struct sockaddr *)&ends[1], &length);
    for (int i = 0; i < 2; i++)
        inet_ntop(AF_INET, &ends[i].sin_addr, host[i], sizeof host[i]);
    printf("{\"socket\":%u,\"local_host\":\"%s\",\"local_port\":%u,"
           "\"remote_host\":\"%s\",\"remote_port\":%u}",
           stream->id, host[0], ntohs(ends[0].sin_port), host[1], ntohs(ends[1].sin_port));
}

static void json_begin(const struct trial *t)
{
    char peer[INET_ADDRSTRLEN];
    const struct perf_test *test = &t->test;
    printf("{\"start\":{\"connected\":[");
    for (unsigned i = 0; i < t->count; i++) {
        printf(i ? ",\n  " : "\n  ");
        connected_print(t, &t->streams[i]);
    }
    inet_ntop(AF_INET, &t->to.sin_addr, peer, sizeof peer);
    printf("],\n \"version\":\"tern %d.%d.%d\",\"timestamp\":{\"timesecs\":%lld},\n"
           " \"%s\":{\"host\":\"%s\",\"port\":%u},\"cookie\":\"%s\",\n",
           TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH, (long long)time(NULL),
           t->server ? "accepted_connection" : "connecting_to", peer, ntohs(t->to.sin_port),
           t->server ? "" : t->cookie);
    printf(" \"test_start\":{\"protocol\":\"%s\",\"num_streams\":%u,\"blksize\":%u,\"omit\":%u,"
           "\"duration\":%u,\"bytes\":%" PRIu64 ",\"blocks\":0,\"reverse\":%d,\"bidir\":%d,"
           "\"target_bitrate\":%" PRIu64 "}},\n\"intervals\":[",
           test->udp ? "UDP" : "TCP", test->streams, test->length, test->omit_s, test->seconds,
           test->bytes, test->reverse, test->bidirectional, test->rate);
}

/* What is said of a stream or of a sum, between two braces. */
static void count_print(const struct trial *t, const struct perf_count *count, bool sender,
                        double from_s, double to_s)
{
    double seconds = to_s - from_s;
    printf("\"start\":%.6f,\"end\":%.6f,\"seconds\":%.6f,\"bytes\":%" PRIu64
           ",\"bits_per_second\":%.0f",
           from_s, to_s, seconds, count->bytes,
           seconds > 0 ? 8.0 * (double)count->bytes / seconds : 0.0);
    if (t->test.udp)
        printf(",\"packets\":%" PRIu64, count->datagrams);
    if (t->test.udp && !sender)
        printf(",\"jitter_ms\":%.6f,\"lost_packets\":%" PRIu64 ",\"lost_percent\":%.4f",
               count->jitter_s * 1000, count->lost, perf_lost_percent(count));
    if (!t->test.udp && sender)
        printf(",\"retransmits\":%u", count->retransmits);
}

static void sum_print(const struct trial *t, const char *name, bool sends, double from_s,
                      double to_s, bool omitted)
{
    struct perf_count sum = perf_sum(t, sends, PERF_INTERVAL);
    printf(",\"%s\":{", name);
    count_print(t, &sum, sends, from_s, to_s);
    printf(",\"omitted\":%s,\"sender\":%s}", yes_or_no(omitted), yes_or_no(sends));
}

static void json_interval(const struct trial *t, uint64_t from_ns, uint64_t to_ns, bool omitted)
{
    double from_s = (double)from_ns / 1e9, to_s = (double)to_ns / 1e9;
    printf("%s{\"streams\":[", t->intervals ? ",\n " : "\n ");
    for (unsigned i = 0; i < t->count; i++) {
        const struct perf_stream *stream = &t->streams[i];
        struct perf_count count = perf_part_of(stream, PERF_INTERVAL);
        printf("%s{\"socket\":%u,", i ? ",\n   " : "", stream->id);
        count_print(t, &count, stream->sends, from_s, to_s);
        printf(",\"omitted\":%s,\"sender\":%s}", yes_or_no(omitted), yes_or_no(stream->sends));
    }
    printf("]");
    sum_print(t, "sum", trial_sends(t), from_s, to_s, omitted);
    if (t->test.bidirectional)
        sum_print(t, "sum_bidir_reverse", false, from_s, to_s, omitted);
    printf("}");
    fflush(stdout);
}

/* One stream or sum at the end, as its sender and as its receiver counted it; of a side that has
 * not told, nothing. */
static void both_print(const struct trial *t, const char *names[2], bool sends,
                       const struct perf_count *here, const struct perf_count *there)
{
    double seconds = (double)t->elapsed_ns / 1e9;
    const struct perf_count *counts[2] = {sends ? here : there, sends ? there : here};
    const char *comma = "";
    for (int i = 0; i < 2; i++) {
        if (counts[i] == there && !t->told)
            continue;
        printf("%s\"%s\":{", comma, names[i]);
        comma = ",";
        count_print(t, counts[i], i == 0, 0, seconds);
        printf(",\"sender\":%s}", yes_or_no(sends));
    }
}

static void way_print(const struct trial *t, bool sends, const char *names[2])
{
    struct perf_count here = perf_sum(t, sends, PERF_HERE), there = perf_sum(t, sends, PERF_THERE);
    printf(",\n ");
    both_print(t, names, sends, &here, &there);
}

/* By what the sender and the receiver control their connections, where they say so. */
static void congestion_print(const struct trial *t)
{
    bool sends = trial_sends(t);
    const char *sender = sends ? t->here.congestion : t->there.congestion;
    const char *receiver = sends ? t->there.congestion : t->here.congestion;
    if (sender[0])
        printf(",\n \"sender_tcp_congestion\":\"%s\"", sender);
    if (receiver[0])
        printf(",\n \"receiver_tcp_congestion\":\"%s\"", receiver);
}

static void cpu_print(const struct trial *t)
{
    const struct cpu_share *here = &t->here.cpu, *there = &t->there.cpu;
    printf(",\n \"cpu_utilization_percent\":{\"host_total\":%.6f,\"host_user\":%.6f,"
           "\"host_system\":%.6f",
           here->total, here->user, here->system);
    if (t->told)
        printf(",\"remote_total\":%.6f,\"remote_user\":%.6f,\"remote_system\":%.6f", there->total,
               there->user, there->system);
    printf("}");
}

/* The end of the intervals, and the member "end". */
static void end_print(const struct trial *t)
{
    static const char *stream_names[2] = {"sender", "receiver"};
    static const char *sum_names[2] = {"sum_sent", "sum_received"};
    static const char *reverse_names[2] = {"sum_sent_bidir_reverse", "sum_received_bidir_reverse"};
    printf("],\n\"end\":{\"streams\":[");
    for (unsigned i = 0; i < t->count; i++) {
        const struct perf_stream *stream = &t->streams[i];
        printf("%s{", i ? ",\n  " : "\n  ");
        both_print(t, stream_names, stream->sends, &stream->count, &stream->there);
        printf("}");
    }
    printf("]");
    way_print(t, trial_sends(t), sum_names);
    if (t->test.bidirectional)
        way_print(t, false, reverse_names);
    cpu_print(t);
    congestion_print(t);
    printf("}");
}

static void json_end(const struct trial *t)
{
    end_print(t);
    printf("}\n");
    fflush(stdout);
}

static void json_broken(const struct trial *t, const char *why)
{
    if (t->counted)
        end_print(t);
    else if (t->begun)
        printf("],\n\"end\":{}");
    printf("%s\"error\":\"%s\"}\n", t->begun ? ",\n" : "{", why);
    fflush(stdout);
}

const struct perf_show perf_show_json = {json_begin, json_interval, json_end, json_broken};
