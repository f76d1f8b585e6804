/* What the datagram sockets share (UDP and echo): the receive queue, bounded in bytes and in
 * number, the pending error, and the options that say how packets leave.
 *
 * A datagram is copied once, from the link's buffer into an allocation of its own, and charged to
 * the stack with its true size until it is received or the queue is released. Those of a
 * super-datagram, which have come as one packet, share an allocation, and are datagrams like any
 * other to who receives them and to the queue's limits. */
#ifndef TERN_CORE_DATAGRAMS_H
#define TERN_CORE_DATAGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"
#include "core/endpoint.h"
#include "core/error_queue.h"
#include "core/packet.h"
#include "core/stack.h"

/* How datagrams leave and what is kept of those that come. The owner may change every field at any
 * time, within these bounds. */
struct datagram_options {
    uint32_t receive_limit_bytes; /* SO_RCVBUF: of the queue, bookkeeping included */
    struct address source;        /* IP_PKTINFO of a send call; unspecified: as bound */
    uint8_t hop_limit;            /* IP_TTL; 0: the setting ip.ttl */
    uint8_t group_hop_limit;      /* IP_MULTICAST_TTL; 0: not beyond this host */
    uint8_t traffic_class;        /* IP_TOS */
    bool ignore_path_mtu;         /* IP_MTU_DISCOVER: whatever has been learnt of the path */
    bool dont_fragment;           /* IP_MTU_DISCOVER: -EMSGSIZE rather than fragments */
    bool whole;                   /* IP_MTU_DISCOVER: the same, though routers may cut it */
    bool segments_whole;          /* IP_MTU_DISCOVER: no router may cut what segment_size cuts */
    bool free_bind;               /* IP_FREEBIND: bind takes any address, ours or not */
    bool reuse_address;           /* SO_REUSEADDR; read by bind */
    bool reuse_port;              /* SO_REUSEPORT; the same, and whoever shares has a share */
    bool broadcast;               /* SO_BROADCAST */
    uint16_t segment_size;        /* UDP_SEGMENT: payload bytes of each datagram that one call's
                                     bytes are cut into; 0: they are one */
    bool receive_errors;          /* IP_RECVERR: every error is told, and queued with its details */
    bool receive_super;           /* UDP_GRO: the datagrams of a packet are received as one */
    uint32_t stamps;              /* SO_TIMESTAMPING of a send call: core/stamps.h */
};

/* Bytes that one send call may have, whatever becomes of them (as on Linux). */
enum { DATAGRAM_CALL_MAX = 65535 };

/* What is known of a received datagram besides its bytes. */
struct datagram_info {
    struct endpoint source;
    struct address destination; /* the address of ours that it was sent to */
    uint64_t arrived_ns;
    uint32_t length;       /* of the whole datagram, also when less was copied */
    uint16_t segment_size; /* of several that are received as one: the bytes of each, of which the
                              last may have fewer; else 0 */
    uint8_t hop_limit;
    uint8_t traffic_class;
    bool truncated; /* it was longer than the buffer, and the rest is lost: MSG_TRUNC */
};

struct datagrams {
    struct list queue;
    uint32_t count;
    uint32_t bytes; /* as charged */
    int error;      /* a positive errno that waits to be told, or 0 */
    struct error_queue errors;
    uint32_t stamp_next; /* the number of the next datagram whose times are told */
    bool segments_sent;  /* something has left with segment_size */
    bool receive_closed; /* shutdown(SHUT_RD), and (SHUT_WR) */
    bool send_closed;
    struct datagram_options options;
};

/* `receive_limit_bytes` starts as given, group_hop_limit as 1 (RFC 1112 §6.1), segments_whole as
 * true, all else as zero. */
void datagrams_init(struct datagrams *datagrams, uint32_t receive_limit_bytes);
void datagrams_release(struct stack *stack, struct datagrams *datagrams);

/* Queues a copy of a datagram of which `info` says source, destination, hop limit and traffic
 * class; or, with a segment_size, of as many as `length` bytes are. The bytes of those that found
 * room, which are the first ones; -ENOBUFS when the queue is full (by bytes or by
 * LIMIT_DATAGRAMS_QUEUED); -ENOMEM. An empty queue takes any datagram. */
ssize_t datagrams_append(struct stack *stack, struct datagrams *datagrams,
                         const struct datagram_info *info, const void *bytes, size_t length);

/* Takes the oldest datagram: the number of bytes copied, or with MSG_TRUNC in `flags` its whole
 * length. MSG_PEEK leaves it. A pending error is returned, once, before any datagram; -EAGAIN when
 * nothing is there. `info` may be NULL. */
ssize_t datagrams_receive(struct stack *stack, struct datagrams *datagrams,
                          const struct iovec *spans, int count, int flags,
                          struct datagram_info *info);

/* A datagram on its way out as one piece: the caller's own bytes where they are one,
 * else a copy. */
struct datagram_piece {
    const uint8_t *bytes;
    size_t length;
    void *copy; /* to free, or NULL */
};
/* 0, -EMSGSIZE (longer than `most`), -ENOMEM. */
int datagram_piece_make(const struct iovec *spans, int count, size_t most,
                        struct datagram_piece *out);
void datagram_piece_release(struct datagram_piece *piece);

/* An ICMP error about a datagram to `destination`, of which `quoted` bytes came back: makes it the
 * pending error, where RFC 1122 §4.1.3.3 wants it told, and queues it for who wants all of it
 * (IP_RECVERR). */
void datagrams_path_error(struct stack *stack, struct datagrams *datagrams,
                          const struct path_error *error, const struct endpoint *destination,
                          const void *quoted, size_t length);
/* A datagram to `destination` was larger than the path's `mtu` and not to be cut: queues that for
 * who wants all errors (ip(7), IP_RECVERR). Whether it did. */
bool datagrams_too_long(struct stack *stack, struct datagrams *datagrams,
                        const struct endpoint *destination, uint32_t mtu);
/* A datagram has left: tells the times of its departure that `stamps` ask for. Whether any. */
bool datagrams_left(struct stack *stack, struct datagrams *datagrams, uint32_t stamps);
/* The bytes of a send call are done with: tells that in `completion`. */
void datagrams_complete(struct stack *stack, struct datagrams *datagrams,
                        struct error_note *completion);
/* Times of departure tell the datagram's number from now on, which counts from 0. */
void datagrams_stamps_begin(struct datagrams *datagrams);
/* The oldest note of the error queue, to be freed by the caller, or NULL. */
struct error_note *datagrams_take_note(struct datagrams *datagrams);

/* POLLIN, POLLOUT (always: sending never waits), POLLERR, POLLRDHUP, POLLHUP as
 * poll(2) means them. */
unsigned datagrams_readiness(const struct datagrams *datagrams);
/* The pending error, a positive errno or 0. */
int datagrams_error(struct datagrams *datagrams, bool clear);
/* Whether so much waits to be received that little more would find room. */
bool datagrams_are_many(const struct datagrams *datagrams);
/* Whether some of what was sent must not be fragmented, and so a router's word about its size
 * counts. */
bool datagrams_mind_size(const struct datagrams *datagrams);
/* Bytes of the next datagram, 0 when there is none (FIONREAD). */
uint32_t datagrams_next_length(const struct datagrams *datagrams);

#endif
