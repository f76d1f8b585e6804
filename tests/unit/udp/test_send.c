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
    assert_int_equal(udp_directed(udp, NULL), -EDESTADDRREQ);
    assert_int_equal(send_text(udp, "x", NULL), -EDESTADDRREQ);
    assert_int_equal(udp_directed(udp, &no_port), -EINVAL);
    assert_int_equal(send_text(udp, "x", &no_port), -EINVAL);
    assert_int_equal(udp_directed(udp, &far), 0);
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

/* ── UDP_SEGMENT ── */

static uint8_t many[UDP_PAYLOAD_MAX + 1];

static ssize_t send_many(struct udp *udp, size_t length)
{
    struct iovec span = {many, length};
    return udp_send(udp, &span, 1, NULL, false);
}

static void one_call_makes_many_datagrams(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = (uint8_t)(i % 251);
    udp_options(udp)->segment_size = 1472;
    assert_int_equal(send_many(udp, 4000), 4000);
    assert_int_equal(m->sent_count, 3);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 3);
    for (unsigned i = 0; i < 3; i++) {
        size_t length = i < 2 ? 1472 : 4000 - 2 * 1472;
        assert_int_equal(sent_udp(m, i).length, 8 + length);
        assert_memory_equal(sent_payload(m, i) + 8, many + i * 1472, length);
        /* By default a router that cannot take it says so. */
        assert_true(sent_header(m, i).dont_fragment);
    }
    /* One, and none, are a datagram too. */
    assert_int_equal(send_many(udp, 1472), 1472);
    assert_int_equal(send_many(udp, 0), 0);
    assert_int_equal(sent_udp(m, 3).length, 1480);
    assert_true(sent_header(m, 3).dont_fragment);
    assert_int_equal(sent_udp(m, 4).length, 8);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 5);
    udp_options(udp)->segment_size = 0;
    assert_int_equal(send_many(udp, 100), 100);
    assert_false(sent_header(m, 5).dont_fragment);
}

static void link_that_can_is_given_the_callers_own_bytes(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    m->interface->features = TERN_LINK_USO | TERN_LINK_CHECKSUM;
    udp_options(udp)->segment_size = 1000;
    assert_int_equal(send_many(udp, UDP_PAYLOAD_MAX), UDP_PAYLOAD_MAX);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].length, 65535);
    assert_int_equal(m->sent[0].offload.segment_size, 1000);
    assert_int_equal(m->sent[0].offload.header_length, 28);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 66);
    /* Who does not mind fragments (IP_PMTUDISC_DONT) has each told apart (RFC 6864 §4.2). */
    udp_options(udp)->segments_whole = false;
    assert_int_equal(send_many(udp, 3000), 3000);
    assert_int_equal(m->sent_count, 4);
    assert_false(sent_header(m, 1).dont_fragment);
    assert_int_not_equal(sent_header(m, 1).identification, sent_header(m, 2).identification);
}

static void each_must_fit_the_path_and_there_are_not_too_many(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    udp_options(udp)->receive_errors = true;
    udp_options(udp)->segment_size = 1473;
    assert_int_equal(send_many(udp, 1473), -EMSGSIZE);
    assert_int_equal(send_many(udp, 5000), -EMSGSIZE);
    assert_int_equal(send_many(udp, 1472), 1472);
    udp_options(udp)->segment_size = 2;
    assert_int_equal(send_many(udp, 256), 256);
    assert_int_equal(send_many(udp, 257), -EINVAL);
    assert_null(udp_take_note(udp));
    assert_int_equal(m->sent_count, 129);
    /* That it is more than any packet has is told, and how much that is. */
    udp_options(udp)->segment_size = 1472;
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(send_many(udp, UDP_PAYLOAD_MAX + 1), -EMSGSIZE);
    struct error_note *note = udp_take_note(udp);
    assert_non_null(note);
    assert_int_equal(note->info, 65535);
    error_note_free(&m->stack, note);
    assert_int_equal(send_many(udp, UDP_PAYLOAD_MAX), UDP_PAYLOAD_MAX);
}

static void caller_is_told_when_the_link_takes_none(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    udp_options(udp)->segment_size = 1000;
    m->transmit_error = -ENOBUFS;
    assert_int_equal(send_many(udp, 3000), -ENOBUFS);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 0);
    m->transmit_room = 1;
    assert_int_equal(send_many(udp, 3000), 3000);
    assert_int_equal(m->sent_count, 1);
}

static void all_hear_each_of_them_and_so_do_we(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(TERN_LINK_USO);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint all = at(0x0a0000ff, OUR_PORT);
    udp_options(udp)->broadcast = true;
    udp_options(udp)->segment_size = 3;
    assert_int_equal(send_text(udp, "onetwoend!", &all), 10);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].offload.segment_size, 3);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_receives(udp, "one");
    assert_receives(udp, "two");
    assert_receives(udp, "end");
    assert_receives(udp, "!");
    udp_close(udp);
    machine_free(m);
}

static void to_ourselves_they_go_as_one_packet(void **state)
{
    struct machine *m = *state;
    struct udp *from = bound(m, anywhere(OUR_PORT)), *to = bound(m, anywhere(PEER_PORT));
    struct endpoint own = at(MACHINE_ADDRESS, PEER_PORT);
    udp_options(from)->segment_size = 3;
    assert_int_equal(send_text(from, "onetwoend!", &own), 10);
    assert_int_equal(m->events[TERN_TRACE_OUT], 1);
    stack_advance(&m->stack, m->stack.now_ns);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 4);
    assert_receives(to, "one");
    assert_receives(to, "two");
    assert_receives(to, "end");
    assert_receives(to, "!");
    assert_receives_nothing(to);
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
        udp_test(one_call_makes_many_datagrams),
        udp_test(link_that_can_is_given_the_callers_own_bytes),
        udp_test(each_must_fit_the_path_and_there_are_not_too_many),
        udp_test(caller_is_told_when_the_link_takes_none),
        cmocka_unit_test(all_hear_each_of_them_and_so_do_we),
        udp_test(to_ourselves_they_go_as_one_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
