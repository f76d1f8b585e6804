/* The small services (RFC 862 echo, RFC 863 discard, RFC 864 chargen, RFC 867 daytime): what each
 * says to a datagram and on a stream. No sockets here. */
#ifndef TERN_CLI_SERVICES_H
#define TERN_CLI_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum service {
    SERVICE_ECHO,
    SERVICE_DISCARD,
    SERVICE_CHARGEN,
    SERVICE_DAYTIME,
    SERVICES,
};

enum {
    SERVICE_TEXT_MAX = 64,               /* a daytime line with its terminating zero */
    CHARGEN_LINE = 74,                   /* 72 characters and CR LF */
    CHARGEN_PERIOD = 95 * CHARGEN_LINE,  /* then the pattern starts again */
    CHARGEN_DATAGRAM = 6 * CHARGEN_LINE, /* whole lines; RFC 864 asks for at most 512 bytes */
};

struct service_facts {
    const char *name;
    uint16_t port; /* its well-known one */
};
extern const struct service_facts service_facts[SERVICES];

/* By name, of `length` characters; -1: there is none. */
int service_find(const char *name, size_t length);

/* The pattern of chargen from byte `position` of the stream on: the bytes there are
 * in one piece. */
const uint8_t *chargen_at(uint64_t position, size_t *length);

/* The line of daytime; its length. */
size_t daytime_write(time_t now, char text[SERVICE_TEXT_MAX]);

/* The answer to a datagram: its bytes (`in`, `text` or constant ones) and their number; false when
 * there is none. */
bool service_answer(enum service service, const uint8_t *in, size_t length, time_t now,
                    char text[SERVICE_TEXT_MAX], const uint8_t **out, size_t *out_length);

/* Whether a datagram from this port is never answered: two services that answer each other never
 * stop (CERT CA-1996-01). */
bool service_port_loops(uint16_t port);

#endif
