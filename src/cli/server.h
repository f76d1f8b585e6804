/* One server of `tern serve`: its stack's sockets and streams, all in one thread
 * around tern_poll. */
#ifndef TERN_CLI_SERVER_H
#define TERN_CLI_SERVER_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "cli/stream.h"

enum {
    OFFERS_MAX = 16,
    STREAMS_MAX = 4096, /* further connections wait in the backlog */
    DATAGRAM_MAX = 65507,
};

/* A service on a port, over both protocols. */
struct offer {
    enum service service;
    uint16_t port;
    int listener;
    int datagrams;
    struct service_counts counts;
};

/* What one thread serves, on its own stack. */
struct server {
    const struct command *command;
    struct tern *stack;
    pthread_t thread;
    atomic_bool *stop;  /* set when one of all servers cannot go on, and heeded by all */
    enum status status; /* how it ended */
    unsigned offer_count;
    struct offer offers[OFFERS_MAX];
    size_t stream_count, stream_limit;
    struct stream *streams; /* STREAMS_MAX of them */
    struct pollfd *waiting; /* listeners and datagram sockets in turn, then the streams */
    uint8_t datagram[DATAGRAM_MAX];
};

/* Opens a server's sockets. On failure says why. */
enum status server_open(struct server *server);
/* Serves until interrupted, or until one cannot go on, and closes the streams: a thread's function,
 * whose argument is the server. */
void *server_run(void *argument);

#endif
