#include "cli/server.h"

#include <errno.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/session.h"

enum {
    BACKLOG = 128,
    DATAGRAMS_TURN = 64, /* before the next socket has its turn */
};

static int offer_bind(struct tern *stack, int type, uint16_t port)
{
    return session_bind(stack, type | SOCK_NONBLOCK, port);
}

static int offer_open(struct tern *stack, struct offer *offer)
{
    offer->listener = offer_bind(stack, SOCK_STREAM, offer->port);
    if (offer->listener < 0)
        return offer->listener;
    if (tern_listen(stack, offer->listener, BACKLOG) < 0)
        return -errno;
    offer->datagrams = offer_bind(stack, SOCK_DGRAM, offer->port);
    return offer->datagrams < 0 ? offer->datagrams : 0;
}

enum status server_open(struct server *server)
{
    for (unsigned i = 0; i < server->offer_count; i++) {
        struct offer *offer = &server->offers[i];
        int result = offer_open(server->stack, offer);
        if (result < 0)
            return status_say(STATUS_FAILED, server->command->name,
                              "cannot serve %s on port %u: %s", service_facts[offer->service].name,
                              offer->port, strerror(-result));
    }
    return STATUS_OK;
}

static void offer_accept(struct server *server, struct offer *offer)
{
    while (server->stream_count < server->stream_limit) {
        int socket = tern_accept4(server->stack, offer->listener, NULL, NULL, SOCK_NONBLOCK);
        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
                server->stream_limit = server->stream_count; /* as many as the stack can bear */
            return;
        }
        struct stream *stream = &server->streams[server->stream_count++];
        *stream =
            (struct stream){.service = offer->service, .socket = socket, .counts = &offer->counts};
        stream_begin(server->stack, stream);
    }
}

static bool port_is_served(const struct server *server, uint16_t port)
{
    for (unsigned i = 0; i < server->offer_count; i++)
        if (server->offers[i].port == port)
            return true;
    return service_port_loops(port);
}

/* Takes one datagram and answers it; false when there is none. */
static bool datagram_serve(struct server *server, struct offer *offer)
{
    uint8_t *in = server->datagram;
    char text[SERVICE_TEXT_MAX];
    const uint8_t *out;
    size_t out_length;
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t length = tern_recvfrom(server->stack, offer->datagrams, in, DATAGRAM_MAX, 0,
                                   (struct sockaddr *)&from, &from_length);
    if (length < 0)
        return errno != EAGAIN && errno != EINTR;
    offer->counts.datagrams++;
    offer->counts.datagram_in_bytes += (uint64_t)length;
    if (port_is_served(server, ntohs(from.sin_port)) ||
        !service_answer(offer->service, in, (size_t)length, time(NULL), text, &out, &out_length))
        return true;
    ssize_t sent = tern_sendto(server->stack, offer->datagrams, out, out_length, 0,
                               (const struct sockaddr *)&from, from_length);
    if (sent > 0)
        offer->counts.datagram_out_bytes += (uint64_t)sent;
    return true;
}

/* Fills in what to wait for; the number of entries. */
static nfds_t server_waits(struct server *server)
{
    struct pollfd *next = server->waiting;
    bool full = server->stream_count >= server->stream_limit;
    for (unsigned i = 0; i < server->offer_count; i++) {
        *next++ = (struct pollfd){.fd = server->offers[i].listener, .events = full ? 0 : POLLIN};
        *next++ = (struct pollfd){.fd = server->offers[i].datagrams, .events = POLLIN};
    }
    for (size_t i = 0; i < server->stream_count; i++)
        *next++ = (struct pollfd){.fd = server->streams[i].socket,
                                  .events = stream_events(&server->streams[i])};
    return (nfds_t)(next - server->waiting);
}

/* From the last to the first, so that the last can take the place of one that is over. */
static void streams_serve(struct server *server)
{
    const struct pollfd *waited = server->waiting + 2 * server->offer_count;
    for (size_t i = server->stream_count; i-- > 0;) {
        if (!waited[i].revents ||
            stream_step(server->stack, &server->streams[i], waited[i].revents))
            continue;
        stream_close(server->stack, &server->streams[i]);
        server->streams[i] = server->streams[--server->stream_count];
        server->stream_limit = STREAMS_MAX;
    }
}

static void offers_serve(struct server *server)
{
    for (unsigned i = 0; i < server->offer_count; i++) {
        struct offer *offer = &server->offers[i];
        if (server->waiting[2 * i].revents)
            offer_accept(server, offer);
        if (!server->waiting[2 * i + 1].revents)
            continue;
        for (int turn = 0; turn < DATAGRAMS_TURN && datagram_serve(server, offer); turn++)
            ;
    }
}

/* What stops one, stops all of them, and is said once. */
static enum status server_fail(struct server *server, int error)
{
    return atomic_exchange(server->stop, true)
               ? STATUS_FAILED
               : status_say(STATUS_FAILED, server->command->name, "cannot go on: %s",
                            status_reason(error));
}

static enum status server_loop(struct server *server)
{
    while (!interrupt_signal() && !*server->stop) {
        int ready =
            tern_poll(server->stack, server->waiting, server_waits(server), INTERRUPT_TICK_MS);
        if (ready < 0 && errno != EINTR)
            return server_fail(server, errno);
        if (ready <= 0)
            continue;
        streams_serve(server);
        offers_serve(server);
    }
    return STATUS_OK;
}

void *server_run(void *argument)
{
    struct server *server = argument;
    server->status = server_loop(server);
    *server->stop = true;
    for (size_t i = 0; i < server->stream_count; i++)
        stream_close(server->stack, &server->streams[i]);
    return NULL;
}
