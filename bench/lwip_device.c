/* What the device is like follows from how lwIP was built: packets are as large as its segments,
 * and where it leaves TCP's checksums alone the kernel computes them (IFF_VNET_HDR). */
#include "lwip_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
#include <lwip/inet_chksum.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/tcp.h>
#include <lwip/tcpip.h>

#include "device.h"
#include "net.h"

enum {
    MTU = IP_HLEN + TCP_HLEN + TCP_MSS,
    /* What is taken in before it is looked at: not more than a cache has room for. */
    BATCH = 512 * 1024 / MTU + 1,
    SPANS_MAX = 16,
    OFFLOADS = !CHECKSUM_GEN_TCP, /* each packet has a header before it */
};

static struct netif interface;
static int device;

/* TCP's checksum of a packet is to be computed by the kernel, which finds the pseudo-header's sum
 * in its place. The headers are in the first buffer: lwIP makes them there. */
static struct virtio_net_hdr checksum_leave(struct pbuf *packet)
{
    const struct ip_hdr *ip = packet->payload;
    if (IPH_PROTO(ip) != IP_PROTO_TCP)
        return (struct virtio_net_hdr){0};
    struct tcp_hdr *tcp = (struct tcp_hdr *)((uint8_t *)packet->payload + IP_HLEN);
    ip4_addr_t from, to;
    ip4_addr_copy(from, ip->src);
    ip4_addr_copy(to, ip->dest);
    tcp->chksum =
        (u16_t)~inet_chksum_pseudo(NULL, IP_PROTO_TCP, packet->tot_len - IP_HLEN, &from, &to);
    return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                   .hdr_len = IP_HLEN + TCP_HLEN,
                                   .csum_start = IP_HLEN,
                                   .csum_offset = offsetof(struct tcp_hdr, chksum)};
}

static err_t device_output(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
    struct virtio_net_hdr header;
    struct iovec spans[SPANS_MAX] = {{&header, sizeof header}};
    int count = OFFLOADS;
    (void)netif, (void)to;
    if (OFFLOADS)
        header = checksum_leave(packet);
    for (struct pbuf *p = packet; p && count < SPANS_MAX; p = p->next)
        spans[count++] = (struct iovec){p->payload, p->len};
    return writev(device, spans, count) < 0 ? ERR_BUF : ERR_OK;
}

static err_t device_init(struct netif *netif)
{
    netif->name[0] = 't';
    netif->name[1] = 'u';
    netif->mtu = MTU;
    netif->output = device_output;
    netif->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void interface_add(const char *own)
{
    ip4_addr_t address, mask, gateway;
    if (!ip4addr_aton(own, &address))
        fail("LWIP_ADDRESS is no address");
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    tcpip_init(NULL, NULL);
    LOCK_TCPIP_CORE();
    if (!netif_add(&interface, &address, &mask, &gateway, NULL, device_init, ip4_input))
        fail("cannot add the interface");
    netif_set_default(&interface);
    netif_set_up(&interface);
    UNLOCK_TCPIP_CORE();
}

void lwip_device_open(void)
{
    const char *name = getenv("LWIP_DEVICE"), *address = getenv("LWIP_ADDRESS");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (OFFLOADS ? IFF_VNET_HDR : 0)};
    if (!name || !address || strlen(name) >= sizeof request.ifr_name)
        fail("LWIP_DEVICE and LWIP_ADDRESS do not say what to use");
    memcpy(request.ifr_name, name, strlen(name));
    device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0 ||
        (OFFLOADS && ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM) < 0))
        fail("cannot open the device");
    device_await(name);
    interface_add(address);
}

/* Of a packet, to where it stays. */
static ssize_t bytes_read(void *bytes)
{
    if (!OFFLOADS)
        return read(device, bytes, MTU);
    struct virtio_net_hdr header;
    const struct iovec spans[] = {{&header, sizeof header}, {bytes, MTU}};
    return readv(device, spans, 2) - (ssize_t)sizeof header;
}

bool lwip_device_take(void)
{
    int taken = 0;
    for (; taken < BATCH; taken++) {
        struct pbuf *packet = pbuf_alloc(PBUF_RAW, MTU, PBUF_RAM);
        ssize_t length = packet ? bytes_read(packet->payload) : -1;
        if (length <= 0) {
            if (packet)
                pbuf_free(packet);
            break;
        }
        pbuf_realloc(packet, (u16_t)length);
        if (ip4_input(packet, &interface) != ERR_OK)
            pbuf_free(packet);
    }
    return taken > 0;
}

void lwip_device_wait(int timeout_ms)
{
    struct pollfd waiting = {.fd = device, .events = POLLIN};
    poll(&waiting, 1, timeout_ms);
}
