/* Several stacks over the queues of one device, with the kernel on the other side, whose choice of
 * queues is its own. */
#include <errno.h>
#include <linux/icmp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"
#include "queues.h"

enum { QUEUES = 4, FLOWS = 32, PORT = 7000, DATAGRAM = 5000 };

/* How long the kernel remembers by which queue a flow left (TUN_FLOW_EXPIRE in its
 * drivers/net/tun.c is three seconds, and a timer looks as often), and then some. */
#define KERNEL_FORGETS_NS TIME_S(7)

static struct queues queues;

static int setup(void **state)
{
    (void)state;
    queues_open(&queues, QUEUES, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queues_close(&queues);
    kernel_restore();
    return 0;
}

static uint64_t count(const char *counter)
{
    return queues_counter(&queues, counter);
}

static void wait_for_the_kernel_to_forget(void)
{
    uint64_t until_ns = scenario_now_ns() + KERNEL_FORGETS_NS;
    while (scenario_patient(until_ns))
        ;
}

/* The kernel connects to us FLOWS times; each is accepted in the stack it belongs to. */
static void accept_from_the_kernel(struct pair flows[FLOWS])
{
    int listeners[QUEUES];
    struct pollfd ready;
    for (unsigned i = 0; i < QUEUES; i++)
        listeners[i] = must(tern_listen_on(queues.stacks[i], "7000", FLOWS));
    for (unsigned i = 0; i < FLOWS; i++) {
        flows[i].kernels = (struct end){NULL, kernel_connect(&queues.place, SOCK_STREAM, PORT)};
        flows[i].ours.tern = NULL;
        for (unsigned q = 0; !flows[i].ours.tern; q = (q + 1) % QUEUES) {
            ready = (struct pollfd){.fd = listeners[q], .events = POLLIN};
            if (must(tern_poll(queues.stacks[q], &ready, 1, 1)) == 0)
                continue;
            flows[i].ours = (struct end){
                queues.stacks[q], must(tern_accept(queues.stacks[q], listeners[q], NULL, NULL))};
            queues_patient(queues.stacks[q], flows[i].ours.socket);
        }
    }
    for (unsigned i = 0; i < QUEUES; i++)
        must(tern_close(queues.stacks[i], listeners[i]));
}

/* We connect FLOWS times, from each stack in turn. */
static void connect_to_the_kernel(struct pair flows[FLOWS])
{
    uint16_t port;
    int listener = kernel_listen(&queues.place, &port);
    struct sockaddr_in to = scenario_sockaddr(queues.place.kernels, port);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct tern *t = queues.stacks[i % QUEUES];
        int socket = must(tern_socket(t, AF_INET, SOCK_STREAM, 0));
        must(tern_connect(t, socket, (struct sockaddr *)&to, sizeof to));
        queues_patient(t, socket);
        flows[i] = (struct pair){{t, socket}, {NULL, kernel_accept(listener)}};
    }
    close(listener);
}

/* Datagram sockets of ours with a peer. */
static void datagrams_with_the_kernel(struct pair flows[FLOWS])
{
    for (unsigned i = 0; i < FLOWS; i++) {
        struct tern *t = queues.stacks[i % QUEUES];
        uint16_t port;
        int kernels = kernel_bound(&queues.place, SOCK_DGRAM, &port);
        struct sockaddr_in to = scenario_sockaddr(queues.place.kernels, port), from;
        socklen_t length = sizeof from;
        int socket = must(tern_socket(t, AF_INET, SOCK_DGRAM, 0));
        must(tern_connect(t, socket, (struct sockaddr *)&to, sizeof to));
        must(tern_getsockname(t, socket, (struct sockaddr *)&from, &length));
        must(connect(kernels, (struct sockaddr *)&from, length));
        queues_patient(t, socket);
        flows[i] = (struct pair){{t, socket}, {NULL, kernels}};
    }
}

/* A word from the kernel and one back, on each. */
static void talk(struct pair flows[FLOWS], size_t size)
{
    static uint8_t out[DATAGRAM], in[DATAGRAM];
    for (unsigned i = 0; i < FLOWS; i++) {
        pattern_fill(i, 0, out, size);
        assert_int_equal(end_send(flows[i].kernels, out, size), size);
    }
    for (unsigned i = 0; i < FLOWS; i++) {
        pattern_fill(i, 0, out, size);
        for (size_t got = 0; got < size;) {
            ssize_t part = end_receive(flows[i].ours, in + got, size - got);
            assert_true(must((int)part) > 0);
            got += (size_t)part;
        }
        assert_memory_equal(in, out, size);
        assert_int_equal(end_send(flows[i].ours, out, size), size);
        for (size_t got = 0; got < size;) {
            ssize_t part = end_receive(flows[i].kernels, in + got, size - got);
            assert_true(must((int)part) > 0);
            got += (size_t)part;
        }
        assert_memory_equal(in, out, size);
    }
}

