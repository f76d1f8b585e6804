#include "cli/perf_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/time.h"
#include "cli/units.h"

enum {
    BLOCKS_TURN = 4, /* before the next stream has its turn */
    DATAGRAMS_TURN = 64,
    HEADER_NARROW = 12,
    HEADER_WIDE = 16,
};

/* Of the other side's clock, too: since 1970. */
static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return TIME_S((uint64_t)now.tv_sec) + (uint64_t)now.tv_nsec;
}

void perf_datagram_stamp(uint8_t *datagram, bool wide, uint64_t number, uint64_t now_ns)
{
    struct writer writer = writer_over(datagram, PERF_DATAGRAM_MIN);
    writer_u32(&writer, (uint32_t)(now_ns / TIME_S(1)));
    writer_u32(&writer, (uint32_t)(now_ns % TIME_S(1) / 1000));
    if (wide)
        writer_u32(&writer, (uint32_t)(number >> 32));
    writer_u32(&writer, (uint32_t)number);
}

/* A number that was passed over is lost, until it comes late (RFC 3550 has more to say of numbers
 * that come twice; iperf3 does not, and both ends should count alike). */
static void number_take(struct perf_stream *stream, uint64_t number)
{
    struct perf_count *count = &stream->count;
    uint64_t highest = stream->omitted_datagrams + count->datagrams;
    if (number > highest) {
        count->lost += number - highest - 1;
        count->datagrams += number - highest;
        return;
    }
    count->reordered++;
    if (count->lost > 0)
        count->lost--;
}

void perf_datagram_take(struct perf_stream *stream, bool wide, const uint8_t *datagram,
                        size_t length, uint64_t now_ns)
{
    struct cursor cursor = cursor_over(datagram, length);
    double sent_s = (double)cursor_u32(&cursor);
    sent_s += (double)cursor_u32(&cursor) / 1e6;
    uint64_t number = wide ? (uint64_t)cursor_u32(&cursor) << 32 : 0;
    number |= cursor_u32(&cursor);
    if (length < (size_t)(wide ? HEADER_WIDE : HEADER_NARROW))
        return;
    stream->count.bytes += length;
    number_take(stream, number);
    double transit_s = (double)now_ns / 1e9 - sent_s;
    double change_s = stream->timed ? transit_s - stream->transit_s : 0;
    stream->transit_s = transit_s;
    stream->timed = true;
    stream->count.jitter_s += ((change_s < 0 ? -change_s : change_s) - stream->count.jitter_s) / 16;
}

uint64_t perf_stream_due(const struct perf_stream *stream, uint64_t rate)
{
    if (rate == 0)
        return 0;
    return stream->paced_from_ns + (uint64_t)((double)stream->paced_bytes * 8e9 / (double)rate);
}

void perf_stream_restart(struct perf_stream *stream, uint64_t now_ns)
{
    stream->omitted_datagrams += stream->count.datagrams;
    stream->omitted_lost += stream->count.lost;
    stream->omitted_retransmits += stream->count.retransmits;
    stream->count = stream->before = (struct perf_count){0};
    stream->paced_from_ns = now_ns;
    stream->paced_bytes = 0;
}

void perf_stream_note_tcp(struct tern *stack, struct perf_stream *stream)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (stream->sends &&
        tern_getsockopt(stack, stream->socket, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
        stream->count.retransmits = info.tcpi_total_retrans - stream->omitted_retransmits;
}

/* A negative errno, or 0 for what passes by itself: a link or a buffer that is full, or a listener
 * of the other side's that is gone already. */
static int moved_wrong(bool udp)
{
    if (errno == EAGAIN || errno == EINTR || (udp && (errno == ENOBUFS || errno == ECONNREFUSED)))
        return 0;
    return -errno;
}

/* One write or read: its length, 0 when nothing can be moved now, or a negative errno. */
static ssize_t block_move(struct tern *stack, struct perf_stream *stream,
                          const struct perf_test *test, uint8_t *block)
{
    if (test->udp && stream->sends)
        perf_datagram_stamp(block, test->wide,
                            stream->omitted_datagrams + stream->count.datagrams + 1, clock_ns());
    ssize_t n = stream->sends ? tern_send(stack, stream->socket, block, test->length, MSG_DONTWAIT)
                              : tern_recv(stack, stream->socket, block, test->length, MSG_DONTWAIT);
    if (n < 0)
        return moved_wrong(test->udp);
    if (n == 0 && !test->udp)
        return -ECONNRESET;
    if (test->udp && !stream->sends) {
        perf_datagram_take(stream, test->wide, block, (size_t)n, clock_ns());
        return n ? n : 1;
    }
    stream->count.bytes += (uint64_t)n;
    stream->count.datagrams += test->udp;
    stream->paced_bytes += (uint64_t)n;
    return n;
}

int perf_stream_move(struct tern *stack, struct perf_stream *stream, const struct perf_test *test,
                     uint8_t *block)
{
    unsigned turns = test->udp ? DATAGRAMS_TURN : BLOCKS_TURN;
    ssize_t moved = 1;
    for (unsigned turn = 0; turn < turns && moved > 0; turn++) {
        if (stream->sends && test->rate && turn > 0 &&
            perf_stream_due(stream, test->rate) > stopwatch_ns())
            break;
        moved = block_move(stack, stream, test, block);
    }
    return moved < 0 ? (int)moved : 0;
}
