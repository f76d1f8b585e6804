/* --sandbox: a network of the command's own.
 *
 * The process moves into a fresh user and network namespace, where it may create a TUN device and
 * give the kernel's side an address although it is not root outside, and where nothing it does
 * reaches the host's network. Where user namespaces are forbidden but the caller is root, a network
 * namespace alone does the same. Everything ends with the process.
 *
 * (user_namespaces(7), network_namespaces(7).) */
#ifndef TERN_CLI_SANDBOX_H
#define TERN_CLI_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <tern/tern.h>

/* Enters a sandbox and brings its loopback device up. Call it while the process has one thread. 0,
 * or a negative errno with what failed and what to do about it in `error`. */
int sandbox_enter(struct tern_error *error);

/* The command line that starts COMMAND on the kernel's side of the sandbox entered, written into
 * `text`. */
void sandbox_way_in(char *text, size_t size);

/* Why entering failed with this errno, and what to do: from what the host's settings say, each as
 * read from /proc/sys, or -1 where there is no such setting. */
struct sandbox_host {
    long unprivileged_userns_clone; /* Debian's: 0 forbids */
    long max_user_namespaces;       /* 0 forbids */
    long apparmor_restrict;         /* Ubuntu's: 1 forbids */
};
void sandbox_explain(const struct sandbox_host *host, int code, const char *step,
                     struct tern_error *error);

#endif
