#include "machine.h"

#include "base/time.h"
#include "common/allocation.h"
#include "ip/internal.h"
#include "wire/udp.h"

enum { TEST_PROTOCOL = 253, UNKNOWN_PROTOCOL = 252 };

static struct {
    unsigned packets;
    struct packet_in last;
    struct ipv4_header header;
    uint8_t payload[65536];
} seen;

static enum drop_reason take(struct stack *stack, const struct packet_in *packet)
{
    (void)stack;
    seen.packets++;
    seen.last = *packet;
    memcpy(seen.payload, packet->payload, packet->payload_length);
    /* The header before the payload is that of a sound, whole packet. */
    assert_ptr_equal(packet->header + packet->header_length, packet->payload);
    assert_int_equal(ipv4_parse(packet->header, packet->header_length + packet->payload_length,
                                false, &seen.header),
                     IPV4_OK);
    return DROP_NONE;
}

static uint8_t data[65536];

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    memset(&seen, 0, sizeof seen);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 29 + i / 253);
    assert_int_equal(ip_attach(&m->stack), 0);
    m->stack.protocols[TEST_PROTOCOL].input = take;
    return m;
}

static struct ipv4_header from(uint32_t source, uint16_t identification)
{
    struct ipv4_header header = header_between(source, MACHINE_ADDRESS, TEST_PROTOCOL);
    header.identification = identification;
    return header;
}

/* The fragment of `data` that holds [start, end). */
static enum drop_reason fragment_of(struct machine *m, struct ipv4_header header, uint32_t start,
                                    uint32_t end, bool more)
{
    struct test_packet packet;
    header.fragment_offset = (uint16_t)start;
    header.more_fragments = more;
    packet_make(&packet, header, data + start, end - start);
    return machine_input(m, packet.bytes, packet.length);
}

static enum drop_reason fragment(struct machine *m, uint32_t start, uint32_t end, bool more)
{
    return fragment_of(m, from(PEER_ADDRESS, 7), start, end, more);
}

static const struct reassembly *reassembly_of(const struct machine *m)
{
    return &ip_of(&m->stack)->reassembly;
}

static void assert_whole(uint32_t length)
{
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.last.payload_length, length);
    assert_memory_equal(seen.payload, data, length);
    assert_false(seen.header.more_fragments);
    assert_int_equal(seen.header.fragment_offset, 0);
    assert_int_equal(seen.header.total_length, 20 + length);
}

/* RFC 791 §3.2: whatever the order. */
static void fragments_in_any_order_become_the_datagram(void **state)
{
    (void)state;
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        struct machine *m = machine_with_ip();
        for (size_t j = 0; j < 3; j++) {
            uint32_t start = orders[i][j] * 1480u, end = orders[i][j] == 2 ? 3001 : start + 1480;
            assert_int_equal(fragment(m, start, end, orders[i][j] < 2), DROP_NONE);
        }
        assert_whole(3001);
        assert_int_equal(machine_counter(m, "IpReasmReqds"), 3);
        assert_int_equal(machine_counter(m, "IpReasmOKs"), 1);
        assert_int_equal(m->stack.memory_used_bytes, 0);
        assert_int_equal(stack_deadline(&m->stack), TIME_NEVER);
        machine_free(m);
    }
}

static void largest_datagram_there_can_be_is_taken(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    for (uint32_t start = 0; start < 65515; start += 1480)
        assert_int_equal(
            fragment(m, start, start + 1480 < 65515 ? start + 1480 : 65515, start + 1480 < 65515),
            DROP_NONE);
    assert_whole(65515);
    machine_free(m);
}

static void datagrams_are_told_apart_by_all_four_fields(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct address second = address_from_ipv4(0x0a000009);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    struct ipv4_header other = from(PEER_ADDRESS, 7);
    assert_int_equal(fragment(m, 0, 8, true), DROP_NONE);
    assert_int_equal(fragment_of(m, from(PEER_ADDRESS, 8), 8, 16, false), DROP_NONE);
    assert_int_equal(fragment_of(m, from(PEER_ADDRESS + 9, 7), 8, 16, false), DROP_NONE);
    other.protocol = UNKNOWN_PROTOCOL;
    assert_int_equal(fragment_of(m, other, 8, 16, false), DROP_NONE);
    other = from(PEER_ADDRESS, 7);
    other.destination = second;
    assert_int_equal(fragment_of(m, other, 8, 16, false), DROP_NONE);
    assert_int_equal(seen.packets, 0);
    assert_int_equal(fragment(m, 8, 16, false), DROP_NONE);
    assert_whole(16);
    machine_free(m);
}

