/* What the files of udp/ share: an endpoint, and the two tables that find it: `ports`, by local
 * port alone, holds every bound one; `peers`, by the local port and the peer, those that are
 * connected.
 *
 *     udp.c    an endpoint's life        bind.c   local ports and peers
 *     demux.c  whom a datagram is for    input.c  datagrams and errors arrive
 *     send.c   datagrams leave           cork.c   those that several calls make */
#ifndef TERN_UDP_INTERNAL_H
#define TERN_UDP_INTERNAL_H

#include "base/table.h"
#include "ip/ip.h"
#include "udp/udp.h"
#include "wire/ipv4.h"

/* All of UDP in one stack. */
struct udp_state {
    struct list all; /* every endpoint, to be freed at the stack's end */
    struct table ports;
    struct table peers;
};

/* How a datagram leaves, as it is settled before the first of its bytes. */
struct udp_departure {
    struct endpoint to;
    struct ip_path path;
    struct datagram_options options;
};

/* A datagram in the making. */
struct udp_parcel {
    struct udp_departure departure;
    uint32_t length, capacity;
    uint8_t bytes[];
};

struct udp {
    struct stack *stack;
    void *owner;
    struct list link;
    struct table_node port_node; /* in ports while local.port is not 0 */
    struct table_node peer_node; /* in peers while remote.port is not 0 */
    struct endpoint local;
    struct endpoint remote;
    bool port_chosen; /* by bind, and so kept when the association is dissolved */
    bool address_chosen;
    bool corked;               /* UDP_CORK */
    struct udp_parcel *parcel; /* NULL: no datagram is in the making */
    struct datagrams datagrams;
};

static inline struct udp_state *udp_of(const struct stack *stack)
{
    return stack->protocols[IP_PROTOCOL_UDP].state;
}

/* Where a port's endpoints stand in `ports`, and a peer's in `peers`. */
uint32_t udp_port_hash(const struct stack *stack, uint16_t port);
uint32_t udp_peer_hash(const struct stack *stack, uint16_t port, const struct endpoint *peer);

static inline struct udp *udp_of_port_node(struct table_node *node)
{
    return container_of(node, struct udp, port_node);
}

/* The endpoint between these two, and the one without a peer that takes what comes to `local`; NULL
 * when there is none. */
struct udp *udp_find_connected(const struct stack *stack, const struct endpoint *local,
                               const struct endpoint *remote);
struct udp *udp_find_bound(const struct stack *stack, const struct endpoint *local,
                           const struct endpoint *remote);

/* The address that what it sends comes from; NULL: whichever suits the destination. */
const struct address *udp_source(const struct udp *udp);
/* Gives back the port, and the peer, if there is one. */
void udp_leave(struct udp *udp);

/* How many datagrams so many bytes are, of `segment_size` each but for the last; 0: one. */
static inline uint32_t udp_count(size_t bytes, uint16_t segment_size)
{
    size_t size = segment_size;
    return size > 0 && bytes > size ? (uint32_t)((bytes + size - 1) / size) : 1;
}

/* The way that it takes. */
void udp_set_path(struct udp_departure *departure, const struct ip_path *path);
/* Settles how a datagram of `length` bytes to `to` would leave, or says why it
 * cannot (udp_send). */
int udp_settle(struct udp *udp, const struct endpoint *to, size_t length,
               struct udp_departure *out);
/* The datagram leaves. 0, or why it did not (udp_send). */
int udp_depart(struct udp *udp, struct udp_departure *departure, const void *bytes, size_t length);
/* The most bytes that it may have. */
size_t udp_most(const struct udp_departure *departure);
/* Notes that it was not to be sent since it has more. */
void udp_note_too_long(struct udp *udp, const struct udp_departure *departure);

/* Begins a parcel that holds `piece`, or adds it to the one that there is; after an error there is
 * none any more. 0, -EMSGSIZE, -ENOBUFS (memory is short), -ENOMEM. */
int udp_cork_begin(struct udp *udp, const struct udp_departure *departure,
                   const struct datagram_piece *piece);
int udp_cork_add(struct udp *udp, const struct datagram_piece *piece);
/* The parcel leaves: as udp_depart. */
int udp_cork_push(struct udp *udp);
/* Who connects gets what is in the making. */
void udp_cork_redirect(struct udp *udp, const struct ip_path *path);
void udp_cork_drop(struct udp *udp);

/* struct protocol's. */
enum drop_reason udp_input(struct stack *stack, const struct packet_in *packet);
enum drop_reason udp_path_error(struct stack *stack, const struct path_error *error);

#endif
