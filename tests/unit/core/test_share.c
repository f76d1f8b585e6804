/* Which of several stacks with one address a packet belongs to. */
#include "unit.h"

#include <stdlib.h>

#include "core/interface.h"
#include "core/share.h"
#include "packets.h"
#include "wire/icmp.h"

enum { STACKS = 5 };

static struct packet packet;
static struct address ours, theirs;
static struct interface interface;

static int setup(void **state)
{
    (void)state;
    ours = packet_address("10.0.0.3");
    theirs = packet_address("192.0.2.9");
    interface.address_count = 1;
    interface.addresses[0] = (struct interface_address){ours, 24};
    return 0;
}

static struct share share_of(unsigned index)
{
    return (struct share){.index = index, .count = STACKS, .key = {{1, 2}}};
}

/* All must say the same. */
static unsigned owner_of(const void *bytes, size_t length)
{
    struct share first = share_of(0);
    unsigned owner = share_of_packet(&first, &interface, bytes, length);
    for (unsigned i = 1; i < STACKS; i++) {
        struct share other = share_of(i);
        assert_int_equal(share_of_packet(&other, &interface, bytes, length), owner);
    }
    return owner;
}

static unsigned udp_owner(uint16_t from, uint16_t to)
{
    packet_udp(&packet, &theirs, from, &ours, to, "x", 1, true);
    return owner_of(packet.bytes, packet.length);
}

static unsigned tcp_owner(uint16_t from, uint16_t to, uint32_t seq)
{
    struct segment segment = {
        .source_port = from, .destination_port = to, .seq = seq, .flags = TCP_ACK};
    packet_tcp(&packet, &theirs, &ours, &segment, true);
    return owner_of(packet.bytes, packet.length);
}

static void flows_to_a_low_port_are_spread_evenly_and_stay(void **state)
{
    (void)state;
    unsigned tcp[STACKS] = {0}, udp[STACKS] = {0};
    for (uint16_t from = 1; from <= 5000; from++) {
        unsigned owner = tcp_owner(from, 80, 1);
        assert_true(owner < STACKS);
        assert_int_equal(tcp_owner(from, 80, 77777), owner);
        tcp[owner]++;
        udp[udp_owner(from, 53)]++;
    }
    for (unsigned i = 0; i < STACKS; i++) { /* 1,000 each; five standard deviations are 141 */
        assert_in_range(tcp[i], 859, 1141);
        assert_in_range(udp[i], 859, 1141);
    }
}

static void only_the_key_tells_where_a_flow_goes(void **state)
{
    (void)state;
    struct share other = share_of(0);
    unsigned same = 0;
    other.key.words[0] ^= 1;
    for (uint16_t from = 1; from <= 1000; from++)
        same += tcp_owner(from, 80, 1) == share_of_packet(&other, &interface, packet.bytes,
                                                          packet.length); /* 200 by chance */
    assert_in_range(same, 140, 260);
}

static void high_port_belongs_to_one_stack_whoever_sends(void **state)
{
    (void)state;
    for (unsigned port = 32768; port < 65536; port += 997)
        for (uint16_t from = 1; from < 100; from++) {
            assert_int_equal(udp_owner(from, (uint16_t)port), port % STACKS);
            assert_int_equal(tcp_owner(from, (uint16_t)port, from), port % STACKS);
        }
}

static void what_a_stack_owns_is_what_comes_to_it(void **state)
{
    (void)state;
    for (unsigned port = 1; port < 65536; port += 331) {
        struct endpoint local = {ours, (uint16_t)port}, remote = {theirs, 443};
        unsigned owner = tcp_owner(443, (uint16_t)port, 0);
        for (unsigned i = 0; i < STACKS; i++) {
            struct share share = share_of(i);
            assert_int_equal(share_owns_flow(&share, IP_PROTOCOL_TCP, &local, &remote), owner == i);
            assert_int_equal(share_owns_port(&share, (uint16_t)port),
                             port >= 32768 && port % STACKS == i);
            assert_int_equal(share_owns_identifier(&share, (uint16_t)port), port % STACKS == i);
        }
    }
}

