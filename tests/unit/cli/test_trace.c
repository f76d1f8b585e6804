#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/trace.h"
#include "packets.h"
#include "wire/icmp.h"

/* A printer, and one packet to be shown by it. */
struct fixture {
    struct trace_printer *printer;
    struct address ours, theirs;
    struct packet packet;
    char line[TRACE_LINE_MAX];
};

static int fixture_setup(void **state)
{
    static struct fixture f;
    f.printer = trace_printer_new(stderr);
    f.ours = packet_address("10.0.0.3");
    f.theirs = packet_address("10.0.0.2");
    *state = &f;
    return f.printer ? 0 : -1;
}

static int fixture_teardown(void **state)
{
    trace_printer_free(((struct fixture *)*state)->printer);
    return 0;
}

/* The line for the packet as an event at `time_ns`. */
static const char *show(struct fixture *f, enum tern_trace_kind kind, uint64_t time_ns,
                        const struct tern_offload *offload, const char *why, const char *clause)
{
    struct iovec span = {f->packet.bytes, f->packet.length};
    struct tern_trace_event event = {.kind = kind,
                                     .count = 1,
                                     .packet = &span,
                                     .offload = offload,
                                     .time_ns = time_ns,
                                     .why = why,
                                     .clause = clause};
    trace_line(f->printer, &event, f->line);
    return f->line;
}

static const char *show_in(struct fixture *f)
{
    return show(f, TERN_TRACE_IN, 0, NULL, NULL, NULL);
}

/* Segments between our port 40000, which starts at 1000, and their port 8000, which starts at
 * 4294967290, so that its numbers wrap. */
static struct segment ours_segment(uint32_t seq, uint32_t ack, uint16_t flags)
{
    return (struct segment){.source_port = 40000,
                            .destination_port = 8000,
                            .seq = 1000 + seq,
                            .ack = flags & TCP_ACK ? 4294967290u + ack : 0,
                            .flags = flags,
                            .window = 500};
}

static struct segment theirs_segment(uint32_t seq, uint32_t ack, uint16_t flags)
{
    return (struct segment){.source_port = 8000,
                            .destination_port = 40000,
                            .seq = 4294967290u + seq,
                            .ack = flags & TCP_ACK ? 1000 + ack : 0,
                            .flags = flags,
                            .window = 300};
}

static const char *show_out_tcp(struct fixture *f, const struct segment *segment, const char *why)
{
    packet_tcp(&f->packet, &f->ours, &f->theirs, segment, false);
    return show(f, TERN_TRACE_OUT, 0, &(struct tern_offload){.flags = TERN_OFFLOAD_CHECKSUM}, why,
                NULL);
}

static const char *show_in_tcp(struct fixture *f, const struct segment *segment)
{
    packet_tcp(&f->packet, &f->theirs, &f->ours, segment, true);
    return show_in(f);
}

static void handshake_show(struct fixture *f, bool scaled)
{
    struct segment syn = ours_segment(0, 0, TCP_SYN);
    syn.options.has_window_scale = true;
    syn.options.window_scale = 7;
    show_out_tcp(f, &syn, NULL);
    struct segment syn_ack = theirs_segment(0, 1, TCP_SYN | TCP_ACK);
    syn_ack.options.has_window_scale = scaled;
    syn_ack.options.window_scale = 4;
    show_in_tcp(f, &syn_ack);
}

static void syn_shows_its_options_and_why_it_is_sent(void **state)
{
    struct fixture *f = *state;
    struct segment syn = ours_segment(0, 0, TCP_SYN);
    syn.window = 65535;
    syn.options = (struct tcp_options){.has_mss = true,
                                       .mss = 1460,
                                       .has_sack_permitted = true,
                                       .has_timestamps = true,
                                       .timestamp_value = 77,
                                       .has_window_scale = true,
                                       .window_scale = 7};
    assert_string_equal(show_out_tcp(f, &syn, "open"),
                        "  0.000000 out  10.0.0.3:40000 > 10.0.0.2:8000 TCP [S] seq 0, win 65535, "
                        "length 0, options [mss 1460, sackOK, TS val 77 ecr 0, wscale 7] -- open");
}

