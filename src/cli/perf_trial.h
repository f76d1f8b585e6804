/* One measurement, from either side: its streams, and the time it takes. What the sides say to each
 * other meanwhile is in perf_talk.h. */
#ifndef TERN_CLI_PERF_TRIAL_H
#define TERN_CLI_PERF_TRIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/perf_control.h"
#include "cli/perf_stream.h"
#include "cli/session.h"
#include "cli/values.h"

struct trial;

/* What shows a measurement while it goes on. */
struct perf_show {
    void (*begin)(const struct trial *t);
    void (*interval)(const struct trial *t, uint64_t from_ns, uint64_t to_ns, bool omitted);
    void (*end)(const struct trial *t);
    /* It did not come to its end, for the reason `why`; what was counted here until then is shown
     * if there is any. */
    void (*broken)(const struct trial *t, const char *why);
};

struct trial {
    struct session *session;
    const struct perf_show *show;
    struct perf_test test;
    bool server;
    uint64_t interval_ns;
    char peer[ENDPOINT_TEXT_MAX];
    struct sockaddr_in to; /* the same */
    char cookie[PERF_COOKIE_SIZE];
    int control;                  /* -1: none */
    int listener;                 /* a server's, where others may call meanwhile; -1: none */
    struct perf_side here, there; /* what the two sides tell of themselves */
    unsigned count;
    struct perf_stream streams[PERF_STREAMS_MAX];
    uint8_t *block;      /* of the test's length */
    uint64_t start_ns;   /* of what is counted */
    struct cpu_time cpu; /* at that time */
    uint64_t elapsed_ns; /* at the end */
    bool begun;          /* there is something to show */
    bool counted;        /* and something has been counted, */
    bool told;           /* and told by the other side as well */
    unsigned intervals;  /* shown so far */
};

/* Whether this side sends, and whether it receives. */
bool trial_sends(const struct trial *t);
bool trial_receives(const struct trial *t);

/* Whether this side can send as the test wishes: 0, -ENOENT when it has no such congestion control,
 * or another negative errno. */
int trial_check_congestion(const struct trial *t);

/* Takes `socket` for the next stream. */
void trial_add_stream(struct trial *t, int socket, bool sends);

/* Moves what the streams can take, interval by interval: a client until the test is over, a server
 * until the client has something to say. 0 or a negative errno: -ETIMEDOUT when nothing moves,
 * -ETIME when the client of a server goes on for longer than it asked for. */
int trial_run(struct trial *t);

/* Closes the streams, when nothing is to be moved or asked of them any more. A server must do so
 * before it speaks of results: its client may be reading still, for the rest of a block. */
void trial_end_streams(struct trial *t);

/* Closes everything. */
void trial_close(struct trial *t);

#endif
