/* Several datagrams as one packet (UDP_SEGMENT, UDP_GRO; udp(7)), where several stacks share a
 * device: each comes whole to the stack it is for, by whichever queue. */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "kernel.h"
#include "link/tun_open.h"
#include "queues.h"

enum {
    QUEUES = 2,
    FLOWS = 32,
    PORT = 7000,
    SIZE = 1000,  /* bytes of a datagram */
    BYTES = 5500, /* of one call, */
    PARTS = 6,    /* and its datagrams, the last of which is shorter */
};

static struct queues queues;
static uint8_t sent[BYTES], got[BYTES];

static int setup(void **state)
{
    (void)state;
    queues_open(&queues, QUEUES, false);
    return 0;
}

static int setup_without_offloads(void **state)
{
    (void)state;
    queues_open(&queues, QUEUES, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queues_close(&queues);
    return 0;
}

/* Whether the kernel can at all (6.2 and later). */
static void need_several_in_one(void)
{
    const struct tun_config config = {
        .device = "can0", .address = "10.77.0.3/24", .peer = "10.77.0.2"};
    struct link *link;
    char error[256];
    if (tun_link_open(&config, &link, error, sizeof error) < 0)
        fail_msg("%s", error);
    bool can = link->features & TERN_LINK_USO;
    link_close(link);
    if (!can)
        skip();
}

static void set(struct end end, int option, int value)
{
    if (end.tern)
        must(tern_setsockopt(end.tern, end.socket, IPPROTO_UDP, option, &value, sizeof value));
    else
        kernel_option(end.socket, IPPROTO_UDP, option, value);
}

/* What one call of `from` sends, and what `to` has of it: all by one call, or each by its own. */
static void send_whole(struct end from, unsigned seed)
{
    set(from, UDP_SEGMENT, SIZE);
    pattern_fill(seed, 0, sent, BYTES);
    assert_int_equal(end_send(from, sent, BYTES), BYTES);
}

static void receive_whole(struct end to, unsigned seed)
{
    _Alignas(struct cmsghdr) char control[64];
    struct iovec span = {got, sizeof got};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    int size = 0;
    ssize_t n =
        to.tern ? tern_recvmsg(to.tern, to.socket, &message, 0) : recvmsg(to.socket, &message, 0);
    assert_int_equal(must((int)n), BYTES);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    assert_non_null(header);
    assert_int_equal(header->cmsg_type, UDP_GRO);
    memcpy(&size, CMSG_DATA(header), sizeof size);
    assert_int_equal(size, SIZE);
    pattern_fill(seed, 0, sent, BYTES);
    assert_memory_equal(got, sent, BYTES);
}

static void receive_parts(struct end to, unsigned seed)
{
    pattern_fill(seed, 0, sent, BYTES);
    for (size_t at = 0; at < BYTES; at += SIZE) {
        size_t part = BYTES - at < SIZE ? BYTES - at : SIZE;
        assert_int_equal(must((int)end_receive(to, got, sizeof got)), part);
        assert_memory_equal(got, sent + at, part);
    }
}

/* A socket in each stack, at PORT. */
static void bind_in_all(int sockets[QUEUES])
{
    struct sockaddr_in here = scenario_sockaddr(queues.place.ours, PORT);
    for (unsigned q = 0; q < QUEUES; q++) {
        struct tern *t = queues.stacks[q];
        sockets[q] = must(tern_socket(t, AF_INET, SOCK_DGRAM, 0));
        queues_patient(t, sockets[q]);
        must(tern_bind(t, sockets[q], (struct sockaddr *)&here, sizeof here));
    }
}

/* The one of them that has something. */
static struct end whose(const int sockets[QUEUES])
{
    const uint64_t deadline_ns = scenario_deadline_ns();
    for (unsigned q = 0; scenario_now_ns() < deadline_ns; q = (q + 1) % QUEUES) {
        struct pollfd ready = {.fd = sockets[q], .events = POLLIN};
        if (must(tern_poll(queues.stacks[q], &ready, 1, 1)) == 1)
            return (struct end){queues.stacks[q], sockets[q]};
    }
    fail_msg("nothing has come to any stack");
    return (struct end){0};
}

typedef void receive_function(struct end to, unsigned seed);

/* The kernel begins each flow, and is answered by the stack to which it comes. */
static void pass_both_ways(bool super, receive_function *receive)
{
    unsigned of[QUEUES] = {0};
    int sockets[QUEUES];
    bind_in_all(sockets);
    for (unsigned q = 0; q < QUEUES; q++)
        set((struct end){queues.stacks[q], sockets[q]}, UDP_GRO, super);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct end kernels = {NULL, kernel_connect(&queues.place, SOCK_DGRAM, PORT)};
        struct sockaddr_in there;
        socklen_t length = sizeof there;
        set(kernels, UDP_GRO, super);
        must(getsockname(kernels.socket, (struct sockaddr *)&there, &length));
        send_whole(kernels, i);
        struct end ours = whose(sockets);
        receive(ours, i);
        of[ours.tern == queues.stacks[1]]++;
        set(ours, UDP_SEGMENT, SIZE);
        pattern_fill(i + FLOWS, 0, sent, BYTES);
        assert_int_equal(must((int)tern_sendto(ours.tern, ours.socket, sent, BYTES, 0,
                                               (struct sockaddr *)&there, sizeof there)),
                         BYTES);
        receive(kernels, i + FLOWS);
        close(kernels.socket);
    }
    /* Neither is likely to have all: that has a chance of 1 in 2^31. */
    assert_true(of[0] > 0 && of[1] > 0);
    /* And of the first packet of a flow the kernel cannot know the queue. */
    assert_true(queues_counter(&queues, "QueueHandedOver") > 0);
    assert_int_equal(queues_counter(&queues, "DropHANDED_OVER"), 0);
    assert_int_equal(queues_counter(&queues, "UdpNoPorts"), 0);
    assert_int_equal(queues_counter(&queues, "UdpInErrors"), 0);
    assert_int_equal(queues_counter(&queues, "UdpInDatagrams"), FLOWS * PARTS);
    assert_int_equal(queues_counter(&queues, "UdpOutDatagrams"), FLOWS * PARTS);
}

