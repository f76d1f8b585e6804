#include "cli/perf_control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/line.h"
#include "cli/perf_json.h"

void perf_cookie_make(const uint8_t random[PERF_COOKIE_SIZE], char cookie[PERF_COOKIE_SIZE])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (int i = 0; i < PERF_COOKIE_SIZE - 1; i++)
        cookie[i] = letters[random[i] % 32];
    cookie[PERF_COOKIE_SIZE - 1] = 0;
}

unsigned perf_stream_id(unsigned index)
{
    return index == 0 ? 1 : index + 2;
}

/* Jitter is of times whose seconds have 32 bits. */
static const double JITTER_MAX_S = UINT32_MAX;

/* More processors than any host has, in percent. */
static const double CPU_MAX_PERCENT = 100.0 * 1000000;

/* A text that filled all of its room may have been cut. */
static size_t whole(const struct line *line)
{
    return line->used + 1 < line->size ? line->used : 0;
}

size_t perf_write_parameters(const struct perf_test *test, char *text, size_t size)
{
    struct line line = line_over(text, size);
    line_add(&line,
             "{\"%s\":true,\"omit\":%u,\"time\":%u,\"num\":%" PRIu64
             ",\"blockcount\":0,\"parallel\":%u,",
             test->udp ? "udp" : "tcp", test->omit_s, test->seconds, test->bytes, test->streams);
    if (test->reverse)
        line_add(&line, "\"reverse\":true,");
    if (test->bidirectional)
        line_add(&line, "\"bidirectional\":true,");
    if (test->rate)
        line_add(&line, "\"bandwidth\":%" PRIu64 ",", test->rate);
    if (test->congestion[0])
        line_add(&line, "\"congestion\":\"%s\",", test->congestion);
    if (test->udp && test->wide)
        line_add(&line, "\"udp_counters_64bit\":1,");
    line_add(&line, "\"len\":%u,\"pacing_timer\":1000,\"client_version\":\"3.12\"}", test->length);
    return whole(&line);
}

bool perf_read_parameters(const char *text, struct perf_test *test)
{
    *test = (struct perf_test){
        .udp = json_true(text, "udp"),
        .reverse = json_true(text, "reverse"),
        .bidirectional = json_true(text, "bidirectional"),
        .wide = json_count(text, "udp_counters_64bit", 0) > 0,
        .bytes = json_count(text, "num", 0),
        .rate = json_count(text, "bandwidth", 0),
    };
    uint64_t streams = json_count(text, "parallel", 1), seconds = json_count(text, "time", 0);
    uint64_t omit_s = json_count(text, "omit", 0), length = json_count(text, "len", 0);
    uint64_t least = test->udp ? PERF_DATAGRAM_MIN : 1;
    uint64_t most = test->udp ? PERF_DATAGRAM_MAX : PERF_BLOCK_MAX;
    if ((!test->udp && !json_true(text, "tcp")) || streams < 1 || streams > PERF_PARALLEL_MAX ||
        test->bytes > PERF_COUNT_MAX || test->rate > PERF_COUNT_MAX || seconds > PERF_SECONDS_MAX ||
        omit_s > PERF_OMIT_MAX_S || length < least || length > most)
        return false;
    if (json_member(text, "congestion") &&
        !json_name(text, "congestion", test->congestion, sizeof test->congestion))
        return false;
    test->streams = (unsigned)streams;
    test->seconds = (unsigned)seconds;
    test->omit_s = (unsigned)omit_s;
    test->length = (unsigned)length;
    return true;
}

size_t perf_write_results(const struct perf_side *side, const struct perf_result *results,
                          unsigned count, bool sender, char *text, size_t size)
{
    struct line line = line_over(text, size);
    line_add(&line,
             "{\"cpu_util_total\":%.6f,\"cpu_util_user\":%.6f,\"cpu_util_system\":%.6f,"
             "\"sender_has_retransmits\":%d,",
             side->cpu.total, side->cpu.user, side->cpu.system, sender ? 1 : -1);
    if (side->congestion[0])
        line_add(&line, "\"congestion_used\":\"%s\",", side->congestion);
    line_add(&line, "\"streams\":[");
    for (unsigned i = 0; i < count; i++) {
        const struct perf_result *r = &results[i];
        line_add(&line,
                 "%s{\"id\":%u,\"bytes\":%" PRIu64 ",\"retransmits\":%" PRId64
                 ",\"jitter\":%.9f,\"errors\":%" PRIu64 ",\"omitted_errors\":%" PRIu64
                 ",\"packets\":%" PRIu64 ",\"omitted_packets\":%" PRIu64
                 ",\"start_time\":0,\"end_time\":%.6f}",
                 i ? "," : "", r->id, r->count.bytes,
                 r->sends ? (int64_t)r->count.retransmits : (int64_t)-1, r->count.jitter_s,
                 r->count.lost + r->omitted_lost, r->omitted_lost,
                 r->count.datagrams + r->omitted_datagrams, r->omitted_datagrams, r->seconds);
    }
    line_add(&line, "]}");
    return whole(&line);
}

static uint64_t beyond(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

/* False when one of its numbers cannot have been counted. */
static bool result_makes_sense(const char *stream)
{
    static const char *const counts[] = {"bytes", "packets", "errors", "omitted_errors",
                                         "omitted_packets"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (json_count(stream, counts[i], 0) > PERF_COUNT_MAX)
            return false;
    double jitter_s = json_number(stream, "jitter", 0);
    return jitter_s >= 0 && jitter_s <= JITTER_MAX_S;
}

/* 0 for what is not told, or cannot be: it is for people to read, and nothing is made of it. */
static double percent_read(const char *text, const char *key)
{
    double percent = json_number(text, key, 0);
    return percent > 0 && percent <= CPU_MAX_PERCENT ? percent : 0;
}

static void side_read(const char *text, struct perf_side *side)
{
    json_name(text, "congestion_used", side->congestion, sizeof side->congestion);
    side->cpu = (struct cpu_share){.total = percent_read(text, "cpu_util_total"),
                                   .user = percent_read(text, "cpu_util_user"),
                                   .system = percent_read(text, "cpu_util_system")};
}

static void result_read(const char *stream, struct perf_result *result)
{
    uint64_t retransmits = json_count(stream, "retransmits", 0);
    result->omitted_datagrams = json_count(stream, "omitted_packets", result->omitted_datagrams);
    result->omitted_lost = json_count(stream, "omitted_errors", 0);
    result->count = (struct perf_count){
        .bytes = json_count(stream, "bytes", 0),
        .retransmits = retransmits > UINT32_MAX ? 0 : (uint32_t)retransmits,
        .datagrams = beyond(json_count(stream, "packets", 0), result->omitted_datagrams),
        .lost = beyond(json_count(stream, "errors", 0), result->omitted_lost),
        .jitter_s = json_number(stream, "jitter", 0),
    };
}

int perf_read_results(const char *text, struct perf_side *side, struct perf_result *results,
                      unsigned count)
{
    const char *stream = json_first(json_member(text, "streams"));
    bool found = false;
    side_read(text, side);
    for (; stream; stream = json_next(stream)) {
        uint64_t id = json_count(stream, "id", 0);
        for (unsigned i = 0; i < count; i++) {
            if (results[i].id != id || !json_member(stream, "bytes"))
                continue;
            if (!result_makes_sense(stream))
                return -EBADMSG;
            result_read(stream, &results[i]);
            found = true;
        }
    }
    return found ? 0 : -EPROTO;
}
