#include "floor_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "device.h"
#include "net.h"

enum {
    SYN_OPTIONS = 8, /* MSS, window scale */
    WINDOW = 65535,  /* in the field: 8 MB */
};

struct headers {
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t options[SYN_OPTIONS];
};

enum { HEADERS = sizeof(struct headers) - SYN_OPTIONS };

static int device;
static in_addr_t our_address, kernel_address;

void wire_open(void)
{
    const char *name = getenv("FLOOR_DEVICE"), *ours = getenv("FLOOR_ADDRESS"),
               *kernel = getenv("FLOOR_KERNEL");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (!name || !ours || !kernel || strlen(name) >= sizeof request.ifr_name)
        fail("FLOOR_DEVICE, FLOOR_ADDRESS and FLOOR_KERNEL do not say what to use");
    memcpy(request.ifr_name, name, strlen(name));
    our_address = inet_addr(ours);
    kernel_address = inet_addr(kernel);
    device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0 ||
        ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
        fail("cannot use the device");
    device_await(name);
}

/* ── Out ── */

static uint16_t pseudo_header_sum(size_t tcp_length)
{
    uint64_t sum =
        (uint64_t)our_address + kernel_address + htons(IPPROTO_TCP) + htonl((uint32_t)tcp_length);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint16_t ip_header_sum(const struct iphdr *ip)
{
    uint16_t words[sizeof *ip / 2];
    uint32_t sum = 0;
    memcpy(words, ip, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

void wire_put(const struct wire_segment *segment, const void *text, size_t length)
{
    size_t options = segment->flags & TH_SYN ? SYN_OPTIONS : 0;
    size_t tcp_length = sizeof(struct tcphdr) + options + length;
    size_t total = sizeof(struct iphdr) + tcp_length;
    struct virtio_net_hdr offload = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                     .csum_start = sizeof(struct iphdr),
                                     .csum_offset = 16};
    if (length > WIRE_MSS) {
        offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        offload.gso_size = WIRE_MSS;
        offload.hdr_len = HEADERS;
    }
    struct headers p = {
        .ip = {.version = 4,
               .ihl = 5,
               .tot_len = htons(total > UINT16_MAX ? 0 : (uint16_t)total),
               .frag_off = htons(IP_DF),
               .ttl = 64,
               .protocol = IPPROTO_TCP,
               .saddr = our_address,
               .daddr = kernel_address},
        .tcp = {.th_sport = htons(segment->ours),
                .th_dport = htons(segment->theirs),
                .th_seq = htonl(segment->seq),
                .th_ack = htonl(segment->ack),
                .th_off = ((sizeof(struct tcphdr) + options) / 4) & 15,
                .th_flags = segment->flags,
                .th_win = htons(WINDOW),
                .th_sum = pseudo_header_sum(tcp_length)},
        .options = {TCPOPT_MAXSEG, 4, WIRE_MSS >> 8, WIRE_MSS & 255, TCPOPT_WINDOW, 3,
                    WIRE_WINDOW_SHIFT, TCPOPT_EOL},
    };
    p.ip.check = ip_header_sum(&p.ip);
    struct iovec spans[] = {
        {&offload, sizeof offload}, {&p, HEADERS + options}, {(void *)(uintptr_t)text, length}};
    if (writev(device, spans, length ? 3 : 2) < 0)
        fail("cannot write to the device");
}

/* ── In ── */

static uint8_t window_shift(const uint8_t *options, size_t length)
{
    for (size_t i = 0; i < length && options[i] != TCPOPT_EOL;) {
        if (options[i] == TCPOPT_NOP) {
            i++;
            continue;
        }
        if (i + 2 >= length || options[i + 1] < 2)
            break;
        if (options[i] == TCPOPT_WINDOW)
            return options[i + 2];
        i += options[i + 1];
    }
    return 0;
}

ssize_t wire_take(struct wire_segment *segment, uint8_t *place)
{
    struct virtio_net_hdr offload;
    struct headers p;
    const struct iovec spans[] = {
        {&offload, sizeof offload}, {&p, HEADERS}, {place, WIRE_SUPER_PACKET}};
    ssize_t got = readv(device, spans, 3);
    segment->flags = 0;
    if (got < 0 && errno == EAGAIN)
        return -1;
    ssize_t length = got - (ssize_t)sizeof offload - HEADERS;
    if (got < 0 || (length >= 0 && p.ip.version == 4 && p.ip.ihl != 5))
        fail("cannot read from the device");
    if (length < 0 || p.ip.protocol != IPPROTO_TCP)
        return 0;
    size_t options = (size_t)p.tcp.th_off * 4 - sizeof(struct tcphdr);
    if (options > 0 && !(p.tcp.th_flags & TH_SYN))
        fail("there are options that have not been asked for");
    *segment = (struct wire_segment){.ours = ntohs(p.tcp.th_dport),
                                     .theirs = ntohs(p.tcp.th_sport),
                                     .seq = ntohl(p.tcp.th_seq),
                                     .ack = ntohl(p.tcp.th_ack),
                                     .window = ntohs(p.tcp.th_win),
                                     .flags = p.tcp.th_flags,
                                     .window_shift = window_shift(place, options)};
    return length - (ssize_t)options;
}

void wire_sleep(void)
{
    struct pollfd ready = {.fd = device, .events = POLLIN};
    if (poll(&ready, 1, -1) < 0)
        fail("cannot poll");
}
