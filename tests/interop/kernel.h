/* The kernel's side of a scenario: its sockets and its settings. */
#ifndef TESTS_INTEROP_KERNEL_H
#define TESTS_INTEROP_KERNEL_H

#include <sys/socket.h>

#include "scenario.h"

/* A socket whose calls end after PATIENCE_S; a stream runs Cubic, whatever this host prefers. */
int kernel_socket(int type, int protocol);
/* Bound to the kernel's address and a free port. */
int kernel_bound(const struct scenario *scenario, int type, uint16_t *port);
int kernel_listen(const struct scenario *scenario, uint16_t *port);
int kernel_accept(int listener);
/* Connected to this port of ours. */
int kernel_connect(const struct scenario *scenario, int type, uint16_t port);

/* Writes `value` to net.ipv4.NAME; skips the test where this namespace may not. The teardown of the
 * test writes back what was there. */
void kernel_set(const char *name, const char *value);
void kernel_restore(void);

void kernel_option(int socket, int level, int option, int value);
/* A connection's TCP_INFO. */
struct tern_tcp_info kernel_info(int socket);
/* Waits until poll(2) tells one of the events, and gives those it tells. */
int kernel_poll(int socket, short events);
/* Runs a command of the shell. */
void kernel_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
