/* What send(2), recv(2) and their kin share with read(2) and write(2). */
#ifndef TERN_SOCK_DATA_H
#define TERN_SOCK_DATA_H

#include <sys/socket.h>
#include <sys/uio.h>

struct call;
struct datagram_info;

/* send(2) within `call`; `address` NULL: to the peer. What is sent, or a negative errno. */
ssize_t data_send(struct call *call, const struct iovec *spans, int count, int flags,
                  const struct sockaddr *address, socklen_t address_length);
/* recv(2) within `call`. `info` is filled in for datagrams only. */
ssize_t data_receive(struct call *call, const struct iovec *spans, int count, int flags,
                     struct datagram_info *info);

/* What to return when a stream call ends early. */
static inline ssize_t data_done_or(size_t done, ssize_t error)
{
    return done > 0 ? (ssize_t)done : error;
}

/* struct iovec serves both directions; sending only reads through it. */
static inline struct iovec data_span(const void *bytes, size_t length)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = bytes};
    return (struct iovec){pointer.out, length};
}

#endif
