/* Several datagrams that pass between us and the kernel as one packet (UDP_SEGMENT, udp(7)). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"
#include "link/tun_open.h"
#include "link_machine.h"
#include "packets.h"

enum {
    HEADERS = IPV4_HEADER_MIN + UDP_HEADER_SIZE,
    SIZE = 1000,     /* bytes of a datagram */
    BYTES = 5500,    /* of six, the last of which is shorter */
    MOST = 64 * SIZE /* of one call of the kernel's */
};

static uint8_t sent[MOST], got[65536];

/* What recvmsg(2) says of several datagrams in one: how long each is; 0: there is one. */
static int size_told(struct msghdr *message)
{
    int size = 0;
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (!header)
        return 0;
    assert_int_equal(header->cmsg_level, IPPROTO_UDP);
    assert_int_equal(header->cmsg_type, UDP_GRO);
    assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof size));
    memcpy(&size, CMSG_DATA(header), sizeof size);
    return size;
}

/* ── The link alone ── */

static struct link_machine machine;

static struct link *open_link(bool no_offload)
{
    const struct tun_config config = {
        .device = "uso0", .address = "10.77.0.3/24", .peer = "10.77.0.2", .no_offload = no_offload};
    struct link *link;
    char error[256];
    memset(&machine, 0, sizeof machine);
    if (tun_link_open(&config, &link, error, sizeof error) < 0)
        fail_msg("%s", error);
    if (no_offload || link->features & TERN_LINK_USO)
        return link;
    link_close(link);
    skip(); /* a kernel before 6.2 */
    return NULL;
}

static int kernel_at(uint16_t port)
{
    struct sockaddr_in here = scenario_sockaddr("10.77.0.2", port);
    int socket = kernel_socket(SOCK_DGRAM, 0);
    must(bind(socket, (struct sockaddr *)&here, sizeof here));
    return socket;
}

static void kernel_sends_six(void)
{
    struct sockaddr_in there = scenario_sockaddr("10.77.0.3", 7000);
    int socket = kernel_at(7001);
    pattern_fill(1, 0, sent, BYTES);
    kernel_option(socket, IPPROTO_UDP, UDP_SEGMENT, SIZE);
    assert_int_equal(sendto(socket, sent, BYTES, 0, (struct sockaddr *)&there, sizeof there),
                     BYTES);
    close(socket);
}