static void header_is_that_of_fragment_zero(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct ipv4_header header = from(PEER_ADDRESS, 7);
    header.time_to_live = 20;
    assert_int_equal(fragment_of(m, header, 8, 16, false), DROP_NONE);
    header.time_to_live = 30;
    header.more_fragments = true;
    memcpy(data, "\1\1\1\1", 4); /* four NOPs as options, and their eight bytes of data */
    packet_make(&packet, header, data, 12);
    packet.bytes[0] = 0x46;
    memcpy(packet.bytes + 24, data, 8);
    packet_fix_header_checksum(&packet);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.last.header_length, 24);
    assert_int_equal(seen.last.hop_limit, 30);
    assert_int_equal(seen.last.payload_length, 16);
    assert_memory_equal(seen.payload, data, 16);
    machine_free(m);
}

static void same_fragment_twice_does_no_harm(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(fragment(m, 0, 800, true), DROP_NONE);
    assert_int_equal(fragment(m, 0, 800, true), DROP_NONE);
    assert_int_equal(fragment(m, 80, 160, true), DROP_NONE);
    assert_int_equal(fragment(m, 1600, 2000, false), DROP_NONE);
    assert_int_equal(fragment(m, 1600, 2000, false), DROP_NONE);
    assert_int_equal(fragment(m, 800, 1600, true), DROP_NONE);
    assert_whole(2000);
    machine_free(m);
}

/* RFC 5722 §4, security rule 4: the datagram goes, and its other fragments with it. */
static void overlap_condemns_the_datagram(void **state)
{
    (void)state;
    static const uint32_t overlaps[][2] = {{0, 160},   {72, 160}, {72, 80}, {80, 88},
                                           {152, 240}, {0, 240},  {88, 96}};
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        struct machine *m = machine_with_ip();
        assert_int_equal(fragment(m, 80, 160, true), DROP_NONE);
        for (size_t j = 0; j < sizeof data; j++)
            data[j] ^= 0x55; /* the same place, other bytes */
        bool apart = overlaps[i][1] <= 80;
        assert_int_equal(fragment(m, overlaps[i][0], overlaps[i][1], true),
                         apart ? DROP_NONE : DROP_IP_FRAGMENT);
        assert_int_equal(fragment(m, 240, 300, false), apart ? DROP_NONE : DROP_IP_FRAGMENT);
        if (!apart) {
            assert_int_equal(fragment(m, 0, 80, true), DROP_IP_FRAGMENT);
            assert_int_equal(fragment(m, 160, 240, true), DROP_IP_FRAGMENT);
            assert_int_equal(machine_counter(m, "IpReasmFails"), 1);
        }
        assert_int_equal(seen.packets, 0);
        assert_int_equal(m->sent_count, 0);
        machine_free(m);
    }
}

static void ends_that_disagree_condemn_the_datagram(void **state)
{
    (void)state;
    static const struct {
        uint32_t start, end;
        bool more;
    } cases[] = {{1600, 1608, true}, {1600, 1608, false}, {1400, 1500, false}, {1520, 1600, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct machine *m = machine_with_ip();
        assert_int_equal(fragment(m, 1520, 1600, false), DROP_NONE);
        assert_int_equal(fragment(m, cases[i].start, cases[i].end, cases[i].more),
                         DROP_IP_FRAGMENT);
        assert_int_equal(fragment(m, 0, 1520, true), DROP_IP_FRAGMENT);
        assert_int_equal(seen.packets, 0);
        machine_free(m);
    }
}

static void end_before_what_has_come_condemns_the_datagram(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(fragment(m, 800, 1600, true), DROP_NONE);
    assert_int_equal(fragment(m, 8, 400, false), DROP_IP_FRAGMENT);
    machine_free(m);
}

static void malformed_fragments_are_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(fragment(m, 0, 9, true), DROP_IP_FRAGMENT); /* not a multiple of eight */
    assert_int_equal(fragment(m, 8, 8, true), DROP_IP_FRAGMENT); /* nothing in it */
    assert_int_equal(fragment(m, 8, 8, false), DROP_IP_FRAGMENT);
    assert_int_equal(fragment(m, 65528, 65536, false), DROP_IP_FRAGMENT); /* ping of death */
    assert_int_equal(fragment(m, 65512, 65516, false), DROP_IP_FRAGMENT);
    assert_int_equal(reassembly_of(m)->count, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

/* RFC 1122 §3.3.2. */
static void missing_fragments_time_out_and_the_sender_is_told(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct icmp_message message;
    assert_int_equal(fragment(m, 0, 400, true), DROP_NONE);
    assert_int_equal(fragment(m, 800, 1000, false), DROP_NONE);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(60) - 1);
    assert_int_equal(m->sent_count, 0);
    stack_advance(&m->stack, m->stack.now_ns + 1);
    assert_int_equal(m->sent_count, 1);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.type, ICMP_TIME_EXCEEDED);
    assert_int_equal(message.code, ICMP_TIME_EXCEEDED_REASSEMBLY);
    assert_int_equal(message.body_length, 420);
    assert_memory_equal(message.body + 20, data, 400);
    struct ipv4_header quoted;
    assert_int_equal(ipv4_parse_quoted(message.body, message.body_length, &quoted), IPV4_OK);
    assert_true(quoted.more_fragments);
    assert_int_equal(quoted.identification, 7);
    assert_int_equal(machine_counter(m, "IpReasmTimeout"), 1);
    assert_int_equal(machine_counter(m, "DropIP_REASSEMBLY_TIMEOUT"), 1);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    assert_int_equal(fragment(m, 400, 800, true), DROP_NONE); /* too late: begins anew */
    assert_int_equal(seen.packets, 0);
    machine_free(m);
}

