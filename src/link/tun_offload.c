#include "link/tun_offload.h"

#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "base/bytes.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* What headers older than Linux 6.2 lack. */
enum {
    OFFER_USO = 0x20 | 0x40, /* TUN_F_USO4 and TUN_F_USO6, which it takes together only */
    GSO_UDP = 5,             /* VIRTIO_NET_HDR_GSO_UDP_L4 */
};

enum {
    GSO_NONE = VIRTIO_NET_HDR_GSO_NONE,
    GSO_TCPV4 = VIRTIO_NET_HDR_GSO_TCPV4,
    GSO_TCPV6 = VIRTIO_NET_HDR_GSO_TCPV6,
    GSO_ECN = VIRTIO_NET_HDR_GSO_ECN,
};

/* ── Asking ── */

uint32_t tun_offload_refuse(int descriptor)
{
    ioctl(descriptor, TUNSETOFFLOAD, 0ul);
    return 0;
}

uint32_t tun_offload_ask(int descriptor)
{
    static const struct {
        unsigned long ask;
        uint32_t features;
    } offers[] = {
        /* best first */
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | OFFER_USO,
         TERN_LINK_CHECKSUM | TERN_LINK_TSO | TERN_LINK_USO},
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, TERN_LINK_CHECKSUM | TERN_LINK_TSO},
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, TERN_LINK_CHECKSUM | TERN_LINK_TSO},
        {TUN_F_CSUM, TERN_LINK_CHECKSUM},
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++)
        if (ioctl(descriptor, TUNSETOFFLOAD, offers[i].ask) == 0)
            return offers[i].features;
    return tun_offload_refuse(descriptor);
}

/* ── Out ── */

static uint8_t gso_type_of(const struct iovec *spans, uint32_t flags)
{
    int protocol = ipv4_protocol(spans[0].iov_base, spans[0].iov_len);
    if (protocol == IP_PROTOCOL_UDP)
        return GSO_UDP;
    uint8_t type = protocol < 0 ? GSO_TCPV6 : GSO_TCPV4;
    return flags & TERN_OFFLOAD_ECN ? type | GSO_ECN : type;
}

struct virtio_net_hdr tun_offload_header(const struct iovec *spans,
                                         const struct tern_offload *offload)
{
    struct virtio_net_hdr header = {0};
    if (!offload)
        return header;
    if (offload->flags & TERN_OFFLOAD_CHECKSUM) {
        header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header.csum_start = offload->checksum_start;
        header.csum_offset = offload->checksum_offset;
    }
    if (offload->segment_size > 0) {
        header.gso_type = gso_type_of(spans, offload->flags);
        header.gso_size = offload->segment_size;
        header.hdr_len = offload->header_length;
    }
    return header;
}

/* ── In ── */

uint16_t tun_offload_tcp_end(const uint8_t *packet, size_t length, uint16_t tcp_start)
{
    enum { DATA_OFFSET_BYTE = 12 };
    struct cursor cursor = cursor_over(packet, length);
    cursor_take(&cursor, (size_t)tcp_start + DATA_OFFSET_BYTE);
    size_t header = 4u * (cursor_u8(&cursor) >> 4);
    size_t end = tcp_start + header;
    bool sound = !cursor.short_read && header >= TCP_HEADER_MIN && end <= length;
    return sound && end <= UINT16_MAX ? (uint16_t)end : 0;
}

static uint16_t udp_header_end(size_t length, uint16_t udp_start)
{
    size_t end = (size_t)udp_start + UDP_HEADER_SIZE;
    return end <= length && end <= UINT16_MAX ? (uint16_t)end : 0;
}

/* Bytes of all headers of a super-packet; 0: the packet is none of that type. */
static uint16_t header_length_of(uint8_t type, const struct virtio_net_hdr *header,
                                 const uint8_t *packet, size_t length)
{
    int protocol = ipv4_protocol(packet, length);
    if ((type == GSO_TCPV4 && protocol == IP_PROTOCOL_TCP) || (type == GSO_TCPV6 && protocol < 0))
        return tun_offload_tcp_end(packet, length, header->csum_start);
    if (type == GSO_UDP && protocol == IP_PROTOCOL_UDP &&
        header->csum_offset == UDP_CHECKSUM_OFFSET)
        return udp_header_end(length, header->csum_start);
    return 0;
}

bool tun_offload_read(const struct virtio_net_hdr *header, const uint8_t *packet, size_t length,
                      struct tern_offload *out)
{
    *out = (struct tern_offload){0};
    if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        out->flags |= TERN_OFFLOAD_CHECKSUM;
        out->checksum_start = header->csum_start;
        out->checksum_offset = header->csum_offset;
    } else if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
        out->flags |= TERN_OFFLOAD_VERIFIED;
    }
    uint8_t type = header->gso_type & (uint8_t)~GSO_ECN;
    if (type == GSO_NONE)
        return true;
    if (!(out->flags & TERN_OFFLOAD_CHECKSUM))
        return false;
    out->segment_size = header->gso_size;
    out->header_length = header_length_of(type, header, packet, length);
    if (header->gso_type & GSO_ECN)
        out->flags |= TERN_OFFLOAD_ECN;
    return out->header_length > 0;
}
