#include "machine.h"

#include "base/time.h"
#include "ip/ip.h"

enum { TEST_PROTOCOL = 253, UNKNOWN_PROTOCOL = 252 };

static struct {
    unsigned errors;
    struct path_error last;
    uint8_t payload[64];
} told;

static enum drop_reason note_error(struct stack *stack, const struct path_error *error)
{
    (void)stack;
    told.errors++;
    told.last = *error;
    assert_true(error->payload_length <= sizeof told.payload);
    memcpy(told.payload, error->payload, error->payload_length);
    return DROP_NONE;
}

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    memset(&told, 0, sizeof told);
    assert_int_equal(ip_attach(&m->stack), 0);
    m->stack.protocols[TEST_PROTOCOL].error = note_error;
    return m;
}

/* ── Sent ── */

static struct icmp_message sent_message(const struct machine *m, unsigned index)
{
    struct icmp_message message;
    assert_int_equal(sent_header(m, index).protocol, IP_PROTOCOL_ICMP);
    assert_true(icmp_parse(sent_payload(m, index), sent_payload_length(m, index), &message));
    return message;
}

/* A packet of a protocol that nobody speaks: the simplest that asks for an error. */
static enum drop_reason unknown_arrives(struct machine *m, struct ipv4_header header, size_t length)
{
    static uint8_t payload[2000];
    struct test_packet packet;
    header.protocol = UNKNOWN_PROTOCOL;
    packet_make(&packet, header, payload, length);
    return machine_input(m, packet.bytes, packet.length);
}

static struct ipv4_header to_us(void)
{
    return header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0);
}

/* RFC 1122 §3.2.2 and RFC 1812 §4.3.2.3: at least header and eight bytes, up to 576 in all. */
static void error_quotes_as_much_as_fits_in_576_bytes(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    unknown_arrives(m, to_us(), 8);
    unknown_arrives(m, to_us(), 528);
    unknown_arrives(m, to_us(), 1400);
    assert_int_equal(sent_message(m, 0).body_length, 28);
    assert_int_equal(m->sent[1].length, 576);
    assert_int_equal(m->sent[2].length, 576);
    struct ipv4_header header = sent_header(m, 0);
    assert_int_equal(address_to_ipv4(&header.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&header.destination), PEER_ADDRESS);
    assert_int_equal(machine_counter(m, "IcmpOutDestUnreachs"), 3);
    machine_free(m);
}

/* RFC 1122 §3.2.2, whatever that of the packet; the precedence is RFC 1812 §4.3.2.5's. */
static void error_has_a_normal_type_of_service(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header header = to_us();
    header.traffic_class = 0x1f;
    unknown_arrives(m, header, 8);
    assert_int_equal(sent_header(m, 0).traffic_class, 6 << 5);
    machine_free(m);
}

/* The same packet with so many bytes of IP options, which mean nothing. */
static void with_options(const struct test_packet *plain, struct test_packet *out, size_t options)
{
    struct writer w = writer_over(out->bytes + 2, 2);
    memcpy(out->bytes, plain->bytes, 20);
    memset(out->bytes + 20, 1, options);
    memcpy(out->bytes + 20 + options, plain->bytes + 20, plain->length - 20);
    out->length = plain->length + options;
    out->bytes[0] = (uint8_t)(0x45 + options / 4);
    writer_u16(&w, (uint16_t)out->length);
    packet_fix_header_checksum(out);
}

