#include "cli/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    STREAM_BLOCK = 64 * 1024,
    CHARGEN_TURN = 64 * 1024, /* bytes before the next stream has its turn */
};

/* Hands bytes to the socket: how many it took, or a negative errno. */
static ssize_t socket_send(struct tern *stack, struct stream *stream, const uint8_t *bytes,
                           size_t length)
{
    ssize_t taken = tern_send(stack, stream->socket, bytes, length, MSG_DONTWAIT);
    if (taken < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    stream->counts->stream_out_bytes += (uint64_t)taken;
    return taken;
}

/* Sends now what can be, and keeps the rest. Only called while nothing is pending. */
static int stream_say(struct tern *stack, struct stream *stream, const uint8_t *bytes,
                      size_t length)
{
    ssize_t taken = socket_send(stack, stream, bytes, length);
    if (taken < 0)
        return (int)taken;
    size_t left = length - (size_t)taken;
    if (left == 0)
        return 0;
    stream->pending = malloc(left);
    if (!stream->pending)
        return -ENOMEM;
    memcpy(stream->pending, bytes + taken, left);
    stream->pending_length = left;
    stream->pending_sent = 0;
    return 0;
}

static int pending_send(struct tern *stack, struct stream *stream)
{
    if (!stream->pending)
        return 0;
    ssize_t taken = socket_send(stack, stream, stream->pending + stream->pending_sent,
                                stream->pending_length - stream->pending_sent);
    if (taken < 0)
        return (int)taken;
    stream->pending_sent += (size_t)taken;
    if (stream->pending_sent == stream->pending_length) {
        free(stream->pending);
        stream->pending = NULL;
    }
    return 0;
}

static int chargen_send(struct tern *stack, struct stream *stream)
{
    for (size_t turn = 0; turn < CHARGEN_TURN;) {
        size_t length;
        const uint8_t *bytes = chargen_at(stream->position, &length);
        ssize_t taken = socket_send(stack, stream, bytes, length);
        if (taken <= 0)
            return (int)taken;
        stream->position += (uint64_t)taken;
        turn += (size_t)taken;
    }
    return 0;
}

/* Takes what has arrived once; only echo has a use for it. */
static int input_take(struct tern *stack, struct stream *stream)
{
    static _Thread_local uint8_t block[STREAM_BLOCK];
    ssize_t length = tern_recv(stack, stream->socket, block, sizeof block, MSG_DONTWAIT);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    stream->input_ended = length == 0;
    stream->counts->stream_in_bytes += (uint64_t)length;
    if (stream->service == SERVICE_ECHO && length > 0)
        return stream_say(stack, stream, block, (size_t)length);
    return 0;
}

/* Echo reads on only when all it has read is sent: the peer's window then does the waiting. */
static bool stream_wants_input(const struct stream *stream)
{
    return !stream->input_ended && !(stream->service == SERVICE_ECHO && stream->pending);
}

static bool stream_wants_output(const struct stream *stream)
{
    return stream->pending || stream->service == SERVICE_CHARGEN;
}

/* Our side is said to the end: for daytime after its line, for the others when the peer's is. */
static bool stream_said_all(const struct stream *stream)
{
    if (stream_wants_output(stream))
        return false;
    return stream->input_ended || stream->service == SERVICE_DAYTIME;
}

void stream_begin(struct tern *stack, struct stream *stream)
{
    char text[SERVICE_TEXT_MAX];
    stream->counts->connections++;
    if (stream->service != SERVICE_DAYTIME)
        return;
    size_t length = daytime_write(time(NULL), text);
    if (stream_say(stack, stream, (const uint8_t *)text, length) == 0 && stream_said_all(stream))
        stream->output_ended = tern_shutdown(stack, stream->socket, SHUT_WR) == 0;
}

short stream_events(const struct stream *stream)
{
    return (short)((stream_wants_input(stream) ? POLLIN : 0) |
                   (stream_wants_output(stream) ? POLLOUT : 0));
}

bool stream_step(struct tern *stack, struct stream *stream, short ready)
{
    int result = 0;
    if ((ready & (POLLIN | POLLERR | POLLHUP)) && stream_wants_input(stream))
        result = input_take(stack, stream);
    if (result == 0 && (ready & (POLLOUT | POLLERR | POLLHUP)))
        result = stream->service == SERVICE_CHARGEN ? chargen_send(stack, stream)
                                                    : pending_send(stack, stream);
    if (result < 0)
        return false;
    if (stream_said_all(stream) && !stream->output_ended)
        stream->output_ended = tern_shutdown(stack, stream->socket, SHUT_WR) == 0;
    return !(stream_said_all(stream) && stream->input_ended);
}

void stream_close(struct tern *stack, struct stream *stream)
{
    free(stream->pending);
    stream->pending = NULL;
    tern_close(stack, stream->socket);
}
