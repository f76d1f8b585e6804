/* Datagrams leave. */
#include <errno.h>

#include "ip/ip.h"
#include "udp/internal.h"
#include "wire/udp.h"

static int transmit(struct udp *udp, const struct endpoint *to, const struct ip_path *path,
                    const struct datagram_piece *piece)
{
    const struct datagram_options *options = &udp->datagrams.options;
    uint16_t length = (uint16_t)(UDP_HEADER_SIZE + piece->length);
    struct checksum sum = ip_pseudo_header(&path->source, &to->address, IP_PROTOCOL_UDP, length);
    struct udp_header header = {.source_port = udp->local.port,
                                .destination_port = to->port,
                                .length = length,
                                .checksum = checksum_fold(&sum)};
    struct packet_out packet;
    udp_build(&header, packet_out_begin(&packet, IP_PROTOCOL_UDP, UDP_HEADER_SIZE));
    packet_out_payload(&packet, piece->bytes, piece->length);
    packet.source = path->source;
    packet.destination = to->address;
    packet.checksum_offset = UDP_CHECKSUM_OFFSET;
    packet.hop_limit = options->hop_limit;
    packet.traffic_class = options->traffic_class;
    packet.dont_fragment = options->dont_fragment;
    packet.why = "datagram";
    return ip_output(udp->stack, path, &packet);
}

static int send_piece(struct udp *udp, const struct endpoint *to,
                      const struct datagram_piece *piece)
{
    struct ip_path path;
    const struct address *source = &udp->datagrams.options.source;
    if (address_is_unspecified(source))
        source = &udp->local.address;
    int error = ip_path_find(udp->stack, source, &to->address, &path);
    if (!error)
        error = -datagrams_error(&udp->datagrams, true);
    if (!error && udp->datagrams.send_closed)
        error = -EPIPE;
    if (!error && udp->local.port == 0)
        error = udp_take_ephemeral_port(udp);
    if (!error && udp->datagrams.options.ignore_path_mtu)
        path.mtu = path.link_mtu;
    if (!error)
        error = transmit(udp, to, &path, piece);
    if (error == -EMSGSIZE && datagrams_too_long(udp->stack, &udp->datagrams, to, path.mtu))
        stack_notify(udp->stack, udp->owner, POLLERR);
    if (!error)
        stack_count(udp->stack, COUNTER_UdpOutDatagrams);
    return error;
}

ssize_t udp_send(struct udp *udp, const struct iovec *spans, int count, const struct endpoint *to)
{
    if (!to)
        to = &udp->remote;
    if (to->port == 0)
        return to == &udp->remote ? -EDESTADDRREQ : -EINVAL;
    struct datagram_piece piece;
    int error = datagram_piece_make(spans, count, UDP_PAYLOAD_MAX, &piece);
    if (error)
        return error;
    error = send_piece(udp, to, &piece);
    datagram_piece_release(&piece);
    return error ? error : (ssize_t)piece.length;
}
