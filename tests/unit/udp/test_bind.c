#include "udp_fixture.h"

static void bound_port_is_refused_to_others(void **state)
{
    struct machine *m = *state;
    struct udp *first = bound(m, anywhere(OUR_PORT)), *second = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT),
                    other = anywhere(OUR_PORT + 1), foreign = at(PEER_ADDRESS, OUR_PORT);
    assert_int_equal(udp_bind(second, &any), -EADDRINUSE);
    assert_int_equal(udp_bind(second, &own), -EADDRINUSE);
    udp_options(second)->reuse_address = true;
    assert_int_equal(udp_bind(second, &any), -EADDRINUSE);
    udp_options(first)->reuse_address = true;
    assert_int_equal(udp_bind(second, &foreign), -EADDRNOTAVAIL);
    assert_int_equal(udp_bind(second, &any), 0);
    assert_int_equal(udp_bind(second, &other), -EINVAL);
}

static void different_addresses_share_a_port(void **state)
{
    struct machine *m = *state;
    struct address second = address_from_ipv4(0x0a000004);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    bound(m, at(MACHINE_ADDRESS, OUR_PORT));
    bound(m, at(0x0a000004, OUR_PORT));
}

static void closed_endpoint_frees_its_port(void **state)
{
    struct machine *m = *state;
    udp_close(bound(m, anywhere(OUR_PORT)));
    bound(m, anywhere(OUR_PORT));
}

/* RFC 6056, security rules 7 and 16. */
static void ephemeral_ports_are_scattered_and_run_out_in_the_end(void **state)
{
    struct machine *m = *state;
    struct endpoint any = anywhere(0);
    struct udp *sockets[100], *more = open_socket(m);
    unsigned neighbours = 0;
    assert_int_equal(setting_set(&m->stack.settings, "ip.port_first", "50000"), 0);
    assert_int_equal(setting_set(&m->stack.settings, "ip.port_last", "50099"), 0);
    for (unsigned i = 0; i < 100; i++) {
        sockets[i] = open_socket(m);
        assert_int_equal(udp_bind(sockets[i], &any), 0);
        assert_in_range(udp_local(sockets[i])->port, 50000, 50099);
        neighbours +=
            i > 0 && i < 20 && udp_local(sockets[i])->port == udp_local(sockets[i - 1])->port + 1;
    }
    assert_true(neighbours < 10);
    assert_int_equal(udp_bind(more, &any), -EADDRINUSE);
    udp_close(sockets[42]);
    assert_int_equal(udp_bind(more, &any), 0);
    udp_close(more);
    for (unsigned i = 0; i < 100; i++)
        if (i != 42)
            udp_close(sockets[i]);
}

static void connected_endpoint_hears_only_its_peer(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(address_to_ipv4(&udp_local(udp)->address), MACHINE_ADDRESS);
    assert_int_equal(udp_remote(udp)->port, PEER_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "yes"), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT + 1, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS + 5, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_receives(udp, "yes");
    assert_receives_nothing(udp);
}

static void association_dissolves_and_gives_back_what_it_took(void **state)
{
    struct machine *m = *state;
    struct udp *chosen = connected(m, OUR_PORT), *taken = open_socket(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT), nobody = {0};
    assert_int_equal(udp_connect(chosen, NULL), 0);
    assert_int_equal(udp_remote(chosen)->port, 0);
    assert_int_equal(udp_local(chosen)->port, OUR_PORT);
    assert_true(address_is_unspecified(&udp_local(chosen)->address));
    assert_int_equal(send_text(chosen, "x", NULL), -EDESTADDRREQ);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "anyone"), DROP_NONE);
    assert_receives(chosen, "anyone");

    assert_int_equal(udp_connect(taken, &peer), 0);
    assert_int_not_equal(udp_local(taken)->port, 0);
    assert_int_equal(udp_connect(taken, &nobody), 0);
    assert_int_equal(udp_local(taken)->port, 0);
}

static void connecting_again_changes_the_peer(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    struct endpoint other = at(PEER_ADDRESS + 5, 1);
    assert_int_equal(udp_connect(udp, &other), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS + 5, 1, MACHINE_ADDRESS, OUR_PORT, "yes"), DROP_NONE);
}

