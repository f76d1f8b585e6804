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

/* ── Super-datagrams ── */

/* What the kernel of this host leaves to be cut: datagrams of `segment_size` bytes as one packet.
 */
static enum drop_reason super_arrives(struct machine *m, struct test_packet *packet,
                                      uint16_t segment_size)
{
    struct tern_offload offload = {.segment_size = segment_size,
                                   .header_length = 28,
                                   .checksum_start = 20,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    return machine_input_offloaded(m, packet->bytes, packet->length, &offload);
}

static struct test_packet text_from_the_peer(const char *text)
{
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    text, strlen(text));
    return packet;
}

static void datagrams_of_one_packet_arrive_as_by_themselves(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwothree");
    struct datagram_info info;
    char text[64];
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_int_equal(notified.events, POLLIN);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 4);
    assert_int_equal(receive_text(udp, text, &info), 3);
    assert_string_equal(text, "one");
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(info.source.port, PEER_PORT);
    assert_receives(udp, "two");
    assert_receives(udp, "thr");
    assert_receives(udp, "ee");
    assert_receives_nothing(udp);
}

/* udp(7), UDP_GRO. */
static void one_packet_is_one_to_who_asks_for_that(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwothree");
    struct datagram_info info;
    char text[64];
    udp_options(udp)->receive_super = true;
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 4);
    assert_int_equal(receive_text(udp, text, &info), 11);
    assert_string_equal(text, "onetwothree");
    assert_int_equal(info.segment_size, 3);
    assert_receives_nothing(udp);
}

/* What fits into one is one, also to who would have several whole. */
static void one_datagram_is_one_whatever_its_link_says(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct datagram_info info;
    char text[64];
    udp_options(udp)->receive_super = true;
    for (uint16_t size = 3; size < 6; size++) {
        struct test_packet packet = text_from_the_peer("one");
        assert_int_equal(super_arrives(m, &packet, size), DROP_NONE);
        assert_int_equal(receive_text(udp, text, &info), 3);
        assert_int_equal(info.segment_size, 0);
    }
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 3);
    assert_receives_nothing(udp);
}

/* The queue's end is within the packet: as for single datagrams, counters too. */
static void datagrams_of_one_packet_without_room_are_dropped_and_counted(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwosixten");
    udp_options(udp)->receive_limit_bytes = 1;
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 1);
    assert_int_equal(machine_counter(m, "UdpInErrors"), 3);
    assert_int_equal(machine_counter(m, "UdpRcvbufErrors"), 3);
    assert_int_equal(machine_counter(m, "DropUDP_QUEUE_FULL"), 3);
    assert_int_equal(m->events[TERN_TRACE_DROP], 0);
    assert_int_equal(m->events[TERN_TRACE_NOTE], 1);
    assert_int_equal(m->last_event[TERN_TRACE_NOTE].count, 1);
    assert_int_equal(super_arrives(m, &packet, 3), DROP_UDP_QUEUE_FULL);
    assert_int_equal(machine_counter(m, "UdpRcvbufErrors"), 7);
    assert_int_equal(machine_counter(m, "DropUDP_QUEUE_FULL"), 7);
    assert_int_equal(m->events[TERN_TRACE_DROP], 1);
    assert_receives(udp, "one");
    assert_receives_nothing(udp);
}

static void memory_for_one_packet_refused_drops_all_of_it(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwo");
    allocations_fail_after(1); /* the first is the test's own */
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NO_MEMORY);
    allocations_succeed();
    assert_int_equal(machine_counter(m, "UdpInErrors"), 2);
    assert_int_equal(machine_counter(m, "DropNO_MEMORY"), 2);
    assert_receives_nothing(udp);
}

/* A reader has enough when little more would find room: 64 KB a packet fill a queue quickly. */
static void much_at_once_ends_the_batch(void **state)
{
    struct machine *m = *state;
    static uint8_t bytes[60000];
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    bytes, sizeof bytes);
    stack_batch_begin(&m->stack);
    assert_int_equal(super_arrives(m, &packet, 1472), DROP_NONE);
    assert_false(m->stack.batch_enough);
    assert_int_equal(super_arrives(m, &packet, 1472), DROP_NONE);
    assert_true(m->stack.batch_enough);
    stack_batch_end(&m->stack);
    assert_int_equal(udp_next_length(udp), 1472);
}

/* Where one of them ended behind the last, nobody could tell. */
static void one_packet_whose_lengths_disagree_is_dropped(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwothree");
    packet.bytes[25]--;
    assert_int_equal(super_arrives(m, &packet, 3), DROP_UDP_SUPER_LENGTH);
    packet.bytes[25] += 2;
    assert_int_equal(super_arrives(m, &packet, 3), DROP_UDP_TRUNCATED);
    packet.bytes[24] = packet.bytes[25] = 0; /* as that of a jumbogram (RFC 2675) */
    assert_int_equal(super_arrives(m, &packet, 3), DROP_UDP_TRUNCATED);
    assert_int_equal(machine_counter(m, "UdpInErrors"), 3);
    assert_receives_nothing(udp);
}

