/* tern serve: echo, discard, chargen and daytime over TCP and UDP, all in one thread around
 * tern_poll, until interrupted. Pings are answered by the stack itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/stream.h"
#include "cli/units.h"
#include "cli/values.h"

enum {
    OFFERS_MAX = 16,
    STREAMS_MAX = 4096, /* further connections wait in the backlog */
    BACKLOG = 128,
    DATAGRAM_MAX = 65507,
    DATAGRAMS_TURN = 64, /* before the next socket has its turn */
};

/* A service on a port, over both protocols. */
struct offer {
    enum service service;
    uint16_t port;
    int listener;
    int datagrams;
    struct service_counts counts;
};

struct server {
    struct session session;
    unsigned offer_count;
    struct offer offers[OFFERS_MAX];
    size_t stream_count, stream_limit;
    struct stream *streams; /* STREAMS_MAX of them */
    struct pollfd *waiting; /* listeners and datagram sockets in turn, then the streams */
};

static int offer_parse(struct offer *offer, const char *text, struct tern_error *error)
{
    const char *colon = strchr(text, ':');
    int service = service_find(text, colon ? (size_t)(colon - text) : strlen(text));
    if (service < 0)
        return value_wrong(error,
                           "no service '%.60s'; there are echo, discard, chargen and daytime, "
                           "each with an optional port as in echo:7000",
                           text);
    *offer = (struct offer){.service = (enum service)service,
                            .port = service_facts[service].port,
                            .listener = -1,
                            .datagrams = -1};
    return colon ? value_port(colon + 1, &offer->port, error) : 0;
}

static int offers_parse(struct server *server, int count, char **texts, struct tern_error *error)
{
    for (int i = 0; i < count; i++) {
        struct offer *offer = &server->offers[i];
        int result = offer_parse(offer, texts[i], error);
        if (result < 0)
            return result;
        for (int j = 0; j < i; j++)
            if (server->offers[j].port == offer->port)
                return value_wrong(error, "%.60s and %.60s want the same port, %u", texts[j],
                                   texts[i], offer->port);
        server->offer_count++;
    }
    return 0;
}

static int offer_open(struct session *session, struct offer *offer)
{
    offer->listener = session_bind(session, SOCK_STREAM | SOCK_NONBLOCK, offer->port);
    if (offer->listener < 0)
        return offer->listener;
    if (tern_listen(session->stack, offer->listener, BACKLOG) < 0)
        return -errno;
    offer->datagrams = session_bind(session, SOCK_DGRAM | SOCK_NONBLOCK, offer->port);
    return offer->datagrams < 0 ? offer->datagrams : 0;
}

static enum status server_open(struct server *server)
{
    char address[INET_ADDRSTRLEN];
    session_address(&server->session, address);
    for (unsigned i = 0; i < server->offer_count; i++) {
        struct offer *offer = &server->offers[i];
        int result = offer_open(&server->session, offer);
        if (result < 0)
            return status_say(STATUS_FAILED, server->session.command->name,
                              "cannot serve %s on port %u: %s", service_facts[offer->service].name,
                              offer->port, strerror(-result));
        printf("serving %s on %s:%u, TCP and UDP\n", service_facts[offer->service].name, address,
               offer->port);
    }
    return STATUS_OK;
}

