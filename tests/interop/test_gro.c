/* Without offloads: that the kernel joins the packets of a burst, where it may be asked to; that
 * nothing waits for it to; and what becomes of it where it may not. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "link/tun_gro.h"
#include "link/tun_open.h"
#include "link_machine.h"
#include "packets.h"

enum { MSS = 1460 - 12 };

static const struct tun_config plain = {.device = "grotern0",
                                        .address = "10.250.0.3/24",
                                        .peer = "10.250.0.2",
                                        .no_offload = true,
                                        .gro = true};

static bool may_be_had(void)
{
    int prepared = tun_gro_prepare();
    if (prepared >= 0)
        close(prepared);
    return prepared >= 0;
}

static bool link_has_gro(const struct tun_config *config)
{
    struct link *link;
    char error[256] = "";
    if (tun_link_open(config, &link, error, sizeof error) != 0)
        fail_msg("%s", error);
    bool gro = link->gro;
    link_close(link);
    return gro;
}

/* Packets that IP has had in this namespace, what was joined being one. */
static uint64_t ip_received(void)
{
    char names[1024], line[1024];
    uint64_t received = 0;
    FILE *file = fopen("/proc/self/net/snmp", "r");
    assert_non_null(file);
    assert_non_null(fgets(names, sizeof names, file));
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_memory_equal(names, "Ip: Forwarding DefaultTTL InReceives ", 37);
    assert_int_equal(sscanf(line, "Ip: %*u %*u %" SCNu64, &received), 1);
    return received;
}

static uint64_t ip_received_of_transfer(const struct wish *wish, uint32_t bytes)
{
    struct scenario *s = scenario_open(wish);
    struct pair pair = pair_connect(s);
    uint64_t before = ip_received();
    exchange_run(pair, bytes, 0);
    uint64_t received = ip_received() - before;
    pair_close(pair);
    scenario_close(s);
    return received;
}

static void kernel_joins_what_leaves_at_once(void **state)
{
    (void)state;
    enum { BYTES = 4000000, PACKETS = BYTES / MSS };
    static const struct wish wish = {.no_offload = true};
    if (!may_be_had())
        skip();
    assert_in_range(ip_received_of_transfer(&wish, BYTES), 1, PACKETS / 2);
}

/* What a fault link holds back of a burst would have the rest of it wait. */
static void faults_come_to_packets_that_pass_at_once(void **state)
{
    (void)state;
    enum { BYTES = 1000000, PACKETS = BYTES / MSS };
    static const struct wish wish = {.no_offload = true, .fault = "delay=1ms"};
    assert_in_range(ip_received_of_transfer(&wish, BYTES), PACKETS, UINT32_MAX);
}

/* Each segment is alone, and its arrival is waited for: were it held for the next, it would be for
 * 10 ms. It leaves for being full, without PSH of TCP's own, since there is more to be written. */
static void lone_segment_does_not_wait_for_another(void **state)
{
    (void)state;
    enum { ROUNDS = 400, MOST_MS = 5 * ROUNDS };
    static const struct wish wish = {.no_offload = true};
    static uint8_t text[MSS];
    struct scenario *s = scenario_open(&wish);
    struct pair pair = pair_connect(s);
    uint64_t before_ns = scenario_now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(tern_send(s->tern, pair.ours.socket, text, sizeof text, MSG_MORE), MSS);
        for (size_t got = 0; got < sizeof text;)
            got += (size_t)must(end_receive(pair.kernels, text, sizeof text - got));
    }
    assert_true(scenario_now_ns() - before_ns < TIME_MS(MOST_MS));
    pair_close(pair);
    scenario_close(s);
}

static void only_asked_for_and_without_offloads(void **state)
{
    (void)state;
    struct tun_config config = plain;
    assert_int_equal(link_has_gro(&config), may_be_had());
    config.no_offload = false;
    assert_false(link_has_gro(&config));
    config = plain;
    config.gro = false;
    assert_false(link_has_gro(&config));
}

static struct link_machine machine;

/* The kernel answers a segment to a port where nobody is with a reset, as soon as TCP has it. */
static void send_segment(struct link *link, uint32_t seq, uint16_t flags)
{
    static struct packet packet;
    static const uint8_t text[MSS];
    struct address ours = packet_address("10.250.0.3"), kernel = packet_address("10.250.0.2");
    struct segment segment = {.source_port = 9,
                              .destination_port = 9,
                              .seq = seq,
                              .ack = 1000,
                              .flags = TCP_ACK | flags,
                              .text = text,
                              .length = sizeof text};
    packet_tcp(&packet, &ours, &kernel, &segment, true);
    assert_int_equal(link_send_bytes(link, packet.bytes, packet.length, 0), 0);
}

static int resets(struct link *link)
{
    machine.count = 0;
    machine.used = 0;
    assert_true(link_machine_poll(&machine, link, 0) >= 0);
    return machine.count;
}

