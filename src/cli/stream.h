/* One TCP connection of `tern serve`: a non-blocking socket, the service it speaks, and what it
 * still has to say. An idle stream holds no buffer. */
#ifndef TERN_CLI_STREAM_H
#define TERN_CLI_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tern/tern.h>

#include "cli/services.h"

/* What a service did, over both protocols. */
struct service_counts {
    uint64_t connections, stream_in_bytes, stream_out_bytes;
    uint64_t datagrams, datagram_in_bytes, datagram_out_bytes;
};

struct stream {
    enum service service;
    int socket;
    bool input_ended;
    bool output_ended;
    uint64_t position; /* in the pattern of chargen */
    uint8_t *pending;  /* what the socket has not taken yet; NULL: nothing */
    size_t pending_length, pending_sent;
    struct service_counts *counts;
};

/* Starts to serve a connection. */
void stream_begin(struct tern *stack, struct stream *stream);

/* What to poll for now. */
short stream_events(const struct stream *stream);

/* Does what can be done without waiting; false when the stream is over. */
bool stream_step(struct tern *stack, struct stream *stream, short ready);

void stream_close(struct tern *stack, struct stream *stream);

#endif
