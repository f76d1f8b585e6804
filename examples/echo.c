#include "echo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As much as one super-segment brings. Each round costs a wait of the loop and a look at the
 * device, whatever it moves: with a quarter of this, bulk takes two and a half times the CPU. */
enum { BUFFER = 64 * 1024 };

struct connection {
    struct tern *t;
    size_t start, end; /* of what was read and is not written yet */
    char bytes[BUFFER];
};

static void connection_end(struct connection *c, int socket)
{
    tern_close(c->t, socket); /* which ends the watch */
    free(c);
}

/* False when the connection is over. */
static bool take_in(struct connection *c, int socket)
{
    ssize_t n = tern_recv(c->t, socket, c->bytes, sizeof c->bytes, 0);
    if (n > 0) {
        c->start = 0;
        c->end = (size_t)n;
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool give_back(struct connection *c, int socket)
{
    ssize_t n = tern_send(c->t, socket, c->bytes + c->start, c->end - c->start, 0);
    if (n > 0)
        c->start += (size_t)n;
    return n > 0 || errno == EAGAIN;
}

/* Reads only what is written again: who does not read what comes back is not read from either. */
static void connection_ready(void *user, int socket, short events)
{
    struct connection *c = user;
    bool alive = true;
    (void)events;
    if (c->start == c->end)
        alive = take_in(c, socket);
    if (alive && c->start < c->end)
        alive = give_back(c, socket);
    if (!alive) {
        connection_end(c, socket);
        return;
    }
    short next = c->start < c->end ? POLLOUT : POLLIN;
    if (tern_watch(c->t, socket, next, connection_ready, c) < 0)
        connection_end(c, socket);
}

static void listener_ready(void *user, int listener, short events)
{
    struct tern *t = user;
    (void)events;
    int socket = tern_accept4(t, listener, NULL, NULL, SOCK_NONBLOCK);
    if (socket < 0)
        return;
    struct connection *c = calloc(1, sizeof *c);
    if (c)
        c->t = t;
    if (!c || tern_watch(t, socket, POLLIN, connection_ready, c) < 0) {
        free(c);
        tern_close(t, socket);
    }
}

struct tern *echo_open(void)
{
    struct tern_error error;
    struct tern *t = tern_open(NULL, &error);
    if (!t) {
        fprintf(stderr, "echo: %s\n", error.text);
        exit(1);
    }
    int listener = tern_listen_on(t, "7", 64);
    if (listener < 0 || tern_fcntl(t, listener, F_SETFL, O_NONBLOCK) < 0 ||
        tern_watch(t, listener, POLLIN, listener_ready, t) < 0) {
        fprintf(stderr, "echo: cannot listen: %s\n", strerror(errno));
        exit(1);
    }
    printf("echoing on 10.0.0.3:7\n");
    fflush(stdout);
    return t;
}
