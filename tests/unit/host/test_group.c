/* Stacks over the queues of one device: pairs of kernel sockets, so that a test says by which queue
 * a packet comes, and sees by which the answer leaves. In real time; a thread that is never woken
 * hangs, and the test's time limit tells. */
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/interface.h"
#include "host/group.h"
#include "host/open.h"
#include "packets.h"
#include "pair_link.h"

enum { QUEUES = 3, PORT = 7, PATIENCE_MS = 20000 };

static struct tern *stacks[QUEUES];
static int wires[QUEUES]; /* the other ends of the queues */
static struct address ours, theirs;
static const struct interface interface; /* of the group alone */

static int setup(void **state)
{
    static const struct tern_config config = {.address = "10.0.0.3/24"};
    struct link *links[QUEUES];
    struct tern_error error;
    (void)state;
    ours = packet_address("10.0.0.3");
    theirs = packet_address("10.0.0.2");
    for (unsigned i = 0; i < QUEUES; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        links[i] = pair_link_over(pair[0]);
        wires[i] = pair[1];
    }
    if (open_over_queues(links, QUEUES, &config, stacks, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < QUEUES; i++) {
        tern_close_stack(stacks[i]);
        if (wires[i] >= 0)
            close(wires[i]);
    }
    return 0;
}

static void listen_in_all(void)
{
    for (unsigned i = 0; i < QUEUES; i++)
        assert_true(tern_listen_on(stacks[i], "7", 16) >= 0);
}

static uint64_t count(unsigned stack, const char *counter)
{
    uint64_t value;
    assert_int_equal(tern_counter(stacks[stack], counter, &value), 0);
    return value;
}

static void send_syn(unsigned queue, uint16_t from)
{
    static struct packet packet;
    struct segment syn = {
        .source_port = from, .destination_port = PORT, .seq = 1, .flags = TCP_SYN, .window = 1000};
    packet_tcp(&packet, &theirs, &ours, &syn, true);
    assert_int_equal(send(wires[queue], packet.bytes, packet.length, 0), packet.length);
}

/* Waits for a packet on any of the wires: which, and the flags and port of the segment in it. */
static unsigned answer(uint16_t *flags, uint16_t *port)
{
    struct pollfd polled[QUEUES];
    uint8_t bytes[2000];
    struct segment segment;
    for (unsigned i = 0; i < QUEUES; i++)
        polled[i] = (struct pollfd){.fd = wires[i], .events = POLLIN};
    assert_true(poll(polled, QUEUES, PATIENCE_MS) > 0);
    unsigned queue = 0;
    while (!polled[queue].revents)
        queue++;
    ssize_t length = recv(wires[queue], bytes, sizeof bytes, 0);
    assert_true(length > IPV4_HEADER_MIN);
    assert_true(tcp_parse(bytes + IPV4_HEADER_MIN, (size_t)length - IPV4_HEADER_MIN, &segment));
    *flags = segment.flags;
    *port = segment.destination_port;
    return queue;
}

/* The owner of the flow from this port, found by asking. */
static unsigned owner_of(uint16_t from)
{
    uint16_t flags;
    uint16_t port;
    send_syn(0, from);
    unsigned owner = answer(&flags, &port);
    assert_int_equal(port, from);
    assert_int_equal(flags, TCP_SYN | TCP_ACK);
    return owner;
}

static void syn_is_answered_by_its_owner_whichever_queue_it_comes_by(void **state)
{
    (void)state;
    unsigned owned[QUEUES] = {0};
    listen_in_all();
    for (uint16_t from = 1000; from < 1060; from++) {
        unsigned owner = owner_of(from);
        owned[owner]++;
        for (unsigned queue = 0; queue < QUEUES; queue++) {
            uint16_t flags;
            uint16_t port;
            send_syn(queue, from); /* again: its half-open connection answers, and no other */
            assert_int_equal(answer(&flags, &port), owner);
            assert_int_equal(port, from);
        }
    }
    for (unsigned i = 0; i < QUEUES; i++)
        assert_true(owned[i] > 0);
    assert_int_equal(count(0, "QueueHandedOver"), 2 * (owned[1] + owned[2]));
    assert_int_equal(count(1, "QueueHandedOver"), owned[0] + owned[2]);
}

static void stack_where_nobody_listens_refuses_its_share_alone(void **state)
{
    (void)state;
    unsigned refused = 0;
    assert_true(tern_listen_on(stacks[0], "7", 16) >= 0);
    for (uint16_t from = 1000; from < 1060; from++) {
        uint16_t flags;
        uint16_t port;
        send_syn(0, from);
        unsigned owner = answer(&flags, &port);
        assert_int_equal(flags & TCP_RST, owner == 0 ? 0 : TCP_RST);
        refused += owner != 0;
    }
    assert_in_range(refused, 20, 58); /* 40, give or take five standard deviations */
}

/* A call that sleeps in the seat of its stack is woken by what another hands over. */
static void *accept_one(void *stack)
{
    struct tern *t = stack;
    int listener = tern_listen_on(t, "7", 16);
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    long result = listener < 0 ? -1 : tern_poll(t, &ready, 1, PATIENCE_MS);
    return (void *)result;
}

/* The flow's SYN and the ACK of its SYN,ACK, both by `queue`. */
static void open_by(unsigned queue, unsigned owner, uint16_t from)
{
    static struct packet packet;
    struct segment segment, ack;
    uint8_t bytes[2000];
    do { /* until the listener is there */
        send_syn(queue, from);
        ssize_t length = recv(wires[owner], bytes, sizeof bytes, 0);
        assert_true(length > IPV4_HEADER_MIN);
        assert_true(tcp_parse(bytes + IPV4_HEADER_MIN, (size_t)length - IPV4_HEADER_MIN, &segment));
    } while (segment.flags & TCP_RST);
    ack = (struct segment){.source_port = from,
                           .destination_port = PORT,
                           .seq = 2,
                           .ack = segment.seq + 1,
                           .flags = TCP_ACK,
                           .window = 1000};
    packet_tcp(&packet, &theirs, &ours, &ack, true);
    assert_int_equal(send(wires[queue], packet.bytes, packet.length, 0), packet.length);
}

/* A port whose flow is `owner`'s. */
static uint16_t port_of(unsigned owner)
{
    for (uint16_t from = 2000; from < 3000; from++) {
        uint16_t flags;
        uint16_t port;
        send_syn(0, from);
        if (answer(&flags, &port) == owner)
            return from;
    }
    fail_msg("no flow is the owner's");
    return 0;
}

static void waiting_call_is_woken_by_what_is_handed_over(void **state)
{
    (void)state;
    pthread_t thread;
    void *result;
    uint16_t from = port_of(1);
    assert_int_equal(pthread_create(&thread, NULL, accept_one, stacks[1]), 0);
    open_by(2, 1, from);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((long)result, 1);
}

static void loop_of_its_user_is_woken_by_what_is_handed_over(void **state)
{
    (void)state;
    uint16_t from = port_of(1);
    int loop = tern_fd(stacks[1]);
    assert_true(loop >= 0);
    assert_true(tern_listen_on(stacks[1], "7", 16) >= 0);
    struct pollfd polled[] = {{.fd = loop, .events = POLLIN}, {.fd = wires[1], .events = POLLIN}};
    send_syn(2, from);
    while (!polled[1].revents) {
        assert_true(poll(polled, 2, PATIENCE_MS) > 0);
        if (polled[0].revents)
            assert_int_equal(tern_step(stacks[1]), 0);
    }
}

static void datagram_in_fragments_is_delivered_once_whatever_way_they_come(void **state)
{
    (void)state;
    static struct packet packet;
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    uint8_t bytes[1200] = {0}, part[700];
    int sockets[QUEUES];
    unsigned got = 0;
    for (unsigned i = 0; i < QUEUES; i++) {
        sockets[i] = tern_socket(stacks[i], AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        assert_int_equal(tern_bind(stacks[i], sockets[i], (struct sockaddr *)&local, sizeof local),
                         0);
    }
    packet_udp(&packet, &theirs, 999, &ours, PORT, bytes, sizeof bytes, true);
    for (unsigned i = 0; i < 2; i++) { /* 600 bytes and the rest */
        uint32_t length = i ? (uint32_t)packet.length - 620 : 600;
        memcpy(part, packet.bytes, IPV4_HEADER_MIN);
        memcpy(part + IPV4_HEADER_MIN, packet.bytes + IPV4_HEADER_MIN + 600 * i, length);
        ipv4_header_fragment(part, IPV4_HEADER_MIN + length, (uint16_t)(600 * i), i == 0);
        assert_int_equal(send(wires[i], part, IPV4_HEADER_MIN + length, 0),
                         IPV4_HEADER_MIN + length);
    }
    for (unsigned i = 0; i < QUEUES; i++)
        while (count(i, "IpReasmOKs") == 0)
            poll(NULL, 0, 1); /* until all have dealt with it; the test's time is limited */
    for (unsigned i = 0; i < QUEUES; i++)
        if (tern_recv(stacks[i], sockets[i], bytes, sizeof bytes, 0) == sizeof bytes)
            got++;
    assert_int_equal(got, 1);
    uint64_t others = 0;
    for (unsigned i = 0; i < QUEUES; i++)
        others += count(i, "DropNOT_OUR_SHARE");
    assert_int_equal(others, QUEUES - 1);
}

static void next_stack_inherits_from_one_that_is_closed(void **state)
{
    (void)state;
    uint16_t flags;
    uint16_t port;
    listen_in_all();
    uint16_t first = port_of(0), second = port_of(1), third = port_of(2);
    tern_close_stack(stacks[1]);
    stacks[1] = NULL;
    close(wires[1]);
    wires[1] = -1; /* which poll passes over */
    for (unsigned queue = 0; queue < QUEUES; queue += 2) {
        send_syn(queue, first);
        assert_int_equal(answer(&flags, &port), 0);
        send_syn(queue, second);
        assert_int_equal(answer(&flags, &port), 2);
        assert_int_equal(flags, TCP_SYN | TCP_ACK);
        send_syn(queue, third);
        assert_int_equal(answer(&flags, &port), 2);
    }
}

static void cookies_of_one_stack_are_good_in_all(void **state)
{
    (void)state;
    char key[QUEUES][64];
    for (unsigned i = 0; i < QUEUES; i++)
        assert_int_equal(tern_get(stacks[i], "tcp.fastopen_key", key[i], sizeof key[i]), 0);
    assert_string_equal(key[0], key[1]);
    assert_string_equal(key[0], key[2]);
    assert_string_not_equal(key[0], "00000000-00000000-00000000-00000000");
}

/* ── The group alone ── */

static void full_queue_refuses_and_goes_on_when_there_is_room(void **state)
{
    (void)state;
    struct group_member *members[2];
    struct packet packet;
    assert_int_equal(group_new(2, members), 0);
    packet_udp(&packet, &theirs, 1, &ours, 40001, "x", 1, true); /* the second's */
    for (unsigned i = 0; i < LIMIT_HANDED_OVER; i++)
        assert_int_equal(group_route(members[0], &interface, packet.bytes, packet.length, NULL),
                         GROUP_HANDED_OVER);
    assert_int_equal(group_route(members[0], &interface, packet.bytes, packet.length, NULL),
                     GROUP_REFUSED);
    assert_int_equal(group_route(members[1], &interface, packet.bytes, packet.length, NULL),
                     GROUP_OURS);
    struct pollfd p = {.fd = group_descriptor(members[1]), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 1);
    free(group_take(members[1]));
    assert_int_equal(group_route(members[0], &interface, packet.bytes, packet.length, NULL),
                     GROUP_HANDED_OVER);
    for (unsigned i = 0; i < LIMIT_HANDED_OVER; i++) {
        struct held_packet *taken = group_take(members[1]);
        assert_non_null(taken);
        assert_int_equal(taken->length, packet.length);
        assert_memory_equal(taken->bytes, packet.bytes, packet.length);
        free(taken);
    }
    assert_null(group_take(members[1]));
    assert_int_equal(poll(&p, 1, 0), 0);
    group_leave(members[0]);
    group_leave(members[1]);
}

static void what_waits_for_a_member_that_leaves_is_freed(void **state)
{
    (void)state;
    struct group_member *members[2];
    struct packet packet;
    struct tern_offload offload = {.flags = TERN_OFFLOAD_VERIFIED};
    assert_int_equal(group_new(2, members), 0);
    packet_udp(&packet, &theirs, 1, &ours, 40001, "x", 1, true);
    assert_int_equal(group_route(members[0], &interface, packet.bytes, packet.length, &offload),
                     GROUP_HANDED_OVER);
    group_leave(members[1]);
    assert_int_equal(group_route(members[0], &interface, packet.bytes, packet.length, &offload),
                     GROUP_OURS);
    group_leave(members[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(syn_is_answered_by_its_owner_whichever_queue_it_comes_by,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(stack_where_nobody_listens_refuses_its_share_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waiting_call_is_woken_by_what_is_handed_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(loop_of_its_user_is_woken_by_what_is_handed_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            datagram_in_fragments_is_delivered_once_whatever_way_they_come, setup, teardown),
        cmocka_unit_test_setup_teardown(next_stack_inherits_from_one_that_is_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cookies_of_one_stack_are_good_in_all, setup, teardown),
        cmocka_unit_test(full_queue_refuses_and_goes_on_when_there_is_room),
        cmocka_unit_test(what_waits_for_a_member_that_leaves_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
