/* The TUN link against this host's kernel. Run in a network namespace of its own, as its root. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "link/tun_open.h"
#include "link_machine.h"
#include "packets.h"

static struct link_machine machine;
static char error[256];

static const struct tun_config usual = {
    .device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0.2", .mtu = 0};

static struct link *open_usual(void)
{
    struct link *link;
    memset(&machine, 0, sizeof machine);
    int result = tun_link_open(&usual, &link, error, sizeof error);
    if (result != 0)
        fail_msg("%s", error);
    return link;
}

/* Opening must fail with this code, and a sentence that contains these words. */
static void assert_refused(const struct tun_config *config, int code, const char *words)
{
    struct link *link;
    error[0] = '\0';
    int result = tun_link_open(config, &link, error, sizeof error);
    if (result == 0)
        link_close(link);
    if (result != -code || !strstr(error, words))
        fail_msg("wanted %d with \"%s\", got %d: \"%s\"", -code, words, result, error);
}

static int kernel_request(unsigned long code, struct ifreq *request)
{
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(control >= 0);
    int result = ioctl(control, code, request);
    close(control);
    return result;
}

static int device_mtu(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(kernel_request(SIOCGIFMTU, &request), 0);
    return request.ifr_mtu;
}

static int device_queue(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(kernel_request(SIOCGIFTXQLEN, &request), 0);
    return request.ifr_qlen;
}

static bool device_is_up(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(kernel_request(SIOCGIFFLAGS, &request), 0);
    return request.ifr_flags & IFF_UP;
}

/* The device's first IPv4 address as "a.b.c.d/bits", "" when it has none. */
static const char *device_address(const char *name)
{
    static char text[64];
    struct ifaddrs *entries;
    assert_int_equal(getifaddrs(&entries), 0);
    text[0] = '\0';
    for (struct ifaddrs *entry = entries; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET ||
            strcmp(entry->ifa_name, name) != 0)
            continue;
        const struct sockaddr_in *address = (const void *)entry->ifa_addr;
        const struct sockaddr_in *mask = (const void *)entry->ifa_netmask;
        snprintf(text, sizeof text, "%s/%d", inet_ntoa(address->sin_addr),
                 __builtin_popcount(mask->sin_addr.s_addr));
    }
    freeifaddrs(entries);
    return text;
}

/* A persistent device, as `ip tuntap add` makes it. */
static void persistent_make(const char *name, unsigned flags)
{
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    struct ifreq request = {.ifr_flags = (short)flags};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(ioctl(descriptor, TUNSETIFF, &request), 0);
    assert_int_equal(ioctl(descriptor, TUNSETPERSIST, 1ul), 0);
    close(descriptor);
}

static void persistent_remove(const char *name, unsigned flags)
{
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    struct ifreq request = {.ifr_flags = (short)flags};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(ioctl(descriptor, TUNSETIFF, &request), 0);
    assert_int_equal(ioctl(descriptor, TUNSETPERSIST, 0ul), 0);
    close(descriptor);
}

/* Runs in a child, whose failure fails the test, what cannot be undone. */
static void in_child(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body();
        fflush(NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Waits for something to arrive at the link, and polls it. */
static void link_wait_and_poll(struct link *link)
{
    struct pollfd waiting = {.fd = link_descriptor(link), .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 5000), 1);
    assert_true(link_machine_poll(&machine, link, 0) > 0);
}

/* ── Opening ── */

static void device_is_made_set_up_and_gone_with_its_link(void **state)
{
    (void)state;
    struct link *link = open_usual();
    assert_int_equal(link->mtu, 1500);
    assert_int_equal(device_mtu("tern0"), 1500);
    assert_true(device_is_up("tern0"));
    assert_string_equal(device_address("tern0"), "10.9.0.2/24");
    link_close(link);
    assert_int_equal(if_nametoindex("tern0"), 0);
}

static void mtu_is_the_one_asked_for(void **state)
{
    (void)state;
    const uint32_t mtus[] = {68, 576, 9000, 65535};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct tun_config config = usual;
        struct link *link;
        config.mtu = mtus[i];
        assert_int_equal(tun_link_open(&config, &link, error, sizeof error), 0);
        assert_int_equal(link->mtu, mtus[i]);
        assert_int_equal(device_mtu("tern0"), mtus[i]);
        link_close(link);
    }
}

