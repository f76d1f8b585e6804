/* A program played on one side: what it did, line by line, for the comparison.
 *
 * A program is a function of a struct play. It makes its calls through `A` and has each written
 * down by STEP(), with its own text and what came of it; the two sides must have written the same.
 * What differs by nature (descriptors, ports that the system chose) is not written down. Where the
 * kernel may take its time, the program awaits the event before it goes on. */
#ifndef TESTS_PARITY_PLAY_H
#define TESTS_PARITY_PLAY_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "api.h"

enum { LINES = 512, LINE = 160 };

struct play {
    const struct api *api;
    uint16_t port; /* the first of a few of the program's own */
    int subject;   /* of a program of the matrix: the socket that the call is made on, */
    int peer;      /* and its peer's socket, or -1 */
    int count;
    char lines[LINES][LINE];
};

#define A (p->api)

/* One call with its result. STEP_OK: what it gives when it succeeds is not to be compared. Both
 * give the result. */
#define STEP(call)    play_step(p, #call, (long)(call), true)
#define STEP_OK(call) play_step(p, #call, (long)(call), false)

long play_step(struct play *p, const char *call, long result, bool compare);
/* Writes a line of its own. */
void play_note(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "127.0.0.1:5" as a socket address that lives until sixteen others were asked for. */
struct sockaddr *play_address(const char *host, uint16_t port);
#define AT(host, port) play_address(host, port), sizeof(struct sockaddr_in)
#define LOOP(port)     AT("127.0.0.1", port)

/* What poll() says of every event. */
void play_readiness(struct play *p, int s);
/* Waits until one of the events is there, five seconds at most; not written down. */
void play_await(struct play *p, int s, short events);
/* The same, until its FIN has been acknowledged, which the kernel takes its time for. */
void play_await_fin(struct play *p, int s);
/* The bytes received, if any. */
void play_bytes(struct play *p, const char *bytes, ssize_t length);
/* An integer option, or the error. */
void play_option(struct play *p, int s, const char *name, int level, int option);
#define OPTION(s, level, option) play_option(p, s, #option, level, option)
/* An integer option of UDP: set to each of the values, set wrongly, and of other sockets. */
void play_udp_option(struct play *p, int option, const int *values, size_t count);

/* The pieces that many programs start from; they are not written down. All are non-blocking. */
int play_stream(struct play *p);
int play_datagram(struct play *p);
int play_echo(struct play *p);
int play_receiver(struct play *p); /* a datagram socket at 127.0.0.1 and p->port, */
int play_sender(struct play *p);   /* and one that has it as its peer */
int play_listener(struct play *p); /* at 127.0.0.1 and p->port */
int play_dial(struct play *p);     /* connected to it, the handshake over */
int play_accept(struct play *p, int listener);
void play_connected(struct play *p, int *client, int *server);
int play_file(struct play *p, const char *text); /* one that holds it, at its beginning */
void play_set(struct play *p, int s, int level, int option, int value);
void play_linger(struct play *p, int s, int on, int seconds);
void play_blocking(struct play *p, int s);

#endif
