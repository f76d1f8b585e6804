/* The times at which packets came and left, as socket(7) and Linux's timestamping document tell
 * them: SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING. */
#ifndef TERN_SOCK_TIMES_H
#define TERN_SOCK_TIMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct control_room;
struct socket;

/* What a socket's user wants to be told. */
struct times {
    uint32_t flags : 30; /* SO_TIMESTAMPING's (core/stamps.h) */
    bool wanted : 1;     /* SO_TIMESTAMP or SO_TIMESTAMPNS */
    bool precise : 1;    /* the latter */
};

bool times_is_option(int option);
/* 0, -EINVAL, -EFAULT. */
int times_set(struct socket *socket, int option, const void *value, socklen_t length);
int times_get(const struct socket *socket, int option, void *value, socklen_t *length);

/* Reads the control messages of a send call: *flags are the socket's, save that a message of
 * SO_TIMESTAMPING replaces the transmit times asked for. -EINVAL for what is no such message,
 * -EFAULT. */
int times_of_send(const struct socket *socket, const struct msghdr *message, uint32_t *flags);

/* Adds when a packet came (or left, with `left`), by the machine's clock; 0: not known. */
void times_put(const struct socket *socket, struct control_room *room, uint64_t time_ns, bool left);

#endif
