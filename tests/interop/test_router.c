/* Two stacks with the kernel as the router between them: what it reports and what it cuts. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

/* What was too big is lost; and tshark, who reads both captures, sees every conversation twice. */
static const struct wish routed = {.explains = "Connection reset|not captured|wasn't captured"};

static struct scenario *near, *far;

static void open_both(void)
{
    kernel_set("ip_forward", "1");
    near = scenario_open(&routed);
    far = scenario_open(&routed);
}

static void close_both(void)
{
    scenario_close(near);
    scenario_close(far);
}

/* The router's way to a stack takes packets of `mtu` bytes at most. */
static void narrow_the_way_to(const struct scenario *s, unsigned mtu)
{
    char subnet[sizeof s->ours];
    snprintf(subnet, sizeof subnet, "%s", s->ours);
    subnet[strlen(subnet) - 1] = '0';
    kernel_command("ip route change %s/24 dev %s src %s mtu %u", subnet, s->device, s->kernels,
                   mtu);
}

static void set_patience(struct end end)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    must(
        tern_setsockopt(end.tern, end.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(
        tern_setsockopt(end.tern, end.socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
}

/* A connection between the two: near's end first. */
static struct pair pair_across(void)
{
    uint16_t port;
    int listener = tern_listener(far, &port);
    struct sockaddr_in there = scenario_sockaddr(far->ours, port);
    struct end ours = {near->tern, must(tern_socket(near->tern, AF_INET, SOCK_STREAM, 0))};
    set_patience(ours);
    must(tern_connect(near->tern, ours.socket, (struct sockaddr *)&there, sizeof there));
    struct end theirs = {far->tern, must(tern_accept(far->tern, listener, NULL, NULL))};
    set_patience(theirs);
    must(tern_close(far->tern, listener));
    return (struct pair){ours, theirs};
}

static struct end udp_socket(const struct scenario *s)
{
    struct sockaddr_in here = scenario_sockaddr(s->ours, 7000);
    struct end end = {s->tern, must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0))};
    set_patience(end);
    must(tern_bind(s->tern, end.socket, (struct sockaddr *)&here, sizeof here));
    return end;
}

static void udp_connect(struct end end, const char *address)
{
    struct sockaddr_in there = scenario_sockaddr(address, 7000);
    must(tern_connect(end.tern, end.socket, (struct sockaddr *)&there, sizeof there));
}

static uint32_t segment_size(struct end end)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    must(tern_getsockopt(end.tern, end.socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info.tcpi_snd_mss;
}

static void stream_passes_between_two_stacks(void **state)
{
    (void)state;
    open_both();
    struct pair pair = pair_across();
    exchange_run(pair, 5000000, 5000000);
    pair_close(pair);
    close_both();
}

/* RFC 1191: the router says what fits, and segments shrink to that. */
static void segments_shrink_to_what_the_path_takes(void **state)
{
    (void)state;
    open_both();
    struct pair pair = pair_across();
    exchange_run(pair, 0, 0);
    pair_close(pair);
    narrow_the_way_to(far, 1000);
    pair = pair_across();
    assert_int_equal(segment_size(pair.ours), 1500 - 52);
    exchange_run(pair, 3000000, 3000000);
    assert_int_equal(segment_size(pair.ours), 1000 - 52);
    assert_int_equal(segment_size(pair.kernels), 1500 - 52);
    pair_close(pair);
    narrow_the_way_to(near, 600);
    pair = pair_across();
    exchange_run(pair, 1000000, 1000000);
    assert_int_equal(segment_size(pair.kernels), 600 - 52);
    pair_close(pair);
    close_both();
}

/* The way narrows while a stream is on it. */
static void way_that_narrows_does_not_stop_a_stream(void **state)
{
    (void)state;
    static struct exchange e;
    open_both();
    struct pair pair = pair_across();
    exchange_start(&e, pair, UNTIL_STOPPED, UNTIL_STOPPED);
    wait_until(e.out.received > 1000000 && e.in.received > 1000000);
    narrow_the_way_to(far, 800);
    wait_until(segment_size(pair.ours) == 800 - 52);
    narrow_the_way_to(near, 700);
    wait_until(segment_size(pair.kernels) == 700 - 52);
    exchange_stop(&e);
    exchange_finish(&e);
    pair_close(pair);
    close_both();
}

static void pass(struct end from, struct end to, size_t size)
{
    static uint8_t sent[65507], got[65507];
    pattern_fill(size, 0, sent, size);
    assert_int_equal(end_send(from, sent, size), size);
    assert_int_equal(end_receive(to, got, sizeof got), size);
    assert_memory_equal(got, sent, size);
}

/* Datagrams may be cut on the way, and fragments cut again. */
static void datagrams_cut_by_the_router_arrive_whole(void **state)
{
    (void)state;
    open_both();
    struct end a = udp_socket(near), b = udp_socket(far);
    udp_connect(a, far->ours);
    udp_connect(b, near->ours);
    narrow_the_way_to(far, 576);
    for (size_t size = 500; size < 3000; size += 97) {
        pass(a, b, size);
        pass(b, a, size);
    }
    pass(a, b, 40000);
    must(end_close(a));
    must(end_close(b));
    close_both();
}

static void datagram_that_must_not_be_cut_is_reported_too_long(void **state)
{
    (void)state;
    static const uint8_t bytes[1200];
    int always = IP_PMTUDISC_DO;
    open_both();
    struct end a = udp_socket(near), b = udp_socket(far);
    udp_connect(a, far->ours);
    must(tern_setsockopt(a.tern, a.socket, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always));
    narrow_the_way_to(far, 1000);
    assert_int_equal(end_send(a, bytes, sizeof bytes), sizeof bytes);
    uint8_t byte;
    assert_fails((int)end_receive(a, &byte, 1), EMSGSIZE);
    pass(a, b, 972);
    must(end_close(a));
    must(end_close(b));
    close_both();
}

static void hops_that_run_out_are_reported(void **state)
{
    (void)state;
    int one = 1;
    open_both();
    struct end a = udp_socket(near);
    udp_connect(a, far->ours);
    must(tern_setsockopt(a.tern, a.socket, IPPROTO_IP, IP_TTL, &one, sizeof one));
    must((int)end_send(a, "x", 1));
    uint8_t byte;
    assert_fails((int)end_receive(a, &byte, 1), EHOSTUNREACH);
    must(end_close(a));
    close_both();
}

/* The router knows no way there: a connect ends at once, a datagram's sender is told. */
static void network_without_a_way_is_reported(void **state)
{
    (void)state;
    open_both();
    struct sockaddr_in nowhere = scenario_sockaddr("203.0.113.1", 80);
    struct end a = {near->tern, must(tern_socket(near->tern, AF_INET, SOCK_STREAM, 0))};
    assert_fails(tern_connect(near->tern, a.socket, (struct sockaddr *)&nowhere, sizeof nowhere),
                 ENETUNREACH);
    must(end_close(a));
    a = udp_socket(near);
    udp_connect(a, "203.0.113.1");
    must((int)end_send(a, "x", 1));
    uint8_t byte;
    assert_fails((int)end_receive(a, &byte, 1), ENETUNREACH);
    must(end_close(a));
    close_both();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(stream_passes_between_two_stacks),
        scenario_test(segments_shrink_to_what_the_path_takes),
        scenario_test(way_that_narrows_does_not_stop_a_stream),
        scenario_test(datagrams_cut_by_the_router_arrive_whole),
        scenario_test(datagram_that_must_not_be_cut_is_reported_too_long),
        scenario_test(hops_that_run_out_are_reported),
        scenario_test(network_without_a_way_is_reported),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
