/* One play of one script.
 *
 * There is one thread and one clock, the script's. A step does one thing: performs the next event,
 * or lets time pass to the next moment at which anything can happen. A call that is allowed to
 * block takes the steps itself while it waits, out of the engine's wait callback; so what happens
 * meanwhile happens in one order, the same at every play. */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include <tern/tern.h>

#include "script/config.h"
#include "script/connection.h"
#include "script/packet.h"

/* A packet that tern has sent and the script has not yet asked for. */
struct emitted {
    struct emitted *next;
    int64_t time_ns;
    struct packet_view view; /* in the wire's numbers */
    const char *wrong;       /* what is broken about it, or NULL */
    const char *why;         /* tern's word for what made it send, or NULL */
};

/* Something on the wire, for whoever reads about a failure. */
struct moment {
    struct moment *last; /* the one before */
    int64_t time_ns;
    const char *text;
};

/* A segment that comes in parts. */
struct gathering {
    int parts;
    struct packet_view view; /* what the parts make together */
    struct packet_view last;
    int64_t time_ns; /* the last part's */
};

struct call;
struct variable;

struct run {
    struct arena *arena;
    struct problem *problem;
    const struct config *config;
    const char *path;
    struct tern *tern;
    int64_t now_ns;

    const struct event *event; /* the next one; NULL at the end */
    bool begun;                /* its times are reckoned: */
    int64_t start_ns, end_ns;
    const struct event *last; /* the one before, and when it was to be */
    int64_t last_ns;

    struct connection *connections; /* newest first */
    struct connection *under_test;
    uint16_t next_port; /* of the next peer */

    struct emitted *emitted, **emitted_tail;
    struct gathering gathering;
    const char *why;        /* of the packet about to leave */
    struct moment *moments; /* newest first */

    struct call *call; /* the one that is under way */
    struct variable *variables;
    bool ended; /* what is sent from now on is nobody's business */
};

/* Plays it; false when the problem is set. */
bool run_script(const struct script *script, const struct config *config, const char *path,
                struct problem *problem);

/* ── Between the files of the runner ── */

enum { SCRIPT_MS = 1000000 };

int64_t time_min_ns(int64_t a, int64_t b);
double seconds(int64_t time_ns);
void run_fail(struct run *run, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Lets time pass, until `until_ns` at most, to the first moment at which something is due. */
void run_pass(struct run *run, int64_t until_ns);
/* What the engine's clock shows now. */
uint64_t run_clock(const struct run *run);
/* How far from `at_ns` something may be that follows what was at `since_ns`. */
int64_t run_tolerance(const struct run *run, int64_t since_ns, int64_t at_ns);
/* Moves on to the next event. */
void run_next(struct run *run);
/* Adds to the problem what has been on the wire. */
void run_explain(struct run *run);
void run_remember(struct run *run, const char *direction, const char *text, const char *note);

/* Injects the event's packet. */
void inbound_perform(struct run *run, const struct event *event);
/* Looks for the event's packet, or lets time pass, at most until `limit_ns`. */
void outbound_step(struct run *run, int64_t limit_ns);
/* The connection that a packet of the script belongs to, made if need be; or NULL, with the problem
 * set. */
struct connection *connection_for(struct run *run, const struct event *event);
/* Whether tern sent the packet on this connection, whose own port may be learnt from it. */
bool connection_owns(struct connection *c, const struct packet_view *view,
                     const struct packet_spec *spec);
struct connection *connection_new(struct run *run, uint8_t protocol);
struct connection *connection_by_fd(const struct run *run, int script_fd);

/* Makes the event's call, and judges what it returns. */
void call_perform(struct run *run, const struct event *event);
/* What a waiting call does meanwhile; the engine's wait callback. */
int call_meanwhile(struct run *run, int64_t deadline_ns);
/* Lets time pass because nothing else can happen before the call returns. */
void call_await(struct run *run, int64_t limit_ns);
/* One step of the event that is next. */
void run_step(struct run *run, int64_t limit_ns);

/* Runs the commands of a backquoted text. */
void command_perform(struct run *run, const char *text, int line);
/* Applies a setting of tern. */
void command_set(struct run *run, const char *name, const char *value, int line);

/* Runs the statements of a code block. */
void code_perform(struct run *run, const char *text, int line);

#endif