static void numbers_are_relative_on_both_sides_and_wrap(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    uint8_t text[20] = {0};
    struct segment data = theirs_segment(1, 1, TCP_PSH | TCP_ACK);
    data.text = text;
    data.length = sizeof text;
    assert_string_equal(show_in_tcp(f, &data),
                        "  0.000000 in   10.0.0.2:8000 > 10.0.0.3:40000 TCP [P.] seq 1:21, ack 1, "
                        "win 4800, length 20");
    struct segment ack = ours_segment(1, 21, TCP_ACK);
    assert_string_equal(show_out_tcp(f, &ack, "the delayed ACK"),
                        "  0.000000 out  10.0.0.3:40000 > 10.0.0.2:8000 TCP [.] seq 1, ack 21, "
                        "win 64000, length 0 -- the delayed ACK");
}

static void window_is_not_scaled_unless_both_sides_offer(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, false);
    struct segment ack = ours_segment(1, 1, TCP_ACK);
    assert_non_null(strstr(show_out_tcp(f, &ack, NULL), ", win 500, "));
}

static void window_of_a_connection_whose_start_was_not_seen_is_said_to_be_unscaled(void **state)
{
    struct fixture *f = *state;
    struct segment ack = theirs_segment(5000, 300, TCP_ACK);
    assert_string_equal(show_in_tcp(f, &ack),
                        "  0.000000 in   10.0.0.2:8000 > 10.0.0.3:40000 TCP [.] seq 1, ack 1, "
                        "win 300 unscaled, length 0");
}

static void sack_blocks_are_relative(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    struct segment ack = ours_segment(1, 1, TCP_ACK);
    ack.options.sack_count = 2;
    ack.options.sack[0] = (struct range){4294967290u + 1001, 4294967290u + 2001};
    ack.options.sack[1] = (struct range){4294967290u + 3001, 4294967290u + 4001};
    assert_non_null(strstr(show_out_tcp(f, &ack, NULL), "options [sack 1001:2001 3001:4001]"));
}

static void a_reopened_connection_starts_again_at_zero(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    struct segment again = ours_segment(777, 0, TCP_SYN);
    assert_non_null(strstr(show_out_tcp(f, &again, NULL), "[S] seq 0, "));
    struct segment other = theirs_segment(999, 778, TCP_SYN | TCP_ACK);
    assert_non_null(strstr(show_in_tcp(f, &other), "[S.] seq 0, ack 1, "));
}

static void a_retransmitted_syn_keeps_what_is_known(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    handshake_show(f, true);
    struct segment ack = ours_segment(1, 1, TCP_ACK);
    assert_non_null(strstr(show_out_tcp(f, &ack, NULL), "[.] seq 1, ack 1, win 64000, "));
}

static void a_reset_that_refuses_shows_zero(void **state)
{
    struct fixture *f = *state;
    struct segment syn = ours_segment(0, 0, TCP_SYN);
    show_out_tcp(f, &syn, NULL);
    struct segment reset = theirs_segment(0, 1, TCP_RST | TCP_ACK);
    reset.seq = 0;
    reset.window = 0;
    assert_non_null(strstr(show_in_tcp(f, &reset), "TCP [R.] seq 0, ack 1, win 0, length 0"));
}

static void a_damaged_segment_is_named_so_and_spoils_nothing(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    struct segment data = theirs_segment(1, 1, TCP_ACK);
    packet_tcp(&f->packet, &f->theirs, &f->ours, &data, true);
    f->packet.bytes[IPV4_HEADER_MIN + 13] |= TCP_SYN;
    assert_non_null(strstr(show_in(f), "TCP [S.] seq 0, ack 1, win 300, length 0, bad checksum"));
    assert_non_null(strstr(show(f, TERN_TRACE_DROP, 0, NULL, "TCP checksum wrong", NULL),
                           "10.0.0.2:8000 > 10.0.0.3:40000 TCP: dropped, TCP checksum wrong"));
    assert_non_null(strstr(show_in_tcp(f, &data), "TCP [.] seq 1, ack 1, win 4800, length 0"));
}

static void a_super_segment_says_what_it_is_made_of(void **state)
{
    struct fixture *f = *state;
    static uint8_t text[14480];
    struct segment data = ours_segment(1, 1, TCP_ACK);
    data.text = text;
    data.length = sizeof text;
    packet_tcp(&f->packet, &f->ours, &f->theirs, &data, false);
    struct tern_offload offload = {.segment_size = 1448, .flags = TERN_OFFLOAD_CHECKSUM};
    assert_non_null(
        strstr(show(f, TERN_TRACE_OUT, 0, &offload, NULL, NULL),
               "seq 1:14481, ack 1, win 500 unscaled, length 14480 in segments of 1448"));
}