/* What came from this very host, its checksum left to the link, is quoted as from a wire. */
static void unfinished_checksum_is_finished_in_the_quotation(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 600};
    for (size_t i = 0; i < 2; i++) {
        struct machine *m = machine_with_ip();
        struct test_packet whole, unfinished;
        static uint8_t bytes[600] = {1, 2, 3};
        struct tern_offload offload = {
            .flags = TERN_OFFLOAD_CHECKSUM, .checksum_start = 20, .checksum_offset = 6};
        packet_make_udp(&whole, to_us(), 1, 2, bytes, lengths[i]);
        unfinished = whole;
        struct address source = address_from_ipv4(PEER_ADDRESS),
                       destination = address_from_ipv4(MACHINE_ADDRESS);
        struct checksum sum =
            ip_pseudo_header(&source, &destination, IP_PROTOCOL_UDP, (uint32_t)(8 + lengths[i]));
        struct writer w = writer_over(unfinished.bytes + 26, 2);
        writer_u16(&w, checksum_fold(&sum));
        assert_memory_not_equal(whole.bytes, unfinished.bytes, 28);
        assert_int_equal(machine_input_offloaded(m, unfinished.bytes, unfinished.length, &offload),
                         DROP_IP_PROTOCOL);
        struct icmp_message message = sent_message(m, 0);
        assert_memory_equal(message.body, whole.bytes, message.body_length);
        offload.checksum_offset = 0xffff; /* nonsense from a link does no harm */
        machine_input_offloaded(m, unfinished.bytes, unfinished.length, &offload);
        machine_free(m);
    }
}

/* Of several datagrams that came as one packet the first is quoted, as from a wire; also behind IP
 * options. */
static void first_datagram_of_one_packet_is_quoted(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {3, 600};
    static uint8_t bytes[1300] = {1, 2, 3, 4};
    enum { OPTIONS = 4 };
    for (size_t i = 0; i < 4; i++) {
        struct machine *m = machine_with_ip();
        struct test_packet first, super, plain;
        const uint16_t size = sizes[i / 2], options = i % 2 ? OPTIONS : 0;
        struct address source = address_from_ipv4(PEER_ADDRESS),
                       destination = address_from_ipv4(MACHINE_ADDRESS);
        struct tern_offload offload = {.segment_size = size,
                                       .checksum_start = (uint16_t)(20 + options),
                                       .checksum_offset = 6,
                                       .flags = TERN_OFFLOAD_CHECKSUM};
        packet_make_udp(&first, to_us(), 1, 2, bytes, size);
        packet_make_udp(&plain, to_us(), 1, 2, bytes, sizeof bytes);
        struct checksum sum =
            ip_pseudo_header(&source, &destination, IP_PROTOCOL_UDP, (uint32_t)(8 + sizeof bytes));
        struct writer w = writer_over(plain.bytes + 26, 2);
        writer_u16(&w, checksum_fold(&sum));
        with_options(&plain, &super, options);
        assert_int_equal(machine_input_offloaded(m, super.bytes, super.length, &offload),
                         DROP_IP_PROTOCOL);
        with_options(&first, &super, options);
        struct icmp_message message = sent_message(m, 0);
        assert_int_equal(message.body_length, super.length < 548 ? super.length : 548);
        assert_memory_equal(message.body, super.bytes, message.body_length);
        machine_free(m);
    }
}

/* RFC 768: as on a wire it would not be 0, where the sum is. */
static void checksum_of_zero_is_quoted_as_ones(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    struct tern_offload offload = {
        .checksum_start = 20, .checksum_offset = 6, .flags = TERN_OFFLOAD_CHECKSUM};
    uint8_t payload[2] = {0};
    packet_make_udp(&packet, to_us(), 1, 2, payload, sizeof payload);
    memcpy(packet.bytes + 28, packet.bytes + 26, 2); /* takes the sum up to all ones */
    struct address source = address_from_ipv4(PEER_ADDRESS),
                   destination = address_from_ipv4(MACHINE_ADDRESS);
    struct checksum sum = ip_pseudo_header(&source, &destination, IP_PROTOCOL_UDP, 10);
    struct writer w = writer_over(packet.bytes + 26, 2);
    writer_u16(&w, checksum_fold(&sum));
    machine_input_offloaded(m, packet.bytes, packet.length, &offload);
    static const uint8_t ones[] = {0xff, 0xff};
    assert_memory_equal(sent_message(m, 0).body + 26, ones, 2);
    machine_free(m);
}

