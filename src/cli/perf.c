/* tern perf: how fast TCP and UDP are, between tern and whoever speaks iperf3's protocol: iperf3 on
 * the kernel's network, so that the other end is what people have, or tern. Here is the command
 * line; the two sides are in perf_client.c and perf_server.c, what both do in perf_trial.c. */
#include "cli/perf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/perf_report.h"

enum {
    BLOCK_DEFAULT = 128 * 1024,
    DATAGRAM_DEFAULT = 1460, /* iperf3's */
    RATE_DEFAULT = 1000000,  /* of UDP, bits a second */
    SECONDS_DEFAULT = 10,
    INTERVAL_NEVER_S = 2 * PERF_SECONDS_MAX,
};

static struct perf_options {
    struct perf_test test;
    bool server, once, json, has_rate, has_time;
    const char *host; /* by -c */
    uint16_t port;    /* by -p; 0: not given */
    uint64_t interval_ns, wait_ns;
    const char *of_client; /* one that a server does not have, if any was given */
} perf_options = {.test = {.streams = 1, .seconds = SECONDS_DEFAULT}, .interval_ns = TIME_S(1)};

/* What a client says of its test, and a server hears: `name` is the option that says it. */
static struct perf_test *test_of(void *target, const char *name)
{
    struct perf_options *options = target;
    options->of_client = name;
    return &options->test;
}

/* ── Options with a value ── */

static int take_number(const char *name, const char *value, uint64_t least, uint64_t most,
                       unsigned *out, struct tern_error *error)
{
    uint64_t number;
    int result = value_number(name, value, least, most, &number, error);
    if (result == 0)
        *out = (unsigned)number;
    return result;
}

static int take_time(void *target, const char *value, struct tern_error *error)
{
    ((struct perf_options *)target)->has_time = true;
    return take_number("-t", value, 1, PERF_SECONDS_MAX, &test_of(target, "-t")->seconds, error);
}

static int take_bytes(void *target, const char *value, struct tern_error *error)
{
    return value_scaled("-n", value, 1024, 1, PERF_COUNT_MAX, &test_of(target, "-n")->bytes, error);
}

static int take_omit(void *target, const char *value, struct tern_error *error)
{
    return take_number("-O", value, 0, PERF_OMIT_MAX_S, &test_of(target, "-O")->omit_s, error);
}

static int take_parallel(void *target, const char *value, struct tern_error *error)
{
    return take_number("-P", value, 1, PERF_PARALLEL_MAX, &test_of(target, "-P")->streams, error);
}

static int take_length(void *target, const char *value, struct tern_error *error)
{
    uint64_t length = 0;
    int result = value_scaled("-l", value, 1024, 1, PERF_BLOCK_MAX, &length, error);
    test_of(target, "-l")->length = (unsigned)length;
    return result;
}

static int take_rate(void *target, const char *value, struct tern_error *error)
{
    ((struct perf_options *)target)->has_rate = true;
    return value_scaled("-b", value, 1000, 0, PERF_COUNT_MAX, &test_of(target, "-b")->rate, error);
}

static int take_congestion(void *target, const char *value, struct tern_error *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    struct perf_test *test = test_of(target, "-C");
    size_t length = strlen(value);
    if (length == 0 || length >= sizeof test->congestion || strspn(value, letters) < length)
        return value_wrong(error, "-C '%.40s' is not the name of a congestion control", value);
    memcpy(test->congestion, value, length + 1);
    return 0;
}

static int take_client(void *target, const char *value, struct tern_error *error)
{
    struct perf_options *options = target;
    (void)error; /* read with the port */
    options->of_client = "-c";
    options->host = value;
    return 0;
}

static int take_port(void *target, const char *value, struct tern_error *error)
{
    return value_port(value, &((struct perf_options *)target)->port, error);
}

static int take_interval(void *target, const char *value, struct tern_error *error)
{
    uint64_t *ns = &((struct perf_options *)target)->interval_ns;
    int result = value_seconds("-i", value, PERF_SECONDS_MAX, ns, error);
    if (result == 0 && *ns == 0)
        *ns = TIME_S(INTERVAL_NEVER_S);
    else if (result == 0 && *ns < TIME_MS(100))
        return value_wrong(error, "-i '%.40s' is shorter than 0.1 seconds", value);
    return result;
}

