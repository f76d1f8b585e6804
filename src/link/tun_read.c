/* Packets are read into one buffer, which stays in the cache; where several small ones are likely,
 * one behind the other, and what turns out to be larger is the last. Where a reader's memory is at
 * hand for the text, a large segment of a stream, which is a super-segment unless the MTU is large,
 * is read apart: its headers to the buffer, its text to where the reader wants it, without a copy
 * of ours. How long the headers will be is guessed from the last one; what turns out to be
 * something else is put together again. */
#include "link/tun_read.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "link/tun_offload.h"
#include "wire/ipv4.h"

enum {
    VIRTIO_HEADER = sizeof(struct virtio_net_hdr),
    /* The packet stands behind virtio's header, where its 32-bit fields are aligned. */
    RECEIVE_START = 16 - VIRTIO_HEADER,
    RECEIVE_SIZE = VIRTIO_HEADER + LIMIT_SUPER_PACKET,
    SMALL_ROOM = TUN_SMALL - RECEIVE_START,
};

static ssize_t read_whole(struct tun_read *reading, uint8_t *start)
{
    struct held_packet *early = held_queue_take(&reading->early);
    if (!early)
        return read(reading->descriptor, start, RECEIVE_SIZE);
    size_t length = early->length < RECEIVE_SIZE ? early->length : RECEIVE_SIZE;
    memcpy(start, early->bytes, length);
    free(early);
    return (ssize_t)length;
}

/* Bytes to read to the buffer, before what is read to `place`; 0: all. It must have room for the
 * largest text, so that what is apart is in two pieces and not three. */
static size_t head_to_part(const struct tun_read *reading, const struct text_place *place)
{
    size_t head = VIRTIO_HEADER + (size_t)reading->large_header;
    bool pays = reading->large_header > 0 && reading->early.count == 0;
    return pays && place->room >= RECEIVE_SIZE - head ? head : 0;
}

/* The place is known to be writable, and it has to be: of what it cannot copy there, TUN's read
 * says nothing and counts it as read. */
static ssize_t read_apart(const struct tun_read *reading, uint8_t *start, size_t head,
                          const struct text_place *place)
{
    const struct iovec spans[] = {{start, head}, {place->at, RECEIVE_SIZE - head}};
    return readv(reading->descriptor, spans, 2);
}

/* What virtio's header at `start` says of the packet of `length` bytes behind it. */
static void describe(const uint8_t *start, size_t length, struct tun_packet *out)
{
    struct virtio_net_hdr header;
    memcpy(&header, start, sizeof header);
    out->bytes = start + sizeof header;
    out->length = length;
    out->text = NULL;
    if (!tun_offload_read(&header, out->bytes, length, &out->offload))
        out->offload = (struct tern_offload){0}; /* the machine will find what is wrong with it */
}

/* A TCP segment whose checksum the kernel has left, and no fragment of one, which would have to be
 * put together first. */
static bool is_segment(const struct tun_packet *packet)
{
    struct ipv4_header ip;
    return (packet->offload.flags & TERN_OFFLOAD_CHECKSUM) &&
           packet->offload.checksum_start == IPV4_HEADER_MIN &&
           ipv4_parse_quoted(packet->bytes, packet->length, &ip) == IPV4_OK &&
           ip.header_length == IPV4_HEADER_MIN && ip.protocol == IP_PROTOCOL_TCP &&
           !ip.more_fragments && ip.fragment_offset == 0;
}

static bool is_datagram(const struct tun_packet *packet)
{
    return ipv4_protocol(packet->bytes, packet->length) == IP_PROTOCOL_UDP;
}

/* Bytes of headers of a super-segment, or of a segment that has no room among the small; else 0. */
static uint16_t large_header(const struct tun_packet *packet)
{
    if (packet->offload.segment_size > 0)
        return is_datagram(packet) ? 0 : packet->offload.header_length;
    if (VIRTIO_HEADER + packet->length <= SMALL_ROOM || !is_segment(packet))
        return 0;
    return tun_offload_tcp_end(packet->bytes, packet->length, IPV4_HEADER_MIN);
}

int tun_read_packet(struct tun_read *reading, const struct text_place *place,
                    struct tun_packet *out)
{
    uint8_t *start = reading->bytes + RECEIVE_START;
    const size_t head = head_to_part(reading, place);
    ssize_t got = head ? read_apart(reading, start, head, place) : read_whole(reading, start);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (got < VIRTIO_HEADER)
        return -EIO;
    const size_t length = (size_t)got - VIRTIO_HEADER;
    describe(start, length, out);
    if (head && (size_t)got > head) {
        if (is_segment(out) && large_header(out) == reading->large_header) {
            out->text = place->at;
        } else {
            memcpy(start + head, place->at, (size_t)got - head);
            describe(start, length, out);
        }
    }
    reading->large_header = large_header(out);
    return 1;
}

/* ── Ahead ── */

bool tun_read_pays_ahead(const struct tun_read *reading)
{
    return !tun_read_was_large(reading) && reading->early.count == 0;
}

int tun_read_ahead(struct tun_read *reading, int most, struct tun_packet out[LIMIT_READ_AHEAD],
                   bool *drained)
{
    bool last = false;
    int count = 0;
    while (count < most && count < LIMIT_READ_AHEAD && !last) {
        uint8_t *start = reading->bytes + count * TUN_SMALL + RECEIVE_START;
        ssize_t got = read(reading->descriptor, start, RECEIVE_SIZE);
        *drained = got < 0 && (errno == EAGAIN || errno == EINTR);
        if (*drained)
            break;
        if (got < VIRTIO_HEADER)
            return count ? count : got < 0 ? -errno : -EIO; /* the next look finds it again */
        describe(start, (size_t)got - VIRTIO_HEADER, &out[count]);
        reading->large_header = large_header(&out[count]);
        last = tun_read_was_large(reading) || got > SMALL_ROOM; /* it stands where the next would */
        count++;
    }
    return count;
}