static void close_all(struct pair flows[FLOWS])
{
    for (unsigned i = 0; i < FLOWS; i++)
        pair_close(flows[i]);
}

static void connections_are_spread_and_every_one_is_answered(void **state)
{
    (void)state;
    struct pair flows[FLOWS];
    unsigned of[QUEUES] = {0};
    accept_from_the_kernel(flows);
    talk(flows, DATAGRAM);
    for (unsigned i = 0; i < FLOWS; i++)
        for (unsigned q = 0; q < QUEUES; q++)
            of[q] += flows[i].ours.tern == queues.stacks[q];
    unsigned used = 0;
    for (unsigned q = 0; q < QUEUES; q++)
        used += of[q] > 0;
    assert_true(used >= 2); /* two or more of four: less has a chance of 2e-19 */
    assert_int_equal(count("TcpOutRsts"), 0);
    close_all(flows);
}

/* The kernel has forgotten by which queue a flow left, and sends its packets to any. */
static void flows_that_were_silent_for_long_still_come_to_their_stack(void **state)
{
    (void)state;
    struct pair in[FLOWS], out[FLOWS], udp[FLOWS];
    accept_from_the_kernel(in);
    connect_to_the_kernel(out);
    datagrams_with_the_kernel(udp);
    talk(in, 10);
    talk(out, 10);
    talk(udp, 10);
    uint64_t before = count("QueueHandedOver");
    wait_for_the_kernel_to_forget();
    talk(in, 10);
    talk(out, 10);
    talk(udp, 10);
    /* By chance all 64 flows that we have begun could have been right: at 1 in 4^64. */
    assert_true(count("QueueHandedOver") > before);
    assert_int_equal(count("TcpOutRsts"), 0);
    assert_int_equal(count("UdpNoPorts"), 0);
    assert_int_equal(count("DropHANDED_OVER"), 0);
    close_all(in);
    close_all(out);
    close_all(udp);
}

static void large_datagrams_come_whole_to_their_stack_alone(void **state)
{
    (void)state;
    struct pair udp[FLOWS];
    datagrams_with_the_kernel(udp);
    talk(udp, DATAGRAM);
    wait_until(count("IpReasmOKs") == QUEUES * FLOWS);
    assert_int_equal(count("DropNOT_OUR_SHARE"), (QUEUES - 1) * FLOWS);
    assert_int_equal(count("UdpInDatagrams"), FLOWS);
    close_all(udp);
}

/* An ICMP error is a packet of a flow of its own to the kernel. */
static void icmp_errors_come_to_the_stack_whose_packet_it_was(void **state)
{
    (void)state;
    uint16_t port;
    char byte;
    close(kernel_bound(&queues.place, SOCK_DGRAM, &port));
    struct sockaddr_in to = scenario_sockaddr(queues.place.kernels, port);
    for (unsigned q = 0; q < QUEUES; q++) {
        int socket = must(tern_socket(queues.stacks[q], AF_INET, SOCK_DGRAM, 0));
        queues_patient(queues.stacks[q], socket);
        must(tern_connect(queues.stacks[q], socket, (struct sockaddr *)&to, sizeof to));
        assert_int_equal(tern_send(queues.stacks[q], socket, "x", 1, 0), 1);
        assert_fails((int)tern_recv(queues.stacks[q], socket, &byte, 1, 0), ECONNREFUSED);
        must(tern_close(queues.stacks[q], socket));
    }
}

static int kernel_pinger(void)
{
    struct sockaddr_in to = scenario_sockaddr(queues.place.ours, 0);
    int raw = kernel_socket(SOCK_RAW, IPPROTO_ICMP);
    must(connect(raw, (struct sockaddr *)&to, sizeof to));
    return raw;
}

/* An echo request of the kernel's is answered once, whole or in fragments; those of ours, each by
 * the socket that asked. */