static void every_flag_has_its_letter(void **state)
{
    struct fixture *f = *state;
    struct segment all = theirs_segment(0, 1, 0x1ff);
    all.urgent = 9;
    assert_non_null(strstr(show_in_tcp(f, &all), "TCP [FSRP.UEWe] seq 0, ack 1, win 300, urg 9, "));
    struct segment none = theirs_segment(0, 0, 0);
    assert_non_null(strstr(show_in_tcp(f, &none), "TCP [none] "));
}

static void fast_open_cookies_are_shown(void **state)
{
    struct fixture *f = *state;
    struct segment syn = ours_segment(0, 0, TCP_SYN);
    syn.options.has_fast_open = true;
    assert_non_null(strstr(show_out_tcp(f, &syn, NULL), "options [tfo cookie request]"));
    syn.options.cookie_length = 4;
    memcpy(syn.options.cookie, "\xde\xad\xbe\xef", 4);
    assert_non_null(strstr(show_out_tcp(f, &syn, NULL), "options [tfo cookie deadbeef]"));
}

static void time_counts_from_the_first_line(void **state)
{
    struct fixture *f = *state;
    packet_udp(&f->packet, &f->theirs, 5000, &f->ours, 7, "hello", 5, true);
    show(f, TERN_TRACE_IN, TIME_S(100), NULL, NULL, NULL);
    assert_string_equal(show(f, TERN_TRACE_IN, TIME_S(101) + TIME_US(234567), NULL, NULL, NULL),
                        "  1.234567 in   10.0.0.2:5000 > 10.0.0.3:7 UDP length 5");
}

static void udp_with_a_wrong_checksum_is_named_so(void **state)
{
    struct fixture *f = *state;
    packet_udp(&f->packet, &f->theirs, 5000, &f->ours, 7, "hello", 5, true);
    f->packet.bytes[f->packet.length - 1] ^= 1;
    assert_non_null(strstr(show_in(f), "UDP length 5, bad checksum"));
}

static void a_super_datagram_says_what_it_is_made_of(void **state)
{
    struct fixture *f = *state;
    struct tern_offload offload = {.segment_size = 5, .flags = TERN_OFFLOAD_CHECKSUM};
    packet_udp(&f->packet, &f->ours, 7, &f->theirs, 5000, "hello again", 11, false);
    const char *line = show(f, TERN_TRACE_OUT, 0, &offload, NULL, NULL);
    assert_non_null(strstr(line, "UDP length 11 in datagrams of 5"));
    packet_udp(&f->packet, &f->theirs, 5000, &f->ours, 7, "hello", 5, false);
    line = show(f, TERN_TRACE_IN, 0, &offload, NULL, NULL);
    assert_non_null(strstr(line, "UDP length 5")); /* that is one */
    assert_null(strstr(line, "datagrams"));
}

/* An ICMP message from `from` to the other side. */
static void icmp_packet(struct fixture *f, struct icmp_message *message, const void *body,
                        size_t length)
{
    uint8_t *icmp = f->packet.bytes + IPV4_HEADER_MIN;
    message->body = body;
    message->body_length = length;
    icmp_build(message, icmp);
    if (length)
        memcpy(icmp + ICMP_HEADER_SIZE, body, length);
    struct ipv4_header ip = {.source = f->theirs,
                             .destination = f->ours,
                             .total_length =
                                 (uint32_t)(IPV4_HEADER_MIN + ICMP_HEADER_SIZE + length),
                             .header_length = IPV4_HEADER_MIN,
                             .time_to_live = 64,
                             .protocol = IP_PROTOCOL_ICMP};
    ipv4_build(&ip, f->packet.bytes);
    f->packet.length = ip.total_length;
}

static void echo_shows_identifier_and_sequence(void **state)
{
    struct fixture *f = *state;
    struct icmp_message echo = {.type = ICMP_ECHO_REQUEST, .identifier = 5, .sequence = 2};
    icmp_packet(f, &echo, "12345678", 8);
    assert_string_equal(
        show_in(f),
        "  0.000000 in   10.0.0.2 > 10.0.0.3 ICMP echo request, id 5, seq 2, length 16");
    echo.type = ICMP_ECHO_REPLY;
    icmp_packet(f, &echo, "12345678", 8);
    assert_non_null(strstr(show_in(f), "ICMP echo reply, id 5, seq 2, length 16"));
}