static void configuration_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct tun_config config;
        const char *words;
    } cases[] = {
        {{.device = "", .address = "10.9.0.3/24", .peer = "10.9.0.2"}, "1 to 15 characters"},
        {{.device = "sixteen-letters-", .address = "10.9.0.3/24", .peer = "10.9.0.2"},
         "1 to 15 characters"},
        {{.device = "a/b", .address = "10.9.0.3/24", .peer = "10.9.0.2"}, "is allowed in it"},
        {{.device = "tern%d", .address = "10.9.0.3/24", .peer = "10.9.0.2"}, "is allowed in it"},
        {{.device = "..", .address = "10.9.0.3/24", .peer = "10.9.0.2"}, "is allowed in it"},
        {{.device = "tern0", .address = "10.9.0.3", .peer = "10.9.0.2"}, "with its prefix"},
        {{.device = "tern0", .address = "10.9.0.300/24", .peer = "10.9.0.2"}, "with its prefix"},
        {{.device = "tern0", .address = "10.9.0.3/33", .peer = "10.9.0.2"}, "with its prefix"},
        {{.device = "tern0", .address = "10.9.0.3/32", .peer = "10.9.0.2"}, "1 to 31 bits"},
        {{.device = "tern0", .address = "10.9.0.3/0", .peer = "10.9.0.2"}, "1 to 31 bits"},
        {{.device = "tern0", .address = "10.9.0.0/24", .peer = "10.9.0.2"}, "a host can have"},
        {{.device = "tern0", .address = "10.9.0.255/24", .peer = "10.9.0.2"}, "a host can have"},
        {{.device = "tern0", .address = "127.0.0.9/24", .peer = "127.0.0.8"}, "a host can have"},
        {{.device = "tern0", .address = "224.0.0.1/24", .peer = "224.0.0.2"}, "a host can have"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0"},
         "an IPv4 address is needed"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0.3"}, "differ from our own"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.1.2"},
         "in the subnet of 10.9.0.3/24"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0.255"}, "a host can have"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0.2", .mtu = 67},
         "68 to 65535"},
        {{.device = "tern0", .address = "10.9.0.3/24", .peer = "10.9.0.2", .mtu = 65536},
         "68 to 65535"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(&cases[i].config, EINVAL, cases[i].words);
    assert_int_equal(if_nametoindex("tern0"), 0);
}

static void busy_device_is_refused(void **state)
{
    (void)state;
    struct link *link = open_usual();
    assert_refused(&usual, EBUSY, "in use by another program, or another stack of this one");
    assert_string_equal(device_address("tern0"), "10.9.0.2/24");
    link_close(link);
}

static void address_that_the_host_has_elsewhere_is_refused_by_name(void **state)
{
    (void)state;
    struct link *first = open_usual();
    struct tun_config config = {.device = "tern1", .address = "10.9.0.4/24", .peer = "10.9.0.2"};
    assert_refused(&config, EADDRINUSE, "10.9.0.2 is in use on this host's tern0");
    config = (struct tun_config){.device = "tern1", .address = "10.9.0.2/24", .peer = "10.9.0.5"};
    assert_refused(&config, EADDRINUSE, "10.9.0.2 is in use on this host's tern0");
    assert_int_equal(if_nametoindex("tern1"), 0);
    link_close(first);
}

static void overlapping_subnet_is_refused_wider_or_narrower(void **state)
{
    (void)state;
    struct link *first = open_usual();
    struct tun_config config = {.device = "tern1", .address = "10.9.0.18/28", .peer = "10.9.0.17"};
    assert_refused(&config, EADDRINUSE, "overlaps that of this host's tern0 (10.9.0.2/24)");
    config = (struct tun_config){.device = "tern1", .address = "10.9.77.1/16", .peer = "10.9.77.2"};
    assert_refused(&config, EADDRINUSE, "overlaps that of this host's tern0 (10.9.0.2/24)");
    config = (struct tun_config){.device = "tern1", .address = "10.9.1.3/24", .peer = "10.9.1.2"};
    struct link *second;
    assert_int_equal(tun_link_open(&config, &second, error, sizeof error), 0);
    link_close(second);
    link_close(first);
}

