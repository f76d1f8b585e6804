/* Linux calls it BIG TCP: a super-segment of more than 64 KB, whose IPv4 total length is 0. A
 * kernel that knows it takes one that is written to a TUN device, others drop it without a word.
 * So it is tried out once: a super-segment of no connection goes to a port that nobody uses, and
 * who takes it answers with a reset (RFC 9293 §3.10.7.1), which is there when the write returns. */
#include "link/tun_big.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "ip/ip.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

enum {
    PORT = 9, /* discard (RFC 863), at both ends */
    SEGMENT = 1400,
    HEADERS = IPV4_HEADER_MIN + TCP_HEADER_MIN,
    TEXT_PIECES = 8,
    TEXT_PIECE = (LIMIT_BIG_PACKET - HEADERS) / TEXT_PIECES,
    TEXT = TEXT_PIECES * TEXT_PIECE,
    LOOKS = 16, /* packets of a queue, the answer among them */
};

/* What the reset repeats as its sequence number. */
#define MARK 0x7465726eu

static void build(const struct address *ours, const struct address *kernel, uint8_t *headers)
{
    struct ipv4_header ip = {.source = *ours,
                             .destination = *kernel,
                             .total_length = HEADERS + TEXT,
                             .time_to_live = 1,
                             .protocol = IP_PROTOCOL_TCP,
                             .dont_fragment = true};
    struct checksum sum =
        ip_pseudo_header(ours, kernel, IP_PROTOCOL_TCP, TCP_HEADER_MIN + (uint32_t)TEXT);
    struct segment segment = {.source_port = PORT,
                              .destination_port = PORT,
                              .flags = TCP_ACK,
                              .ack = MARK,
                              .checksum = checksum_fold(&sum)};
    uint8_t tcp[TCP_HEADER_MAX];
    ipv4_build(&ip, headers);
    tcp_build(&segment, tcp);
    memcpy(headers + IPV4_HEADER_MIN, tcp, TCP_HEADER_MIN);
}

static bool ask(int descriptor, const struct address *ours, const struct address *kernel)
{
    static const uint8_t text[TEXT_PIECE];
    struct virtio_net_hdr virtio = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                    .hdr_len = HEADERS,
                                    .gso_size = SEGMENT,
                                    .csum_start = IPV4_HEADER_MIN,
                                    .csum_offset = TCP_CHECKSUM_OFFSET};
    uint8_t headers[HEADERS];
    struct iovec spans[2 + TEXT_PIECES] = {{&virtio, sizeof virtio}, {headers, sizeof headers}};
    build(ours, kernel, headers);
    for (int i = 0; i < TEXT_PIECES; i++)
        spans[2 + i] = (struct iovec){(void *)(uintptr_t)text, sizeof text};
    return writev(descriptor, spans, 2 + TEXT_PIECES) > 0;
}

static bool is_answer(const uint8_t *packet, size_t length)
{
    struct ipv4_header ip;
    struct segment segment;
    return ipv4_parse(packet, length, false, &ip) == IPV4_OK && ip.protocol == IP_PROTOCOL_TCP &&
           tcp_parse(packet + ip.header_length, ip.total_length - ip.header_length, &segment) &&
           segment.flags & TCP_RST && segment.seq == MARK && segment.source_port == PORT &&
           segment.destination_port == PORT;
}

/* The header too, which says what is left to do to the packet. */
static void keep(const uint8_t *bytes, size_t length, struct held_queue *others)
{
    struct iovec span = {(void *)(uintptr_t)bytes, length};
    struct held_packet *packet = held_packet_new(&span, 1, NULL);
    if (packet)
        held_queue_append(others, packet);
}

static bool answered(const struct tun_big_queue *queue)
{
    uint8_t bytes[sizeof(struct virtio_net_hdr) + LIMIT_SUPER_PACKET];
    for (int look = 0; look < LOOKS; look++) {
        ssize_t got = read(queue->descriptor, bytes, sizeof bytes);
        if (got < (ssize_t)sizeof(struct virtio_net_hdr))
            return false;
        size_t length = (size_t)got - sizeof(struct virtio_net_hdr);
        if (is_answer(bytes + sizeof(struct virtio_net_hdr), length))
            return true;
        keep(bytes, (size_t)got, queue->others);
    }
    return false;
}

bool tun_big_ask(const struct tun_big_queue *queues, unsigned count, const struct address *ours,
                 const struct address *kernel)
{
    bool yes = false;
    if (!address_is_ipv4(ours) || !address_is_ipv4(kernel) ||
        !ask(queues[0].descriptor, ours, kernel))
        return false;
    for (unsigned i = 0; i < count && !yes; i++)
        yes = answered(&queues[i]);
    return yes;
}
