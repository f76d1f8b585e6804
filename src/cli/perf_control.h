/* iperf3's control connection: one byte a state, most of which the server says, and JSON behind
 * four bytes of length. There is no standard; this is what iperf 3.x does.
 *
 *   client                                   server
 *   cookie                              →
 *                                       ←    PARAMETERS
 *   what to do                          →
 *                                       ←    CREATE_STREAMS
 *   the streams, each with the cookie   →
 *                                       ←    TEST_START, TEST_RUNNING
 *   … the test …
 *   TEST_END                            →
 *                                       ←    EXCHANGE_RESULTS
 *   what it counted                     →
 *                                       ←    what it counted, DISPLAY_RESULTS
 *   DONE                                →                                                       */
#ifndef TERN_CLI_PERF_CONTROL_H
#define TERN_CLI_PERF_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cpu_time.h"

enum perf_state {
    PERF_TEST_START = 1,
    PERF_TEST_RUNNING = 2,
    PERF_TEST_END = 4, /* said by the client */
    PERF_PARAMETERS = 9,
    PERF_CREATE_STREAMS = 10,
    PERF_SERVER_TERMINATE = 11,
    PERF_CLIENT_TERMINATE = 12,
    PERF_EXCHANGE_RESULTS = 13,
    PERF_DISPLAY_RESULTS = 14,
    PERF_DONE = 16, /* said by the client */
    PERF_ACCESS_DENIED = -1,
    PERF_SERVER_ERROR = -2, /* and two numbers of four bytes: why, and the errno of Linux */
};

/* Why, in iperf3's numbers. */
enum { PERF_ERROR_CONGESTION = 134 };

enum {
    PERF_PORT = 5201,
    PERF_COOKIE_SIZE = 37,                    /* begins every TCP connection; the last is 0 */
    PERF_PARALLEL_MAX = 128,                  /* streams each way */
    PERF_STREAMS_MAX = 2 * PERF_PARALLEL_MAX, /* both ways */
    PERF_MESSAGE_MAX = 128 * 1024,            /* bytes of JSON */
    PERF_PARAMETERS_MAX = 8 * 1024,           /* of the client's, as iperf3 has it */
    PERF_SECONDS_MAX = 86400,
    PERF_OMIT_MAX_S = 600,
    PERF_BLOCK_MAX = 1024 * 1024, /* bytes of one write */
    PERF_DATAGRAM_MIN = 16,       /* holds the header with wide counters */
    PERF_DATAGRAM_MAX = 65507,
    PERF_CONGESTION_SIZE = 16, /* of the name of a congestion control, as Linux has it */
};

/* The largest count that JSON's numbers hold exactly (RFC 8259 §6): what 400 Gbit/s carry in two
 * days, and few enough for those of all streams to be added up. */
#define PERF_COUNT_MAX (((uint64_t)1 << 53) - 1)

/* A UDP stream begins with a word each way, in the order of the host's bytes;
 * iperf before 3.10 had others. */
enum {
    PERF_HELLO = 0x36373839,
    PERF_HELLO_OLD = 123456789,
    PERF_ANSWER = 0x39383736,
    PERF_ANSWER_OLD = 987654321,
};

/* What is to be done. */
struct perf_test {
    bool udp;
    bool reverse;       /* the server sends */
    bool bidirectional; /* both do */
    bool wide;          /* UDP: datagrams are numbered in 64 bits, not 32 */
    unsigned streams;   /* each way */
    unsigned seconds;   /* 0: until `bytes` are through */
    unsigned omit_s;    /* before them: not counted */
    uint64_t bytes;
    uint64_t rate;                         /* bits a second of each stream; 0: as fast as it goes */
    unsigned length;                       /* of a write or datagram */
    char congestion[PERF_CONGESTION_SIZE]; /* TCP: by what who sends controls it; "": as it likes */
};

/* What one side has counted of one stream. */
struct perf_count {
    uint64_t bytes;
    uint32_t retransmits;
    /* UDP */
    uint64_t datagrams;       /* sent, or the highest number received */
    uint64_t lost, reordered; /* the receiver's */
    double jitter_s;
};

/* The same as it is told: with what was omitted of the two that are told whole. */
struct perf_result {
    unsigned id;
    bool sends;
    struct perf_count count;
    uint64_t omitted_datagrams, omitted_lost;
    double seconds;
};

/* What one side tells of itself, beside its streams. */
struct perf_side {
    char congestion[PERF_CONGESTION_SIZE]; /* what its TCP connections have; "": not told */
    struct cpu_share cpu;
};

/* A random name for a test, out of 32 letters and digits. */
void perf_cookie_make(const uint8_t random[PERF_COOKIE_SIZE], char cookie[PERF_COOKIE_SIZE]);
/* The index-th stream's name in results: 1, 3, 4, 5 and so on. */
unsigned perf_stream_id(unsigned index);

/* The messages: their length, or 0 when `size` is too small. */
size_t perf_write_parameters(const struct perf_test *test, char *text, size_t size);
size_t perf_write_results(const struct perf_side *side, const struct perf_result *results,
                          unsigned count, bool sender, char *text, size_t size);
/* The client's wishes: false when they are none, or not such as can be met. */
bool perf_read_parameters(const char *text, struct perf_test *test);
/* Fills in `side`, and the counts of those results whose id the other side's message names: 0,
 * -EPROTO when there is no result in it, or -EBADMSG when one tells of more than can have been
 * counted. What the other side says of the retransmissions of a stream that it receives (-1, from
 * iperf3 in 64 bits without a sign) reads as 0. */
int perf_read_results(const char *text, struct perf_side *side, struct perf_result *results,
                      unsigned count);

#endif