static void offer_accept(struct server *server, struct offer *offer)
{
    while (server->stream_count < server->stream_limit) {
        int socket =
            tern_accept4(server->session.stack, offer->listener, NULL, NULL, SOCK_NONBLOCK);
        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
                server->stream_limit = server->stream_count; /* as many as the stack can bear */
            return;
        }
        struct stream *stream = &server->streams[server->stream_count++];
        *stream =
            (struct stream){.service = offer->service, .socket = socket, .counts = &offer->counts};
        stream_begin(server->session.stack, stream);
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
    static uint8_t in[DATAGRAM_MAX];
    char text[SERVICE_TEXT_MAX];
    const uint8_t *out;
    size_t out_length;
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t length = tern_recvfrom(server->session.stack, offer->datagrams, in, sizeof in, 0,
                                   (struct sockaddr *)&from, &from_length);
    if (length < 0)
        return errno != EAGAIN && errno != EINTR;
    offer->counts.datagrams++;
    offer->counts.datagram_in_bytes += (uint64_t)length;
    if (port_is_served(server, ntohs(from.sin_port)) ||
        !service_answer(offer->service, in, (size_t)length, time(NULL), text, &out, &out_length))
        return true;
    ssize_t sent = tern_sendto(server->session.stack, offer->datagrams, out, out_length, 0,
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
            stream_step(server->session.stack, &server->streams[i], waited[i].revents))
            continue;
        stream_close(server->session.stack, &server->streams[i]);
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

static void offer_report(const struct offer *offer)
{
    char in[UNITS_TEXT_MAX], out[UNITS_TEXT_MAX];
    const struct service_counts *c = &offer->counts;
    printf("  %-8s port %-5u  TCP: %" PRIu64 " connection%s, %s in, %s out;",
           service_facts[offer->service].name, offer->port, c->connections,
           c->connections == 1 ? "" : "s", units_bytes(c->stream_in_bytes, in),
           units_bytes(c->stream_out_bytes, out));
    printf("  UDP: %" PRIu64 " datagram%s, %s in, %s out\n", c->datagrams,
           c->datagrams == 1 ? "" : "s", units_bytes(c->datagram_in_bytes, in),
           units_bytes(c->datagram_out_bytes, out));
}

static void server_report(const struct server *server)
{
    uint64_t pings = 0;
    printf("\nserved:\n");
    for (unsigned i = 0; i < server->offer_count; i++)
        offer_report(&server->offers[i]);
    tern_counter(server->session.stack, "IcmpOutEchoReps", &pings);
    printf("  ping                 %" PRIu64 " answered\n", pings);
}

static enum status server_run(struct server *server)
{
    enum status status = server_open(server);
    if (status != STATUS_OK)
        return status;
    printf("interrupt (Ctrl-C) to end\n");
    while (!interrupt_signal()) {
        int ready = tern_poll(server->session.stack, server->waiting, server_waits(server),
                              INTERRUPT_TICK_MS);
        if (ready < 0 && errno != EINTR)
            return status_say(STATUS_FAILED, server->session.command->name, "cannot go on: %s",
                              strerror(errno));
        if (ready <= 0)
            continue;
        streams_serve(server);
        offers_serve(server);
    }
    for (size_t i = 0; i < server->stream_count; i++)
        stream_close(server->session.stack, &server->streams[i]);
    server_report(server);
    return STATUS_OK;
}

static enum status serve_run(const struct command *command, const struct common *common, int count,
                             char **arguments)
{
    struct server server = {.stream_limit = STREAMS_MAX};
    struct tern_error error;
    if (offers_parse(&server, count, arguments, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    setvbuf(stdout, NULL, _IOLBF, 0);
    server.streams = calloc(STREAMS_MAX, sizeof *server.streams);
    server.waiting = calloc(2 * OFFERS_MAX + STREAMS_MAX, sizeof *server.waiting);
    enum status status = STATUS_FAILED;
    if (!server.streams || !server.waiting)
        status_say(status, command->name, "out of memory");
    else if ((status = session_open(&server.session, command, common)) == STATUS_OK)
        status = session_close(&server.session, server_run(&server));
    free(server.streams);
    free(server.waiting);
    return status;
}

const struct command serve_command = {
    .name = "serve",
    .synopsis = "SERVICE[:PORT]...",
    .summary = "echo, discard, chargen, daytime",
    .text =
        "Serves echo (port 7), discard (9), chargen (19) and daytime (13), as many as are named,\n"
        "over TCP and UDP, and answers pings, until interrupted; then says what it served.\n"
        "\n"
        "Example:\n"
        "  tern serve --sandbox echo daytime:1313\n"
        "      a network of its own; reach it with the line that is printed:\n"
        "      nsenter -t PID -U --preserve-credentials -n socat - TCP:10.0.0.3:1313\n",
    .arguments_least = 1,
    .arguments_most = OFFERS_MAX,
    .arguments_missing = "which services? give some of echo, discard, chargen and daytime",
    .run = serve_run,
};
