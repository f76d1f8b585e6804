#include "cli/trace.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/time.h"
#include "cli/describe.h"
#include "cli/interrupt.h"

enum { BRIEF_MAX = 128 };

struct trace_printer {
    pthread_mutex_t lock; /* several stacks may print at once */
    FILE *to;
    bool started;
    uint64_t start_ns;
    char arrived[BRIEF_MAX]; /* the packet of the last TERN_TRACE_IN: a drop is about it */
    struct flows flows;
    uint8_t whole[LIMIT_SUPER_PACKET]; /* a packet of several spans, put together */
};

struct trace_printer *trace_printer_new(FILE *to)
{
    struct hash_key key;
    struct trace_printer *printer = malloc(sizeof *printer);
    if (!printer)
        return NULL;
    /* Before the kernel has any randomness the key is a fixed one: only a display depends on it. */
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        key = (struct hash_key){{0, 0}};
    pthread_mutex_init(&printer->lock, NULL);
    printer->to = to;
    printer->started = false;
    printer->arrived[0] = '\0';
    flows_init(&printer->flows, &key);
    return printer;
}

void trace_printer_free(struct trace_printer *printer)
{
    if (printer)
        pthread_mutex_destroy(&printer->lock);
    free(printer);
}

/* The event's packet in one piece; its length, cut to what the printer can hold. */
static size_t packet_gather(struct trace_printer *printer, const struct tern_trace_event *event,
                            const uint8_t **bytes)
{
    if (event->count == 1) {
        *bytes = event->packet[0].iov_base;
        return event->packet[0].iov_len;
    }
    size_t used = 0;
    for (int i = 0; i < event->count; i++) {
        size_t room = sizeof printer->whole - used;
        size_t length = event->packet[i].iov_len < room ? event->packet[i].iov_len : room;
        if (length > 0)
            memcpy(printer->whole + used, event->packet[i].iov_base, length);
        used += length;
    }
    *bytes = printer->whole;
    return used;
}

static const char *kind_word(enum tern_trace_kind kind)
{
    switch (kind) {
    case TERN_TRACE_IN:
        return "in";
    case TERN_TRACE_OUT:
        return "out";
    case TERN_TRACE_DROP:
        return "drop";
    default:
        return "note";
    }
}

static void packet_add(struct trace_printer *printer, const struct tern_trace_event *event,
                       struct line *line)
{
    const struct tern_offload *offload = event->offload;
    bool unfinished = offload && (offload->flags & (TERN_OFFLOAD_CHECKSUM | TERN_OFFLOAD_VERIFIED));
    bool passing = event->kind == TERN_TRACE_IN || event->kind == TERN_TRACE_OUT;
    struct describe_packet packet = {
        .segment_size = offload ? offload->segment_size : 0,
        .verify = event->kind == TERN_TRACE_IN && !unfinished,
        .seen_before = !passing,
    };
    packet.length = packet_gather(printer, event, &packet.bytes);

    char brief_text[BRIEF_MAX], rest_text[TRACE_LINE_MAX];
    struct line brief = line_over(brief_text, sizeof brief_text);
    struct line rest = line_over(rest_text, sizeof rest_text);
    describe(&packet, &printer->flows, &brief, &rest);
    line_add(line, "%s", brief.text);
    if (passing)
        line_add(line, "%s", rest.text);
    if (event->kind == TERN_TRACE_IN)
        memcpy(printer->arrived, brief_text, sizeof printer->arrived);
}

static const char *why_separator(const struct tern_trace_event *event)
{
    switch (event->kind) {
    case TERN_TRACE_DROP:
        return ", ";
    case TERN_TRACE_NOTE:
        return event->count > 0 ? ": " : "";
    default:
        return " -- ";
    }
}

/* " -- why (clause)": what made us send the packet, or drop it, or what happened. */
static void reason_add(struct line *line, const struct tern_trace_event *event)
{
    if (event->kind == TERN_TRACE_DROP)
        line_add(line, ": dropped");
    if (event->why && *event->why)
        line_add(line, "%s%s", why_separator(event), event->why);
    if (event->clause && *event->clause)
        line_add(line, " (%s)", event->clause);
}

void trace_line(struct trace_printer *printer, const struct tern_trace_event *event,
                char text[TRACE_LINE_MAX])
{
    struct line line = line_over(text, TRACE_LINE_MAX);
    if (!printer->started)
        printer->start_ns = event->time_ns;
    printer->started = true;
    line_add(&line, "%10.6f %-4s ",
             (double)(event->time_ns - printer->start_ns) / (double)TIME_S(1),
             kind_word(event->kind));
    if (event->count > 0)
        packet_add(printer, event, &line);
    else if (event->kind == TERN_TRACE_DROP)
        line_add(&line, "%s", printer->arrived);
    reason_add(&line, event);
}

void trace_printer_event(void *user, const struct tern_trace_event *event)
{
    struct trace_printer *printer = user;
    char line[TRACE_LINE_MAX + 1];
    pthread_mutex_lock(&printer->lock);
    trace_line(printer, event, line);
    size_t length = strlen(line);
    line[length] = '\n';
    /* The thread that drives while nobody waits takes no SIGPIPE. */
    if (fwrite(line, 1, length + 1, printer->to) <= length && errno == EPIPE)
        interrupt_note(SIGPIPE);
    pthread_mutex_unlock(&printer->lock);
}
