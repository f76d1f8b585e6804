/* The few calls that the measured work needs, of whichever network a program is linked with:
 * net_linux.c, net_tern.c or net_lwip.c. They mean what their POSIX namesakes do; on a failure
 * that the work cannot go on from, the program says so and ends. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

void net_begin(void); /* by the environment: TERN_SETTINGS and the like */
void net_end(void);

int net_listen(uint16_t port);
int net_accept(int listener);
/* Non-blocking: the connection is on its way, and POLLOUT tells its end. */
int net_connect(const char *host, uint16_t port, bool blocking);
ssize_t net_send(int socket, const void *bytes, size_t length, int flags);
ssize_t net_recv(int socket, void *bytes, size_t length, int flags);
/* The same for who would rather burn a CPU than sleep. */
ssize_t net_recv_spinning(int socket, void *bytes, size_t length);
int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms);
void net_finish(int socket); /* no more to send */
void net_no_delay(int socket);
void net_close(int socket);

/* Says what went wrong, with errno's reason, and ends the program. */
_Noreturn void fail(const char *what);

#endif