/* An ICMP message of `type` to us, with `length` bytes of `body`. */
static unsigned icmp_owner(uint8_t type, uint16_t identifier, const void *body, size_t length)
{
    uint8_t bytes[256];
    struct icmp_message message = {
        .type = type, .identifier = identifier, .body = body, .body_length = length};
    struct ipv4_header header = {.source = theirs,
                                 .destination = ours,
                                 .total_length = (uint32_t)(IPV4_HEADER_MIN + 8 + length),
                                 .time_to_live = 64,
                                 .protocol = IP_PROTOCOL_ICMP};
    assert_true(header.total_length <= sizeof bytes);
    ipv4_build(&header, bytes);
    icmp_build(&message, bytes + IPV4_HEADER_MIN);
    memcpy(bytes + IPV4_HEADER_MIN + 8, body, length);
    return owner_of(bytes, header.total_length);
}

static void icmp_error_goes_to_whose_packet_it_quotes(void **state)
{
    (void)state;
    for (uint16_t port = 20; port < 400; port++) {
        unsigned udp = udp_owner(port, 4000), tcp = tcp_owner(port, 4000, 0);
        struct segment segment = {.source_port = 4000, .destination_port = port, .flags = TCP_SYN};
        struct packet sent;
        packet_udp(&sent, &ours, 4000, &theirs, port, "x", 1, true);
        assert_int_equal(icmp_owner(ICMP_UNREACHABLE, 0, sent.bytes, 28), udp);
        packet_tcp(&sent, &ours, &theirs, &segment, true);
        assert_int_equal(icmp_owner(ICMP_TIME_EXCEEDED, 0, sent.bytes, 28), tcp);
    }
}

static void icmp_error_that_quotes_too_little_is_anybody_s(void **state)
{
    (void)state;
    struct packet sent;
    packet_udp(&sent, &ours, 4000, &theirs, 53, "x", 1, true);
    for (size_t length = 0; length < 24; length++)
        assert_int_equal(icmp_owner(ICMP_UNREACHABLE, 0, sent.bytes, length), SHARE_ANY);
    ipv4_header_fragment(sent.bytes, 28, 64, false);
    assert_int_equal(icmp_owner(ICMP_UNREACHABLE, 0, sent.bytes, 28), SHARE_ANY);
}

static void echo_replies_go_by_their_identifier(void **state)
{
    (void)state;
    uint8_t quoted[IPV4_HEADER_MIN + 8];
    struct ipv4_header header = {.source = ours,
                                 .destination = theirs,
                                 .total_length = sizeof quoted,
                                 .time_to_live = 64,
                                 .protocol = IP_PROTOCOL_ICMP};
    for (uint16_t id = 0; id < 60000; id += 1009) {
        struct icmp_message request = {.type = ICMP_ECHO_REQUEST, .identifier = id};
        assert_int_equal(icmp_owner(ICMP_ECHO_REPLY, id, "abc", 3), id % STACKS);
        assert_int_equal(icmp_owner(ICMP_ECHO_REQUEST, id, "abc", 3), SHARE_ANY);
        ipv4_build(&header, quoted);
        icmp_build(&request, quoted + IPV4_HEADER_MIN);
        assert_int_equal(icmp_owner(ICMP_UNREACHABLE, 0, quoted, sizeof quoted), id % STACKS);
    }
}

static void fragments_are_everybody_s_and_the_whole_is_one_s(void **state)
{
    (void)state;
    for (uint16_t from = 1; from < 200; from++) {
        unsigned owner = udp_owner(from, 53), owners = 0;
        struct packet_in whole = {.source = theirs,
                                  .destination = ours,
                                  .protocol = IP_PROTOCOL_UDP,
                                  .to_unicast = true,
                                  .payload = packet.bytes + IPV4_HEADER_MIN,
                                  .payload_length = (uint32_t)packet.length - IPV4_HEADER_MIN};
        for (unsigned i = 0; i < STACKS; i++) {
            struct share share = share_of(i);
            bool owns = share_owns_datagram(&share, &whole);
            assert_int_equal(owns, owner == i);
            owners += owns;
        }
        assert_int_equal(owners, 1);
        ipv4_header_fragment(packet.bytes, (uint32_t)packet.length, 0, true);
        assert_int_equal(owner_of(packet.bytes, packet.length), SHARE_ALL);
        ipv4_header_fragment(packet.bytes, (uint32_t)packet.length, 64, false);
        assert_int_equal(owner_of(packet.bytes, packet.length), SHARE_ALL);
    }
}