static void poll_link(struct link *link, int packets)
{
    while (machine.count < packets) {
        struct pollfd ready = {.fd = link_descriptor(link), .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
        link_machine_poll(&machine, link, 0);
    }
}

static void one_call_of_the_kernels_comes_as_one_packet(void **state)
{
    (void)state;
    struct link *link = open_link(false);
    kernel_sends_six();
    poll_link(link, 1);
    const struct tern_offload *offload = &machine.packets[0].offload;
    const uint8_t *packet = link_machine_bytes(&machine, 0);
    assert_int_equal(machine.packets[0].length, HEADERS + BYTES);
    assert_memory_equal(packet + HEADERS, sent, BYTES);
    assert_int_equal(offload->segment_size, SIZE);
    assert_int_equal(offload->header_length, HEADERS);
    assert_int_equal(offload->checksum_start, IPV4_HEADER_MIN);
    assert_int_equal(offload->checksum_offset, UDP_CHECKSUM_OFFSET);
    assert_int_equal(offload->flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(packet[24] << 8 | packet[25], UDP_HEADER_SIZE + BYTES);
    assert_int_equal(link_machine_poll(&machine, link, 0), 0);
    link_close(link);
}

/* Who polls may have enough with each of them. */
static void a_poll_ends_behind_one_packet(void **state)
{
    (void)state;
    struct link *link = open_link(false);
    for (int i = 0; i < 3; i++)
        kernel_sends_six();
    for (int i = 1; i <= 3; i++) {
        poll_link(link, i);
        assert_int_equal(machine.count, i);
    }
    link_close(link);
}

static void without_offloads_the_kernel_cuts_it(void **state)
{
    (void)state;
    struct link *link = open_link(true);
    assert_int_equal(link->features, 0);
    kernel_sends_six();
    poll_link(link, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(machine.packets[i].offload.segment_size, 0);
        assert_int_equal(machine.packets[i].length, HEADERS + (i < 5 ? SIZE : BYTES % SIZE));
        assert_true(packet_is_sound(link_machine_bytes(&machine, i), machine.packets[i].length));
    }
    link_close(link);
}

static void we_send_six(struct link *link)
{
    static struct packet packet;
    struct address ours = packet_address("10.77.0.3"), kernels = packet_address("10.77.0.2");
    struct tern_offload offload = {.segment_size = SIZE,
                                   .header_length = HEADERS,
                                   .checksum_start = IPV4_HEADER_MIN,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    pattern_fill(2, 0, sent, BYTES);
    packet_udp(&packet, &ours, 7000, &kernels, 7001, sent, BYTES, false);
    struct iovec spans[] = {{packet.bytes, HEADERS},
                            {packet.bytes + HEADERS, 1500},
                            {packet.bytes + HEADERS + 1500, BYTES - 1500}};
    assert_int_equal(link_send(link, spans, 3, &offload, 0), 0);
}

static void the_kernel_takes_several_as_one_packet(void **state)
{
    (void)state;
    struct link *link = open_link(false);
    int socket = kernel_at(7001);
    we_send_six(link);
    for (int i = 0; i < 6; i++) {
        size_t length = i < 5 ? SIZE : BYTES % SIZE;
        assert_int_equal(must((int)recv(socket, got, sizeof got, 0)), length);
        assert_memory_equal(got, sent + i * SIZE, length);
    }
    close(socket);
    link_close(link);
}

static void the_kernel_hands_one_packet_on_to_who_wants_it(void **state)
{
    (void)state;
    struct link *link = open_link(false);
    int socket = kernel_at(7001);
    _Alignas(struct cmsghdr) char control[64];
    struct iovec span = {got, sizeof got};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    kernel_option(socket, IPPROTO_UDP, UDP_GRO, 1);
    we_send_six(link);
    assert_int_equal(must((int)recvmsg(socket, &message, 0)), BYTES);
    assert_memory_equal(got, sent, BYTES);
    assert_int_equal(size_told(&message), SIZE);
    close(socket);
    link_close(link);
}

/* ── A stack ── */

static int our_bound(const struct scenario *s, uint16_t port)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in here = scenario_sockaddr(s->ours, port);
    int socket = must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0));
    must(tern_setsockopt(s->tern, socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(tern_bind(s->tern, socket, (struct sockaddr *)&here, sizeof here));
    return socket;
}

static void kernel_sends(int socket, size_t length, int size)
{
    kernel_option(socket, IPPROTO_UDP, UDP_SEGMENT, size);
    assert_int_equal(must((int)send(socket, sent, length, 0)), length);
}

static void assert_received(const struct scenario *s, int socket, size_t length, size_t size)
{
    for (size_t at = 0; at < length; at += size) {
        size_t part = length - at < size ? length - at : size;
        assert_int_equal(must((int)tern_recv(s->tern, socket, got, sizeof got, 0)), part);
        assert_memory_equal(got, sent + at, part);
    }
}

/* Of any size, between others that came by themselves, whoever watches. */
static void pass_all_sizes(const struct wish *wish)
{
    struct scenario *s = scenario_open(wish);
    int ours = our_bound(s, 7000), kernels = kernel_connect(s, SOCK_DGRAM, 7000);
    uint64_t datagrams = 0;
    for (int size = 1; size <= 1472; size += 1 + size / 5) {
        size_t most = (size_t)size * 64 < MOST ? (size_t)size * 64 : MOST;
        for (size_t length = (size_t)size; length <= most; length += 1 + most / 3) {
            pattern_fill(length, 0, sent, most);
            kernel_sends(kernels, length, size);
            kernel_sends(kernels, 7, 0);
            assert_received(s, ours, length, (size_t)size);
            assert_received(s, ours, 7, 7);
            datagrams += (length + (size_t)size - 1) / (size_t)size + 1;
        }
    }
    assert_int_equal(scenario_count(s, "UdpInDatagrams"), datagrams);
    assert_int_equal(scenario_count(s, "UdpInErrors"), 0);
    close(kernels);
    must(tern_close(s->tern, ours));
    scenario_close(s);
}

static void datagrams_of_one_packet_are_received_one_by_one(void **state)
{
    (void)state;
    pass_all_sizes(NULL);
    pass_all_sizes(&(struct wish){.unwatched = true});
    pass_all_sizes(&(struct wish){.no_offload = true});
    pass_all_sizes(&(struct wish){.fault = "delay=1ms"});
}

/* UDP_GRO at both ends: what one call sends one call receives, unless a network is in between. */
static void pass_whole_calls(const struct wish *wish, bool whole)
{
    struct scenario *s = scenario_open(wish);
    int ours = our_bound(s, 7000), kernels = kernel_connect(s, SOCK_DGRAM, 7000);
    struct sockaddr_in there;
    socklen_t length = sizeof there;
    int one = 1, size = SIZE;
    must(getsockname(kernels, (struct sockaddr *)&there, &length));
    must(tern_connect(s->tern, ours, (struct sockaddr *)&there, sizeof there));
    must(tern_setsockopt(s->tern, ours, IPPROTO_UDP, UDP_GRO, &one, sizeof one));
    must(tern_setsockopt(s->tern, ours, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size));
    kernel_option(kernels, IPPROTO_UDP, UDP_GRO, 1);
    pattern_fill(5, 0, sent, BYTES);
    for (int i = 0; i < 20; i++) {
        _Alignas(struct cmsghdr) char control[64];
        struct iovec span = {got, sizeof got};
        struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1, .msg_control = control};
        bool to_us = i % 2;
        message.msg_controllen = sizeof control;
        if (to_us)
            kernel_sends(kernels, BYTES, SIZE);
        else
            assert_int_equal(must((int)tern_send(s->tern, ours, sent, BYTES, 0)), BYTES);
        ssize_t n =
            to_us ? tern_recvmsg(s->tern, ours, &message, 0) : recvmsg(kernels, &message, 0);
        assert_int_equal(must((int)n), whole ? BYTES : SIZE);
        assert_memory_equal(got, sent, n);
        assert_int_equal(size_told(&message), whole ? SIZE : 0);
        for (int rest = 1; !whole && rest < 6; rest++)
            must((int)(to_us ? tern_recv(s->tern, ours, got, sizeof got, 0)
                             : recv(kernels, got, sizeof got, 0)));
    }
    assert_int_equal(scenario_count(s, "UdpInDatagrams"), 60);
    assert_int_equal(scenario_count(s, "UdpOutDatagrams"), 60);
    close(kernels);
    must(tern_close(s->tern, ours));
    scenario_close(s);
}

static void one_call_is_received_by_one_call(void **state)
{
    (void)state;
    pass_whole_calls(&(struct wish){.no_offload = true}, false);
    link_close(open_link(false)); /* where the kernel can */
    pass_whole_calls(NULL, true);
    pass_whole_calls(&(struct wish){.unwatched = true}, true);
    pass_whole_calls(&(struct wish){.fault = "delay=1ms"}, false);
}

/* Whoever does not read in time loses datagrams, not packets, and each is counted. */
static void datagrams_without_room_are_counted_one_by_one(void **state)
{
    (void)state;
    enum { PACKETS = 10 };
    struct scenario *s = scenario_open(NULL);
    int ours = our_bound(s, 7000), kernels = kernel_connect(s, SOCK_DGRAM, 7000);
    unsigned taken = 0;
    pattern_fill(3, 0, sent, sizeof sent);
    for (int i = 0; i < PACKETS; i++)
        kernel_sends(kernels, MOST, SIZE);
    wait_until(scenario_count(s, "UdpInDatagrams") + scenario_count(s, "UdpRcvbufErrors") ==
               PACKETS * MOST / SIZE);
    while (tern_recv(s->tern, ours, got, sizeof got, MSG_DONTWAIT) >= 0) {
        assert_memory_equal(got, sent + taken % (MOST / SIZE) * SIZE, SIZE);
        taken++;
    }
    assert_int_equal(errno, EAGAIN);
    assert_in_range(taken, MOST / SIZE + 1, PACKETS * MOST / SIZE - 1);
    assert_int_equal(scenario_count(s, "UdpInDatagrams"), taken);
    assert_int_equal(scenario_count(s, "DropUDP_QUEUE_FULL"), PACKETS * MOST / SIZE - taken);
    close(kernels);
    must(tern_close(s->tern, ours));
    scenario_close(s);
}

/* RFC 1122 §4.1.3.1. */
static void the_kernel_is_told_of_a_port_of_nobody(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    int kernels = kernel_connect(s, SOCK_DGRAM, 7000);
    kernel_sends(kernels, BYTES, SIZE);
    assert_int_equal(recv(kernels, got, sizeof got, 0), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(scenario_count(s, "UdpNoPorts"), 6);
    close(kernels);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_of_the_kernels_comes_as_one_packet),
        cmocka_unit_test(a_poll_ends_behind_one_packet),
        cmocka_unit_test(without_offloads_the_kernel_cuts_it),
        cmocka_unit_test(the_kernel_takes_several_as_one_packet),
        cmocka_unit_test(the_kernel_hands_one_packet_on_to_who_wants_it),
        scenario_test(datagrams_of_one_packet_are_received_one_by_one),
        scenario_test(one_call_is_received_by_one_call),
        scenario_test(datagrams_without_room_are_counted_one_by_one),
        scenario_test(the_kernel_is_told_of_a_port_of_nobody),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
