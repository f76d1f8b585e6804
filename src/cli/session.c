#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/address.h"
#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/sandbox.h"
#include "cli/units.h"
#include "cli/values.h"

enum { RETRY_INTERVAL_MS = 200 };

#define ADDRESS_DEFAULT "10.0.0.3/24"
#define PEER_DEFAULT    "10.0.0.2"
#define QUIESCE_NS      TIME_S(5)

const char *session_address(const struct session *session, char text[INET_ADDRSTRLEN])
{
    const char *cidr = session->common->address ? session->common->address : ADDRESS_DEFAULT;
    snprintf(text, INET_ADDRSTRLEN, "%.*s", (int)strcspn(cidr, "/"), cidr);
    return text;
}

const char *session_peer(const struct session *session)
{
    return session->common->peer ? session->common->peer : PEER_DEFAULT;
}

/* What the command has to say beside the library, which knows none of its options. */
static const char *open_advice(const struct common *common, int error)
{
    if (error == EPERM && !common->sandbox)
        return ", or use --sandbox";
    return error == EBUSY ? " (--dev NAME)" : "";
}

/* In a sandbox all is permitted but to open a device node that the host keeps shut. */
static enum status open_failed(const struct session *session, const struct tern_error *error)
{
    enum status status = error->code == EINVAL ? STATUS_USAGE : STATUS_SETUP;
    if (session->common->sandbox && (error->code == EPERM || error->code == EACCES))
        return status_say(status, session->command->name,
                          "--sandbox: no permission to open /dev/net/tun; as root, once: chmod 666 "
                          "/dev/net/tun (what it gives access to is each one's own sandbox)");
    return status_say(status, session->command->name, "%s%s", error->text,
                      open_advice(session->common, error->code));
}

static void sandbox_announce(const struct session *session)
{
    char way_in[96];
    sandbox_way_in(way_in, sizeof way_in);
    fprintf(stderr,
            "sandbox: a new network of two hosts, %s (the kernel) and tern;\n"
            "sandbox: to run a program on the kernel's side:  %s\n",
            session_peer(session), way_in);
}

/* Whether an address was given in whose subnet the kernel's usual one can have no part. */
static bool lacks_peer(const struct common *common)
{
    struct address ours, kernel;
    unsigned bits;
    if (!common->address || common->peer ||
        address_parse_prefix(common->address, &ours, &bits) < 0 ||
        address_parse(PEER_DEFAULT, &kernel) < 0)
        return false;
    return address_equal(&kernel, &ours) || !address_in_prefix(&kernel, &ours, bits);
}

enum status session_open(struct session *session, const struct command *command,
                         const struct common *common)
{
    return session_open_queues(session, command, common, 1);
}

enum status session_open_queues(struct session *session, const struct command *command,
                                const struct common *common, unsigned count)
{
    struct tern_error error = {0};
    *session = (struct session){.command = command, .common = common};
    if (lacks_peer(common))
        return status_say(
            STATUS_USAGE, command->name,
            "--addr %s: give --peer too, the kernel's address in that subnet, which " PEER_DEFAULT
            " cannot be",
            common->address);
    if (common->sandbox && sandbox_enter(&error) < 0)
        return status_say(STATUS_SETUP, command->name, "%s", error.text);
    if (common->trace && !(session->trace = trace_printer_new(stderr)))
        return status_say(STATUS_FAILED, command->name, "out of memory");

    interrupt_hold();
    int opened = tern_open_queues(
        &(struct tern_config){
            .device = common->device,
            .address = common->address,
            .peer = common->peer,
            .mtu = common->mtu,
            .no_offload = common->no_offload,
            .capture = common->capture,
            .fault = common->fault,
            .settings = common->settings[0] ? common->settings : NULL,
            .trace = common->trace ? trace_printer_event : NULL,
            .trace_user = session->trace,
        },
        count, session->stacks, &error);
    interrupt_release();
    if (opened < 0) {
        trace_printer_free(session->trace);
        return open_failed(session, &error);
    }
    session->stack = session->stacks[0];
    session->stack_count = count;
    if (common->sandbox)
        sandbox_announce(session);
    return STATUS_OK;
}

void session_quiesce(struct session *session)
{
    tern_quiesce(session->stack, QUIESCE_NS);
}

uint64_t session_counter(const struct session *session, const char *name)
{
    uint64_t sum = 0, value;
    for (unsigned i = 0; i < session->stack_count; i++)
        if (tern_counter(session->stacks[i], name, &value) == 0)
            sum += value;
    return sum;
}

static void counters_print(const struct session *session)
{
    const char *name;
    for (size_t i = 0; (name = tern_counter_name(i)) != NULL; i++) {
        uint64_t value = session_counter(session, name);
        if (value > 0)
            fprintf(stderr, "%-28s %llu\n", name, (unsigned long long)value);
    }
}