static void bad_peer_is_refused_and_changes_nothing(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    struct endpoint no_port = at(PEER_ADDRESS, 0), far = at(0x08080808, 1), all = at(0x0a0000ff, 1);
    assert_int_equal(udp_connect(udp, &no_port), -EINVAL);
    assert_int_equal(udp_connect(udp, &far), -ENETUNREACH);
    assert_int_equal(udp_connect(udp, &all), -EACCES);
    assert_int_equal(udp_remote(udp)->port, PEER_PORT);
}

static void datagram_to_ourselves_arrives(void **state)
{
    struct machine *m = *state;
    static const uint32_t ours[] = {MACHINE_ADDRESS, 0x7f000001, 0x7f123456};
    struct udp *server = bound(m, anywhere(OUR_PORT));
    for (size_t i = 0; i < 3; i++) {
        struct udp *client = open_socket(m);
        struct endpoint to = at(ours[i], OUR_PORT);
        struct datagram_info info;
        char text[64];
        assert_int_equal(udp_connect(client, &to), 0);
        assert_int_equal(send_text(client, "there", NULL), 5);
        assert_true(stack_deadline(&m->stack) <= m->stack.now_ns);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_int_equal(receive_text(server, text, &info), 5);
        assert_int_equal(address_to_ipv4(&info.source.address), ours[i]);
        assert_int_equal(send_text(server, "and back", &info.source), 8);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_receives(client, "and back");
        udp_close(client);
    }
    assert_int_equal(m->sent_count, 0);
}

static void who_may_broadcast_can_have_all_as_peer(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint all = at(0x0a0000ff, PEER_PORT);
    udp_options(udp)->broadcast = true;
    assert_int_equal(udp_connect(udp, &all), 0);
    assert_int_equal(address_to_ipv4(&udp_local(udp)->address), MACHINE_ADDRESS);
    udp_options(udp)->broadcast = false;
    assert_int_equal(send_text(udp, "x", NULL), 1);
    assert_int_equal(sent_to(m, 0), 0x0a0000ff);
}

/* As on Linux: for who wants to hear what is sent to all, and nothing else. */
static void an_endpoint_can_be_bound_to_an_address_of_many(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, at(0x0a0000ff, OUR_PORT));
    bound(m, at(0xe0000001, OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0xffffffff, OUR_PORT, "x"), DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "x"), DROP_UDP_NO_PORT);
    machine_clear(m);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0x0a0000ff, OUR_PORT, "all"), DROP_NONE);
    assert_receives(udp, "all");
    assert_int_equal(udp_connect(udp, &peer), 0);
    assert_int_equal(address_to_ipv4(&udp_local(udp)->address), 0x0a0000ff);
    assert_int_equal(send_text(udp, "x", NULL), 1);
    assert_int_equal(sent_from(m, 0), MACHINE_ADDRESS);
}

static void who_binds_freely_can_have_any_address(void **state)
{
    struct machine *m = *state;
    struct udp *udp = open_socket(m);
    struct endpoint elsewhere = at(0x0a000063, OUR_PORT), peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_bind(udp, &elsewhere), -EADDRNOTAVAIL);
    udp_options(udp)->free_bind = true;
    assert_int_equal(udp_bind(udp, &elsewhere), 0);
    assert_int_equal(send_text(udp, "x", &peer), 1);
    assert_int_equal(sent_from(m, 0), MACHINE_ADDRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(bound_port_is_refused_to_others),
        udp_test(different_addresses_share_a_port),
        udp_test(closed_endpoint_frees_its_port),
        udp_test(ephemeral_ports_are_scattered_and_run_out_in_the_end),
        udp_test(connected_endpoint_hears_only_its_peer),
        udp_test(association_dissolves_and_gives_back_what_it_took),
        udp_test(connecting_again_changes_the_peer),
        udp_test(bad_peer_is_refused_and_changes_nothing),
        udp_test(datagram_to_ourselves_arrives),
        udp_test(who_may_broadcast_can_have_all_as_peer),
        udp_test(an_endpoint_can_be_bound_to_an_address_of_many),
        udp_test(who_binds_freely_can_have_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
