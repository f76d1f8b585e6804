/* iperf3's control connection, from the client's side: one byte a state, most of which the server
 * says, and JSON behind four bytes of length. There is no standard; this is what iperf 3.x does. */
#ifndef TERN_CLI_PERF_CONTROL_H
#define TERN_CLI_PERF_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum perf_state {
    PERF_TEST_START = 1,
    PERF_TEST_RUNNING = 2,
    PERF_TEST_END = 4, /* said by the client */
    PERF_PARAMETERS = 9,
    PERF_CREATE_STREAMS = 10,
    PERF_EXCHANGE_RESULTS = 13,
    PERF_DISPLAY_RESULTS = 14,
    PERF_DONE = 16, /* said by the client */
    PERF_ACCESS_DENIED = -1,
    PERF_SERVER_ERROR = -2,
};

enum {
    PERF_PORT = 5201,
    PERF_COOKIE_SIZE = 37, /* the first bytes of every connection of a test; the last is 0 */
    PERF_STREAMS_MAX = 128,
    PERF_MESSAGE_MAX = 64 * 1024, /* bytes of JSON */
};

struct perf_test {
    unsigned streams;
    unsigned seconds;
    bool reverse; /* the server sends */
};

/* What one side has counted of one stream. */
struct perf_count {
    uint64_t bytes;
    uint32_t retransmits;
};

/* A random name for a test, out of 32 letters and digits. */
void perf_cookie_make(const uint8_t random[PERF_COOKIE_SIZE], char cookie[PERF_COOKIE_SIZE]);
/* The index-th stream's name in results: 1, 3, 4, 5 and so on. */
unsigned perf_stream_id(unsigned index);

/* The client's two messages: their length, or 0 when `size` is too small. */
size_t perf_write_parameters(const struct perf_test *test, char *text, size_t size);
size_t perf_write_results(const struct perf_test *test, const struct perf_count *counts,
                          double seconds, char *text, size_t size);
/* The server's results, summed over streams: false when there are none in `text`, which is
 * terminated. */
bool perf_read_results(const char *text, struct perf_count *sum);

#endif
