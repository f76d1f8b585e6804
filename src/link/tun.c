/* Each packet is one read or one write on the device's descriptor, and has virtio's header in front
 * (tun_offload.h): 64 KB a system call instead of 1,500 bytes. A kernel that refuses has the header
 * too, empty. */
#include "link/tun.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/time.h"
#include "link/tun_gro.h"
#include "link/tun_offload.h"
#include "link/tun_read.h"

enum {
    SHORT_PACKET = 1536, /* bytes, virtio's header with them: one of an Ethernet is */
    SPANS_MAX = 7,       /* of one packet */
};

struct tun {
    struct link link; /* first: a link is its device */
    int descriptor;
    struct tun_read reading;
};

/* ── Out ── */

/* All of it in one piece, where it fits into `room`: so many bytes; else 0. The kernel takes longer
 * over each further span than it takes to copy a short packet: where super-segments are cut here, a
 * fifteenth of the time. */
static size_t join(const struct iovec *spans, int count, uint8_t room[SHORT_PACKET])
{
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len > SHORT_PACKET - length)
            return 0;
        memcpy(room + length, spans[i].iov_base, spans[i].iov_len);
        length += spans[i].iov_len;
    }
    return length;
}

static ssize_t write_out(int descriptor, const struct iovec *spans, int count)
{
    uint8_t room[SHORT_PACKET];
    size_t length = join(spans, count, room);
    return length ? write(descriptor, room, length) : writev(descriptor, spans, count);
}

/* What a failed write means to who sends. The kernel's own words for a device that is not up, and
 * for one that is no more, are of the file's and mean nothing to a socket's user. */
static int send_error(int error)
{
    switch (error) {
    case EAGAIN:
    case ENOMEM:
        return -ENOBUFS;
    case EIO:
    case EBADFD:
        return -ENETDOWN;
    default:
        return -error;
    }
}

static int tun_send(struct link *link, const struct iovec *spans, int count,
                    const struct tern_offload *offload, uint64_t now_ns)
{
    (void)now_ns;
    struct tun *tun = (struct tun *)link;
    if (count < 1 || count > SPANS_MAX || spans[0].iov_len == 0)
        return -EINVAL;
    struct virtio_net_hdr header = tun_offload_header(spans, offload);
    struct iovec all[1 + SPANS_MAX + 1];
    all[0] = (struct iovec){.iov_base = &header, .iov_len = sizeof header};
    memcpy(&all[1], spans, (size_t)count * sizeof *spans);
    if (link->gro)
        tun_gro_pad(spans, &all[1 + count++]);

    ssize_t written;
    do
        written = write_out(tun->descriptor, all, count + 1);
    while (written < 0 && errno == EINTR);
    if (written >= 0)
        return 0;
    return send_error(errno);
}

/* ── In ── */

/* How many packets have been read; or a negative errno. Several small ones are read before the
 * first is looked at: the kernel's reading and our work each go on with what they have in the
 * processor's caches then, and do not take turns at them. */
static int read_some(struct tun *tun, int most, struct tun_packet packets[LIMIT_READ_AHEAD])
{
    if (most > 1 && tun_read_pays_ahead(&tun->reading))
        return tun_read_ahead(&tun->reading, most, packets, &tun->link.drained);
    int received = tun_read_packet(&tun->reading, &tun->link.place, packets);
    tun->link.drained = received == 0;
    return received;
}

/* Whether who polls should have a say before more is read: the text of what is behind a large
 * segment may belong elsewhere, and several datagrams at once may be enough. */
static bool is_enough(const struct tun *tun, const struct tun_packet *last)
{
    return tun_read_was_large(&tun->reading) || last->offload.segment_size > 0;
}

static int tun_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                    void *machine)
{
    struct tun *tun = (struct tun *)link;
    struct tun_packet packets[LIMIT_READ_AHEAD];
    int delivered = 0;
    do {
        int received = read_some(tun, budget - delivered, packets);
        if (received < 0)
            return delivered ? delivered : received;
        for (int i = 0; i < received; i++) {
            link->text = packets[i].text;
            deliver(machine, packets[i].bytes, packets[i].length, &packets[i].offload, now_ns);
        }
        delivered += received;
        if (received > 0 && is_enough(tun, &packets[received - 1]))
            break;
    } while (delivered < budget && !link->drained);
    return delivered;
}

static uint64_t tun_deadline(const struct link *link)
{
    (void)link;
    return TIME_NEVER;
}

static int tun_descriptor(const struct link *link)
{
    return ((const struct tun *)link)->descriptor;
}

static int tun_close(struct link *link)
{
    struct tun *tun = (struct tun *)link;
    held_queue_release(&tun->reading.early);
    close(tun->descriptor);
    free(tun);
    return 0;
}

static const struct link_operations tun_operations = {
    .send = tun_send,
    .poll = tun_poll,
    .deadline = tun_deadline,
    .descriptor = tun_descriptor,
    .close = tun_close,
};

/* ── Its life ── */

struct link *tun_link_new(int descriptor, const struct tun_peer *peer)
{
    struct tun *tun = malloc(sizeof *tun);
    if (!tun)
        return NULL;
    uint32_t features =
        peer->small_packets ? tun_offload_refuse(descriptor) : tun_offload_ask(descriptor);
    tun->link =
        (struct link){.operations = &tun_operations,
                      .mtu = peer->mtu,
                      .kernel = peer->kernel,
                      .features = features,
                      .super_packet_max = features & TERN_LINK_TSO ? LIMIT_SUPER_PACKET : 0};
    tun->descriptor = descriptor;
    tun->reading.descriptor = descriptor;
    tun->reading.early = (struct held_queue){0};
    tun->reading.large_header = 0;
    return &tun->link;
}

struct tun_big_queue tun_link_queue(struct link *link)
{
    struct tun *tun = (struct tun *)link;
    return (struct tun_big_queue){tun->descriptor, &tun->reading.early};
}
