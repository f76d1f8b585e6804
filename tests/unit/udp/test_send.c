#include "udp_fixture.h"

static void datagram_goes_to_whom_it_is_for(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "hello", &peer), 5);
    struct ipv4_header ip = sent_header(m, 0);
    struct udp_header header = sent_udp(m, 0);
    assert_int_equal(address_to_ipv4(&ip.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&ip.destination), PEER_ADDRESS);
    assert_int_equal(ip.time_to_live, 64);
    assert_int_equal(header.source_port, OUR_PORT);
    assert_int_equal(header.destination_port, PEER_PORT);
    assert_int_equal(header.length, 13);
    assert_int_not_equal(header.checksum, 0);
    assert_memory_equal(sent_payload(m, 0) + 8, "hello", 5);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 1);
}

static void spans_become_one_datagram(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    char a[] = "one ", b[] = "two ", c[] = "three";
    struct iovec spans[] = {{a, 4}, {NULL, 0}, {b, 4}, {c, 5}};
    assert_int_equal(udp_send(udp, spans, 4, NULL, false), 13);
    assert_int_equal(sent_udp(m, 0).length, 21);
    assert_memory_equal(sent_payload(m, 0) + 8, "one two three", 13);
    assert_int_equal(udp_send(udp, NULL, 0, NULL, false), 0);
    assert_int_equal(sent_udp(m, 1).length, 8);
}

static void options_show_in_the_header(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    *udp_options(udp) = (struct datagram_options){
        .hop_limit = 7, .traffic_class = 0xb8, .dont_fragment = true, .receive_limit_bytes = 1000};
    assert_int_equal(send_text(udp, "x", NULL), 1);
    struct ipv4_header ip = sent_header(m, 0);
    assert_int_equal(ip.time_to_live, 7);
    assert_int_equal(ip.traffic_class, 0xb8);
    assert_true(ip.dont_fragment);
}

static void unbound_sender_gets_an_ephemeral_port(void **state)
{
    struct machine *m = *state;
    struct udp *udp = open_socket(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_local(udp)->port, 0);
    assert_int_equal(send_text(udp, "x", &peer), 1);
    uint16_t port = udp_local(udp)->port;
    assert_in_range(port, 32768, 60999);
    assert_int_equal(sent_udp(m, 0).source_port, port);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, port, "back"), DROP_NONE);
    assert_receives(udp, "back");
}

static void what_cannot_be_sent_says_why(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint no_port = at(PEER_ADDRESS, 0), far = at(0x08080808, 53),
                    all = at(0xffffffff, 67), subnet = at(0x0a0000ff, 67),
                    group = at(0xe0000001, 5353), peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "x", NULL), -EDESTADDRREQ);
    assert_int_equal(send_text(udp, "x", &no_port), -EINVAL);
    assert_int_equal(send_text(udp, "x", &far), -ENETUNREACH);
    assert_int_equal(send_text(udp, "x", &subnet), -EACCES);
    assert_int_equal(send_text(udp, "x", &all), -ENETUNREACH);
    assert_int_equal(send_text(udp, "x", &group), -ENETUNREACH);
    char *big = calloc(1, UDP_PAYLOAD_MAX + 1);
    assert_non_null(big);
    struct iovec span = {big, UDP_PAYLOAD_MAX + 1};
    assert_int_equal(udp_send(udp, &span, 1, &peer, false), -EMSGSIZE);
    free(big);
    m->transmit_error = -ENOBUFS;
    assert_int_equal(send_text(udp, "x", &peer), -ENOBUFS);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 0);
}

static void datagram_above_the_mtu_that_must_not_be_cut_is_refused(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    static char bytes[1473];
    struct iovec span = {bytes, 1473};
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), -EMSGSIZE);
    span.iov_len = 1472;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), 1472);
    assert_int_equal(m->sent[0].length, 1500);
    /* Or that must leave whole, and may be cut further on. */
    udp_options(udp)->dont_fragment = false;
    udp_options(udp)->whole = true;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), 1472);
    assert_false(sent_header(m, 1).dont_fragment);
    span.iov_len = 1473;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), -EMSGSIZE);
}

/* Every destination is reached over the interface. */
static void add_default_route(struct machine *m)
{
    struct route route = {.interface = m->interface};
    route.prefix = address_from_ipv4(0);
    assert_int_equal(route_add(&m->stack, &route), 0);
}

static void broadcast_needs_leave_and_comes_to_ourselves_too(void **state)
{
    (void)state;
    static const uint32_t to[] = {0x0a0000ff, 0xffffffff};
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    add_default_route(m);
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint all = at(to[i], OUR_PORT);
        udp_options(udp)->broadcast = false;
        assert_int_equal(send_text(udp, "x", &all), -EACCES);
        udp_options(udp)->broadcast = true;
        assert_int_equal(send_text(udp, "all", &all), 3);
        assert_int_equal(sent_to(m, i), to[i]);
        assert_int_equal(sent_udp(m, i).destination_port, OUR_PORT);
        assert_int_equal(sent_header(m, i).time_to_live, 64);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_receives(udp, "all");
    }
    udp_close(udp);
    machine_free(m);
}

/* RFC 1112 §6.1 and §6.2. */
static void what_goes_to_a_group_has_its_own_hop_limit(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint group = at(0xefffffff, 9);
    add_default_route(m);
    udp_options(udp)->hop_limit = 99;
    assert_int_equal(send_text(udp, "x", &group), 1);
    assert_int_equal(sent_header(m, 0).time_to_live, 1);
    udp_options(udp)->group_hop_limit = 7;
    assert_int_equal(send_text(udp, "x", &group), 1);
    assert_int_equal(sent_header(m, 1).time_to_live, 7);
    udp_options(udp)->group_hop_limit = 0;
    assert_int_equal(send_text(udp, "x", &group), 1);
    assert_int_equal(m->sent_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(datagram_goes_to_whom_it_is_for),
        udp_test(spans_become_one_datagram),
        udp_test(options_show_in_the_header),
        udp_test(unbound_sender_gets_an_ephemeral_port),
        udp_test(what_cannot_be_sent_says_why),
        udp_test(datagram_above_the_mtu_that_must_not_be_cut_is_refused),
        cmocka_unit_test(broadcast_needs_leave_and_comes_to_ourselves_too),
        udp_test(what_goes_to_a_group_has_its_own_hop_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
