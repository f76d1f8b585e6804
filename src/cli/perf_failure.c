/* How a measurement fails, in words. */
#include <errno.h>
#include <stdio.h>

#include "cli/perf.h"

enum { SENTENCE_SIZE = 512 };

/* What fails in a way that only a measurement can, in `text`: its status, or STATUS_OK when it is
 * something that all connections know. */
static enum status measurement_failed(const struct trial *t, int error, char *text)
{
    switch (error) {
    case EBUSY:
        snprintf(text, SENTENCE_SIZE,
                 "the server at %s is busy with another test; try again when that is over",
                 t->peer);
        return STATUS_FAILED;
    case EPROTO:
        snprintf(text, SENTENCE_SIZE, "%s does not speak iperf3's protocol, or refuses", t->peer);
        return STATUS_FAILED;
    case ENOENT:
        if (t->server)
            snprintf(text, SENTENCE_SIZE,
                     "%s wishes the congestion control '%s', which tern does not have", t->peer,
                     t->test.congestion);
        else
            snprintf(text, SENTENCE_SIZE,
                     "the server at %s refuses the congestion control '%s'; what a kernel has is "
                     "in net.ipv4.tcp_available_congestion_control there",
                     t->peer, t->test.congestion);
        return STATUS_FAILED;
    case EBADMSG:
        snprintf(text, SENTENCE_SIZE, "the results that %s tells make no sense", t->peer);
        return STATUS_FAILED;
    case ETIME:
        snprintf(text, SENTENCE_SIZE, "%s did not end the test when its time was over", t->peer);
        return STATUS_FAILED;
    case ENOMSG:
        snprintf(text, SENTENCE_SIZE,
                 "%s answers to TCP, but not to UDP; check whether a firewall lets datagrams to "
                 "that port through",
                 t->peer);
        return STATUS_TIMED_OUT;
    default:
        return STATUS_OK;
    }
}

static enum status interrupted(const struct trial *t, bool connected)
{
    t->show->broken(t, "interrupted");
    return connected ? session_interrupted(t->session, "the test was not finished")
                     : session_interrupted_alone(t->session, &t->to, "nothing was measured");
}

enum status perf_failed(const struct trial *t, int error)
{
    char text[SENTENCE_SIZE];
    const struct command *command = t->session->command;
    bool connected = t->control >= 0;
    if (error == EINTR)
        return interrupted(t, connected);
    enum status status = measurement_failed(t, error, text);
    bool ours = status != STATUS_OK;
    if (!ours)
        status_of_connection(error, connected, t->peer, command->start_first, text, sizeof text);
    t->show->broken(t, text);
    return ours ? status_say(status, command->name, "%s", text)
                : session_failed(t->session, error, &t->to, connected);
}
