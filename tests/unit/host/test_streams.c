/* Many streams, read by few threads that poll: what arrives in passing (sock/land.c) is in the
 * right place, whoever's it is. Worth most under the sanitizers. */
#include "two_ends.h"

#include <poll.h>
#include <stdlib.h>

enum {
    POLLERS = 2,
    STREAMS = 4, /* a poller */
    LENGTH = 300 * 1000,
    ROOM = 200 * 1000,
    WRITE = 50 * 1000,
};

struct stream {
    unsigned number;
    int writer, reader;
    size_t read;
};

static struct stream streams[POLLERS][STREAMS];

static uint8_t byte_at(const struct stream *stream, size_t at)
{
    return (uint8_t)(at * 31 + at / 256 + stream->number * 101);
}

static void *write_stream(void *argument)
{
    const struct stream *stream = argument;
    uint8_t bytes[WRITE];
    for (size_t at = 0; at < LENGTH; at += WRITE) {
        for (size_t i = 0; i < WRITE; i++)
            bytes[i] = byte_at(stream, at + i);
        if (!expect(tern_write_all(ends[0], stream->writer, bytes, WRITE) == 0, "write all"))
            break;
    }
    expect(tern_shutdown(ends[0], stream->writer, SHUT_WR) == 0, "shutdown");
    return NULL;
}

/* Reads what is there. False at the end. */
static bool read_some(struct stream *stream, uint8_t *room)
{
    ssize_t n = tern_recv(ends[1], stream->reader, room, ROOM, MSG_DONTWAIT);
    if (n < 0)
        return expect(errno == EAGAIN, "recv");
    size_t wrong = 0;
    for (ssize_t i = 0; i < n; i++)
        wrong += room[i] != byte_at(stream, stream->read + (size_t)i);
    stream->read += (size_t)n;
    return expect(wrong == 0, "bytes of the stream") && n > 0;
}

static void *poll_streams(void *argument)
{
    struct stream *of = argument;
    struct pollfd ready[STREAMS];
    uint8_t *room = malloc(ROOM);
    for (int i = 0; i < STREAMS; i++)
        ready[i] = (struct pollfd){.fd = of[i].reader, .events = POLLIN};
    for (int left = STREAMS; left > 0;) {
        if (!expect(tern_poll(ends[1], ready, STREAMS, -1) > 0, "poll"))
            break;
        for (int i = 0; i < STREAMS; i++) {
            if (!ready[i].revents || read_some(&of[i], room))
                continue;
            expect(of[i].read == LENGTH, "the whole stream");
            ready[i].fd = -1;
            left--;
        }
    }
    free(room);
    return NULL;
}

static void open_streams(void)
{
    int listener = tern_listen_on(ends[1], "7000", POLLERS * STREAMS);
    assert_true(listener >= 0);
    for (unsigned i = 0; i < POLLERS * STREAMS; i++) {
        struct stream *stream = &streams[i / STREAMS][i % STREAMS];
        *stream = (struct stream){.number = i, .writer = tern_dial(ends[0], "10.0.0.2:7000")};
        assert_true(stream->writer >= 0);
        stream->reader = tern_accept(ends[1], listener, NULL, NULL);
        assert_true(stream->reader >= 0);
    }
    assert_int_equal(tern_close(ends[1], listener), 0);
}

static void who_polls_several_reads_each_whole(void **state)
{
    (void)state;
    pthread_t writers[POLLERS * STREAMS], pollers[POLLERS];
    setup();
    open_streams();
    for (int i = 0; i < POLLERS * STREAMS; i++)
        assert_int_equal(
            pthread_create(&writers[i], NULL, write_stream, &streams[i / STREAMS][i % STREAMS]), 0);
    for (int i = 0; i < POLLERS; i++)
        assert_int_equal(pthread_create(&pollers[i], NULL, poll_streams, streams[i]), 0);
    join_all(writers, POLLERS * STREAMS);
    join_all(pollers, POLLERS);
    for (int i = 0; i < POLLERS * STREAMS; i++) {
        assert_int_equal(tern_close(ends[0], streams[i / STREAMS][i % STREAMS].writer), 0);
        assert_int_equal(tern_close(ends[1], streams[i / STREAMS][i % STREAMS].reader), 0);
    }
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_polls_several_reads_each_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
