/* Each packet is one read or one write on the device's descriptor, and has virtio's header in
 * front, by which the kernel and we leave each other checksums to finish and super-segments to cut:
 * 64 KB a system call instead of 1,500 bytes. A kernel that refuses has the header too, empty. */
#include "link/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/time.h"
#include "link/error.h"
#include "link/tun_big.h"
#include "link/tun_gro.h"
#include "link/tun_peer.h"
#include "link/tun_read.h"

enum {
    VIRTIO_HEADER = sizeof(struct virtio_net_hdr),
    SHORT_PACKET = 1536, /* bytes, virtio's header with them: one of an Ethernet is */
    SPANS_MAX = 7,       /* of one packet */
};

struct tun {
    struct link link; /* first: a link is its device */
    int descriptor;
    struct tun_read reading;
};

/* ── Out ── */

static uint8_t gso_type_of(const struct iovec *spans, uint32_t flags)
{
    unsigned version = *(const uint8_t *)spans[0].iov_base >> 4;
    uint8_t type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    return flags & TERN_OFFLOAD_ECN ? type | VIRTIO_NET_HDR_GSO_ECN : type;
}

static struct virtio_net_hdr virtio_header_of(const struct iovec *spans,
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
    struct virtio_net_hdr header = virtio_header_of(spans, offload);
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

/* No further than to a super-segment, for the text of the next may belong elsewhere. */
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
    } while (delivered < budget && !link->drained && !tun_read_was_super(&tun->reading));
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

/* ── Opening ── */

/* The file's mode stands before any capability. */
static int permission_error(char *error, size_t error_size)
{
    struct stat facts;
    if (stat("/dev/net/tun", &facts) < 0)
        facts.st_mode = 0;
    return link_error(error, error_size, EACCES,
                      "no permission to open /dev/net/tun, whose mode is %04o: it needs read and "
                      "write permission on that file, which root gives with chmod 666 "
                      "/dev/net/tun (to make a device takes CAP_NET_ADMIN still); or run as root",
                      (unsigned)facts.st_mode & 07777);
}

static int open_clone_device(char *error, size_t error_size)
{
    int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0)
        return descriptor;
    switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
        return link_error(error, error_size, ENODEV,
                          "no /dev/net/tun on this host: load the module (modprobe tun), or give "
                          "it to the container (--device /dev/net/tun)");
    case EACCES:
        return permission_error(error, error_size);
    case EPERM:
        return link_error(error, error_size, EPERM,
                          "opening /dev/net/tun is forbidden here: give the device to the "
                          "container (--device /dev/net/tun), or change the security policy "
                          "around this process");
    default:
        return link_error(error, error_size, errno, "cannot open /dev/net/tun: %s",
                          strerror(errno));
    }
}

static int attach_failed(const char *device, bool queues, char *error, size_t error_size)
{
    switch (errno) {
    case EPERM:
        return link_error(error, error_size, EPERM, "no permission to create or use device %s: %s",
                          device, TUN_PERMISSION_ADVICE);
    case EBUSY:
        return link_error(
            error, error_size, EBUSY,
            "device %s is in use by another program, or another stack of this one: end it, or "
            "choose another device",
            device);
    case EINVAL: /* of the device that is there the kernel tells no more */
        return link_error(error, error_size, EEXIST,
                          "device %s exists and is no TUN device with %s: choose another, or make "
                          "it anew (ip tuntap add dev %s mode tun%s)",
                          device, queues ? "several queues" : "a single queue", device,
                          queues ? " multi_queue" : ", without multi_queue");
    case E2BIG:
        return link_error(error, error_size, EINVAL, "device %s cannot have so many queues",
                          device);
    default:
        return link_error(error, error_size, errno, "cannot create device %s: %s", device,
                          strerror(errno));
    }
}

/* How the queues of a device are opened. */
struct manner {
    bool queues; /* one of several, and not the only one */
    bool gro;    /* what is written may be joined */
};

static int attach(int descriptor, const char *device, struct manner manner, char *error,
                  size_t error_size)
{
    static const int header_size = VIRTIO_HEADER;
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (manner.queues)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    if (manner.gro)
        request.ifr_flags |= IFF_NAPI;
    memcpy(request.ifr_name, device, strlen(device));
    if (ioctl(descriptor, TUNSETIFF, &request) < 0 ||
        ioctl(descriptor, TUNSETVNETHDRSZ, &header_size) < 0)
        return attach_failed(device, manner.queues, error, error_size);
    return 0;
}

/* A device may have offloads left from who had it before. */
static uint32_t refuse_offloads(int descriptor)
{
    ioctl(descriptor, TUNSETOFFLOAD, 0ul);
    return 0;
}

/* The offloads that this kernel agrees to, best first, as TERN_LINK_…; 0 when it agrees to none,
 * and then neither side leaves the other anything to do. */