static void persistent_device_is_attached_to_and_stays(void **state)
{
    (void)state;
    persistent_make("tern0", IFF_TUN | IFF_NO_PI);
    for (int round = 0; round < 2; round++) { /* bare, then with the address it then has */
        struct link *link = open_usual();
        assert_string_equal(device_address("tern0"), "10.9.0.2/24");
        link_close(link);
        assert_int_not_equal(if_nametoindex("tern0"), 0);
    }
    assert_string_equal(device_address("tern0"), "10.9.0.2/24");
    struct tun_config config = {.device = "tern0", .address = "10.8.0.3/24", .peer = "10.8.0.2"};
    assert_refused(&config, EADDRINUSE, "has the address 10.9.0.2/24 instead of 10.8.0.2/24");
    config = (struct tun_config){.device = "tern0", .address = "10.9.0.3/16", .peer = "10.9.0.2"};
    assert_refused(&config, EADDRINUSE, "has the address 10.9.0.2/24 instead of 10.9.0.2/16");
    persistent_remove("tern0", IFF_TUN | IFF_NO_PI);
}

/* Whether the kernel takes packets of more than 64 KB shows in an answer of its at once: so it
 * shows that it answers at once. */
static void persistent_device_that_is_up_sends_from_the_start(void **state)
{
    (void)state;
    struct link *link = open_usual();
    uint32_t most = link->big_packet_max;
    link_close(link);
    for (int round = 0; round < 30; round++) {
        struct ifreq request = {.ifr_name = "tern0", .ifr_flags = IFF_UP};
        persistent_make("tern0", IFF_TUN | IFF_NO_PI);
        assert_int_equal(kernel_request(SIOCSIFFLAGS, &request), 0);
        link = open_usual();
        assert_int_equal(link->big_packet_max, most);
        link_close(link);
        persistent_remove("tern0", IFF_TUN | IFF_NO_PI);
    }
}

/* What is lost of a window for want of room is sent again, in a slow way. */
static void without_offloads_the_queue_of_a_new_device_takes_a_window(void **state)
{
    (void)state;
    enum { WINDOW = 6 << 20, PACKET = 1500 };
    struct tun_config config = usual;
    struct link *link;
    config.no_offload = true;
    assert_int_equal(tun_link_open(&config, &link, error, sizeof error), 0);
    assert_int_equal(link->features, 0);
    assert_int_equal(link->big_packet_max, 0);
    assert_true(device_queue("tern0") >= WINDOW / PACKET);
    link_close(link);

    persistent_make("tern0", IFF_TUN | IFF_NO_PI);
    int before = device_queue("tern0");
    assert_int_equal(tun_link_open(&config, &link, error, sizeof error), 0);
    assert_int_equal(device_queue("tern0"), before); /* its owner's to choose */
    link_close(link);
    persistent_remove("tern0", IFF_TUN | IFF_NO_PI);
}

static void device_of_another_kind_is_refused(void **state)
{
    (void)state;
    persistent_make("tern0", IFF_TAP | IFF_NO_PI);
    assert_refused(&usual, EEXIST, "no TUN device");
    persistent_remove("tern0", IFF_TAP | IFF_NO_PI);
    struct tun_config config = usual;
    config.device = "lo";
    config.address = "10.9.0.3/24";
    struct link *link;
    assert_true(tun_link_open(&config, &link, error, sizeof error) < 0);
}

/* ── Without what it needs ── */

static void drop_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    data[0].effective &= ~(1u << CAP_NET_ADMIN);
    data[0].permitted &= ~(1u << CAP_NET_ADMIN);
    data[0].inheritable &= ~(1u << CAP_NET_ADMIN);
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void open_without_capability(void)
{
    drop_net_admin();
    assert_refused(&usual, EPERM, "give the program the capability CAP_NET_ADMIN");
}

static void missing_capability_is_told_with_advice(void **state)
{
    (void)state;
    in_child(open_without_capability);
}