/* Whatever a link says of it, a fragment is not several datagrams: what is quoted of it is as it
 * came. */
static void fragment_said_to_be_a_super_datagram_is_quoted_whole(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header header = from(PEER_ADDRESS, 7);
    const struct tern_offload offload = {.segment_size = 100,
                                         .header_length = 28,
                                         .checksum_start = 20,
                                         .checksum_offset = UDP_CHECKSUM_OFFSET,
                                         .flags = TERN_OFFLOAD_CHECKSUM};
    struct test_packet packet;
    struct icmp_message message;
    header.protocol = IP_PROTOCOL_UDP;
    header.more_fragments = true;
    packet_make(&packet, header, data, 400);
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload), DROP_NONE);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(60));
    assert_int_equal(m->sent_count, 1);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.body_length, packet.length);
    assert_memory_equal(message.body, packet.bytes, packet.length);
    machine_free(m);
}

static void without_fragment_zero_nobody_is_told(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(setting_set(&m->stack.settings, "ip.reassembly_ms", "1000"), 0);
    assert_int_equal(fragment(m, 8, 400, true), DROP_NONE);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(1));
    assert_int_equal(reassembly_of(m)->count, 0);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void condemned_datagram_is_forgotten_in_time_without_a_word(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(fragment(m, 0, 80, true), DROP_NONE);
    data[0] ^= 1;
    assert_int_equal(fragment(m, 0, 80, true), DROP_IP_FRAGMENT);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(60));
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(fragment(m, 0, 80, true), DROP_NONE);
    assert_int_equal(fragment(m, 80, 90, false), DROP_NONE);
    assert_int_equal(seen.packets, 1);
    machine_free(m);
}

/* RFC 3168 §5.3. */
static void congestion_mark_on_any_fragment_marks_the_datagram(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, second;
        enum drop_reason reason;
        uint8_t result;
    } cases[] = {
        {ECN_NOT_ECT, ECN_NOT_ECT, DROP_NONE, ECN_NOT_ECT},
        {ECN_ECT0, ECN_ECT0, DROP_NONE, ECN_ECT0},
        {ECN_ECT0, ECN_CE, DROP_NONE, ECN_CE},
        {ECN_CE, ECN_ECT0, DROP_NONE, ECN_CE},
        {ECN_ECT1, ECN_CE, DROP_NONE, ECN_CE},
        {ECN_CE, ECN_NOT_ECT, DROP_IP_FRAGMENT, 0},
        {ECN_NOT_ECT, ECN_CE, DROP_IP_FRAGMENT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct machine *m = machine_with_ip();
        struct ipv4_header header = from(PEER_ADDRESS, 7);
        header.traffic_class = 0x10 | cases[i].first;
        assert_int_equal(fragment_of(m, header, 0, 8, true), DROP_NONE);
        header.traffic_class = 0x20 | cases[i].second;
        assert_int_equal(fragment_of(m, header, 8, 16, false), cases[i].reason);
        assert_int_equal(seen.packets, cases[i].reason == DROP_NONE);
        if (seen.packets)
            assert_int_equal(seen.last.traffic_class, 0x10 | cases[i].result);
        assert_int_equal(m->stack.memory_used_bytes, 0);
        machine_free(m);
    }
}