enum status session_close(struct session *session, enum status status)
{
    if (session->common->counters)
        counters_print(session);
    int lost = 0;
    for (unsigned i = 0; i < session->stack_count; i++)
        if (tern_close_stack(session->stacks[i]) < 0)
            lost = errno;
    trace_printer_free(session->trace);
    if (!lost)
        return status;
    status_say(STATUS_FAILED, session->command->name, "the capture in %s is incomplete: %s",
               session->common->capture, strerror(lost));
    return status == STATUS_OK ? STATUS_FAILED : status;
}

int session_tick(struct session *session, int socket)
{
    struct timeval tick = {.tv_usec = INTERRUPT_TICK_MS * 1000};
    if (tern_setsockopt(session->stack, socket, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) < 0 ||
        tern_setsockopt(session->stack, socket, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick) < 0)
        return -errno;
    return 0;
}

/* Waits until `socket` is ready for `events`: 0, or -EINTR. */
static int session_wait(struct session *session, int socket, short events)
{
    struct pollfd waiting = {.fd = socket, .events = events};
    while (!interrupt_signal()) {
        int ready = tern_poll(session->stack, &waiting, 1, INTERRUPT_TICK_MS);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
    return -EINTR;
}

/* The handshake on a non-blocking socket: 0 or a negative errno. */
static int connection_open(struct session *session, int socket, const struct sockaddr_in *to)
{
    if (tern_connect(session->stack, socket, (const struct sockaddr *)to, sizeof *to) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    int result = session_wait(session, socket, POLLOUT);
    if (result < 0)
        return result;
    int error = 0;
    socklen_t length = sizeof error;
    if (tern_getsockopt(session->stack, socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

int session_connect(struct session *session, const struct sockaddr_in *to)
{
    int socket = tern_socket(session->stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (socket < 0)
        return -errno;
    int result = connection_open(session, socket, to);
    if (result == 0 && tern_fcntl(session->stack, socket, F_SETFL, 0) < 0)
        result = -errno;
    if (result == 0)
        result = session_tick(session, socket);
    if (result < 0)
        tern_close(session->stack, socket);
    return result < 0 ? result : socket;
}

int session_connect_patiently(struct session *session, const struct sockaddr_in *to,
                              const char *whom, uint64_t wait_ns)
{
    char peer[ENDPOINT_TEXT_MAX];
    uint64_t until_ns = stopwatch_ns() + wait_ns;
    int socket = session_connect(session, to);
    if (socket == -ECONNREFUSED && wait_ns > 0)
        fprintf(stderr, "waiting for a %s at %s\n", whom, endpoint_format(to, peer));
    while (socket == -ECONNREFUSED && stopwatch_ns() < until_ns && !interrupt_signal()) {
        poll(NULL, 0, RETRY_INTERVAL_MS); /* nothing tells when a remote port opens */
        socket = session_connect(session, to);
    }
    return socket < 0 && interrupt_signal() ? -EINTR : socket;
}

int session_accept(struct session *session, int listener, struct sockaddr_in *from)
{
    for (;;) {
        int result = session_wait(session, listener, POLLIN);
        if (result < 0)
            return result;
        socklen_t length = sizeof *from;
        int socket = tern_accept(session->stack, listener, (struct sockaddr *)from, &length);
        if (socket >= 0)
            return socket;
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return -errno;
    }
}

int session_bind(struct tern *stack, int type, uint16_t port)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
    int socket = tern_socket(stack, AF_INET, type, 0);
    if (socket < 0)
        return -errno;
    int on = 1;
    tern_setsockopt(stack, socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (tern_bind(stack, socket, (const struct sockaddr *)&local, sizeof local) == 0)
        return socket;
    int result = -errno;
    tern_close(stack, socket);
    return result;
}

enum status session_failed(const struct session *session, int error, const char *peer)
{
    char text[512];
    enum status status =
        status_of_connection(error, peer, session->command->start_first, text, sizeof text);
    status_say(status, session->command->name, "%s", text);
    if (session->common->sandbox && status == STATUS_REFUSED)
        fprintf(stderr,
                "  A sandbox is new and empty: nothing listens in it until you start it there, "
                "with the\n"
                "  nsenter line printed above (--wait 60 gives you time for that).\n");
    if (session->common->sandbox && (status == STATUS_UNREACHABLE || status == STATUS_TIMED_OUT))
        fprintf(stderr, "  From within a sandbox only its other side, %s, can be reached.\n",
                session_peer(session));
    return status;
}

enum status session_interrupted(const struct session *session, const char *outcome)
{
    int signal = interrupt_signal();
    return status_say((enum status)(STATUS_SIGNAL + signal), session->command->name, "%s%s%s",
                      signal == SIGPIPE ? "nobody reads what is printed" : "interrupted",
                      *outcome ? "; " : "", outcome);
}