/* As where the device has refused the rest of it. */
static void burst_without_its_end_arrives_all_the_same(void **state)
{
    (void)state;
    struct link *link;
    char error[256] = "";
    if (!may_be_had())
        skip();
    assert_int_equal(tun_link_open(&plain, &link, error, sizeof error), 0);
    /* One, or two if the limit was over in between. */
    send_segment(link, 1, 0);
    send_segment(link, 1 + MSS, TCP_PSH);
    assert_in_range(resets(link), 1, 2); /* it is there when the write returns */

    send_segment(link, 5000, 0);
    send_segment(link, 5000 + MSS, 0);
    struct pollfd readable = {.fd = link_descriptor(link), .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 5000), 1);
    assert_in_range(resets(link), 1, 2);
    link_close(link);
}

/* Nor does it for a socket that takes joined ones: it is there, and as it was, when the write
 * returns. */
static void datagram_does_not_wait_for_another(void **state)
{
    (void)state;
    enum { SIZES = 4 };
    static const size_t sizes[SIZES] = {1, 200, 1001, 1472};
    static struct packet packet;
    static uint8_t text[1472], got[2000];
    const struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(7001)};
    const int on = 1;
    struct link *link;
    char error[256] = "";
    assert_int_equal(tun_link_open(&plain, &link, error, sizeof error), 0);
    int kernels = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    must(setsockopt(kernels, SOL_UDP, UDP_GRO, &on, sizeof on));
    must(bind(kernels, (const struct sockaddr *)&port, sizeof port));
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + 1);
    for (int i = 0; i < SIZES; i++) {
        struct address ours = packet_address("10.250.0.3"), kernel = packet_address("10.250.0.2");
        packet_udp(&packet, &ours, 9, &kernel, 7001, text, sizes[i], true);
        assert_int_equal(link_send_bytes(link, packet.bytes, packet.length, 0), 0);
        assert_int_equal(recv(kernels, got, sizeof got, 0), sizes[i]);
        assert_memory_equal(got, text, sizes[i]);
    }
    close(kernels);
    link_close(link);
}

static void every_queue_of_a_device_has_it(void **state)
{
    (void)state;
    enum { QUEUES = 2 };
    struct link *links[QUEUES];
    char error[256] = "";
    assert_int_equal(tun_links_open(&plain, QUEUES, links, error, sizeof error), 0);
    for (int i = 0; i < QUEUES; i++)
        assert_int_equal(links[i]->gro, may_be_had());
    for (uint32_t i = 0; i < 2 * QUEUES; i++) {
        send_segment(links[i % QUEUES], 1 + i * MSS, TCP_PSH);
        assert_int_equal(resets(links[0]) + resets(links[1]), 1);
    }
    for (int i = 0; i < QUEUES; i++)
        link_close(links[i]);
}

static void set_persistent(unsigned long yes)
{
    struct ifreq request = {.ifr_name = "grotern0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int descriptor = must(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    must(ioctl(descriptor, TUNSETIFF, &request));
    must(ioctl(descriptor, TUNSETPERSIST, yes));
    close(descriptor);
}

static void device_that_was_there_before_is_left_as_it_is(void **state)
{
    (void)state;
    set_persistent(1);
    assert_false(link_has_gro(&plain));
    set_persistent(0);
}

static void drop(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    must((int)syscall(SYS_capget, &header, data));
    data[0].effective &= ~(1u << capability);
    data[0].permitted &= ~(1u << capability);
    must((int)syscall(SYS_capset, &header, data));
}

/* In a child, for what is given up does not come back. */
static void done_without_by_who(bool (*gives_it_up)(void))
{
    fflush(NULL);
    pid_t child = must(fork());
    if (child == 0)
        _exit(gives_it_up() && (may_be_had() || link_has_gro(&plain)));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool may_mount_nothing(void)
{
    drop(CAP_SYS_ADMIN);
    return true;
}

/* Who may mount sysfs there, and open what is root's, but not write to it. */
static bool is_root_of_a_user_namespace(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0) {
        print_message("(this host lets nobody make user namespaces: not tried)\n");
        return false;
    }
    FILE *map = fopen("/proc/self/uid_map", "w");
    assert_non_null(map);
    fputs("0 0 1", map);
    assert_int_equal(fclose(map), 0);
    return true;
}

static void without_the_right_it_is_done_without(void **state)
{
    (void)state;
    done_without_by_who(may_mount_nothing);
    done_without_by_who(is_root_of_a_user_namespace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(kernel_joins_what_leaves_at_once),
        scenario_test(faults_come_to_packets_that_pass_at_once),
        scenario_test(lone_segment_does_not_wait_for_another),
        cmocka_unit_test(only_asked_for_and_without_offloads),
        cmocka_unit_test(burst_without_its_end_arrives_all_the_same),
        cmocka_unit_test(datagram_does_not_wait_for_another),
        cmocka_unit_test(every_queue_of_a_device_has_it),
        cmocka_unit_test(device_that_was_there_before_is_left_as_it_is),
        cmocka_unit_test(without_the_right_it_is_done_without),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
