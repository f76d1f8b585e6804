#include "udp_fixture.h"

static struct test_packet hello_from_the_peer(void)
{
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    "hello", 5);
    return packet;
}

static void datagram_arrives_with_its_source(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0);
    header.time_to_live = 33;
    header.traffic_class = 0x20;
    packet_make_udp(&packet, header, PEER_PORT, OUR_PORT, "hello", 5);
    assert_int_equal(udp_readiness(udp), POLLOUT | POLLWRNORM | POLLWRBAND);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
    assert_ptr_equal(notified.owner, m);
    assert_int_equal(notified.events, POLLIN);
    assert_int_equal(udp_readiness(udp), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLWRBAND);
    assert_int_equal(udp_next_length(udp), 5);
    struct datagram_info info;
    char text[64];
    assert_int_equal(receive_text(udp, text, &info), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(info.source.port, PEER_PORT);
    assert_int_equal(address_to_ipv4(&info.destination), MACHINE_ADDRESS);
    assert_int_equal(info.hop_limit, 33);
    assert_int_equal(info.traffic_class, 0x20);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 1);
}

/* RFC 1122 §4.1.3.4. */
static void wrong_checksum_is_dropped(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = hello_from_the_peer();
    packet.bytes[30] ^= 1;
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_UDP_CHECKSUM);
    assert_int_equal(machine_counter(m, "UdpInErrors"), 1);
    assert_receives_nothing(udp);
}

static void checksum_the_link_vouches_for_is_not_computed(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = hello_from_the_peer();
    struct tern_offload offload = {.flags = TERN_OFFLOAD_VERIFIED};
    packet.bytes[26] ^= 1;
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload), DROP_NONE);
    assert_receives(udp, "hello");
}

/* RFC 768: an all zero checksum means that the sender generated none. */
static void datagram_without_checksum_is_taken(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = hello_from_the_peer();
    packet.bytes[26] = packet.bytes[27] = 0;
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
    assert_receives(udp, "hello");
}

static void bytes_behind_the_datagram_do_not_count(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet inner, outer;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_UDP);
    packet_make_udp(&inner, header, PEER_PORT, OUR_PORT, "hello", 5);
    memcpy(inner.bytes + inner.length, "trailer", 7);
    packet_make(&outer, header, inner.bytes + 20, inner.length - 20 + 7);
    assert_int_equal(machine_input(m, outer.bytes, outer.length), DROP_NONE);
    assert_receives(udp, "hello");
}

static void length_field_out_of_bounds_is_dropped(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    static const uint16_t lengths[] = {0, 7, 14, 65535};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct test_packet packet = hello_from_the_peer();
        packet.bytes[24] = (uint8_t)(lengths[i] >> 8);
        packet.bytes[25] = (uint8_t)lengths[i];
        packet.bytes[26] = packet.bytes[27] = 0;
        assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_UDP_TRUNCATED);
    }
    assert_receives_nothing(udp);
}

static void full_queue_drops_and_counts(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    udp_options(udp)->receive_limit_bytes = 2000;
    unsigned taken = 0;
    enum drop_reason reason;
    while ((reason = arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "hello")) ==
           DROP_NONE)
        taken++;
    assert_int_equal(reason, DROP_UDP_QUEUE_FULL);
    assert_int_equal(machine_counter(m, "UdpRcvbufErrors"), 1);
    for (unsigned i = 0; i < taken; i++)
        assert_receives(udp, "hello");
    assert_receives_nothing(udp);
}

/* ── Errors ── */

/* RFC 1122 §4.1.3.3. */
static void connected_endpoint_is_told_of_a_refused_port_once(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, 0), DROP_NONE);
    assert_int_equal(notified.events, POLLERR);
    assert_int_equal(udp_readiness(udp), POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR);
    assert_int_equal(udp_error(udp, false), ECONNREFUSED);
    assert_int_equal(send_text(udp, "again", NULL), -ECONNREFUSED);
    assert_int_equal(send_text(udp, "again", NULL), 5);
}

static void path_errors_become_errnos(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, code;
        int error;
    } cases[] = {
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_NET, ENETUNREACH},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_HOST, EHOSTUNREACH},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_PROTOCOL, ENOPROTOOPT},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_ADMIN, EHOSTUNREACH},
        {ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_TRANSIT, EHOSTUNREACH},
        {ICMP_PARAMETER_PROBLEM, 0, EPROTO},
    };
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(error_arrives(m, 0, cases[i].type, cases[i].code, 0), DROP_NONE);
        assert_int_equal(udp_error(udp, true), cases[i].error);
    }
    udp_close(udp);
    machine_free(m);
}

static void only_who_must_not_be_cut_hears_of_a_small_mtu(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 576), 0);
    assert_int_equal(udp_error(udp, true), 0);
    assert_int_equal(machine_counter(m, "IpPathMtuLowered"), 0);
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 576), 0);
    assert_int_equal(udp_error(udp, true), EMSGSIZE);
    /* From now on it is known (RFC 1191 §6.2), unless one would rather not know
     * (IP_PMTUDISC_PROBE). */
    static char large[600];
    struct iovec span = {large, sizeof large};
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), -EMSGSIZE);
    udp_options(udp)->ignore_path_mtu = true;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), sizeof large);
}

static void endpoint_without_a_peer_is_not_told(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "hello", &peer), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, 0),
                     DROP_ICMP_NO_MATCH);
    assert_int_equal(udp_error(udp, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(datagram_arrives_with_its_source),
        udp_test(wrong_checksum_is_dropped),
        udp_test(checksum_the_link_vouches_for_is_not_computed),
        udp_test(datagram_without_checksum_is_taken),
        udp_test(bytes_behind_the_datagram_do_not_count),
        udp_test(length_field_out_of_bounds_is_dropped),
        udp_test(full_queue_drops_and_counts),
        udp_test(connected_endpoint_is_told_of_a_refused_port_once),
        cmocka_unit_test(path_errors_become_errnos),
        udp_test(only_who_must_not_be_cut_hears_of_a_small_mtu),
        udp_test(endpoint_without_a_peer_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
