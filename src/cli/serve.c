/* tern serve: echo, discard, chargen and daytime over TCP and UDP, until interrupted. Each stack,
 * of which there is one a queue of the device, has a server and a thread of its own. Pings are
 * answered by the stack itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/server.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"

static struct serve_options {
    uint64_t queues;
} serve_options = {.queues = 1};

static int take_queues(void *target, const char *value, struct tern_error *error)
{
    return value_number("--queues", value, 1, LIMIT_QUEUES,
                        &((struct serve_options *)target)->queues, error);
}

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

static void counts_add(struct service_counts *sum, const struct service_counts *one)
{
    sum->connections += one->connections;
    sum->stream_in_bytes += one->stream_in_bytes;
    sum->stream_out_bytes += one->stream_out_bytes;
    sum->datagrams += one->datagrams;
    sum->datagram_in_bytes += one->datagram_in_bytes;
    sum->datagram_out_bytes += one->datagram_out_bytes;
}

static void offer_report(const struct offer *offer, const struct service_counts *c)
{
    char in[UNITS_TEXT_MAX], out[UNITS_TEXT_MAX];
    printf("  %-8s port %-5u  TCP: %" PRIu64 " connection%s, %s in, %s out;",
           service_facts[offer->service].name, offer->port, c->connections,
           c->connections == 1 ? "" : "s", units_bytes(c->stream_in_bytes, in),
           units_bytes(c->stream_out_bytes, out));
    printf("  UDP: %" PRIu64 " datagram%s, %s in, %s out\n", c->datagrams,
           c->datagrams == 1 ? "" : "s", units_bytes(c->datagram_in_bytes, in),
           units_bytes(c->datagram_out_bytes, out));
}

static void report(const struct session *session, const struct server *servers)
{
    printf("\nserved:\n");
    for (unsigned i = 0; i < servers->offer_count; i++) {
        struct service_counts sum = {0};
        for (unsigned q = 0; q < session->stack_count; q++)
            counts_add(&sum, &servers[q].offers[i].counts);
        offer_report(&servers->offers[i], &sum);
    }
    printf("  ping                 %" PRIu64 " answered\n",
           session_counter(session, "IcmpOutEchoReps"));
}

static void announce(const struct session *session, const struct server *server)
{
    char address[INET_ADDRSTRLEN];
    session_address(session, address);
    for (unsigned i = 0; i < server->offer_count; i++)
        printf("serving %s on %s:%u, TCP and UDP\n", service_facts[server->offers[i].service].name,
               address, server->offers[i].port);
    printf("interrupt (Ctrl-C) to end\n");
}

/* One thread a stack; the first's is this. */
static enum status run_all(const struct session *session, struct server *servers)
{
    unsigned count = session->stack_count, started = 1;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        servers[i].stack = session->stacks[i];
        status = server_open(&servers[i]);
    }
    if (status != STATUS_OK)
        return status;
    announce(session, servers);
    while (started < count &&
           pthread_create(&servers[started].thread, NULL, server_run, &servers[started]) == 0)
        started++;
    if (started < count) {
        status = status_say(STATUS_FAILED, session->command->name, "cannot start a thread");
        *servers->stop = true;
    }
    server_run(&servers[0]);
    for (unsigned i = 0; i < started; i++) {
        if (i > 0)
            pthread_join(servers[i].thread, NULL);
        if (status == STATUS_OK)
            status = servers[i].status;
    }
    report(session, servers);
    return status;
}

static void servers_free(struct server *servers, unsigned count)
{
    for (unsigned i = 0; servers && i < count; i++) {
        free(servers[i].streams);
        free(servers[i].waiting);
    }
    free(servers);
}

/* `count` servers that offer the same as the first; NULL when memory is exhausted. */
static struct server *servers_new(const struct server *first, unsigned count)
{
    struct server *servers = calloc(count, sizeof *servers);
    bool complete = servers != NULL;
    for (unsigned i = 0; servers && i < count; i++) {
        servers[i] = *first;
        servers[i].streams = calloc(STREAMS_MAX, sizeof *servers[i].streams);
        servers[i].waiting = calloc(2 * OFFERS_MAX + STREAMS_MAX, sizeof *servers[i].waiting);
        complete = complete && servers[i].streams && servers[i].waiting;
    }
    if (complete)
        return servers;
    servers_free(servers, count);
    return NULL;
}

static enum status serve_run(const struct command *command, const struct common *common, int count,
                             char **arguments)
{
    static struct server first;
    static atomic_bool stop;
    struct session session;
    struct tern_error error;
    unsigned queues = (unsigned)serve_options.queues;
    first = (struct server){.command = command, .stop = &stop, .stream_limit = STREAMS_MAX};
    if (offers_parse(&first, count, arguments, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct server *servers = servers_new(&first, queues);
    if (!servers)
        return status_say(STATUS_FAILED, command->name, "out of memory");
    enum status status = session_open_queues(&session, command, common, queues);
    if (status == STATUS_OK)
        status = session_close(&session, run_all(&session, servers));
    servers_free(servers, queues);
    return status;
}

static const struct option_entry serve_entries[] = {
    {"queues", 0, "N",
     "for more than one core: as many threads, each with a stack and\n"
     "a queue of the device of its own (1); --capture FILE then writes\n"
     "FILE, FILE.1 and so on, one a queue; a device that exists already\n"
     "must have been made with multi_queue then, and else without it",
     take_queues},
    {0},
};

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
    .options = serve_entries,
    .values = &serve_options,
    .serves = true,
    .arguments_least = 1,
    .arguments_most = OFFERS_MAX,
    .arguments_missing = "which services? give some of echo, discard, chargen and daytime",
    .run = serve_run,
};
