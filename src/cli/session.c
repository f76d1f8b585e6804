#include "cli/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/address.h"
#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/reach.h"
#include "cli/sandbox.h"
#include "cli/values.h"

#define ADDRESS_DEFAULT "10.0.0.3/24"
#define PEER_DEFAULT    "10.0.0.2"
#define QUIESCE_NS      TIME_S(5)

static const char *session_cidr(const struct session *session)
{
    return session->common->address ? session->common->address : ADDRESS_DEFAULT;
}

const char *session_address(const struct session *session, char text[INET_ADDRSTRLEN])
{
    const char *cidr = session_cidr(session);
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
    if (error == EMFILE)
        return "; allow more of them (ulimit -n)";
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

static bool same_file(const struct stat *a, const struct stat *b)
{
    return S_ISREG(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool would_spoil(const char *capture, int descriptor, const char *path)
{
    struct stat there, other;
    if (stat(capture, &there) < 0)
        return path && strcmp(path, capture) == 0; /* neither is there yet */
    return (fstat(descriptor, &other) == 0 && same_file(&there, &other)) ||
           (path && stat(path, &other) == 0 && same_file(&there, &other));
}

enum status session_check_capture(const struct command *command, const struct common *common,
                                  int descriptor, const char *path, const char *use)
{
    if (!common->capture || !would_spoil(common->capture, descriptor, path))
        return STATUS_OK;
    return status_say(STATUS_USAGE, command->name,
                      "--capture %.100s: that is the file to be %s; give it another name",
                      common->capture, use);
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

/* What the addresses tell of one that does not answer. */
static void reach_tell(const struct session *session, const struct sockaddr_in *peer)
{
    char text[512];
    reach_advice(session_cidr(session), session_peer(session), peer, text, sizeof text);
    if (text[0] && session->common->sandbox)
        fprintf(stderr, "  From within a sandbox only its other side, %s, can be reached.\n",
                session_peer(session));
    else if (text[0])
        fprintf(stderr, "  %s\n", text);
}

enum status session_failed(const struct session *session, int error, const struct sockaddr_in *peer,
                           bool established)
{
    char text[512], name[ENDPOINT_TEXT_MAX];
    endpoint_format(peer, name);
    if (peer->sin_port == 0)
        name[strcspn(name, ":")] = '\0';
    enum status status = status_of_connection(error, established, name,
                                              session->command->start_first, text, sizeof text);
    status_say(status, session->command->name, "%s", text);
    if (session->common->sandbox && status == STATUS_REFUSED)
        fprintf(stderr,
                "  A sandbox is new and empty: nothing listens in it until you start it there, "
                "with the\n"
                "  nsenter line printed above (--wait 60 gives you time for that).\n");
    if (!established && (status == STATUS_UNREACHABLE || status == STATUS_TIMED_OUT))
        reach_tell(session, peer);
    return status;
}

enum status session_interrupted(const struct session *session, const char *outcome)
{
    int signal = interrupt_signal();
    return status_say((enum status)(STATUS_SIGNAL + signal), session->command->name, "%s%s%s",
                      signal == SIGPIPE ? "nobody reads what is printed" : "interrupted",
                      *outcome ? "; " : "", outcome);
}

enum status session_interrupted_alone(const struct session *session, const struct sockaddr_in *peer,
                                      const char *outcome)
{
    char text[256], name[ENDPOINT_TEXT_MAX];
    snprintf(text, sizeof text, "%s, for %s accepted no connection: does %s run there?", outcome,
             endpoint_format(peer, name), session->command->start_first);
    enum status status = session_interrupted(session, text);
    reach_tell(session, peer);
    return status;
}