static void whole_datagram_that_is_anybody_s_has_one_owner(void **state)
{
    (void)state;
    unsigned owners = 0;
    struct packet_in whole = {.source = theirs,
                              .destination = ours,
                              .to_unicast = true,
                              .protocol = 253,
                              .payload = packet.bytes};
    for (unsigned i = 0; i < STACKS; i++) {
        struct share share = share_of(i);
        owners += share_owns_datagram(&share, &whole);
    }
    assert_int_equal(owners, 1);
}

static void broadcast_is_everybody_s(void **state)
{
    (void)state;
    struct share share = share_of(3);
    struct packet_in whole = {.protocol = IP_PROTOCOL_UDP};
    static const char *const many[] = {"10.0.0.255", "255.255.255.255", "224.0.0.251"};
    for (unsigned i = 0; i < 3; i++) {
        struct address all = packet_address(many[i]);
        packet_udp(&packet, &theirs, 1, &all, 53, "x", 1, true);
        assert_int_equal(owner_of(packet.bytes, packet.length), SHARE_ALL);
    }
    assert_true(share_owns_datagram(&share, &whole)); /* which is not to_unicast */
}

/* Security rule 1: truncated at every byte. The stack will say what is wrong with it. */
static void unsound_packet_stays_where_it_came(void **state)
{
    (void)state;
    udp_owner(1, 53);
    for (size_t length = 0; length < packet.length; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        assert_non_null(cut);
        memcpy(cut, packet.bytes, length);
        assert_int_equal(owner_of(cut, length), SHARE_ANY);
        free(cut);
    }
    for (uint32_t length = 0; length < 4; length++) { /* sound, and too short for ports */
        udp_owner(1, 53);
        ipv4_header_cut(packet.bytes, IPV4_HEADER_MIN + length, 0);
        assert_int_equal(owner_of(packet.bytes, IPV4_HEADER_MIN + length), SHARE_ANY);
    }
}

static void who_is_alone_owns_all(void **state)
{
    (void)state;
    struct share alone = {0};
    struct endpoint local = {ours, 80}, remote = {theirs, 80};
    struct packet_in whole = {.protocol = IP_PROTOCOL_UDP};
    udp_owner(1, 53);
    assert_int_equal(share_of_packet(&alone, &interface, packet.bytes, packet.length), SHARE_ANY);
    assert_true(share_owns_datagram(&alone, &whole));
    assert_true(share_owns_port(&alone, 1));
    assert_true(share_owns_identifier(&alone, 1));
    assert_true(share_owns_flow(&alone, IP_PROTOCOL_TCP, &local, &remote));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_to_a_low_port_are_spread_evenly_and_stay),
        cmocka_unit_test(only_the_key_tells_where_a_flow_goes),
        cmocka_unit_test(high_port_belongs_to_one_stack_whoever_sends),
        cmocka_unit_test(what_a_stack_owns_is_what_comes_to_it),
        cmocka_unit_test(icmp_error_goes_to_whose_packet_it_quotes),
        cmocka_unit_test(icmp_error_that_quotes_too_little_is_anybody_s),
        cmocka_unit_test(echo_replies_go_by_their_identifier),
        cmocka_unit_test(fragments_are_everybody_s_and_the_whole_is_one_s),
        cmocka_unit_test(whole_datagram_that_is_anybody_s_has_one_owner),
        cmocka_unit_test(broadcast_is_everybody_s),
        cmocka_unit_test(unsound_packet_stays_where_it_came),
        cmocka_unit_test(who_is_alone_owns_all),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