static void pings_are_answered_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 5000, 100, 3000};
    uint8_t message[DATAGRAM] = {0};
    int raw = kernel_pinger();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = htons((uint16_t)(77 + i))};
        uint32_t sum = 0; /* of the header; the rest is zero */
        sum += ICMP_ECHO << 8;
        sum += (uint32_t)(77 + i);
        echo.checksum = htons((uint16_t)~sum);
        memcpy(message, &echo, sizeof echo);
        must((int)send(raw, message, sizes[i], 0));
        uint8_t answer[DATAGRAM + 60];
        assert_int_equal(must((int)recv(raw, answer, sizeof answer, 0)), sizes[i] + 20);
        assert_int_equal(count("IcmpOutEchoReps"), i + 1);
    }
    close(raw);
    struct sockaddr_in to = scenario_sockaddr(queues.place.kernels, 0);
    for (unsigned q = 0; q < QUEUES; q++) {
        uint8_t request[8] = {ICMP_ECHO}, reply[8];
        int socket = must(tern_socket(queues.stacks[q], AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
        queues_patient(queues.stacks[q], socket);
        must((int)tern_sendto(queues.stacks[q], socket, request, sizeof request, 0,
                              (struct sockaddr *)&to, sizeof to));
        assert_int_equal(must((int)tern_recv(queues.stacks[q], socket, reply, sizeof reply, 0)), 8);
        must(tern_close(queues.stacks[q], socket));
    }
}

/* Each stack in a thread of its own, all at once, every byte compared. */
static void streams_of_all_stacks_run_side_by_side(void **state)
{
    (void)state;
    static struct exchange exchanges[FLOWS];
    struct pair flows[FLOWS];
    connect_to_the_kernel(flows);
    for (unsigned i = 0; i < FLOWS; i++)
        exchange_start(&exchanges[i], flows[i], 1000000, 1000000);
    for (unsigned i = 0; i < FLOWS; i++)
        exchange_finish(&exchanges[i]);
    close_all(flows);
}

static void others_go_on_when_a_stack_is_closed(void **state)
{
    (void)state;
    struct pair flows[FLOWS];
    accept_from_the_kernel(flows);
    talk(flows, 10);
    tern_close_stack(queues.stacks[1]);
    for (unsigned i = 0; i < FLOWS; i++) {
        if (flows[i].ours.tern != queues.stacks[1])
            continue;
        char byte;
        assert_fails((int)end_receive(flows[i].kernels, &byte, 1), ECONNRESET);
        close(flows[i].kernels.socket);
        flows[i].ours.tern = NULL;
    }
    for (unsigned i = 0; i < FLOWS; i++) {
        if (!flows[i].ours.tern)
            continue;
        assert_int_equal(end_send(flows[i].kernels, "x", 1), 1);
        char byte;
        assert_int_equal(end_receive(flows[i].ours, &byte, 1), 1);
        pair_close(flows[i]);
    }
    queues.stacks[1] = NULL;
}

static void number_of_queues_is_limited(void **state)
{
    (void)state;
    struct tern *more[1];
    struct tern_error error;
    assert_fails(tern_open_queues(NULL, 0, more, &error), EINVAL);
    assert_non_null(strstr(error.text, "1 to 64"));
    assert_fails(tern_open_queues(NULL, 65, more, &error), EINVAL);
    assert_fails(tern_open_queues(NULL, 1, NULL, &error), EFAULT);
}

static void device_with_one_queue_is_refused_for_several(void **state)
{
    (void)state;
    struct tern *more[2];
    struct tern_error error;
    struct tern_config config = {
        .device = "single0", .address = "10.79.0.3/24", .peer = "10.79.0.2"};
    kernel_command("ip tuntap add dev single0 mode tun");
    assert_fails(tern_open_queues(&config, 2, more, &error), EEXIST);
    assert_non_null(strstr(error.text, "several queues"));
    assert_non_null(strstr(error.text, "ip tuntap add dev single0 mode tun multi_queue"));
    kernel_command("ip link del single0");
    kernel_command("ip tuntap add dev single0 mode tun multi_queue");
    assert_int_equal(tern_open_queues(&config, 2, more, &error), 0);
    tern_close_stack(more[0]);
    tern_close_stack(more[1]);
    kernel_command("ip link del single0");
}

static void device_with_several_queues_is_refused_for_one(void **state)
{
    (void)state;
    struct tern *one;
    struct tern_error error;
    struct tern_config config = {
        .device = "several0", .address = "10.79.0.3/24", .peer = "10.79.0.2"};
    kernel_command("ip tuntap add dev several0 mode tun multi_queue");
    assert_fails(tern_open_queues(&config, 1, &one, &error), EEXIST);
    assert_non_null(strstr(error.text, "a single queue"));
    kernel_command("ip link del several0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connections_are_spread_and_every_one_is_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(flows_that_were_silent_for_long_still_come_to_their_stack,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(large_datagrams_come_whole_to_their_stack_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(icmp_errors_come_to_the_stack_whose_packet_it_was, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pings_are_answered_once, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_of_all_stacks_run_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(others_go_on_when_a_stack_is_closed, setup, teardown),
        cmocka_unit_test(number_of_queues_is_limited),
        cmocka_unit_test(device_with_one_queue_is_refused_for_several),
        cmocka_unit_test(device_with_several_queues_is_refused_for_one),
    };
    scenario_need_namespace();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
