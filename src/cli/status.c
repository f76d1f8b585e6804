#include "cli/status.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const char *const texts[] = {
    [STATUS_OK] = "success",
    [STATUS_FAILED] = "something else failed: a file, a full disk",
    [STATUS_USAGE] = "the command line is wrong",
    [STATUS_SETUP] = "the device, its capture or the sandbox could not be set up",
    [STATUS_REFUSED] = "refused: nothing listens there",
    [STATUS_RESET] = "reset by the peer",
    [STATUS_UNREACHABLE] = "unreachable",
    [STATUS_TIMED_OUT] = "timed out: nothing answers",
};

void status_help(unsigned statuses, bool serves, FILE *to)
{
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        if (i <= STATUS_SETUP || statuses & STATUS_BIT(i))
            fprintf(to, "  %-4u %s%s\n", i, texts[i],
                    i == STATUS_OK && serves ? "; interrupted, terminated or hung up too" : "");
    if (!serves)
        fprintf(to, "  130  interrupted (143: terminated, 129: hung up)\n");
    fprintf(to, "  141  nobody reads what is printed\n");
}

enum status status_say(enum status status, const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "tern %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    if (status == STATUS_USAGE)
        fprintf(stderr, "See 'tern %s --help'.\n", command);
    return status;
}

const char *status_reason(int error)
{
    return error == ENETDOWN
               ? "the device is gone, or is down: somebody has deleted it or set it down"
               : strerror(error);
}

enum status status_of_connection(int error, bool established, const char *peer,
                                 const char *start_first, char *text, size_t size)
{
    switch (error) {
    case ECONNREFUSED:
        snprintf(text, size, "%s refused the connection: nothing listens there%s%s%s", peer,
                 start_first ? "; start " : "", start_first ? start_first : "",
                 start_first ? " there first" : "");
        return STATUS_REFUSED;
    case ECONNRESET:
    case EPIPE: /* written to after the reset */
        snprintf(text, size,
                 "%s reset the connection: the program there ended or closed before everything "
                 "was through; look at its messages",
                 peer);
        return STATUS_RESET;
    case EHOSTUNREACH:
    case ENETUNREACH:
        snprintf(text, size, "%s is unreachable (%s); check the address, and --addr and --peer",
                 peer, strerror(error));
        return STATUS_UNREACHABLE;
    case ETIMEDOUT:
        if (established)
            snprintf(text, size,
                     "%s fell silent: it was connected and answers no more; look whether the "
                     "program there hangs, or the way to it is broken (--trace shows the packets)",
                     peer);
        else
            snprintf(text, size,
                     "no answer from %s: check the address%s%s%s, and whether a firewall or "
                     "--fault swallows packets (--trace shows them)",
                     peer, start_first ? ", whether " : "", start_first ? start_first : "",
                     start_first ? " runs there" : "");
        return STATUS_TIMED_OUT;
    default:
        snprintf(text, size, "connection with %s failed: %s", peer, status_reason(error));
        return STATUS_FAILED;
    }
}
