/* Datagrams between us and the kernel. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

enum { DATAGRAM_MOST = 65507 };

static uint8_t sent[DATAGRAM_MOST + 1], got[DATAGRAM_MOST + 1];

static struct end our_socket(const struct scenario *s)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    int ours = must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0));
    must(tern_setsockopt(s->tern, ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    return (struct end){s->tern, ours};
}

static struct end our_bound(const struct scenario *s, uint16_t port)
{
    struct sockaddr_in here = scenario_sockaddr(s->ours, port);
    struct end ours = our_socket(s);
    must(tern_bind(s->tern, ours.socket, (struct sockaddr *)&here, sizeof here));
    return ours;
}

static struct end our_connected(const struct scenario *s, uint16_t port)
{
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    struct end ours = our_socket(s);
    must(tern_connect(s->tern, ours.socket, (struct sockaddr *)&there, sizeof there));
    return ours;
}

/* Two sockets that are each other's peers. */
static struct pair udp_pair(const struct scenario *s)
{
    uint16_t port;
    struct end kernels = {NULL, kernel_bound(s, SOCK_DGRAM, &port)};
    struct end ours = our_connected(s, port);
    struct sockaddr_in here;
    socklen_t length = sizeof here;
    must(tern_getsockname(s->tern, ours.socket, (struct sockaddr *)&here, &length));
    must(connect(kernels.socket, (struct sockaddr *)&here, sizeof here));
    return (struct pair){ours, kernels};
}

static void pass(struct end from, struct end to, uint64_t seed, size_t size)
{
    pattern_fill(seed, 0, sent, size);
    assert_int_equal(end_send(from, sent, size), size);
    memset(got, 0, size);
    assert_int_equal(end_receive(to, got, sizeof got), size);
    assert_memory_equal(got, sent, size);
}

static void every_size_that_fits_passes_both_ways(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    for (size_t size = 0; size <= 1500 - 28; size++) {
        pass(pair.ours, pair.kernels, size, size);
        pass(pair.kernels, pair.ours, size, size);
    }
    assert_int_equal(scenario_count(s, "IpFragCreates"), 0);
    assert_int_equal(scenario_count(s, "UdpInDatagrams"), 1473);
    assert_int_equal(scenario_count(s, "UdpOutDatagrams"), 1473);
    pair_close(pair);
    scenario_close(s);
}

static void large_datagrams_pass_in_fragments(void **state)
{
    (void)state;
    static const unsigned mtus[] = {68, 576, 1500, 9000, 65535};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct scenario *s = scenario_open(&(struct wish){.mtu = mtus[i]});
        struct pair pair = udp_pair(s);
        for (unsigned size = mtus[i] - 30; size <= mtus[i] && size <= DATAGRAM_MOST; size++) {
            pass(pair.ours, pair.kernels, size, size);
            pass(pair.kernels, pair.ours, size, size);
        }
        if (mtus[i] >= 576) { /* in 256 fragments at most */
            pass(pair.ours, pair.kernels, 1, DATAGRAM_MOST);
            pass(pair.kernels, pair.ours, 2, DATAGRAM_MOST);
        }
        pair_close(pair);
        scenario_close(s);
    }
}

static void too_long_a_datagram_is_refused(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    int always = IP_PMTUDISC_DO;
    assert_fails((int)end_send(pair.ours, sent, DATAGRAM_MOST + 1), EMSGSIZE);
    must(tern_setsockopt(s->tern, pair.ours.socket, IPPROTO_IP, IP_MTU_DISCOVER, &always,
                         sizeof always));
    assert_fails((int)end_send(pair.ours, sent, 1473), EMSGSIZE);
    pass(pair.ours, pair.kernels, 1, 1472);
    pair_close(pair);
    scenario_close(s);
}

/* One socket of ours serves many of the kernel's, by the addresses it is told. */
static void answers_go_to_who_has_asked(void **state)
{
    (void)state;
    enum { CLIENTS = 50 };
    struct scenario *s = scenario_open(NULL);
    struct end ours = our_bound(s, 7000), clients[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct end){NULL, kernel_connect(s, SOCK_DGRAM, 7000)};
        pattern_fill(i, 0, sent, 10 + i);
        assert_int_equal(end_send(clients[i], sent, 10 + i), 10 + i);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t n = tern_recvfrom(s->tern, ours.socket, got, sizeof got, 0,
                                  (struct sockaddr *)&from, &length);
        must((int)tern_sendto(s->tern, ours.socket, got, (size_t)must((int)n), 0,
                              (struct sockaddr *)&from, length));
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pattern_fill(i, 0, sent, 10 + i);
        assert_int_equal(end_receive(clients[i], got, sizeof got), 10 + i);
        assert_memory_equal(got, sent, 10 + i);
        close(clients[i].socket);
    }
    must(end_close(ours));
    scenario_close(s);
}

static void burst_is_kept_in_order(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    for (int direction = 0; direction < 2; direction++) {
        struct end from = direction ? pair.ours : pair.kernels;
        struct end to = direction ? pair.kernels : pair.ours;
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(end_send(from, &i, sizeof i), sizeof i);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t value = COUNT;
            assert_int_equal(end_receive(to, &value, sizeof value), sizeof value);
            assert_int_equal(value, i);
        }
    }
    pair_close(pair);
    scenario_close(s);
}

static void what_does_not_fit_the_reader_is_cut(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    must((int)end_send(pair.kernels, "abcdef", 6));
    must((int)end_send(pair.kernels, "next", 4));
    assert_int_equal(tern_recv(s->tern, pair.ours.socket, got, 3, MSG_TRUNC), 6);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(end_receive(pair.ours, got, sizeof got), 4);
    pair_close(pair);
    scenario_close(s);
}