/* RFC 1122 §3.2.2: the cases that MUST NOT be reported. */
static void no_error_about_an_icmp_error(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct packet_in in = {.interface = m->interface,
                           .source = address_from_ipv4(PEER_ADDRESS),
                           .destination = address_from_ipv4(MACHINE_ADDRESS),
                           .protocol = IP_PROTOCOL_ICMP,
                           .to_unicast = true};
    uint8_t bytes[28] = {0x45};
    in.header = bytes;
    in.header_length = 20;
    in.payload = bytes + 20;
    for (unsigned type = 0; type < 256; type++) {
        bytes[20] = (uint8_t)type;
        in.payload_length = 8;
        ip_report_unreachable(&m->stack, &in, PATH_ERROR_PROTOCOL);
        assert_int_equal(m->sent_count, !icmp_is_error((uint8_t)type));
        machine_clear(m);
        stack_advance(&m->stack, m->stack.now_ns + TIME_S(1));
    }
    in.payload_length = 0;
    ip_report_unreachable(&m->stack, &in, PATH_ERROR_PROTOCOL);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void no_error_about_a_broadcast(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(unknown_arrives(m, header_between(PEER_ADDRESS, 0x0a0000ff, 0), 8),
                     DROP_IP_PROTOCOL);
    assert_int_equal(unknown_arrives(m, header_between(PEER_ADDRESS, 0xffffffff, 0), 8),
                     DROP_IP_PROTOCOL);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(machine_counter(m, "IcmpOutMsgs"), 0); /* it was not even tried */
    machine_free(m);
}

static void no_error_to_a_source_that_is_no_host(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    static const uint32_t sources[] = {0, 0x7f000001, 0xe0000001, 0xffffffff, 0x0a0000ff};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        assert_int_equal(unknown_arrives(m, header_between(sources[i], MACHINE_ADDRESS, 0), 8),
                         DROP_IP_SOURCE);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void no_error_about_a_later_fragment(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header header = to_us();
    header.fragment_offset = 8;
    assert_int_equal(unknown_arrives(m, header, 8), DROP_NONE);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static unsigned errors_sent_for(struct machine *m, unsigned packets)
{
    machine_clear(m);
    for (unsigned i = 0; i < packets; i++)
        unknown_arrives(m, to_us(), 8);
    return m->sent_count;
}

/* RFC 1812 §4.3.2.8, security rule 8. */
static void errors_are_limited_in_rate(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_in_range(errors_sent_for(m, 1000), LIMIT_ICMP_BURST / 2, LIMIT_ICMP_BURST * 2);
    assert_int_equal(errors_sent_for(m, 10), 0);
    assert_true(machine_counter(m, "IcmpOutRateLimited") > 900);
    unsigned sent = 0;
    for (unsigned ms = 0; ms < 1000; ms++) {
        stack_advance(&m->stack, m->stack.now_ns + TIME_MS(1));
        sent += errors_sent_for(m, 5);
    }
    assert_in_range(sent, LIMIT_ICMP_PER_SECOND * 8 / 10, LIMIT_ICMP_PER_SECOND * 12 / 10);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(100));
    assert_in_range(errors_sent_for(m, 1000), LIMIT_ICMP_BURST / 2, LIMIT_ICMP_BURST * 2);
    machine_free(m);
}

/* CVE-2020-25705: how many fit in a burst cannot be known beforehand. */
static void limit_is_not_the_same_twice(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    unsigned first = 0, different = 0;
    for (unsigned i = 0; i < 20; i++) {
        stack_advance(&m->stack, m->stack.now_ns + TIME_S(1));
        unsigned sent = errors_sent_for(m, 200);
        if (i == 0)
            first = sent;
        different += sent != first;
    }
    assert_true(different > 5);
    machine_free(m);
}

/* ── Arrived ── */

/* An error about a packet from `source` to `destination`; `tail` bytes of it are quoted behind the
 * header. */
static enum drop_reason error_arrives(struct machine *m, uint8_t type, uint8_t code, uint16_t mtu,
                                      struct ipv4_header about, size_t tail)
{
    struct test_packet quoted, packet;
    packet_make(&quoted, about, "0123456789abcdef", 16);
    struct icmp_message message = {.type = type,
                                   .code = code,
                                   .mtu = mtu,
                                   .body = quoted.bytes,
                                   .body_length = IPV4_HEADER_MIN + tail};
    struct ipv4_header around = header_between(0x0a000001, MACHINE_ADDRESS, 0);
    around.time_to_live = 61;
    around.traffic_class = 0xc0;
    packet_make_icmp(&packet, around, message);
    return machine_input(m, packet.bytes, packet.length);
}

static struct ipv4_header ours(void)
{
    return header_between(MACHINE_ADDRESS, PEER_ADDRESS, TEST_PROTOCOL);
}

static void error_reaches_the_protocol_it_is_about(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(
        error_arrives(m, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 1400, ours(), 8),
        DROP_NONE);
    assert_int_equal(told.errors, 1);
    assert_int_equal(told.last.kind, PATH_ERROR_TOO_BIG);
    assert_int_equal(told.last.mtu, 1400);
    assert_int_equal(address_to_ipv4(&told.last.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&told.last.destination), PEER_ADDRESS);
    assert_int_equal(address_to_ipv4(&told.last.reporter), 0x0a000001);
    assert_int_equal(told.last.payload_length, 8);
    assert_memory_equal(told.payload, "01234567", 8);
    assert_int_equal(told.last.icmp_type, ICMP_UNREACHABLE);
    assert_int_equal(told.last.icmp_code, ICMP_UNREACHABLE_FRAGMENTATION);
    assert_int_equal(told.last.hop_limit, 61);
    assert_int_equal(told.last.traffic_class, 0xc0);
    machine_free(m);
}

static void codes_become_kinds(void **state)
{
    (void)state;
    static const enum path_error_kind unreachable[] = {
        PATH_ERROR_NETWORK, PATH_ERROR_HOST,    PATH_ERROR_PROTOCOL, PATH_ERROR_PORT,
        PATH_ERROR_TOO_BIG, PATH_ERROR_NETWORK, PATH_ERROR_NETWORK,  PATH_ERROR_HOST,
        PATH_ERROR_HOST,    PATH_ERROR_ADMIN,   PATH_ERROR_ADMIN,    PATH_ERROR_NETWORK,
        PATH_ERROR_HOST,    PATH_ERROR_ADMIN,   PATH_ERROR_ADMIN,    PATH_ERROR_ADMIN,
        PATH_ERROR_NETWORK,
    };
    struct machine *m = machine_with_ip();
    for (uint8_t code = 0; code < sizeof unreachable / sizeof unreachable[0]; code++) {
        assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, code, 0, ours(), 8), DROP_NONE);
        assert_int_equal(told.last.kind, unreachable[code]);
        assert_int_equal(told.last.mtu, 0);
    }
    assert_int_equal(error_arrives(m, ICMP_TIME_EXCEEDED, 0, 0, ours(), 8), DROP_NONE);
    assert_int_equal(told.last.kind, PATH_ERROR_TIME_EXCEEDED);
    assert_int_equal(error_arrives(m, ICMP_PARAMETER_PROBLEM, 0, 0, ours(), 8), DROP_NONE);
    assert_int_equal(told.last.kind, PATH_ERROR_PARAMETER);
    machine_free(m);
}

