/* The floor: the least that the kernel takes for TCP over a TUN device, with offloads. One
 * connection, no timers, no checks, no loss, no options but what a SYN needs, no memory of what was
 * sent: what it costs is the system calls, and what the kernel does in them. It ends the program
 * when a packet is missing. */
#include "net.h"

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
#include <time.h>
#include <unistd.h>

enum {
    SUPER_PACKET = 65536,
    SYN_OPTIONS = 8, /* MSS, window scale */
    MSS = 1460,
    WINDOW_SHIFT = 7,
    WINDOW = 65535, /* in the field: 8 MB */
    TOGETHER = 4,   /* super-segments to an acknowledgment */
};

struct headers {
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t options[SYN_OPTIONS];
};

enum { HEADERS = sizeof(struct headers) - SYN_OPTIONS };

static struct {
    bool open, ended;      /* our SYN is acknowledged; the other's FIN has come */
    uint16_t ours, theirs; /* ports, host order */
    uint32_t sent, got;    /* SND.NXT, RCV.NXT */
    unsigned owed;         /* super-segments not acknowledged yet */
} connection;

static int device;
static in_addr_t our_address, kernel_address;
static uint8_t elsewhere[SUPER_PACKET];

/* Later ones are greater, also from one run to the next: the kernel, which remembers connections
 * that are over, wants it so. */
