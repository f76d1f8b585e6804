#include "link/tun_offload.h"

#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "base/bytes.h"

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
    unsigned version = *(const uint8_t *)spans[0].iov_base >> 4;
    uint8_t type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    return flags & TERN_OFFLOAD_ECN ? type | VIRTIO_NET_HDR_GSO_ECN : type;
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
    size_t end = tcp_start + 4u * (cursor_u8(&cursor) >> 4);
    return !cursor.short_read && end <= length ? (uint16_t)end : 0;
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
    uint8_t type = header->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    if ((type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6) ||
        !(out->flags & TERN_OFFLOAD_CHECKSUM))
        return false;
    out->segment_size = header->gso_size;
    out->header_length = tun_offload_tcp_end(packet, length, header->csum_start);
    if (header->gso_type & VIRTIO_NET_HDR_GSO_ECN)
        out->flags |= TERN_OFFLOAD_ECN;
    return out->header_length > 0;
}
