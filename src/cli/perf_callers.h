/* Who has connected to a server while it awaits a client, or the streams of its measurement, and
 * has not said the cookie yet that tells whose it is: each is heard as it speaks, and none is
 * waited for alone. Streams are taken in the order in which they came, which tells their direction,
 * so that one who is silent holds up those behind it, but not for longer than a moment. */
#ifndef TERN_CLI_PERF_CALLERS_H
#define TERN_CLI_PERF_CALLERS_H

#include "cli/perf_trial.h"

enum { PERF_CALLERS_MAX = PERF_STREAMS_MAX }; /* as many as a client may have on their way */

struct perf_caller {
    int socket;
    size_t heard;      /* bytes of its cookie */
    uint64_t until_ns; /* by then it must have said all of it */
    struct sockaddr_in from;
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

/* Hears what they say. Who says another cookie than `cookie` (NULL: any will do), or too little for
 * too long, comes at the wrong time, and is told so. */
void callers_hear(struct perf_callers *callers, struct trial *t, const char *cookie);

/* The socket of the oldest, once it has said the cookie, for the caller to own; else -1. */
int callers_take(struct perf_callers *callers);

/* That of the oldest who has said one, as the client of the trial, which is his from now on. */
int callers_take_client(struct perf_callers *callers, struct trial *t);

/* Tells all who are left that they come at the wrong time. */
void callers_deny(struct perf_callers *callers, struct trial *t);

#endif