static void whole_datagram_meets_the_same_rules_as_any_packet(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header header = from(PEER_ADDRESS, 7);
    struct icmp_message message;
    header.protocol = UNKNOWN_PROTOCOL;
    assert_int_equal(fragment_of(m, header, 0, 80, true), DROP_NONE);
    assert_int_equal(fragment_of(m, header, 80, 100, false), DROP_IP_PROTOCOL);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.code, ICMP_UNREACHABLE_PROTOCOL);
    assert_int_equal(message.body_length, 120);
    machine_free(m);
}

/* Security rule 17. */
static void table_s_hash_is_keyed(void **state)
{
    (void)state;
    uint32_t hash[2];
    for (int i = 0; i < 2; i++) {
        struct machine *m = machine_with_ip();
        m->stack.hash_key.words[1] ^= (uint64_t)i;
        fragment_of(m, from(PEER_ADDRESS, 1), 0, 8, true);
        hash[i] = only_hash_in(&ip_of(&m->stack)->reassembly.table);
        machine_free(m);
    }
    assert_int_not_equal(hash[0], hash[1]);
}

/* Security rule 4: a limit on fragments. */
static void too_many_fragments_end_the_datagram(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    uint32_t start = 0;
    enum drop_reason reason = DROP_NONE;
    for (; reason == DROP_NONE && start < 40000; start += 16)
        reason = fragment(m, start, start + 8, true);
    assert_int_equal(reason, DROP_IP_REASSEMBLY_LIMIT);
    assert_int_equal(start / 16, LIMIT_REASSEMBLY_FRAGMENTS + 1);
    assert_int_equal(reassembly_of(m)->count, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

/* Security rules 4 and 16: a flood of fragments, each of a datagram of its own, stays within the
 * limits of number and bytes and does not displace what another source has begun. */
static void flood_displaces_only_its_own(void **state)
{
    (void)state;
    static const uint32_t places[] = {0, 65480};
    for (size_t i = 0; i < 2; i++) {
        struct machine *m = machine_with_ip();
        assert_int_equal(fragment(m, 0, 1480, true), DROP_NONE);
        for (uint32_t n = 0; n < 5000; n++) {
            uint32_t end = places[i] + 8;
            assert_int_equal(fragment_of(m, from(0x0a0000c8, (uint16_t)n), places[i], end, true),
                             DROP_NONE);
            assert_true(reassembly_of(m)->count <= LIMIT_REASSEMBLIES);
            assert_true(reassembly_of(m)->bytes <= LIMIT_REASSEMBLY_BYTES);
            assert_int_equal(m->stack.memory_used_bytes, reassembly_of(m)->bytes);
        }
        assert_true(machine_counter(m, "IpReasmFails") > 4000);
        assert_int_equal(fragment(m, 1480, 2000, false), DROP_NONE);
        assert_whole(2000);
        machine_free(m);
    }
}

/* Whatever comes in whatever order, the accounts agree with what is held, and nothing is left. */
static void accounts_balance_under_random_fragments(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct random random;
    random_seed_number(&random, 42);
    for (unsigned i = 0; i < 50000; i++) {
        uint32_t start = random_below(&random, 200) * 8, length = 8 + random_below(&random, 40) * 8;
        bool more = random_below(&random, 8) > 0;
        struct ipv4_header header =
            from(PEER_ADDRESS + random_below(&random, 5), (uint16_t)random_below(&random, 50));
        header.traffic_class = (uint8_t)random_below(&random, 4);
        fragment_of(m, header, start, start + length, more);
        uint32_t shares = 0;
        for (unsigned j = 0; j < REASSEMBLY_SHARES; j++)
            shares += reassembly_of(m)->shares[j];
        assert_int_equal(shares, reassembly_of(m)->bytes);
        assert_int_equal(m->stack.memory_used_bytes, shares);
        assert_int_equal(reassembly_of(m)->count, reassembly_of(m)->table.count);
        if (i % 100 == 0)
            stack_advance(&m->stack, m->stack.now_ns + TIME_S(1));
    }
    assert_true(seen.packets > 0);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(61));
    assert_int_equal(reassembly_of(m)->count, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

/* Security rule 4: however many sources there are, together they stay within the limit. */
static void many_sources_share_the_memory(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    for (uint32_t n = 0; n < 2000; n++) {
        fragment_of(m, from(0x0b000000 + n, 1), 65480, 65488, true);
        assert_true(reassembly_of(m)->bytes <= LIMIT_REASSEMBLY_BYTES);
    }
    assert_true(reassembly_of(m)->count > 20);
    assert_int_equal(fragment(m, 0, 1480, true), DROP_NONE);
    assert_int_equal(fragment(m, 1480, 2000, false), DROP_NONE);
    assert_whole(2000);
    machine_free(m);
}

/* The options that only fragment zero shows may make the whole too long. */
static void datagram_longer_than_there_can_be_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct ipv4_header header = from(PEER_ADDRESS, 7);
    for (uint32_t start = 1480; start < 65515; start += 1480)
        assert_int_equal(
            fragment(m, start, start + 1480 < 65515 ? start + 1480 : 65515, start + 1480 < 65515),
            DROP_NONE);
    header.more_fragments = true;
    packet_make(&packet, header, data, 4 + 1480);
    memcpy(packet.bytes + 20, "\1\1\1\1", 4);
    packet.bytes[0] = 0x46;
    packet_fix_header_checksum(&packet);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_IP_FRAGMENT);
    assert_int_equal(seen.packets, 0);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    machine_free(m);
}

static void exhausted_memory_loses_the_datagram_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned successes = 1; successes < 6; successes++) {
        struct machine *m = machine_with_ip();
        allocations_fail_after(successes); /* the first is the test's own */
        enum drop_reason reason = fragment(m, 0, 8, true);
        allocations_succeed();
        if (reason == DROP_NONE) {
            assert_int_equal(fragment(m, 8, 16, false), DROP_NONE);
            assert_whole(16);
        } else {
            assert_int_equal(reason, DROP_NO_MEMORY);
        }
        assert_int_equal(successes < 4, reason != DROP_NONE);
        assert_int_equal(m->stack.memory_used_bytes, 0);
        assert_int_equal(reassembly_of(m)->count, 0);
        machine_free(m);
    }
}

