/* --trace: a line for each packet in and out, in the manner of tcpdump, with why it was sent, and
 * for what is dropped why and by which clause.
 *
 *   0.000000 out  10.0.0.3:40000 > 10.0.0.2:8000 TCP [S] seq 0, win 65535, length 0,
 *                 options [mss 1460, sackOK, TS val 1 ecr 0, wscale 7] -- open
 *
 * (in one line). Time is in seconds since the first line. Sequence numbers are relative to each
 * side's first, as long as the bounded table of flows remembers it. */
#ifndef TERN_CLI_TRACE_H
#define TERN_CLI_TRACE_H

#include <stdio.h>

#include <tern/tern.h>

enum { TRACE_LINE_MAX = 1024 };

struct trace_printer;

struct trace_printer *trace_printer_new(FILE *to); /* NULL: out of memory */
void trace_printer_free(struct trace_printer *printer);

/* A tern_trace_function; `user` is a struct trace_printer. One thread at a time. */
void trace_printer_event(void *user, const struct tern_trace_event *event);

/* The line of an event, without its newline. */
void trace_line(struct trace_printer *printer, const struct tern_trace_event *event,
                char text[TRACE_LINE_MAX]);

#endif
