/* tern send: delivers a file or standard input over TCP, and ends only when the peer has
 * acknowledged all of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"

enum { SEND_BLOCK = 256 * 1024 };

static struct send_options {
    uint64_t wait_ns; /* for a receiver to appear */
} send_options;

/* What is sent, and how far it is. */
struct delivery {
    struct session session;
    const char *source_name;
    int source;    /* the file, or standard input */
    uint64_t size; /* 0: not known */
    struct sockaddr_in to;
    int socket;
    uint64_t sent; /* handed to the stack */
    uint64_t started_ns;
    struct progress progress;
};

static int take_wait(void *target, const char *value, struct tern_error *error)
{
    return value_seconds("--wait", value, 86400, &((struct send_options *)target)->wait_ns, error);
}

static enum status source_open(struct delivery *d, const struct command *command, const char *name)
{
    bool is_file = name && strcmp(name, "-") != 0;
    struct stat facts;
    d->source_name = is_file ? name : "standard input";
    if (is_file && !*name)
        return status_say(STATUS_FAILED, command->name, "the file to be sent has an empty name");
    d->source = is_file ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (d->source < 0 && interrupt_signal()) /* a pipe that nobody writes to */
        return session_interrupted(&d->session, "nothing was sent");
    bool opened = d->source >= 0 && fstat(d->source, &facts) == 0;
    if (opened && (fcntl(d->source, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        errno = EBADF;
        opened = false;
    }
    if (!opened)
        return status_say(STATUS_FAILED, command->name, "cannot read %s: %s", d->source_name,
                          strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return status_say(
            STATUS_FAILED, command->name,
            "cannot read %s: it is a directory; pack it first: tar c %s | tern send ...",
            d->source_name, d->source_name);
    d->size = S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
    return STATUS_OK;
}

static enum status delivery_connect(struct delivery *d)
{
    d->socket = session_connect_patiently(&d->session, &d->to, "receiver", send_options.wait_ns);
    if (d->socket == -EINTR)
        return session_interrupted_alone(&d->session, &d->to, "nothing was sent");
    return d->socket < 0 ? session_failed(&d->session, -d->socket, &d->to, false) : STATUS_OK;
}

/* The next block of the source: its length, 0 at the end, or a negative errno. */
static ssize_t source_read(struct delivery *d, uint8_t *block)
{
    struct pollfd readable = {.fd = d->source, .events = POLLIN};
    for (;;) {
        if (interrupt_signal())
            return -EINTR;
        if (poll(&readable, 1, INTERRUPT_TICK_MS) <= 0)
            continue;
        ssize_t length = read(d->source, block, SEND_BLOCK);
        if (length >= 0)
            return length;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

/* Bytes that the peer has acknowledged: what was written less what still waits, a FIN with it. */
static uint64_t delivery_acknowledged(struct delivery *d)
{
    int waiting = 0;
    tern_ioctl(d->session.stack, d->socket, SIOCOUTQ, &waiting);
    return d->sent > (uint64_t)waiting ? d->sent - (uint64_t)waiting : 0;
}

/* After a call that ended with errno: 0 to try again, or a negative errno. */
static int delivery_check(struct delivery *d)
{
    if (interrupt_signal())
        return -EINTR;
    if (errno != EAGAIN && errno != EINTR)
        return -errno;
    progress_update(&d->progress, delivery_acknowledged(d));
    return 0;
}

static int block_send(struct delivery *d, const uint8_t *block, size_t length)
{
    while (length > 0) {
        ssize_t taken = tern_send(d->session.stack, d->socket, block, length, 0);
        if (taken > 0) {
            block += taken;
            length -= (size_t)taken;
            d->sent += (uint64_t)taken;
            progress_update(&d->progress, delivery_acknowledged(d));
        }
        if (taken <= 0 || interrupt_signal()) {
            int result = delivery_check(d);
            if (result < 0)
                return result;
        }
    }
    return 0;
}

/* Ends our side and waits until all of it, the FIN too, is acknowledged. */
static int delivery_finish(struct delivery *d)
{
    if (tern_shutdown(d->session.stack, d->socket, SHUT_WR) < 0)
        return -errno;
    while (tern_drain(d->session.stack, d->socket) < 0) {
        int result = delivery_check(d);
        if (result < 0)
            return result;
    }
    return 0;
}

static enum status delivery_ended(struct delivery *d, int error)
{
    progress_end(&d->progress);
    enum status status = error == EINTR ? session_interrupted(&d->session, "")
                                        : session_failed(&d->session, error, &d->to, true);
    fprintf(stderr, "  Not delivered: of the %" PRIu64 " bytes sent not all were acknowledged.\n",
            d->sent);
    return status;
}

static void delivery_report(struct delivery *d, uint64_t elapsed_ns)
{
    char size[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX], seconds[UNITS_TEXT_MAX];
    char peer[ENDPOINT_TEXT_MAX];
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    tern_getsockopt(d->session.stack, d->socket, IPPROTO_TCP, TCP_INFO, &info, &length);
    printf("delivered %" PRIu64 " bytes (%s) to %s in %s s, %s, %u retransmission%s, "
           "smoothed RTT %.3f ms\n",
           d->sent, units_bytes(d->sent, size), endpoint_format(&d->to, peer),
           units_seconds(elapsed_ns, seconds), units_rate(d->sent, elapsed_ns, rate),
           info.tcpi_total_retrans, info.tcpi_total_retrans == 1 ? "" : "s",
           info.tcpi_rtt / 1000.0);
}

static enum status delivery_run(struct delivery *d)
{
    static uint8_t block[SEND_BLOCK];
    d->started_ns = stopwatch_ns();
    progress_begin(&d->progress, d->size, !d->session.common->trace);

    ssize_t length;
    int result = 0;
    while (result == 0 && (length = source_read(d, block)) > 0)
        result = block_send(d, block, (size_t)length);
    if (result == 0 && length < 0 && length != -EINTR) {
        progress_end(&d->progress);
        return status_say(STATUS_FAILED, d->session.command->name, "cannot read %s: %s",
                          d->source_name, strerror(-(int)length));
    }
    if (result == 0)
        result = length < 0 ? (int)length : delivery_finish(d);
    if (result < 0)
        return delivery_ended(d, -result);

    uint64_t elapsed_ns = stopwatch_ns() - d->started_ns;
    progress_end(&d->progress);
    delivery_report(d, elapsed_ns);
    tern_close(d->session.stack, d->socket);
    session_quiesce(&d->session);
    return STATUS_OK;
}

static enum status send_run(const struct command *command, const struct common *common, int count,
                            char **arguments)
{
    struct delivery d = {.session.command = command};
    struct tern_error error;
    if (value_endpoint(arguments[0], &d.to, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);

    enum status status = source_open(&d, command, count > 1 ? arguments[1] : NULL);
    if (status == STATUS_OK)
        status = session_check_capture(command, common, d.source, NULL, "sent");
    if (status == STATUS_OK)
        status = session_open(&d.session, command, common);
    if (status != STATUS_OK)
        return status;
    status = delivery_connect(&d);
    if (status == STATUS_OK)
        status = delivery_run(&d);
    return session_close(&d.session, status);
}

static const struct option_entry send_entries[] = {
    {"wait", 'w', "SECONDS", "while nothing listens there, keep trying this long (0)", take_wait},
    {0},
};

const struct command send_command = {
    .name = "send",
    .synopsis = "HOST:PORT [FILE]",
    .summary = "deliver a file or standard input over TCP",
    .text =
        "Delivers FILE, or standard input, to a TCP receiver at HOST:PORT, closes, and waits "
        "until\n"
        "the peer has acknowledged all of it. Then prints what it took.\n"
        "\n"
        "Examples:\n"
        "  socat -u TCP-LISTEN:8000 CREATE:copy &  tern send 10.0.0.2:8000 FILE\n"
        "  tern send --sandbox --wait 60 10.0.0.2:8000 FILE\n"
        "      a network of its own; start the receiver in it with the line that is printed:\n"
        "      nsenter -t PID -U --preserve-credentials -n socat -u TCP-LISTEN:8000 CREATE:copy\n",
    .options = send_entries,
    .values = &send_options,
    .arguments_least = 1,
    .arguments_most = 2,
    .arguments_missing = "where to? give a HOST:PORT like 10.0.0.2:8000",
    .statuses = STATUS_BIT(STATUS_REFUSED) | STATUS_BIT(STATUS_RESET) |
                STATUS_BIT(STATUS_UNREACHABLE) | STATUS_BIT(STATUS_TIMED_OUT),
    .start_first = "the receiver",
    .run = send_run,
};