/* Stacks with one address all get all fragments (core/share.h). */
static void datagram_of_another_stack_s_share_is_reassembled_for_nothing(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct machine *m = machine_with_ip();
        m->stack.share = (struct share){.index = i, .count = 3};
        struct ipv4_header header = from(PEER_ADDRESS, 1);
        assert_int_equal(fragment_of(m, header, 0, 800, true), DROP_NONE);
        enum drop_reason reason = fragment_of(m, header, 800, 1000, false);
        assert_int_equal(reason, seen.packets ? DROP_NONE : DROP_NOT_OUR_SHARE);
        taken += seen.packets;
        machine_free(m);
    }
    assert_int_equal(taken, 1);
}

static void only_the_owner_tells_that_fragments_are_missing(void **state)
{
    (void)state;
    unsigned told = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct machine *m = machine_with_ip();
        m->stack.share = (struct share){.index = i, .count = 3};
        assert_int_equal(fragment_of(m, from(PEER_ADDRESS, 1), 0, 800, true), DROP_NONE);
        stack_advance(&m->stack, m->stack.now_ns + TIME_S(61));
        told += m->sent_count;
        machine_free(m);
    }
    assert_int_equal(told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_s_hash_is_keyed),
        cmocka_unit_test(fragments_in_any_order_become_the_datagram),
        cmocka_unit_test(largest_datagram_there_can_be_is_taken),
        cmocka_unit_test(datagrams_are_told_apart_by_all_four_fields),
        cmocka_unit_test(header_is_that_of_fragment_zero),
        cmocka_unit_test(same_fragment_twice_does_no_harm),
        cmocka_unit_test(overlap_condemns_the_datagram),
        cmocka_unit_test(ends_that_disagree_condemn_the_datagram),
        cmocka_unit_test(end_before_what_has_come_condemns_the_datagram),
        cmocka_unit_test(malformed_fragments_are_dropped),
        cmocka_unit_test(missing_fragments_time_out_and_the_sender_is_told),
        cmocka_unit_test(fragment_said_to_be_a_super_datagram_is_quoted_whole),
        cmocka_unit_test(without_fragment_zero_nobody_is_told),
        cmocka_unit_test(condemned_datagram_is_forgotten_in_time_without_a_word),
        cmocka_unit_test(congestion_mark_on_any_fragment_marks_the_datagram),
        cmocka_unit_test(whole_datagram_meets_the_same_rules_as_any_packet),
        cmocka_unit_test(too_many_fragments_end_the_datagram),
        cmocka_unit_test(flood_displaces_only_its_own),
        cmocka_unit_test(accounts_balance_under_random_fragments),
        cmocka_unit_test(many_sources_share_the_memory),
        cmocka_unit_test(datagram_longer_than_there_can_be_is_dropped),
        cmocka_unit_test(exhausted_memory_loses_the_datagram_and_nothing_else),
        cmocka_unit_test(datagram_of_another_stack_s_share_is_reassembled_for_nothing),
        cmocka_unit_test(only_the_owner_tells_that_fragments_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
