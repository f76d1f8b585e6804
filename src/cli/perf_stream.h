/* One stream of a measurement: what it moves at a time, how fast it may, and what has come of it.
 *
 * A datagram begins with the time at which it was sent (seconds and microseconds of the sender's
 * clock, four bytes each) and its number, from 1 on, in four bytes or eight. From gaps in the
 * numbers follow the losses, from the times the jitter (RFC 3550 §6.4.1). */
#ifndef TERN_CLI_PERF_STREAM_H
#define TERN_CLI_PERF_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <tern/tern.h>

#include "cli/perf_control.h"

struct perf_stream {
    int socket; /* non-blocking in effect: all calls say MSG_DONTWAIT */
    unsigned id;
    bool sends;
    struct perf_count count;  /* since what is omitted is over */
    struct perf_count before; /* the part that is in earlier intervals */
    uint64_t omitted_datagrams, omitted_lost;
    uint32_t omitted_retransmits;
    uint64_t paced_from_ns, paced_bytes; /* of a sender with a rate */
    double transit_s;                    /* of the last datagram; with `timed` */
    bool timed;
    struct perf_count there; /* what the other side counted */
};

/* Moves what can be moved now, up to some turns: 0 or a negative errno; -ECONNRESET at the end of a
 * connection. `block` is of the test's length. */
int perf_stream_move(struct tern *stack, struct perf_stream *stream, const struct perf_test *test,
                     uint8_t *block);

/* When a sender may send next, to keep to `rate` bits a second since it was paced. */
uint64_t perf_stream_due(const struct perf_stream *stream, uint64_t rate);

/* Begins to count anew, and to pace: what has been was to be omitted. */
void perf_stream_restart(struct perf_stream *stream, uint64_t now_ns);

/* What TCP tells of a connection that sends: its retransmissions. */
void perf_stream_note_tcp(struct tern *stack, struct perf_stream *stream);

/* The header of a datagram, whose buffer is of PERF_DATAGRAM_MIN bytes at least. */
void perf_datagram_stamp(uint8_t *datagram, bool wide, uint64_t number, uint64_t now_ns);
/* Counts a datagram that has come at `now_ns`. One that is too short to be one is not counted. */
void perf_datagram_take(struct perf_stream *stream, bool wide, const uint8_t *datagram,
                        size_t length, uint64_t now_ns);

#endif