/* Routers cut the quotation and may have spoilt its checksum: neither matters. */
static void quotation_may_be_cut_and_its_checksum_wrong(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet quoted, packet;
    packet_make(&quoted, ours(), "0123456789abcdef", 16);
    quoted.bytes[8] = 1; /* the TTL it died with */
    for (size_t length = 0; length <= quoted.length; length++) {
        struct icmp_message message = {
            .type = ICMP_TIME_EXCEEDED, .body = quoted.bytes, .body_length = length};
        packet_make_icmp(&packet, header_between(0x0a000001, MACHINE_ADDRESS, 0), message);
        enum drop_reason reason = machine_input(m, packet.bytes, packet.length);
        assert_int_equal(reason, length < IPV4_HEADER_MIN ? DROP_ICMP_TRUNCATED : DROP_NONE);
        if (reason == DROP_NONE)
            assert_int_equal(told.last.payload_length, length - IPV4_HEADER_MIN);
    }
    machine_free(m);
}

/* RFC 5927 §4. */
static void error_about_what_we_cannot_have_sent_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header foreign = header_between(0x0a000009, PEER_ADDRESS, TEST_PROTOCOL),
                       fragment = ours(), unknown = ours(),
                       group = header_between(MACHINE_ADDRESS, 0xe0000001, TEST_PROTOCOL),
                       all = header_between(MACHINE_ADDRESS, 0x0a0000ff, TEST_PROTOCOL);
    fragment.fragment_offset = 8;
    unknown.protocol = UNKNOWN_PROTOCOL;
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0, foreign, 8), DROP_ICMP_NO_MATCH);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0, fragment, 8), DROP_ICMP_NO_MATCH);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0, unknown, 8), DROP_ICMP_NO_MATCH);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0, group, 8), DROP_ICMP_NO_MATCH);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0, all, 8), DROP_ICMP_NO_MATCH);
    assert_int_equal(told.errors, 0);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void error_sent_to_another_of_our_addresses_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct address second = address_from_ipv4(0x0a000009);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, 3, 0,
                                   header_between(0x0a000009, PEER_ADDRESS, TEST_PROTOCOL), 8),
                     DROP_ICMP_NO_MATCH);
    assert_int_equal(told.errors, 0);
    machine_free(m);
}