static void an_icmp_error_names_the_packet_it_is_about(void **state)
{
    struct fixture *f = *state;
    struct packet quoted;
    packet_udp(&quoted, &f->ours, 9, &f->theirs, 4242, "some long datagram", 18, true);
    struct icmp_message error = {.type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_PORT};
    icmp_packet(f, &error, quoted.bytes, IPV4_HEADER_MIN + 8);
    assert_string_equal(show_in(f),
                        "  0.000000 in   10.0.0.2 > 10.0.0.3 ICMP port unreachable, about "
                        "10.0.0.3:9 > 10.0.0.2:4242 UDP, length 36");
    error = (struct icmp_message){
        .type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_FRAGMENTATION, .mtu = 1280};
    icmp_packet(f, &error, quoted.bytes, 10);
    assert_non_null(strstr(show_in(f), "ICMP fragmentation needed, mtu 1280, length 18"));
}

static void a_drop_names_the_packet_its_reason_and_the_clause(void **state)
{
    struct fixture *f = *state;
    struct segment ack = theirs_segment(0, 1, TCP_ACK);
    show_in_tcp(f, &ack);
    struct tern_trace_event drop = {.kind = TERN_TRACE_DROP,
                                    .why = "outside the receive window",
                                    .clause = "RFC 9293 §3.10.7.4 first"};
    trace_line(f->printer, &drop, f->line);
    assert_string_equal(f->line, "  0.000000 drop 10.0.0.2:8000 > 10.0.0.3:40000 TCP: dropped, "
                                 "outside the receive window (RFC 9293 §3.10.7.4 first)");
}

static void the_drop_of_a_departing_packet_shows_that_packet(void **state)
{
    struct fixture *f = *state;
    packet_udp(&f->packet, &f->ours, 7, &f->theirs, 5000, "hello", 5, true);
    assert_string_equal(
        show(f, TERN_TRACE_DROP, 0, NULL, "no route to the destination", "RFC 1122 §3.3.1"),
        "  0.000000 drop 10.0.0.3:7 > 10.0.0.2:5000 UDP: dropped, no route to the destination "
        "(RFC 1122 §3.3.1)");
}

static void a_note_is_only_its_words(void **state)
{
    struct fixture *f = *state;
    struct tern_trace_event note = {.kind = TERN_TRACE_NOTE, .why = "RTO is now 400 ms"};
    trace_line(f->printer, &note, f->line);
    assert_string_equal(f->line, "  0.000000 note RTO is now 400 ms");
}

static void a_note_on_a_packet_names_it(void **state)
{
    struct fixture *f = *state;
    packet_udp(&f->packet, &f->ours, 7, &f->theirs, 5000, "hello", 5, true);
    assert_string_equal(
        show(f, TERN_TRACE_NOTE, 0, NULL, "the fault link lost it, sent", NULL),
        "  0.000000 note 10.0.0.3:7 > 10.0.0.2:5000 UDP: the fault link lost it, sent");
}

static void a_packet_in_several_spans_reads_as_one(void **state)
{
    struct fixture *f = *state;
    handshake_show(f, true);
    uint8_t text[8] = {0};
    struct segment data = theirs_segment(1, 1, TCP_ACK);
    data.text = text;
    data.length = sizeof text;
    packet_tcp(&f->packet, &f->theirs, &f->ours, &data, true);
    struct iovec spans[3] = {{f->packet.bytes, 31},
                             {f->packet.bytes + 31, 0},
                             {f->packet.bytes + 31, f->packet.length - 31}};
    struct tern_trace_event event = {.kind = TERN_TRACE_IN, .count = 3, .packet = spans};
    trace_line(f->printer, &event, f->line);
    assert_string_equal(f->line, "  0.000000 in   10.0.0.2:8000 > 10.0.0.3:40000 TCP [.] seq 1:9, "
                                 "ack 1, win 4800, length 8");
}

