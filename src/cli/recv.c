/* tern recv: takes one TCP connection into a file, which appears whole or not at all, or to
 * standard output. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"
#include "cli/whole_file.h"

enum { RECV_BLOCK = 256 * 1024 };

struct reception {
    struct session session;
    uint16_t port;
    const char *file_name; /* NULL: standard output */
    struct whole_file file;
    struct sockaddr_in from;
    int socket;
    uint64_t received;
    struct progress progress;
};

static const char *file_shown(const struct reception *r)
{
    return r->file_name ? r->file_name : "standard output";
}

static enum status file_open(struct reception *r, const struct command *command)
{
    if (r->file_name && !*r->file_name)
        return status_say(STATUS_FAILED, command->name, "the file to write has an empty name");
    int result = whole_file_create(&r->file, r->file_name);
    if (result == -EINTR) /* a pipe that nobody reads from */
        return session_interrupted(&r->session, "nothing was received");
    if (result < 0)
        return status_say(STATUS_FAILED, command->name, "cannot create %s: %s%s", file_shown(r),
                          strerror(-result),
                          result == -EISDIR ? "; give the name of a file in it" : "");
    return STATUS_OK;
}

static enum status file_failed(const struct reception *r, int error)
{
    return status_say(STATUS_FAILED, r->session.command->name, "cannot write %s: %s%s",
                      file_shown(r), strerror(error), r->file_name ? "; nothing was kept" : "");
}

/* Waits for the one connection. */
static enum status reception_accept(struct reception *r)
{
    char address[INET_ADDRSTRLEN];
    int listener = session_bind(r->session.stack, SOCK_STREAM, r->port);
    if (listener < 0 || tern_listen(r->session.stack, listener, 1) < 0)
        return status_say(STATUS_FAILED, r->session.command->name, "cannot listen on port %u: %s",
                          r->port, strerror(listener < 0 ? -listener : errno));
    fprintf(stderr, "listening on %s:%u\n", session_address(&r->session, address), r->port);

    r->socket = session_accept(&r->session, listener, &r->from);
    tern_close(r->session.stack, listener);
    if (r->socket == -EINTR)
        return session_interrupted(&r->session, "nothing was received");
    int result = r->socket < 0 ? r->socket : session_tick(&r->session, r->socket);
    if (result < 0)
        return status_say(STATUS_FAILED, r->session.command->name, "cannot accept: %s",
                          status_reason(-result));
    return STATUS_OK;
}

/* The next bytes: how many, 0 at the end, or a negative errno; -EINTR when interrupted. */
static ssize_t block_receive(struct reception *r, uint8_t *block)
{
    for (;;) {
        if (interrupt_signal())
            return -EINTR;
        ssize_t length = tern_recv(r->session.stack, r->socket, block, RECV_BLOCK, 0);
        if (length >= 0)
            return length;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        progress_update(&r->progress, r->received);
    }
}

static enum status reception_copy(struct reception *r)
{
    static uint8_t block[RECV_BLOCK];
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = block_receive(r, block)) > 0) {
        result = whole_file_write(&r->file, block, (size_t)length);
        r->received += (uint64_t)length;
        progress_update(&r->progress, r->received);
    }
    progress_end(&r->progress);
    if (result == 0 && length == 0)
        return STATUS_OK;
    if (interrupt_signal() && result != -EPIPE) /* which the data met: no mere interruption */
        return session_interrupted(&r->session, r->file_name ? "nothing was kept" : "");
    if (result < 0)
        return file_failed(r, -result);
    enum status status = session_failed(&r->session, -(int)length, &r->from, true);
    fprintf(stderr, "  %" PRIu64 " bytes had arrived%s.\n", r->received,
            r->file_name ? "; nothing was kept" : "");
    return status;
}

/* One line of figures: on standard output, unless the data went there. */
static void reception_report(const struct reception *r, uint64_t elapsed_ns)
{
    char size[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX], seconds[UNITS_TEXT_MAX];
    char peer[ENDPOINT_TEXT_MAX];
    fprintf(r->file_name ? stdout : stderr,
            "received %" PRIu64 " bytes (%s) from %s in %s s, %s, into %s\n", r->received,
            units_bytes(r->received, size), endpoint_format(&r->from, peer),
            units_seconds(elapsed_ns, seconds), units_rate(r->received, elapsed_ns, rate),
            file_shown(r));
}

/* The connection is closed in good order only after the file is safe: until then a failure still
 * reaches the sender, as a reset. */
static enum status reception_run(struct reception *r)
{
    enum status status = reception_accept(r);
    if (status != STATUS_OK)
        return status;
    uint64_t started_ns = stopwatch_ns();
    progress_begin(&r->progress, 0, !r->session.common->trace);
    status = reception_copy(r);
    if (status != STATUS_OK)
        return status;

    uint64_t elapsed_ns = stopwatch_ns() - started_ns;
    int result = whole_file_commit(&r->file);
    if (result < 0)
        return file_failed(r, -result);
    reception_report(r, elapsed_ns);
    tern_close(r->session.stack, r->socket);
    session_quiesce(&r->session);
    return STATUS_OK;
}

static enum status recv_run(const struct command *command, const struct common *common, int count,
                            char **arguments)
{
    struct reception r = {.session.command = command,
                          .file_name =
                              count > 1 && strcmp(arguments[1], "-") != 0 ? arguments[1] : NULL};
    struct tern_error error;
    if (value_port(arguments[0], &r.port, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    enum status status = file_open(&r, command);
    if (status != STATUS_OK)
        return status;
    status = session_check_capture(command, common, r.file.descriptor, r.file_name, "written");
    if (status == STATUS_OK)
        status = session_open(&r.session, command, common);
    if (status == STATUS_OK)
        status = session_close(&r.session, reception_run(&r));
    whole_file_abandon(&r.file); /* nothing, when it was committed */
    return status;
}

const struct command recv_command = {
    .name = "recv",
    .synopsis = "PORT [FILE]",
    .summary = "take one TCP connection into a file",
    .text =
        "Listens on PORT, takes one connection, and writes what arrives to FILE, or to standard\n"
        "output. FILE appears whole, when the sender has closed and all is on disk, or not at "
        "all.\n"
        "\n"
        "Examples:\n"
        "  tern recv 8000 copy &  socat -u OPEN:FILE TCP:10.0.0.3:8000\n"
        "  tern recv --sandbox 8000 copy\n"
        "      a network of its own; start the sender in it with the line that is printed:\n"
        "      nsenter -t PID -U --preserve-credentials -n socat -u OPEN:FILE TCP:10.0.0.3:8000\n",
    .statuses =
        STATUS_BIT(STATUS_RESET) | STATUS_BIT(STATUS_UNREACHABLE) | STATUS_BIT(STATUS_TIMED_OUT),
    .arguments_least = 1,
    .arguments_most = 2,
    .arguments_missing = "on which port? give a number like 8000",
    .run = recv_run,
};
