/* How the command ends: its exit statuses, and the one place that turns a connection's errno into
 * a status and into a sentence that says what to do. */
#ifndef TERN_CLI_STATUS_H
#define TERN_CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum status {
    STATUS_OK = 0,
    STATUS_FAILED = 1,      /* anything that has no status of its own: a file, a full disk */
    STATUS_USAGE = 2,       /* the command line is wrong */
    STATUS_SETUP = 3,       /* no device, no permission, no sandbox, no capture */
    STATUS_REFUSED = 4,     /* nothing listens there */
    STATUS_RESET = 5,       /* the peer reset the connection */
    STATUS_UNREACHABLE = 6, /* the network says that the host cannot be reached */
    STATUS_TIMED_OUT = 7,   /* nothing answers */
    STATUS_SIGNAL = 128,    /* and the signal's number: interrupted */
};

/* Says on standard error "tern NAME: ...", for a usage error also where help is, and gives back
 * `status`, to be returned. */
enum status status_say(enum status status, const char *command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What an errno of a call on the stack means to who runs the command. */
const char *status_reason(int error);

/* The status of a connection that could not be had, or ended when it was `established`, with
 * `error` (an errno), and what happened and what to do about it in `text`. `peer` is its
 * "host:port", `start_first` what should have listened there, as it is to be started; or NULL. */
enum status status_of_connection(int error, bool established, const char *peer,
                                 const char *start_first, char *text, size_t size);

#define STATUS_BIT(status) (1u << (status))

/* Prints the table for --help: the first four, of the others those in `statuses`, and what signals
 * do. A command that `serves` until it is interrupted has done so then. */
void status_help(unsigned statuses, bool serves, FILE *to);

#endif
