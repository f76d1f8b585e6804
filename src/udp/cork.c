/* A datagram that several calls make: with MSG_MORE (send(2)), or while UDP_CORK is set (udp(7)).
 *
 * Where it goes and how is settled by the first call; what the later ones say of it is not looked
 * at, and only connecting turns it to the new peer. It leaves with the first call without MSG_MORE
 * or when UDP_CORK is taken away, and is lost when it grows too long or the socket is closed. All
 * as on Linux. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "udp/internal.h"

/* The least room that is made, in bytes: most datagrams need no more. Then it doubles. */
enum { CAPACITY_MIN = 2048 };

static size_t true_size(uint32_t capacity)
{
    return sizeof(struct udp_parcel) + capacity;
}

void udp_cork_drop(struct udp *udp)
{
    if (!udp->parcel)
        return;
    stack_charge(udp->stack, -(int64_t)true_size(udp->parcel->capacity));
    free(udp->parcel);
    udp->parcel = NULL;
}

static uint32_t capacity_for(size_t length)
{
    uint32_t capacity = CAPACITY_MIN;
    while (capacity < length)
        capacity *= 2;
    return capacity < UDP_PAYLOAD_MAX ? capacity : UDP_PAYLOAD_MAX;
}

/* Makes room for `length` bytes in all, which is not more than a datagram can have. */
static int make_room(struct udp *udp, size_t length)
{
    struct udp_parcel *parcel = udp->parcel;
    uint32_t had = parcel ? parcel->capacity : 0, capacity = capacity_for(length);
    if (parcel && length <= had)
        return 0;
    if (!stack_memory_allows(udp->stack, capacity - had))
        return -ENOBUFS;
    parcel = realloc(parcel, true_size(capacity));
    if (!parcel)
        return -ENOMEM;
    stack_charge(udp->stack, (int64_t)(udp->parcel ? capacity - had : true_size(capacity)));
    parcel->capacity = capacity;
    udp->parcel = parcel;
    return 0;
}

static void append(struct udp_parcel *parcel, const struct datagram_piece *piece)
{
    if (piece->length > 0)
        memcpy(parcel->bytes + parcel->length, piece->bytes, piece->length);
    parcel->length += (uint32_t)piece->length;
}

int udp_cork_begin(struct udp *udp, const struct udp_departure *departure,
                   const struct datagram_piece *piece)
{
    int error = make_room(udp, piece->length);
    if (error)
        return error;
    udp->parcel->departure = *departure;
    udp->parcel->length = 0;
    append(udp->parcel, piece);
    return 0;
}

int udp_cork_add(struct udp *udp, const struct datagram_piece *piece)
{
    struct udp_parcel *parcel = udp->parcel;
    const size_t most = udp_most(&parcel->departure);
    int error = 0;
    if (parcel->length > most || piece->length > most - parcel->length) {
        udp_note_too_long(udp, &parcel->departure);
        error = -EMSGSIZE;
    }
    if (!error)
        error = make_room(udp, parcel->length + piece->length);
    if (error)
        udp_cork_drop(udp);
    else
        append(udp->parcel, piece);
    return error;
}

int udp_cork_push(struct udp *udp)
{
    struct udp_parcel *parcel = udp->parcel;
    struct udp_departure *departure = &parcel->departure;
    /* What the path takes may have become known meanwhile, and the port may have
     * been given back. */
    if (!departure->options.ignore_path_mtu)
        ip_path_refresh(udp->stack, &departure->to.address, &departure->path);
    int error = udp_autobind(udp);
    if (!error)
        error = udp_depart(udp, departure, parcel->bytes, parcel->length);
    udp_cork_drop(udp);
    return error;
}

void udp_cork_redirect(struct udp *udp, const struct ip_path *path)
{
    if (!udp->parcel)
        return;
    udp->parcel->departure.to = udp->remote;
    udp_set_path(&udp->parcel->departure, path);
}

void udp_set_cork(struct udp *udp, bool corked)
{
    udp->corked = corked;
    if (!corked && udp->parcel)
        udp_cork_push(udp);
}

bool udp_corked(const struct udp *udp)
{
    return udp->corked;
}

bool udp_is_making(const struct udp *udp)
{
    return udp->parcel != NULL;
}

uint32_t udp_queued(const struct udp *udp)
{
    return udp->parcel ? udp->parcel->length : 0;
}