static uint32_t ask_for_offloads(int descriptor)
{
    static const struct {
        unsigned long ask;
        uint32_t features;
    } offers[] = {
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, TERN_LINK_CHECKSUM | TERN_LINK_TSO},
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, TERN_LINK_CHECKSUM | TERN_LINK_TSO},
        {TUN_F_CSUM, TERN_LINK_CHECKSUM},
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++)
        if (ioctl(descriptor, TUNSETOFFLOAD, offers[i].ask) == 0)
            return offers[i].features;
    return refuse_offloads(descriptor);
}

static struct link *tun_new(int descriptor, const struct tun_peer *peer, bool offload)
{
    struct tun *tun = malloc(sizeof *tun);
    if (!tun)
        return NULL;
    uint32_t features = offload ? ask_for_offloads(descriptor) : refuse_offloads(descriptor);
    tun->link =
        (struct link){.operations = &tun_operations,
                      .mtu = peer->mtu,
                      .kernel = peer->kernel,
                      .features = features,
                      .super_packet_max = features & TERN_LINK_TSO ? LIMIT_SUPER_PACKET : 0};
    tun->descriptor = descriptor;
    tun->reading.descriptor = descriptor;
    tun->reading.early = (struct held_queue){0};
    tun->reading.super_header = 0;
    return &tun->link;
}

/* Asked once for all queues: each asking is of the same flow, whose answer the kernel sends to
 * the queue that it last came from. */
static void ask_for_big(struct link *const *links, unsigned count, const struct tun_peer *peer)
{
    struct tun_big_queue queues[LIMIT_QUEUES];
    for (unsigned i = 0; i < count; i++) {
        struct tun *tun = (struct tun *)links[i];
        queues[i] = (struct tun_big_queue){tun->descriptor, &tun->reading.early};
    }
    if (!(links[0]->features & TERN_LINK_TSO) ||
        !tun_big_ask(queues, count, &peer->ours, &peer->kernel))
        return;
    for (unsigned i = 0; i < count; i++)
        links[i]->big_packet_max = LIMIT_BIG_PACKET;
}

/* Opens one queue of the device: its descriptor. */
static int open_queue(const char *device, struct manner manner, char *error, size_t error_size)
{
    int descriptor = open_clone_device(error, error_size);
    if (descriptor < 0)
        return descriptor;
    int result = attach(descriptor, device, manner, error, error_size);
    if (result == 0)
        return descriptor;
    close(descriptor);
    return result;
}

static void close_all(const int *descriptors, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(descriptors[i]);
}

/* The device comes up with all its queues, so that none is passed over from the start. */
static int open_device(const struct tun_peer *peer, unsigned count, bool gro, int *descriptors,
                       char *error, size_t error_size)
{
    const struct manner manner = {.queues = count > 1, .gro = gro};
    int result = 0;
    unsigned opened = 0;
    while (opened < count && result >= 0) {
        result = open_queue(peer->device, manner, error, error_size);
        if (result >= 0)
            descriptors[opened++] = result;
    }
    if (result >= 0)
        result = tun_peer_configure(peer, error, error_size);
    if (result < 0)
        close_all(descriptors, opened);
    return result;
}

/* A device that was there before is its owner's, and may outlive us. -1: it is done without. */
static int prepare_gro(const struct tun_config *config, const struct tun_peer *peer)
{
    return config->no_offload && config->gro && !peer->existed ? tun_gro_prepare() : -1;
}

/* The descriptors are the links', or closed. */
static int make_links(const int *descriptors, unsigned count, const struct tun_peer *peer,
                      struct link **out)
{
    unsigned made = 0;
    while (made < count &&
           (out[made] = tun_new(descriptors[made], peer, !peer->small_packets)) != NULL)
        made++;
    if (made == count)
        return 0;
    close_all(descriptors + made, count - made);
    while (made > 0)
        link_close(out[--made]);
    return -ENOMEM;
}

int tun_links_open(const struct tun_config *config, unsigned count, struct link **out, char *error,
                   size_t error_size)
{
    struct tun_peer peer;
    int descriptors[LIMIT_QUEUES];
    int result = tun_peer_plan(config, &peer, error, error_size);
    if (result < 0)
        return result;
    const int gro = prepare_gro(config, &peer);
    result = open_device(&peer, count, gro >= 0, descriptors, error, error_size);
    bool joined = result >= 0 && gro >= 0 && tun_gro_turn_on(gro, peer.device);
    if (gro >= 0)
        close(gro);
    if (result < 0)
        return result;
    if (make_links(descriptors, count, &peer, out) < 0)
        return link_error(error, error_size, ENOMEM, "out of memory");
    ask_for_big(out, count, &peer);
    for (unsigned i = 0; i < count; i++)
        out[i]->gro = joined;
    return 0;
}

int tun_link_open(const struct tun_config *config, struct link **out, char *error,
                  size_t error_size)
{
    return tun_links_open(config, 1, out, error, error_size);
}