static uint32_t first_number(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* ── Out ── */

static uint16_t pseudo_header_sum(size_t tcp_length)
{
    uint64_t sum =
        (uint64_t)our_address + kernel_address + htons(IPPROTO_TCP) + htons((uint16_t)tcp_length);
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

static void put(uint8_t flags, const void *text, size_t length)
{
    size_t options = flags & TH_SYN ? SYN_OPTIONS : 0;
    size_t tcp_length = sizeof(struct tcphdr) + options + length;
    struct virtio_net_hdr offload = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                     .csum_start = sizeof(struct iphdr),
                                     .csum_offset = 16};
    struct headers p = {
        .ip = {.version = 4,
               .ihl = 5,
               .tot_len = htons((uint16_t)(sizeof(struct iphdr) + tcp_length)),
               .frag_off = htons(IP_DF),
               .ttl = 64,
               .protocol = IPPROTO_TCP,
               .saddr = our_address,
               .daddr = kernel_address},
        .tcp = {.th_sport = htons(connection.ours),
                .th_dport = htons(connection.theirs),
                .th_seq = htonl(connection.sent),
                .th_ack = htonl(connection.got),
                .th_off = ((sizeof(struct tcphdr) + options) / 4) & 15,
                .th_flags = flags,
                .th_win = htons(WINDOW),
                .th_sum = pseudo_header_sum(tcp_length)},
        .options = {2, 4, MSS >> 8, MSS & 255, 3, 3, WINDOW_SHIFT, 0},
    };
    p.ip.check = ip_header_sum(&p.ip);
    struct iovec spans[] = {
        {&offload, sizeof offload}, {&p, HEADERS + options}, {(void *)(uintptr_t)text, length}};
    if (writev(device, spans, length ? 3 : 2) < 0)
        fail("cannot write to the device");
    connection.sent += (uint32_t)length + ((flags & (TH_SYN | TH_FIN)) != 0);
    connection.owed = 0;
}

/* ── In ── */

/* A SYN, the answer to ours or one that asks. */
static void take_syn(const struct tcphdr *tcp)
{
    connection.got = ntohl(tcp->th_seq) + 1;
    if (!(tcp->th_flags & TH_ACK)) {
        connection.theirs = ntohs(tcp->th_sport);
        put(TH_SYN | TH_ACK, NULL, 0);
    }
    connection.open = true;
}

/* Takes in a packet, its text to `place`: how much that is; -1: there was no packet. */
static ssize_t take_in(uint8_t *place)
{
    struct virtio_net_hdr offload;
    struct headers p;
    const struct iovec spans[] = {{&offload, sizeof offload}, {&p, HEADERS}, {place, SUPER_PACKET}};
    ssize_t got = readv(device, spans, 3);
    if (got < 0 && errno == EAGAIN)
        return -1;
    ssize_t length = got - (ssize_t)sizeof offload - HEADERS;
    if (length < 0)
        fail("cannot read from the device");
    if (p.ip.protocol != IPPROTO_TCP || ntohs(p.tcp.th_dport) != connection.ours)
        return 0;
    if (p.tcp.th_flags & TH_SYN) {
        take_syn(&p.tcp);
        return 0;
    }
    int32_t ahead = (int32_t)(ntohl(p.tcp.th_seq) - connection.got);
    if (ahead < 0)
        return 0; /* it was sent again needlessly */
    if (ahead > 0)
        fail("a packet is missing");
    connection.ended |= (p.tcp.th_flags & TH_FIN) != 0;
    connection.got += (uint32_t)length + ((p.tcp.th_flags & TH_FIN) != 0);
    connection.owed += length > MSS; /* smaller ones have an answer coming */
    if (connection.owed >= TOGETHER)
        put(TH_ACK, NULL, 0);
    return length;
}

static void sleep_for_packet(void)
{
    struct pollfd ready = {.fd = device, .events = POLLIN};
    if (poll(&ready, 1, -1) < 0)
        fail("cannot poll");
}

static void await_open(void)
{
    while (!connection.open)
        if (take_in(elsewhere) < 0)
            sleep_for_packet();
}

/* ── The calls ── */

void net_begin(void)
{
    const char *name = getenv("FLOOR_DEVICE"), *ours = getenv("FLOOR_ADDRESS"),
               *kernel = getenv("FLOOR_KERNEL");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (!name || !ours || !kernel || strlen(name) >= sizeof request.ifr_name)
        fail("FLOOR_DEVICE, FLOOR_ADDRESS and FLOOR_KERNEL do not say what to use");
    memcpy(request.ifr_name, name, strlen(name));
    our_address = inet_addr(ours);
    kernel_address = inet_addr(kernel);
    connection.sent = first_number();
    device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0 ||
        ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
        fail("cannot use the device");
}

void net_end(void)
{
}

int net_listen(uint16_t port)
{
    connection.ours = port;
    return 0;
}

int net_accept(int listener)
{
    await_open();
    return listener;
}

int net_connect(const char *host, uint16_t port, bool blocking)
{
    (void)host;
    (void)blocking;
    connection.ours = (uint16_t)(10000 + first_number() % 50000);
    connection.theirs = port;
    put(TH_SYN, NULL, 0);
    await_open();
    return 0;
}

ssize_t net_send(int socket, const void *bytes, size_t length, int flags)
{
    (void)socket;
    (void)flags;
    put(TH_ACK | TH_PUSH, bytes, length);
    return (ssize_t)length;
}

/* Reads super-segments into the reader's memory while the largest has room there; small ones, of a
 * question and answer, one at a time. */
static ssize_t receive(uint8_t *bytes, size_t length, bool sleeps)
{
    size_t done = 0;
    bool large = length >= SUPER_PACKET;
    while (!connection.ended && (done == 0 || (large && length - done >= SUPER_PACKET))) {
        ssize_t got = take_in(large ? bytes + done : elsewhere);
        if (got < 0 && connection.owed)
            put(TH_ACK, NULL, 0);
        if (got > 0)
            done += (size_t)got;
        else if (got < 0 && done > 0)
            break;
        else if (got < 0 && sleeps)
            sleep_for_packet();
    }
    if (!large) {
        if (done > length)
            fail("more has come than was asked for");
        memcpy(bytes, elsewhere, done);
    }
    return (ssize_t)done;
}

ssize_t net_recv(int socket, void *bytes, size_t length, int flags)
{
    (void)socket;
    (void)flags;
    return receive(bytes, length, true);
}

ssize_t net_recv_spinning(int socket, void *bytes, size_t length)
{
    (void)socket;
    return receive(bytes, length, false);
}

int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms)
{
    (void)sockets;
    (void)count;
    (void)timeout_ms;
    errno = ENOTSUP;
    return -1;
}

void net_finish(int socket)
{
    (void)socket;
    put(TH_ACK | TH_FIN, NULL, 0);
    connection.open = false;
}

void net_no_delay(int socket)
{
    (void)socket;
}

void net_close(int socket)
{
    if (connection.open)
        net_finish(socket);
}
