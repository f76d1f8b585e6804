/* What a router says of a destination reaches the calls that wait for it. */
#include "unit/sock/sockets.h"

#include "wire/icmp.h"
#include "wire/ipv4.h"

/* The first bytes of the last packet that `a` sent: as much as an ICMP error quotes. */
static struct {
    uint8_t bytes[IPV4_HEADER_MIN + 8];
    size_t length;
} sent;

static void note_sent(void *user, const struct tern_trace_event *event)
{
    const struct pair_end *end = user;
    if (event->kind != TERN_TRACE_OUT || end->index != 0)
        return;
    sent.length = 0;
    for (int i = 0; i < event->count; i++) {
        size_t room = sizeof sent.bytes - sent.length;
        size_t part = event->packet[i].iov_len < room ? event->packet[i].iov_len : room;
        memcpy(sent.bytes + sent.length, event->packet[i].iov_base, part);
        sent.length += part;
    }
}

static int setup_traced(void **state)
{
    (void)state;
    open_pair(&(struct pair_options){.trace = note_sent});
    return 0;
}

#define traced_test(name) cmocka_unit_test_setup_teardown(name, setup_traced, teardown)

static uint8_t code;

/* A router in between, which `b` speaks for. */
static void report_unreachable(struct pair *p)
{
    uint8_t packet[IPV4_HEADER_MIN + ICMP_HEADER_SIZE + sizeof sent.bytes];
    uint8_t *transport = packet + IPV4_HEADER_MIN;
    struct icmp_message message = {
        .type = ICMP_UNREACHABLE, .code = code, .body = sent.bytes, .body_length = sent.length};
    p->meanwhile = NULL;
    assert_int_equal(sent.length, sizeof sent.bytes);
    icmp_build(&message, transport);
    memcpy(transport + ICMP_HEADER_SIZE, sent.bytes, sent.length);
    struct ipv4_header ip = {.source = address_from_ipv4(0x0a0000fe),
                             .destination = address_from_ipv4(0x0a000001),
                             .total_length = sizeof packet,
                             .header_length = IPV4_HEADER_MIN,
                             .time_to_live = 64,
                             .protocol = IPPROTO_ICMP};
    ipv4_build(&ip, packet);
    assert_null(tern_input(p->ends[0].t, packet, ip.total_length, NULL, p->now_ns));
}

static const struct {
    uint8_t code;
    int error;
} rows[] = {
    {ICMP_UNREACHABLE_NET, ENETUNREACH},
    {ICMP_UNREACHABLE_HOST, EHOSTUNREACH},
    {ICMP_UNREACHABLE_PORT, ECONNREFUSED},
    {ICMP_UNREACHABLE_ADMIN, EHOSTUNREACH},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void connect_is_told(void **state)
{
    (void)state;
    pair.ends[1].cut = true;
    for (int i = 0; i < ROWS; i++) {
        code = rows[i].code;
        pair.meanwhile = report_unreachable;
        assert_fails(connect_to(a, open_stream(a), "192.0.2.1", 7), rows[i].error);
    }
}

/* RFC 9293 §3.9.2.2: on an open connection it is a reason to give when it times out. */
static void a_connection_that_times_out_gives_the_reason(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int client, server;
        char byte;
        pair_connect(&pair, 7, &client, &server);
        set_int(a, client, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
        pair.ends[1].cut = true;
        code = rows[i].code;
        assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
        pair.meanwhile = report_unreachable;
        if (i == 0)
            assert_fails(tern_recv(a, client, &byte, 1, 0), rows[i].error);
        else
            assert_fails(tern_drain(a, client), rows[i].error);
        pair.ends[1].cut = false;
    }
}

static void a_connected_datagram_socket_is_told(void **state)
{
    (void)state;
    char byte;
    pair.ends[0].cut = true;
    for (int i = 0; i < ROWS; i++) {
        int s = open_datagram(a);
        code = rows[i].code;
        assert_int_equal(connect_to(a, s, "192.0.2.1", 7), 0);
        assert_int_equal(tern_send(a, s, "x", 1, 0), 1);
        pair.meanwhile = report_unreachable;
        assert_fails(tern_recv(a, s, &byte, 1, 0), rows[i].error);
        assert_int_equal(tern_send(a, s, "x", 1, 0), 1);
        report_unreachable(&pair);
        assert_fails(tern_send(a, s, "x", 1, 0), rows[i].error);
    }
}

static void an_echo_socket_is_told(void **state)
{
    (void)state;
    static const uint8_t request[8] = {ICMP_ECHO_REQUEST};
    char bytes[64];
    pair.ends[0].cut = true;
    int s = tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    assert_int_equal(connect_to(a, s, "192.0.2.1", 0), 0);
    assert_int_equal(tern_send(a, s, request, sizeof request, 0), sizeof request);
    code = ICMP_UNREACHABLE_HOST;
    pair.meanwhile = report_unreachable;
    assert_fails(tern_recv(a, s, bytes, sizeof bytes, 0), EHOSTUNREACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        traced_test(connect_is_told),
        traced_test(a_connection_that_times_out_gives_the_reason),
        traced_test(a_connected_datagram_socket_is_told),
        traced_test(an_echo_socket_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
