/* What the two sides of a measurement say to each other on its control connection: words of a byte,
 * messages, and at the end what each has counted. */
#ifndef TERN_CLI_PERF_TALK_H
#define TERN_CLI_PERF_TALK_H

#include "cli/perf_trial.h"

/* All of `length` bytes, both ways: 0 or a negative errno. talk_hear: -ECONNRESET at an early end.
 * They give up after some seconds of silence. Who calls a server meanwhile is told that it is busy.
 */
int talk_say(struct trial *t, int socket, const void *bytes, size_t length);
int talk_hear(struct trial *t, int socket, void *bytes, size_t length);
int talk_say_state(struct trial *t, enum perf_state state);
int talk_hear_state(struct trial *t, enum perf_state *state);
int talk_say_message(struct trial *t, const char *text, size_t length);
/* Into `text` of PERF_MESSAGE_MAX bytes, terminated. */
int talk_hear_message(struct trial *t, char *text);

/* Takes `socket` for the control connection, whose words of a byte must not wait for each other's
 * acknowledgments (RFC 9293 §3.7.4): 0 or a negative errno. */
int talk_set_control(struct trial *t, int socket);

/* Both sides' counts. */
int talk_say_results(struct trial *t);
int talk_hear_results(struct trial *t);

/* A server's word to its client that there will be no test, and `why`: PERF_ERROR_…, with an errno.
 */
void talk_refuse(struct trial *t, uint32_t why, int error);

/* Tells a caller, or all who call a server now, that it is busy. */
void talk_deny(struct trial *t, int socket);
void talk_deny_callers(struct trial *t);

#endif