static void several_in_one_come_whole_to_their_stack_and_back(void **state)
{
    (void)state;
    need_several_in_one();
    pass_both_ways(true, receive_whole);
    assert_int_equal(queues_counter(&queues, "IpInReceives"), FLOWS);
}

static void who_does_not_ask_for_it_gets_one_by_one(void **state)
{
    (void)state;
    pass_both_ways(false, receive_parts);
}

static void without_offloads_each_comes_by_itself(void **state)
{
    (void)state;
    pass_both_ways(true, receive_parts);
    assert_int_equal(queues_counter(&queues, "IpInReceives"), FLOWS * PARTS);
}

/* Of sockets with a peer, the port is their stack's own. */
static void each_stack_sends_to_whom_it_has_connected(void **state)
{
    (void)state;
    need_several_in_one();
    for (unsigned i = 0; i < FLOWS; i++) {
        struct tern *t = queues.stacks[i % QUEUES];
        uint16_t port;
        struct end kernels = {NULL, kernel_bound(&queues.place, SOCK_DGRAM, &port)};
        struct end ours = {t, must(tern_socket(t, AF_INET, SOCK_DGRAM, 0))};
        struct sockaddr_in to = scenario_sockaddr(queues.place.kernels, port), from;
        socklen_t length = sizeof from;
        queues_patient(t, ours.socket);
        set(ours, UDP_GRO, 1);
        set(kernels, UDP_GRO, 1);
        must(tern_connect(t, ours.socket, (struct sockaddr *)&to, sizeof to));
        must(tern_getsockname(t, ours.socket, (struct sockaddr *)&from, &length));
        must(connect(kernels.socket, (struct sockaddr *)&from, length));
        /* Whoever is first: of what it has not heard from, the kernel does not know the queue. */
        for (unsigned turn = i / QUEUES % 2, last = turn + 2; turn < last; turn++) {
            send_whole(turn % 2 ? ours : kernels, turn);
            receive_whole(turn % 2 ? kernels : ours, turn);
        }
        close(kernels.socket);
        must(tern_close(t, ours.socket));
    }
    assert_true(queues_counter(&queues, "QueueHandedOver") > 0);
    assert_int_equal(queues_counter(&queues, "UdpInDatagrams"), FLOWS * PARTS);
    assert_int_equal(queues_counter(&queues, "UdpOutDatagrams"), FLOWS * PARTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_in_one_come_whole_to_their_stack_and_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_does_not_ask_for_it_gets_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(without_offloads_each_comes_by_itself,
                                        setup_without_offloads, teardown),
        cmocka_unit_test_setup_teardown(each_stack_sends_to_whom_it_has_connected, setup, teardown),
    };
    scenario_need_namespace();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