static void open_set_up_device_without_capability(void)
{
    struct tun_config config = usual;
    struct link *link;
    config.mtu = 1400;
    drop_net_admin();
    assert_refused(&config, EPERM, "no permission to set the MTU of tern0");
    assert_int_equal(tun_link_open(&usual, &link, error, sizeof error), 0);
}

/* A persistent device that its owner may use, and that is set up already, asks for no privilege. */
static void set_up_device_of_ours_needs_no_capability(void **state)
{
    (void)state;
    persistent_make("tern0", IFF_TUN | IFF_NO_PI);
    link_close(open_usual());
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    struct ifreq request = {.ifr_name = "tern0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    assert_int_equal(ioctl(descriptor, TUNSETIFF, &request), 0);
    assert_int_equal(ioctl(descriptor, TUNSETOWNER, (unsigned long)geteuid()), 0);
    close(descriptor);

    in_child(open_set_up_device_without_capability);
    assert_int_equal(device_mtu("tern0"), 1500);
    persistent_remove("tern0", IFF_TUN | IFF_NO_PI);
}

static void open_without_node(void)
{
    /* Nothing in here is seen outside of this child. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/dev/net", "tmpfs", 0, NULL) < 0) {
        print_message("(this host lets nobody hide /dev/net/tun: not tried)\n");
        return;
    }
    assert_refused(&usual, ENODEV, "no /dev/net/tun");
}

static void missing_node_is_told_with_advice(void **state)
{
    (void)state;
    in_child(open_without_node);
}

/* ── Packets ── */

static struct sockaddr_in sockaddr_of(const char *address, uint16_t port)
{
    struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &out.sin_addr), 1);
    return out;
}

static int kernel_socket(int type, uint16_t port)
{
    int descriptor = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in local = sockaddr_of("10.9.0.2", port);
    assert_true(descriptor >= 0);
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&local, sizeof local), 0);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return descriptor;
}

