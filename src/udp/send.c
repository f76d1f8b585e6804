/* Datagrams leave. */
#include <errno.h>

#include "ip/ip.h"
#include "udp/internal.h"
#include "wire/udp.h"

enum { SEGMENTS_MAX = 128 }; /* that a call's bytes may be cut into (Linux's UDP_MAX_SEGMENTS) */

static size_t headers_of(const struct udp_departure *departure)
{
    return departure->path.header_bytes + UDP_HEADER_SIZE;
}

size_t udp_most(const struct udp_departure *departure)
{
    const struct datagram_options *options = &departure->options;
    bool one_packet = options->segment_size == 0 && (options->dont_fragment || options->whole);
    return one_packet ? departure->path.mtu - headers_of(departure) : UDP_PAYLOAD_MAX;
}

/* Of what is cut anyhow the path takes any length, and the limit is that of an IP packet. */
void udp_note_too_long(struct udp *udp, const struct udp_departure *departure)
{
    uint32_t most = departure->options.segment_size > 0 ? UINT16_MAX : departure->path.mtu;
    if (datagrams_too_long(udp->stack, &udp->datagrams, &departure->to, most))
        stack_notify(udp->stack, udp->owner, POLLERR);
}

/* UDP_SEGMENT: who cuts his datagrams himself gets no fragments of them, also where there is but
 * one. None of this is told in the error queue. */
static int check_segments(const struct udp_departure *departure, size_t length)
{
    uint16_t size = departure->options.segment_size;
    size_t largest = length < size ? length : size;
    if (size == 0)
        return 0;
    if (headers_of(departure) + largest > departure->path.mtu)
        return -EMSGSIZE;
    return udp_count(length, size) > SEGMENTS_MAX ? -EINVAL : 0;
}

void udp_set_path(struct udp_departure *departure, const struct ip_path *path)
{
    departure->path = *path;
    if (departure->options.ignore_path_mtu)
        departure->path.mtu = path->link_mtu;
}

int udp_settle(struct udp *udp, const struct endpoint *to, size_t length, struct udp_departure *out)
{
    const struct datagram_options *options = &udp->datagrams.options;
    const struct address *source =
        address_is_unspecified(&options->source) ? udp_source(udp) : &options->source;
    *out = (struct udp_departure){.to = *to, .options = *options};
    struct ip_path path;
    int error = ip_path_find(udp->stack, source, &to->address, &path);
    /* Who has all as peer was allowed to when connecting. */
    if (!error && path.kind == PATH_TO_ALL && !options->broadcast && to != &udp->remote)
        error = -EACCES;
    if (error)
        return error;
    udp_set_path(out, &path);
    if (length > udp_most(out)) {
        udp_note_too_long(udp, out);
        return -EMSGSIZE;
    }
    error = -datagrams_error(&udp->datagrams, true);
    if (!error && udp->datagrams.send_closed)
        error = -EPIPE;
    return error ? error : udp_autobind(udp);
}

static int transmit(struct udp *udp, const struct udp_departure *departure, const void *bytes,
                    size_t payload_length)
{
    const struct datagram_options *options = &departure->options;
    const struct ip_path *path = &departure->path;
    const struct endpoint *to = &departure->to;
    if (path->kind == PATH_TO_GROUP && options->group_hop_limit == 0)
        return 0; /* not beyond this host, on which nobody has joined the group */
    uint16_t length = (uint16_t)(UDP_HEADER_SIZE + payload_length);
    struct checksum sum = ip_pseudo_header(&path->source, &to->address, IP_PROTOCOL_UDP, length);
    struct udp_header header = {.source_port = udp->local.port,
                                .destination_port = to->port,
                                .length = length,
                                .checksum = checksum_fold(&sum)};
    struct packet_out packet;
    udp_build(&header, packet_out_begin(&packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet_out_payload(&packet, bytes, payload_length);
    packet.source = path->source;
    packet.destination = to->address;
    packet.checksum_offset = UDP_CHECKSUM_OFFSET;
    packet.hop_limit = path->kind == PATH_TO_GROUP ? options->group_hop_limit : options->hop_limit;
    packet.traffic_class = options->traffic_class;
    packet.segment_size = options->segment_size;
    packet.dont_fragment =
        options->dont_fragment || (options->segment_size > 0 && options->segments_whole);
    packet.why = "datagram";
    return ip_output(udp->stack, path, &packet);
}

int udp_depart(struct udp *udp, struct udp_departure *departure, const void *bytes, size_t length)
{
    int error = check_segments(departure, length);
    if (error)
        return error;
    error = transmit(udp, departure, bytes, length);
    if (error == -EMSGSIZE)
        udp_note_too_long(udp, departure);
    if (error)
        return error;
    const uint16_t size = departure->options.segment_size;
    udp->datagrams.segments_sent |= size > 0;
    stack_count_many(udp->stack, COUNTER_UdpOutDatagrams, udp_count(length, size));
    if (datagrams_left(udp->stack, &udp->datagrams, departure->options.stamps))
        stack_notify(udp->stack, udp->owner, POLLERR);
    return 0;
}

int udp_directed(const struct udp *udp, const struct endpoint *to)
{
    if (udp->parcel)
        return 0; /* as its first call said */
    if (to)
        return to->port == 0 ? -EINVAL : 0;
    return udp->remote.port == 0 ? -EDESTADDRREQ : 0;
}

/* What one call has is the whole datagram, or the first of it with `more`. */
static int send_first(struct udp *udp, const struct endpoint *to,
                      const struct datagram_piece *piece, bool more)
{
    struct udp_departure departure;
    int error = udp_settle(udp, to ? to : &udp->remote, piece->length, &departure);
    if (error)
        return error;
    return more ? udp_cork_begin(udp, &departure, piece)
                : udp_depart(udp, &departure, piece->bytes, piece->length);
}

ssize_t udp_send(struct udp *udp, const struct iovec *spans, int count, const struct endpoint *to,
                 bool more)
{
    struct datagram_piece piece;
    more |= udp->corked;
    int error = udp_directed(udp, to);
    if (!error)
        error = datagram_piece_make(spans, count, DATAGRAM_CALL_MAX, &piece);
    if (error)
        return error;
    if (!udp->parcel) {
        error = send_first(udp, to, &piece, more);
    } else {
        error = udp_cork_add(udp, &piece);
        if (!error && !more)
            error = udp_cork_push(udp);
    }
    datagram_piece_release(&piece);
    return error ? error : (ssize_t)piece.length;
}
