/* A device and its queues: opening them, and what to say where that fails. */
#include "link/tun_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "link/error.h"
#include "link/tun.h"
#include "link/tun_gro.h"
#include "link/tun_peer.h"

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
                          "device %s exists and is no TUN device with %s: end the program that "
                          "has it, choose another, or make it anew (ip tuntap add dev %s mode "
                          "tun%s)",
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
    static const int header_size = sizeof(struct virtio_net_hdr);
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

/* Asked once for all queues: each asking is of the same flow, whose answer the kernel sends to
 * the queue that it last came from. */
static void ask_for_big(struct link *const *links, unsigned count, const struct tun_peer *peer)
{
    struct tun_big_queue queues[LIMIT_QUEUES];
    for (unsigned i = 0; i < count; i++)
        queues[i] = tun_link_queue(links[i]);
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
    while (made < count && (out[made] = tun_link_new(descriptors[made], peer)) != NULL)
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
