#include "udp_fixture.h"

/* RFC 1122 §4.1.3.1. */
static void port_nobody_listens_on_is_reported_unreachable(void **state)
{
    struct machine *m = *state;
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "hello"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(machine_counter(m, "UdpNoPorts"), 1);
    struct icmp_message message;
    assert_int_equal(m->sent_count, 1);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.type, ICMP_UNREACHABLE);
    assert_int_equal(message.code, ICMP_UNREACHABLE_PORT);
    assert_int_equal(message.body_length, 33);
    assert_memory_equal(message.body + 28, "hello", 5);
}

static void connected_endpoint_comes_before_bound_ones(void **state)
{
    struct machine *m = *state;
    struct udp *wildcard = open_socket(m), *exact = open_socket(m), *peer = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT),
                    remote = at(PEER_ADDRESS, PEER_PORT);
    udp_options(wildcard)->reuse_address = true;
    udp_options(exact)->reuse_address = true;
    udp_options(peer)->reuse_address = true;
    assert_int_equal(udp_bind(peer, &any), 0);
    assert_int_equal(udp_connect(peer, &remote), 0);
    assert_int_equal(udp_bind(wildcard, &any), 0);
    assert_int_equal(udp_bind(exact, &own), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "peer"), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "exact"), 0);
    assert_receives(peer, "peer");
    assert_receives(exact, "exact");
    udp_close(exact);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "wildcard"), 0);
    assert_receives(wildcard, "wildcard");
    assert_receives_nothing(peer);
    udp_close(wildcard);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "nobody"),
                     DROP_UDP_NO_PORT);
}

static void endpoint_bound_to_an_address_hears_only_that(void **state)
{
    struct machine *m = *state;
    struct address second = address_from_ipv4(0x0a000004);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    struct udp *udp = bound(m, at(0x0a000004, OUR_PORT));
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "x"), DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0x0a000004, OUR_PORT, "y"), DROP_NONE);
    assert_receives(udp, "y");
    machine_clear(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "x", &peer), 1);
    struct ipv4_header ip = sent_header(m, 0);
    assert_true(address_equal(&ip.source, &second));
}

static void broadcast_reaches_all_that_are_bound_to_no_address(void **state)
{
    struct machine *m = *state;
    struct udp *a = open_socket(m), *b = open_socket(m), *exact = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT);
    udp_options(a)->reuse_address = udp_options(b)->reuse_address = true;
    udp_options(exact)->reuse_address = true;
    assert_int_equal(udp_bind(a, &any), 0);
    assert_int_equal(udp_bind(b, &any), 0);
    assert_int_equal(udp_bind(exact, &own), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0x0a0000ff, OUR_PORT, "all"), DROP_NONE);
    assert_receives(a, "all");
    assert_receives(b, "all");
    assert_receives_nothing(exact);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0xffffffff, 1, "none"), DROP_UDP_NO_PORT);
    assert_int_equal(m->sent_count, 0); /* and no error about it, RFC 1122 §3.2.2 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(port_nobody_listens_on_is_reported_unreachable),
        udp_test(connected_endpoint_comes_before_bound_ones),
        udp_test(endpoint_bound_to_an_address_hears_only_that),
        udp_test(broadcast_reaches_all_that_are_bound_to_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