/* No datagram is that long, whatever the link says: IPv4's total length of 0 is TCP's alone. */
static void one_packet_of_more_than_64_kb_is_dropped(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwothree");
    packet.length = 65536 + 28;
    memset(packet.bytes + 39, 'x', packet.length - 39);
    packet.bytes[2] = packet.bytes[3] = 0;
    packet_fix_header_checksum(&packet);
    assert_int_equal(super_arrives(m, &packet, 1000), DROP_UDP_SUPER_LENGTH);
    assert_receives_nothing(udp);
}

/* Of a fragment no link says such a thing. What it is a part of has its checksum looked at. */
static void fragment_is_a_fragment_whatever_its_link_says(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    const struct test_packet whole = text_from_the_peer("onetwothreesix!!");
    struct test_packet packet, rest;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_UDP);
    header.fragment_offset = 16;
    packet_make(&rest, header, whole.bytes + 36, whole.length - 36);
    header.fragment_offset = 0;
    header.more_fragments = true;
    packet_make(&packet, header, whole.bytes + 20, 16);
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_int_equal(super_arrives(m, &rest, 3), DROP_NONE);
    assert_receives(udp, "onetwothreesix!!");
    rest.bytes[25] ^= 1;
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_int_equal(super_arrives(m, &rest, 3), DROP_UDP_CHECKSUM);
    assert_receives_nothing(udp);
}

static void one_packet_that_nobody_vouches_for_is_verified(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet = text_from_the_peer("onetwo");
    struct tern_offload offload = {.segment_size = 3, .header_length = 28};
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload), DROP_NONE);
    assert_receives(udp, "one");
    assert_receives(udp, "two");
    packet.bytes[30] ^= 1;
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload),
                     DROP_UDP_CHECKSUM);
    assert_receives_nothing(udp);
}

/* RFC 1122 §4.1.3.1: told once a packet; counted once a datagram. */
static void one_packet_to_a_port_of_nobody_is_reported(void **state)
{
    struct machine *m = *state;
    struct test_packet packet = text_from_the_peer("onetwothree");
    assert_int_equal(super_arrives(m, &packet, 3), DROP_UDP_NO_PORT);
    assert_int_equal(machine_counter(m, "UdpNoPorts"), 4);
    assert_int_equal(machine_counter(m, "DropUDP_NO_PORT"), 4);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(sent_header(m, 0).protocol, IP_PROTOCOL_ICMP);
}

static void one_packet_to_all_reaches_everyone(void **state)
{
    struct machine *m = *state;
    struct udp *first = open_socket(m), *second = open_socket(m);
    struct endpoint local = anywhere(OUR_PORT);
    struct test_packet packet;
    udp_options(first)->reuse_address = udp_options(second)->reuse_address = true;
    assert_int_equal(udp_bind(first, &local), 0);
    assert_int_equal(udp_bind(second, &local), 0);
    packet_make_udp(&packet, header_between(PEER_ADDRESS, 0xffffffff, 0), PEER_PORT, OUR_PORT,
                    "onetwo", 6);
    assert_int_equal(super_arrives(m, &packet, 3), DROP_NONE);
    assert_receives(first, "one");
    assert_receives(first, "two");
    assert_receives(second, "one");
    assert_receives(second, "two");
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 4);
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

/* What UDP_SEGMENT cuts has DF, unless IP_MTU_DISCOVER says otherwise. */
static void who_has_cut_his_datagrams_hears_of_a_small_mtu(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    static char large[2000];
    struct iovec span = {large, sizeof large};
    udp_options(udp)->segment_size = 1000;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), sizeof large);
    assert_int_equal(error_arrives(m, 1, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 576), 0);
    assert_int_equal(udp_error(udp, true), EMSGSIZE);
    assert_int_equal(machine_counter(m, "IpPathMtuLowered"), 1);
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), -EMSGSIZE);
    udp_options(udp)->segment_size = 548;
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), sizeof large);
    udp_options(udp)->segments_whole = false;
    assert_int_equal(error_arrives(m, 2, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 560), 0);
    assert_int_equal(udp_error(udp, true), 0);
    assert_int_equal(machine_counter(m, "IpPathMtuLowered"), 1);
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
        udp_test(datagrams_of_one_packet_arrive_as_by_themselves),
        udp_test(one_packet_is_one_to_who_asks_for_that),
        udp_test(one_datagram_is_one_whatever_its_link_says),
        udp_test(datagrams_of_one_packet_without_room_are_dropped_and_counted),
        udp_test(memory_for_one_packet_refused_drops_all_of_it),
        udp_test(much_at_once_ends_the_batch),
        udp_test(one_packet_whose_lengths_disagree_is_dropped),
        udp_test(one_packet_of_more_than_64_kb_is_dropped),
        udp_test(fragment_is_a_fragment_whatever_its_link_says),
        udp_test(one_packet_that_nobody_vouches_for_is_verified),
        udp_test(one_packet_to_a_port_of_nobody_is_reported),
        udp_test(one_packet_to_all_reaches_everyone),
        udp_test(connected_endpoint_is_told_of_a_refused_port_once),
        cmocka_unit_test(path_errors_become_errnos),
        udp_test(only_who_must_not_be_cut_hears_of_a_small_mtu),
        udp_test(endpoint_without_a_peer_is_not_told),
        udp_test(who_has_cut_his_datagrams_hears_of_a_small_mtu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
