/* Who has connected to a server while it awaits the streams of a measurement, and has not said yet
 * whose stream it is: each is heard as it speaks, and none is waited for alone. They are taken in
 * the order in which they came, which tells a stream's direction, so that one who is silent holds
 * up those behind it, but not for longer than a moment. */
#ifndef TERN_CLI_PERF_CALLERS_H
#define TERN_CLI_PERF_CALLERS_H

#include "cli/perf_trial.h"

enum { PERF_CALLERS_MAX = PERF_STREAMS_MAX }; /* as many as a client may have on their way */

struct perf_caller {
    int socket;
    size_t heard;      /* bytes of its cookie */
    uint64_t until_ns; /* by then it must have said all of it */
    char cookie[PERF_COOKIE_SIZE];
};

struct perf_callers {
    unsigned count;
    struct perf_caller each[PERF_CALLERS_MAX]; /* the oldest first */
};

/* Fills in what to wait for, an entry for each of them. */
void callers_wait_for(const struct perf_callers *callers, struct pollfd *ready);

/* Takes in the next who waits at the listener; where there is no room, in place of the oldest. 0 or
 * a negative errno. */
int callers_accept(struct perf_callers *callers, struct trial *t);

/* Hears what they say. Who says another cookie than the trial's, or too little for too long, is a
 * client that comes at the wrong time, and is told so. */
void callers_hear(struct perf_callers *callers, struct trial *t);

/* The socket of the oldest, once it has said the cookie, for the caller to own; else -1. */
int callers_take(struct perf_callers *callers);

/* Tells all who are left that they come at the wrong time. */
void callers_deny(struct perf_callers *callers, struct trial *t);

#endif