static void malformed_quotation_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    static const uint8_t firsts[] = {0x55, 0x44, 0x4f, 0x00};
    struct test_packet quoted, packet;
    for (size_t i = 0; i < sizeof firsts; i++) {
        packet_make(&quoted, ours(), "01234567", 8);
        quoted.bytes[0] = firsts[i];
        struct icmp_message message = {
            .type = ICMP_UNREACHABLE, .body = quoted.bytes, .body_length = quoted.length};
        packet_make_icmp(&packet, header_between(0x0a000001, MACHINE_ADDRESS, 0), message);
        assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_ICMP_TRUNCATED);
    }
    assert_int_equal(told.errors, 0);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_quotes_as_much_as_fits_in_576_bytes),
        cmocka_unit_test(unfinished_checksum_is_finished_in_the_quotation),
        cmocka_unit_test(first_datagram_of_one_packet_is_quoted),
        cmocka_unit_test(checksum_of_zero_is_quoted_as_ones),
        cmocka_unit_test(error_has_a_normal_type_of_service),
        cmocka_unit_test(no_error_about_an_icmp_error),
        cmocka_unit_test(no_error_about_a_broadcast),
        cmocka_unit_test(no_error_to_a_source_that_is_no_host),
        cmocka_unit_test(no_error_about_a_later_fragment),
        cmocka_unit_test(errors_are_limited_in_rate),
        cmocka_unit_test(limit_is_not_the_same_twice),
        cmocka_unit_test(error_reaches_the_protocol_it_is_about),
        cmocka_unit_test(codes_become_kinds),
        cmocka_unit_test(quotation_may_be_cut_and_its_checksum_wrong),
        cmocka_unit_test(error_about_what_we_cannot_have_sent_is_dropped),
        cmocka_unit_test(error_sent_to_another_of_our_addresses_is_dropped),
        cmocka_unit_test(malformed_quotation_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