static void datagrams_pass_both_ways(void **state)
{
    (void)state;
    static struct packet packet;
    struct address ours = packet_address("10.9.0.3"), kernel = packet_address("10.9.0.2");
    struct link *link = open_usual();
    int descriptor = kernel_socket(SOCK_DGRAM, 7000);
    struct sockaddr_in to = sockaddr_of("10.9.0.3", 7001);
    assert_int_equal(sendto(descriptor, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
    link_wait_and_poll(link);
    assert_int_equal(machine.count, 1);
    assert_int_equal(machine.packets[0].length, IPV4_HEADER_MIN + UDP_HEADER_SIZE + 5);
    assert_memory_equal(link_machine_bytes(&machine, 0) + IPV4_HEADER_MIN + UDP_HEADER_SIZE,
                        "hello", 5);

    packet_udp(&packet, &ours, 7001, &kernel, 7000, "welcome", 7, true);
    assert_int_equal(link_send_bytes(link, packet.bytes, packet.length, 0), 0);
    char answer[16];
    assert_int_equal(recv(descriptor, answer, sizeof answer, 0), 7);
    assert_memory_equal(answer, "welcome", 7);
    close(descriptor);
    link_close(link);
}

/* In one piece or in several, as its length has it. */
static void packets_of_several_spans_leave_whole_whatever_their_length(void **state)
{
    (void)state;
    static struct packet packet;
    static char text[1000], answer[1000];
    struct address ours = packet_address("10.9.0.3"), kernel = packet_address("10.9.0.2");
    struct link *link = open_usual();
    int descriptor = kernel_socket(SOCK_DGRAM, 7000);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7 + i / 100);
    for (size_t length = 100; length < sizeof text; length += 1 + length / 300 * 50) {
        packet_udp(&packet, &ours, 7001, &kernel, 7000, text, length, true);
        struct iovec spans[] = {
            {packet.bytes, 28}, {packet.bytes + 28, 50}, {packet.bytes + 78, length - 50}};
        assert_int_equal(link_send(link, spans, 3, NULL, 0), 0);
        assert_int_equal(recv(descriptor, answer, sizeof answer, 0), length);
        assert_memory_equal(answer, text, length);
    }
    close(descriptor);
    link_close(link);
}

static void unfinished_checksum_is_finished_by_the_kernel(void **state)
{
    (void)state;
    static struct packet packet;
    struct address ours = packet_address("10.9.0.3"), kernel = packet_address("10.9.0.2");
    struct link *link = open_usual();
    if (!(link->features & TERN_LINK_CHECKSUM)) {
        link_close(link);
        skip();
    }
    int descriptor = kernel_socket(SOCK_DGRAM, 7000);
    struct tern_offload offload = {.checksum_start = IPV4_HEADER_MIN,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    packet_udp(&packet, &ours, 7001, &kernel, 7000, "unfinished", 10, false);
    /* Headers and payload in spans of their own, as the machine sends them. */
    struct iovec spans[] = {{packet.bytes, 28}, {packet.bytes + 28, 4}, {packet.bytes + 32, 6}};
    assert_int_equal(link_send(link, spans, 3, &offload, 0), 0);
    char answer[16];
    assert_int_equal(recv(descriptor, answer, sizeof answer, 0), 10);
    assert_memory_equal(answer, "unfinished", 10);
    close(descriptor);
    link_close(link);
}

/* The next packet of a TCP connection to us, decoded. */
static struct segment next_segment(struct link *link, int *index)
{
    struct ipv4_header ip;
    struct segment segment;
    while (machine.count <= *index)
        link_wait_and_poll(link);
    size_t length = machine.packets[*index].length;
    const uint8_t *bytes = link_machine_bytes(&machine, (*index)++);
    assert_int_equal(ipv4_parse(bytes, length, true, &ip), IPV4_OK);
    assert_int_equal(ip.protocol, IP_PROTOCOL_TCP);
    assert_true(tcp_parse(bytes + ip.header_length, length - ip.header_length, &segment));
    return segment;
}

static void send_segment(struct link *link, const struct segment *segment, uint16_t segment_size)
{
    static struct packet packet;
    struct address ours = packet_address("10.9.0.3"), kernel = packet_address("10.9.0.2");
    struct tern_offload offload = {.segment_size = segment_size,
                                   .header_length = IPV4_HEADER_MIN + TCP_HEADER_MIN,
                                   .checksum_start = IPV4_HEADER_MIN,
                                   .checksum_offset = TCP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    packet_tcp(&packet, &ours, &kernel, segment, segment_size == 0);
    struct iovec span = {.iov_base = packet.bytes, .iov_len = packet.length};
    assert_int_equal(link_send(link, &span, 1, segment_size ? &offload : NULL, 0), 0);
}

/* A connection to a kernel listener, by hand: what super-segments need on the other side. */
static void super_segments_pass_both_ways_whole(void **state)
{
    (void)state;
    enum { BYTES = 60000 };
    static uint8_t out[BYTES], in[BYTES];
    struct link *link = open_usual();
    if (!(link->features & TERN_LINK_TSO)) {
        link_close(link);
        skip();
    }
    int listener = kernel_socket(SOCK_STREAM, 7002);
    assert_int_equal(listen(listener, 1), 0);

    struct segment segment = {
        .source_port = 9000,
        .destination_port = 7002,
        .seq = 1000,
        .flags = TCP_SYN,
        .window = 65535,
        .options = {.has_mss = true, .mss = 1000, .has_window_scale = true, .window_scale = 8}};
    int index = 0;
    send_segment(link, &segment, 0);
    struct segment answer = next_segment(link, &index);
    assert_int_equal(answer.flags, TCP_SYN | TCP_ACK);
    segment = (struct segment){.source_port = 9000,
                               .destination_port = 7002,
                               .seq = 1001,
                               .ack = answer.seq + 1,
                               .flags = TCP_ACK,
                               .window = 65535};
    send_segment(link, &segment, 0);
    int connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);

    for (int i = 0; i < BYTES; i++)
        out[i] = (uint8_t)(i * 7 + i / 251);
    segment.text = out;
    segment.length = BYTES;
    send_segment(link, &segment, 1000);
    assert_int_equal(recv(connection, in, BYTES, MSG_WAITALL), BYTES);
    assert_memory_equal(in, out, BYTES);

    /* The first flight arrives in packets of several segments, their checksums left to us. */
    assert_int_equal(send(connection, out, BYTES, 0), BYTES);
    do
        answer = next_segment(link, &index);
    while (answer.length == 0);
    const struct tern_offload *offload = &machine.packets[index - 1].offload;
    assert_in_range(answer.length, 2000, 10000);
    assert_memory_equal(answer.text, out, answer.length);
    assert_int_equal(offload->segment_size, 1000);
    assert_int_equal(offload->header_length, IPV4_HEADER_MIN + answer.header_length);
    assert_int_equal(offload->checksum_start, IPV4_HEADER_MIN);
    assert_int_equal(offload->checksum_offset, TCP_CHECKSUM_OFFSET);
    assert_true(offload->flags & TERN_OFFLOAD_CHECKSUM);
    close(connection);
    close(listener);
    link_close(link);
}

/* Whether it takes packets of more than 64 KB, the kernel is asked by one queue, and answers by
 * any of them. */
static void all_queues_may_send_what_a_single_one_may(void **state)
{
    (void)state;
    enum { QUEUES = 8 };
    struct link *one = open_usual(), *links[QUEUES];
    uint32_t most = one->big_packet_max;
    link_close(one);
    if (tun_links_open(&usual, QUEUES, links, error, sizeof error) != 0)
        fail_msg("%s", error);
    for (int i = 0; i < QUEUES; i++) {
        assert_int_equal(links[i]->big_packet_max, most);
        link_close(links[i]);
    }
}

static void silent_device_delivers_nothing_and_does_not_block(void **state)
{
    (void)state;
    struct link *link = open_usual();
    assert_int_equal(link_machine_poll(&machine, link, 0), 0);
    assert_true(link_deadline(link) == TIME_NEVER);
    link_close(link);
}

static void device_taken_away_breaks_the_link_for_good(void **state)
{
    (void)state;
    struct link *link = open_usual();
    assert_int_equal(system("ip link delete tern0"), 0);
    assert_true(link_machine_poll(&machine, link, 0) < 0);
    assert_int_equal(link_send_bytes(link, "E", 1, 0), -ENETDOWN);
    link_close(link);
}

static void device_that_is_down_takes_nothing_until_it_is_up_again(void **state)
{
    (void)state;
    struct link *link = open_usual();
    assert_int_equal(system("ip link set tern0 down"), 0);
    assert_int_equal(link_send_bytes(link, "E", 1, 0), -ENETDOWN);
    assert_int_equal(system("ip link set tern0 up"), 0);
    assert_int_equal(link_send_bytes(link, "E", 1, 0), 0);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_made_set_up_and_gone_with_its_link),
        cmocka_unit_test(mtu_is_the_one_asked_for),
        cmocka_unit_test(configuration_that_makes_no_sense_is_refused),
        cmocka_unit_test(busy_device_is_refused),
        cmocka_unit_test(address_that_the_host_has_elsewhere_is_refused_by_name),
        cmocka_unit_test(overlapping_subnet_is_refused_wider_or_narrower),
        cmocka_unit_test(persistent_device_is_attached_to_and_stays),
        cmocka_unit_test(persistent_device_that_is_up_sends_from_the_start),
        cmocka_unit_test(without_offloads_the_queue_of_a_new_device_takes_a_window),
        cmocka_unit_test(device_of_another_kind_is_refused),
        cmocka_unit_test(missing_capability_is_told_with_advice),
        cmocka_unit_test(set_up_device_of_ours_needs_no_capability),
        cmocka_unit_test(missing_node_is_told_with_advice),
        cmocka_unit_test(datagrams_pass_both_ways),
        cmocka_unit_test(packets_of_several_spans_leave_whole_whatever_their_length),
        cmocka_unit_test(unfinished_checksum_is_finished_by_the_kernel),
        cmocka_unit_test(super_segments_pass_both_ways_whole),
        cmocka_unit_test(all_queues_may_send_what_a_single_one_may),
        cmocka_unit_test(silent_device_delivers_nothing_and_does_not_block),
        cmocka_unit_test(device_taken_away_breaks_the_link_for_good),
        cmocka_unit_test(device_that_is_down_takes_nothing_until_it_is_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