static int take_wait(void *target, const char *value, struct tern_error *error)
{
    struct perf_options *options = target;
    options->of_client = "--wait";
    return value_seconds("--wait", value, PERF_SECONDS_MAX, &options->wait_ns, error);
}

/* ── Options without ── */

static int take_server(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct perf_options *)target)->server = true;
    return 0;
}

static int take_once(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct perf_options *)target)->once = true;
    return 0;
}

static int take_udp(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    test_of(target, "-u")->udp = true;
    return 0;
}

static int take_reverse(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    test_of(target, "-R")->reverse = true;
    return 0;
}

static int take_bidirectional(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    test_of(target, "--bidir")->bidirectional = true;
    return 0;
}

static int take_json(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct perf_options *)target)->json = true;
    return 0;
}

/* ── All of it ── */

/* -i and -J are either side's own; all else a client says to its server. */
static int server_check(const struct perf_options *options, struct tern_error *error)
{
    if (options->of_client)
        return value_wrong(error,
                           "%s is for the client to say, and -s makes a server; give it to "
                           "'iperf3 -c' or 'tern perf HOST' on the other side",
                           options->of_client);
    return 0;
}

/* What was not asked for takes its default, and what cannot be is told. */
static int test_settle(struct perf_options *options, struct tern_error *error)
{
    struct perf_test *test = &options->test;
    if (test->length == 0)
        test->length = test->udp ? DATAGRAM_DEFAULT : BLOCK_DEFAULT;
    if (test->udp && !options->has_rate)
        test->rate = RATE_DEFAULT;
    if (test->bytes)
        test->seconds = 0;
    if (test->udp && (test->length < PERF_DATAGRAM_MIN || test->length > PERF_DATAGRAM_MAX))
        return value_wrong(error, "-l %u: a datagram has from %d to %d bytes", test->length,
                           PERF_DATAGRAM_MIN, PERF_DATAGRAM_MAX);
    if (test->udp && test->congestion[0])
        return value_wrong(error, "-C and -u: datagrams have no congestion control");
    if (test->reverse && test->bidirectional)
        return value_wrong(error, "-R and --bidir: it is one way or both");
    if (test->bytes && options->has_time)
        return value_wrong(error, "-t and -n: each says when to end; give one of them");
    if (options->once)
        return value_wrong(error, "-1 is for a server; give it with -s");
    return 0;
}

static int port_is_there_twice(const char *text, struct tern_error *error)
{
    return value_wrong(error, "-p and '%.60s': the port is there twice", text);
}

/* "HOST" or "HOST:PORT". */
static int take_peer(const char *text, uint16_t port, struct sockaddr_in *to,
                     struct tern_error *error)
{
    if (strchr(text, ':'))
        return perf_options.port ? port_is_there_twice(text, error)
                                 : value_endpoint(text, to, error);
    int result = value_host("host", text, to, error);
    to->sin_port = htons(port);
    return result;
}

static int arguments_read(struct trial *t, int count, char **arguments, uint16_t *port,
                          struct tern_error *error)
{
    const char *host = perf_options.host, *argument = count ? arguments[0] : NULL;
    *port = perf_options.port ? perf_options.port : PERF_PORT;
    if (perf_options.server && server_check(&perf_options, error) < 0)
        return -EINVAL;
    if (perf_options.server && perf_options.port && argument)
        return port_is_there_twice(argument, error);
    if (perf_options.server)
        return argument ? value_port(argument, port, error) : 0;
    if (host && argument)
        return value_wrong(error, "-c %.60s and '%.60s': the host is there twice", host, argument);
    if (!host)
        host = argument;
    if (!host)
        return value_wrong(error, "of whom? give the address of a host where iperf3 -s or tern "
                                  "perf -s runs, or be the server: -s");
    int result = take_peer(host, *port, &t->to, error);
    if (result == 0)
        endpoint_format(&t->to, t->peer);
    return result < 0 ? result : test_settle(&perf_options, error);
}

