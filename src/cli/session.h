/* A stack as the subcommands use it: opened as the common options say, with its trace; calls that
 * wait but notice an interruption; and an orderly end. */
#ifndef TERN_CLI_SESSION_H
#define TERN_CLI_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <tern/tern.h>

#include "base/limits.h"
#include "cli/options.h"
#include "cli/trace.h"

struct session {
    const struct command *command;
    const struct common *common;
    struct tern *stack;                /* the only one, or the first */
    struct tern *stacks[LIMIT_QUEUES]; /* all of them */
    unsigned stack_count;
    struct trace_printer *trace; /* NULL: not asked for */
    bool quiet;                  /* does not tell what it waits for */
};

/* A wait for somebody far away, which is told once it is long enough for a user to wonder. */
struct wait_note {
    uint64_t since_ns;
    bool told;
};

/* Enters the sandbox if asked to, and opens the stack. On failure says why and gives back the exit
 * status. */
enum status session_open(struct session *session, const struct command *command,
                         const struct common *common);

/* The same with a stack for each of `count` queues (tern_open_queues). */
enum status session_open_queues(struct session *session, const struct command *command,
                                const struct common *common, unsigned count);

/* A usage error when --capture would write over the file behind `descriptor`, or over what has or
 * will have the name `path` (NULL: none). `use` is what that file is to be: "sent". */
enum status session_check_capture(const struct command *command, const struct common *common,
                                  int descriptor, const char *path, const char *use);

/* Lets what was closed in the first stack end in good order: FINs acknowledged, the peer's
 * answered. For some seconds at most, for a peer may keep its side open as long as it likes. */
void session_quiesce(struct session *session);

/* The value of a counter, of all stacks together. */
uint64_t session_counter(const struct session *session, const char *name);

/* Prints the counters if asked to, closes the stacks, and gives back `status`; a capture that could
 * not be written is told, and no success. */
enum status session_close(struct session *session, enum status status);

/* A wait begins now. */
struct wait_note wait_note_begin(void);
/* Says on standard error what is waited for, when that has taken a second, and only once. */
void session_note_wait(const struct session *session, struct wait_note *note, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/* A TCP connection to `to`: its socket, or a negative errno; -EINTR when interrupted. What does not
 * answer at once is told. */
int session_connect(struct session *session, const struct sockaddr_in *to);
/* The same; while nothing listens there yet, again and again for as long as `wait_ns`, and says
 * that it waits for a `whom`. */
int session_connect_patiently(struct session *session, const struct sockaddr_in *to,
                              const char *whom, uint64_t wait_ns);
/* Waits for a connection on `listener`, as above; `from` receives the peer. */
int session_accept(struct session *session, int listener, struct sockaddr_in *from);

/* Makes calls on a blocking socket return EAGAIN every INTERRUPT_TICK_MS, so that their caller can
 * look for an interruption. 0 or a negative errno. */
int session_tick(struct session *session, int socket);

/* A socket of the stack, bound to the port; or a negative errno. */
int session_bind(struct tern *stack, int type, uint16_t port);

/* Says why a connection with `peer` (port 0: what needs none) could not be had, or ended when it
 * was `established`, and gives back its status. In a sandbox that nobody has entered yet, a refusal
 * means something else than on a network. */
enum status session_failed(const struct session *session, int error, const struct sockaddr_in *peer,
                           bool established);

/* Says that a signal ended the command, and what came of it; its status. */
enum status session_interrupted(const struct session *session, const char *outcome);
/* The same before `peer` has accepted a connection. */
enum status session_interrupted_alone(const struct session *session, const struct sockaddr_in *peer,
                                      const char *outcome);

const char *session_address(const struct session *session, char text[INET_ADDRSTRLEN]); /* ours */
const char *session_peer(const struct session *session); /* the kernel's side */

#endif
