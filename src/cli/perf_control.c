#include "cli/perf_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line.h"

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

/* A text that filled all of its room may have been cut. */
static size_t whole(const struct line *line)
{
    return line->used + 1 < line->size ? line->used : 0;
}

size_t perf_write_parameters(const struct perf_test *test, char *text, size_t size)
{
    struct line line = line_over(text, size);
    line_add(&line,
             "{\"tcp\":true,\"omit\":0,\"time\":%u,\"num\":0,\"blockcount\":0,\"parallel\":%u,",
             test->seconds, test->streams);
    if (test->reverse)
        line_add(&line, "\"reverse\":true,");
    line_add(&line, "\"len\":131072,\"pacing_timer\":1000,\"client_version\":\"3.12\"}");
    return whole(&line);
}

size_t perf_write_results(const struct perf_test *test, const struct perf_count *counts,
                          double seconds, char *text, size_t size)
{
    struct line line = line_over(text, size);
    line_add(&line,
             "{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,"
             "\"sender_has_retransmits\":%d,\"streams\":[",
             test->reverse ? -1 : 1);
    for (unsigned i = 0; i < test->streams; i++)
        line_add(&line,
                 "%s{\"id\":%u,\"bytes\":%" PRIu64 ",\"retransmits\":%" PRId64
                 ",\"jitter\":0,\"errors\":0,\"packets\":0,\"start_time\":0,\"end_time\":%.6f}",
                 i ? "," : "", perf_stream_id(i), counts[i].bytes,
                 test->reverse ? (int64_t)-1 : (int64_t)counts[i].retransmits, seconds);
    line_add(&line, "]}");
    return whole(&line);
}

/* The sum of all numbers that stand behind `key`, which is quoted, at 0 what is negative (a side
 * that does not send counts no retransmissions, and says -1); false when there is none. */
static bool sum_of(const char *text, const char *key, uint64_t *sum)
{
    const char *at = text;
    bool found = false;
    *sum = 0;
    while ((at = strstr(at, key)) != NULL) {
        at += strlen(key);
        at += strspn(at, " \t\r\n:");
        if (*at >= '0' && *at <= '9') {
            *sum += strtoull(at, NULL, 10);
            found = true;
        }
    }
    return found;
}

bool perf_read_results(const char *text, struct perf_count *sum)
{
    const char *streams = strstr(text, "\"streams\"");
    uint64_t bytes = 0, retransmits = 0;
    if (!streams || !sum_of(streams, "\"bytes\"", &bytes))
        return false;
    sum_of(streams, "\"retransmits\"", &retransmits);
    *sum =
        (struct perf_count){bytes, retransmits > UINT32_MAX ? UINT32_MAX : (uint32_t)retransmits};
    return true;
}