static void fragments_are_shown_as_such(void **state)
{
    struct fixture *f = *state;
    struct ipv4_header ip = {.source = f->theirs,
                             .destination = f->ours,
                             .total_length = 120,
                             .header_length = IPV4_HEADER_MIN,
                             .identification = 33,
                             .fragment_offset = 1480,
                             .more_fragments = true,
                             .time_to_live = 64,
                             .protocol = IP_PROTOCOL_UDP};
    ipv4_build(&ip, f->packet.bytes);
    f->packet.length = 120;
    assert_non_null(
        strstr(show_in(f), "10.0.0.2 > 10.0.0.3 UDP fragment of 33, bytes 1480:1580, more follow"));
}

static void what_is_no_ipv4_is_said_in_a_word(void **state)
{
    struct fixture *f = *state;
    memset(f->packet.bytes, 0x60, 40);
    f->packet.length = 40;
    assert_string_equal(show_in(f), "  0.000000 in   IP not version 4, length 40");
    f->packet.length = 0;
    assert_string_equal(show_in(f), "  0.000000 in   IP truncated, length 0");
}

/* Security rule 1: a packet cut at any byte is shown as what it is, and nothing behind it is read
 * (ASan would tell: each is an allocation of its own). */
static void packets_cut_at_every_byte_are_shown(void **state)
{
    struct fixture *f = *state;
    struct packet quoted;
    packet_udp(&quoted, &f->ours, 9, &f->theirs, 4242, "text", 4, true);
    struct icmp_message error = {.type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_PORT};
    icmp_packet(f, &error, quoted.bytes, quoted.length);
    for (size_t length = 0; length < f->packet.length; length++) {
        uint8_t *cut = test_malloc(length);
        memcpy(cut, f->packet.bytes, length);
        struct iovec span = {cut, length};
        struct tern_trace_event event = {.kind = TERN_TRACE_IN, .count = 1, .packet = &span};
        trace_line(f->printer, &event, f->line);
        assert_non_null(strstr(f->line, "truncated"));
        test_free(cut);
    }
}

/* More connections than the table holds: the newest are still known. */
static void the_table_of_flows_is_bounded_and_keeps_the_newest(void **state)
{
    struct fixture *f = *state;
    struct segment syn = ours_segment(0, 0, TCP_SYN);
    for (unsigned port = 1; port < 20000; port++) {
        syn.source_port = (uint16_t)port;
        show_out_tcp(f, &syn, NULL);
    }
    struct segment ack = ours_segment(101, 0, TCP_PSH);
    ack.source_port = 19999;
    assert_non_null(strstr(show_out_tcp(f, &ack, NULL), "seq 101, "));
}

#define TRACE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRACE_TEST(syn_shows_its_options_and_why_it_is_sent),
        TRACE_TEST(numbers_are_relative_on_both_sides_and_wrap),
        TRACE_TEST(window_is_not_scaled_unless_both_sides_offer),
        TRACE_TEST(window_of_a_connection_whose_start_was_not_seen_is_said_to_be_unscaled),
        TRACE_TEST(sack_blocks_are_relative),
        TRACE_TEST(a_reopened_connection_starts_again_at_zero),
        TRACE_TEST(a_retransmitted_syn_keeps_what_is_known),
        TRACE_TEST(a_reset_that_refuses_shows_zero),
        TRACE_TEST(a_damaged_segment_is_named_so_and_spoils_nothing),
        TRACE_TEST(a_super_segment_says_what_it_is_made_of),
        TRACE_TEST(every_flag_has_its_letter),
        TRACE_TEST(fast_open_cookies_are_shown),
        TRACE_TEST(time_counts_from_the_first_line),
        TRACE_TEST(udp_with_a_wrong_checksum_is_named_so),
        TRACE_TEST(a_super_datagram_says_what_it_is_made_of),
        TRACE_TEST(echo_shows_identifier_and_sequence),
        TRACE_TEST(an_icmp_error_names_the_packet_it_is_about),
        TRACE_TEST(a_drop_names_the_packet_its_reason_and_the_clause),
        TRACE_TEST(the_drop_of_a_departing_packet_shows_that_packet),
        TRACE_TEST(a_note_is_only_its_words),
        TRACE_TEST(a_note_on_a_packet_names_it),
        TRACE_TEST(a_packet_in_several_spans_reads_as_one),
        TRACE_TEST(fragments_are_shown_as_such),
        TRACE_TEST(what_is_no_ipv4_is_said_in_a_word),
        TRACE_TEST(packets_cut_at_every_byte_are_shown),
        TRACE_TEST(the_table_of_flows_is_bounded_and_keeps_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