static enum status perf_run(const struct command *command, const struct common *common, int count,
                            char **arguments)
{
    static struct session session;
    static struct trial t;
    struct tern_error error;
    uint16_t port;
    t.session = &session;
    t.control = t.listener = -1;
    t.show = perf_options.json ? &perf_show_json : &perf_show_lines;
    t.interval_ns = perf_options.interval_ns;
    if (arguments_read(&t, count, arguments, &port, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    t.test = perf_options.test;
    setvbuf(stdout, NULL, _IOLBF, 0);
    enum status status = session_open(&session, command, common);
    if (status != STATUS_OK)
        return status;
    session.quiet = perf_options.json;
    status = perf_options.server ? perf_server(&t, port, perf_options.once)
                                 : perf_client(&t, perf_options.wait_ns);
    return session_close(&session, status);
}

static const struct option_entry perf_entries[] = {
    {"client", 'c', "HOST", "as iperf3 has it: the same as HOST alone", take_client},
    {"port", 'p', "PORT", "the server's (5201), as iperf3 has it", take_port},
    {"server", 's', NULL, "be the server, on PORT (5201), one test after the other", take_server},
    {"one-off", '1', NULL, "with -s: end after one test", take_once},
    {"udp", 'u', NULL, "datagrams, and what becomes of them", take_udp},
    {"bitrate", 'b', "BITS", "a second and stream; K, M, G (UDP 1M, TCP no limit; 0: none)",
     take_rate},
    {"time", 't', "SECONDS", "how long to measure (10)", take_time},
    {"bytes", 'n', "BYTES", "instead: end when so many are through; K, M, G", take_bytes},
    {"omit", 'O', "SECONDS", "before that, which are not counted (0)", take_omit},
    {"parallel", 'P', "N", "streams at the same time (1)", take_parallel},
    {"reverse", 'R', NULL, "the server sends, tern receives", take_reverse},
    {"bidir", 0, NULL, "both send and receive", take_bidirectional},
    {"length", 'l', "BYTES", "of a write (128K) or a datagram (1460)", take_length},
    {"congestion", 'C', "NAME", "the congestion control of who sends TCP (as it likes)",
     take_congestion},
    {"interval", 'i', "SECONDS", "between two lines of figures (1; 0: no such lines)",
     take_interval},
    {"json", 'J', NULL, "the figures as JSON, in the shape of iperf3's", take_json},
    {"wait", 0, "SECONDS", "when nothing listens yet: how long to try again (0)", take_wait},
    {0},
};

const struct command perf_command = {
    .name = "perf",
    .synopsis = "HOST[:PORT] | -s [PORT]",
    .summary = "measure TCP and UDP, against iperf3",
    .text =
        "Is a client of 'iperf3 -s' at HOST (port 5201): sends from memory to memory for some\n"
        "seconds, and prints what went through in each and in all, as both ends count it, and "
        "what\n"
        "CPU each end took for it: of its whole process, 100 % being one core.\n"
        "With -s it is such a server, for 'iperf3 -c' or another tern. What a server is to do,\n"
        "its client says: -i and -J are its own. Interrupted, a server ends with 0; a client "
        "prints\n"
        "what it has counted until then, and ends with 130.\n"
        "\n"
        "Examples:\n"
        "  iperf3 -s &  tern perf 10.0.0.2\n"
        "  tern perf -R -P 4 -t 5 10.0.0.2\n"
        "  tern perf -u -b 100M 10.0.0.2\n"
        "  tern perf -s &  iperf3 -c 10.0.0.3\n"
        "  tern perf --sandbox --wait 60 10.0.0.2\n"
        "      a network of its own; start iperf3 -s in it with the line that is printed\n",
    .options = perf_entries,
    .values = &perf_options,
    .statuses = STATUS_BIT(STATUS_REFUSED) | STATUS_BIT(STATUS_RESET) |
                STATUS_BIT(STATUS_UNREACHABLE) | STATUS_BIT(STATUS_TIMED_OUT),
    .start_first = "'iperf3 -s' or 'tern perf -s'",
    .arguments_least = 0,
    .arguments_most = 1,
    .run = perf_run,
};