static void closed_port_of_ours_is_told_to_the_kernel(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct end kernels = {NULL, kernel_connect(s, SOCK_DGRAM, 7000)};
    must((int)end_send(kernels, "anyone?", 7));
    assert_fails((int)end_receive(kernels, got, sizeof got), ECONNREFUSED);
    assert_int_equal(scenario_count(s, "UdpNoPorts"), 1);
    struct end ours = our_bound(s, 7000); /* now there is someone */
    must((int)end_send(kernels, "anyone?", 7));
    assert_int_equal(end_receive(ours, got, sizeof got), 7);
    close(kernels.socket);
    must(end_close(ours));
    scenario_close(s);
}

static void closed_port_of_the_kernel_is_told_to_us(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    close(kernel_bound(s, SOCK_DGRAM, &port));
    struct end ours = our_connected(s, port);
    must((int)end_send(ours, "anyone?", 7));
    assert_fails((int)end_receive(ours, got, sizeof got), ECONNREFUSED);
    must((int)end_send(ours, "anyone?", 7));
    struct pollfd p = {.fd = ours.socket, .events = POLLIN};
    assert_int_equal(tern_poll(s->tern, &p, 1, PATIENCE_S * 1000), 1);
    assert_int_equal(p.revents & POLLERR, POLLERR);
    assert_fails((int)end_send(ours, "again?", 6), ECONNREFUSED);
    must(end_close(ours));
    scenario_close(s);
}

static void datagram_without_checksum_is_taken(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    kernel_option(pair.kernels.socket, SOL_SOCKET, SO_NO_CHECK, 1);
    pass(pair.kernels, pair.ours, 1, 1000);
    pair_close(pair);
    scenario_close(s);
}

static void hop_limit_and_traffic_class_are_what_was_asked_for(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = udp_pair(s);
    int ttl = 7, tos = 0x28;
    must(tern_setsockopt(s->tern, pair.ours.socket, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
    must(tern_setsockopt(s->tern, pair.ours.socket, IPPROTO_IP, IP_TOS, &tos, sizeof tos));
    kernel_option(pair.kernels.socket, IPPROTO_IP, IP_RECVTTL, 1);
    kernel_option(pair.kernels.socket, IPPROTO_IP, IP_RECVTOS, 1);
    must((int)end_send(pair.ours, "marked", 6));
    union {
        char bytes[256];
        struct cmsghdr align;
    } control;
    struct iovec span = {.iov_base = got, .iov_len = sizeof got};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    assert_int_equal(recvmsg(pair.kernels.socket, &message, 0), 6);
    int seen = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_type == IP_TTL)
            assert_int_equal(*(const int *)(const void *)CMSG_DATA(c), ttl);
        if (c->cmsg_type == IP_TOS)
            assert_int_equal(*CMSG_DATA(c), tos);
        seen++;
    }
    assert_int_equal(seen, 2);
    pair_close(pair);
    scenario_close(s);
}

/* Sends datagram `index` until it has come, and gives how often. Earlier ones may
 * come once more. */
static unsigned insist(struct end from, struct end to, uint32_t index)
{
    enum { SIZE = 500, AGAIN_MS = 20 };
    uint32_t came = index + 1;
    unsigned attempts = 0;
    while (came != index) {
        memcpy(sent, &index, sizeof index);
        pattern_fill(index, 0, sent + sizeof index, SIZE);
        assert_int_equal(end_send(from, sent, sizeof index + SIZE), sizeof index + SIZE);
        assert_in_range(++attempts, 1, 50);
        struct pollfd p = {.fd = to.socket, .events = POLLIN};
        if ((to.tern ? tern_poll(to.tern, &p, 1, AGAIN_MS) : poll(&p, 1, AGAIN_MS)) == 0)
            continue;
        assert_int_equal(end_receive(to, got, sizeof got), sizeof came + SIZE);
        memcpy(&came, got, sizeof came);
        pattern_fill(came, 0, sent, SIZE);
        assert_memory_equal(got + sizeof came, sent, SIZE);
    }
    return attempts;
}

/* What comes through a network that breaks every fifth packet is whole, or does not come. */
static void broken_datagrams_are_not_delivered(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct scenario *s = scenario_open(&(struct wish){.fault = "corrupt=20%,seed=3"});
    struct pair pair = udp_pair(s);
    for (int direction = 0; direction < 2; direction++) {
        unsigned attempts = 0;
        for (uint32_t i = 0; i < COUNT; i++)
            attempts +=
                direction ? insist(pair.ours, pair.kernels, i) : insist(pair.kernels, pair.ours, i);
        assert_true(attempts > COUNT + COUNT / 10);
    }
    assert_true(scenario_count(s, "DropUDP_CHECKSUM") > COUNT / 10);
    pair_close(pair);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(every_size_that_fits_passes_both_ways),
        scenario_test(large_datagrams_pass_in_fragments),
        scenario_test(too_long_a_datagram_is_refused),
        scenario_test(answers_go_to_who_has_asked),
        scenario_test(burst_is_kept_in_order),
        scenario_test(what_does_not_fit_the_reader_is_cut),
        scenario_test(closed_port_of_ours_is_told_to_the_kernel),
        scenario_test(closed_port_of_the_kernel_is_told_to_us),
        scenario_test(datagram_without_checksum_is_taken),
        scenario_test(hop_limit_and_traffic_class_are_what_was_asked_for),
        scenario_test(broken_datagrams_are_not_delivered),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
