#include "cli/perf_talk.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "base/bytes.h"
#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/units.h"

enum { PATIENCE_S = 10 }; /* for what the other side has to say next */

/* After a call that did not do what it should have: 0 to try again, or a negative errno. */
static int may_go_on(uint64_t until_ns)
{
    if (interrupt_signal())
        return -EINTR;
    if (errno != EAGAIN && errno != EINTR)
        return -errno;
    return stopwatch_ns() < until_ns ? 0 : -ETIMEDOUT;
}

int talk_set_control(struct trial *t, int socket)
{
    int yes = 1;
    t->control = socket;
    return tern_setsockopt(t->session->stack, socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) <
                   0
               ? -errno
               : session_tick(t->session, socket);
}

int talk_say(struct trial *t, int socket, const void *bytes, size_t length)
{
    uint64_t until_ns = stopwatch_ns() + TIME_S(PATIENCE_S);
    for (size_t done = 0; done < length;) {
        ssize_t n =
            tern_send(t->session->stack, socket, (const uint8_t *)bytes + done, length - done, 0);
        int result = n < 0 ? may_go_on(until_ns) : 0;
        if (result < 0)
            return result;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int talk_hear(struct trial *t, int socket, void *bytes, size_t length)
{
    struct wait_note note = wait_note_begin();
    uint64_t until_ns = note.since_ns + TIME_S(PATIENCE_S);
    for (size_t done = 0; done < length;) {
        ssize_t n = tern_recv(t->session->stack, socket, (uint8_t *)bytes + done, length - done, 0);
        int result = n == 0 ? -ECONNRESET : n < 0 ? may_go_on(until_ns) : 0;
        if (result < 0)
            return result;
        done += n > 0 ? (size_t)n : 0;
        if (n < 0 && t->listener >= 0) /* who is silent holds up nobody else */
            talk_deny_callers(t);
        if (n < 0)
            session_note_wait(t->session, &note, "waiting for %s to say something", t->peer);
    }
    return 0;
}

int talk_say_state(struct trial *t, enum perf_state state)
{
    int8_t byte = (int8_t)state;
    return talk_say(t, t->control, &byte, 1);
}

int talk_hear_state(struct trial *t, enum perf_state *state)
{
    int8_t byte = 0;
    int result = talk_hear(t, t->control, &byte, 1);
    *state = (enum perf_state)byte;
    return result;
}

int talk_say_message(struct trial *t, const char *text, size_t length)
{
    uint8_t size[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                       (uint8_t)length};
    int result = length ? talk_say(t, t->control, size, sizeof size) : -EMSGSIZE;
    return result < 0 ? result : talk_say(t, t->control, text, length);
}

int talk_hear_message(struct trial *t, char *text)
{
    uint8_t size[4];
    int result = talk_hear(t, t->control, size, sizeof size);
    if (result < 0)
        return result;
    size_t length = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    if (length >= PERF_MESSAGE_MAX)
        return -EPROTO;
    text[length] = 0;
    return talk_hear(t, t->control, text, length);
}

void talk_refuse(struct trial *t, uint32_t why, int error)
{
    uint8_t said[8];
    struct writer writer = writer_over(said, sizeof said);
    writer_u32(&writer, why);
    writer_u32(&writer, (uint32_t)error);
    if (talk_say_state(t, PERF_SERVER_ERROR) == 0)
        talk_say(t, t->control, said, sizeof said);
}

void talk_deny(struct trial *t, int socket)
{
    int8_t denied = PERF_ACCESS_DENIED;
    tern_send(t->session->stack, socket, &denied, 1, MSG_DONTWAIT);
    tern_close(t->session->stack, socket);
}

void talk_deny_callers(struct trial *t)
{
    for (int other; (other = tern_accept(t->session->stack, t->listener, NULL, NULL)) >= 0;)
        talk_deny(t, other);
}

static unsigned results_of(const struct trial *t, struct perf_result *results)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct perf_stream *stream = &t->streams[i];
        results[i] = (struct perf_result){.id = stream->id,
                                          .sends = stream->sends,
                                          .count = stream->count,
                                          .omitted_datagrams = stream->omitted_datagrams,
                                          .omitted_lost = stream->omitted_lost,
                                          .seconds = (double)t->elapsed_ns / 1e9};
    }
    return t->count;
}

int talk_say_results(struct trial *t)
{
    static char text[PERF_MESSAGE_MAX];
    struct perf_result results[PERF_STREAMS_MAX];
    unsigned count = results_of(t, results);
    size_t length = perf_write_results(&t->here, results, count, trial_sends(t), text, sizeof text);
    return talk_say_message(t, text, length);
}

int talk_hear_results(struct trial *t)
{
    static char text[PERF_MESSAGE_MAX];
    struct perf_result results[PERF_STREAMS_MAX];
    int result = talk_hear_message(t, text);
    if (result == 0)
        result = perf_read_results(text, &t->there, results, results_of(t, results));
    if (result < 0)
        return result;
    for (unsigned i = 0; i < t->count; i++)
        t->streams[i].there = results[i].count;
    t->told = true;
    return 0;
}
