#include "unit.h"

#include <stdlib.h>

#include "link/offload.h"
#include "packets.h"

static struct address ours, theirs;
static struct packet packet;
static uint8_t text[30000];

static int addresses(void **state)
{
    (void)state;
    ours = packet_address("10.0.0.3");
    theirs = packet_address("10.0.0.2");
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 253);
    return 0;
}

static const struct segment super = {.source_port = 1,
                                     .destination_port = 2,
                                     .seq = 0xffffff00, /* wraps within */
                                     .ack = 77,
                                     .flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR,
                                     .window = 500,
                                     .options = {.has_timestamps = true, .timestamp_value = 5},
                                     .text = text,
                                     .length = sizeof text};

static struct tern_offload super_offload(uint16_t segment_size)
{
    uint8_t options[TCP_OPTIONS_MAX];
    size_t header = TCP_HEADER_MIN + tcp_build_options(&super.options, options);
    return (struct tern_offload){.segment_size = segment_size,
                                 .header_length = (uint16_t)(IPV4_HEADER_MIN + header),
                                 .checksum_start = IPV4_HEADER_MIN,
                                 .checksum_offset = TCP_CHECKSUM_OFFSET,
                                 .flags = TERN_OFFLOAD_CHECKSUM | TERN_OFFLOAD_ECN};
}

static struct held_queue to_wire(const struct tern_offload *offload)
{
    struct held_queue queue = {0};
    struct iovec spans[2] = {{packet.bytes, 20}, {packet.bytes + 20, packet.length - 20}};
    assert_int_equal(offload_to_wire(spans, 2, offload, &queue), 0);
    return queue;
}

static void packet_identify(struct packet *of, uint16_t identification)
{
    of->bytes[4] = (uint8_t)(identification >> 8);
    of->bytes[5] = (uint8_t)identification;
}

static void super_segment_is_cut_into_sound_segments(void **state)
{
    (void)state;
    struct tern_offload offload = super_offload(1448);
    packet_tcp(&packet, &ours, &theirs, &super, false);
    struct held_queue queue = to_wire(&offload);
    uint32_t offset = 0;
    for (struct held_packet *part; (part = held_queue_take(&queue)) != NULL;) {
        struct ipv4_header ip;
        struct segment segment;
        assert_true(packet_is_sound(part->bytes, part->length));
        assert_int_equal(ipv4_parse(part->bytes, part->length, false, &ip), IPV4_OK);
        assert_true(tcp_parse(part->bytes + 20, part->length - 20, &segment));
        bool first = offset == 0, last = offset + segment.length == sizeof text;
        assert_int_equal(segment.seq, (uint32_t)(super.seq + offset));
        assert_int_equal(segment.length, last ? sizeof text % 1448 : 1448);
        assert_memory_equal(segment.text, text + offset, segment.length);
        assert_int_equal(segment.flags,
                         TCP_ACK | (first ? TCP_CWR : 0) | (last ? TCP_PSH | TCP_FIN : 0));
        assert_int_equal(segment.options.timestamp_value, 5);
        assert_int_equal(part->offload.flags, 0);
        offset += segment.length;
        free(part);
    }
    assert_int_equal(offset, sizeof text);
}

static const struct tern_offload datagrams = {.segment_size = 1472,
                                              .header_length = IPV4_HEADER_MIN + UDP_HEADER_SIZE,
                                              .checksum_start = IPV4_HEADER_MIN,
                                              .checksum_offset = UDP_CHECKSUM_OFFSET,
                                              .flags = TERN_OFFLOAD_CHECKSUM};

static void super_datagram_is_cut_into_sound_datagrams(void **state)
{
    (void)state;
    packet_udp(&packet, &ours, 1, &theirs, 2, text, sizeof text, false);
    packet_identify(&packet, 0xfffe);
    struct held_queue queue = to_wire(&datagrams);
    size_t offset = 0;
    for (struct held_packet *part; (part = held_queue_take(&queue)) != NULL; free(part)) {
        struct ipv4_header ip;
        struct udp_header udp;
        assert_true(packet_is_sound(part->bytes, part->length));
        assert_int_equal(ipv4_parse(part->bytes, part->length, false, &ip), IPV4_OK);
        assert_int_equal(ip.total_length, part->length);
        assert_int_equal(ip.identification, (uint16_t)(0xfffe + offset / 1472));
        assert_true(udp_parse(part->bytes + 20, part->length - 20, &udp));
        assert_int_equal(udp.source_port, 1);
        assert_int_equal(udp.destination_port, 2);
        size_t length = udp.length - (size_t)UDP_HEADER_SIZE;
        assert_int_equal(part->length, IPV4_HEADER_MIN + udp.length);
        assert_int_equal(length, offset + 1472 <= sizeof text ? 1472 : sizeof text % 1472);
        assert_memory_equal(part->bytes + 28, text + offset, length);
        assert_int_equal(part->offload.segment_size, 0);
        assert_int_equal(part->offload.flags, 0);
        offset += length;
    }
    assert_int_equal(offset, sizeof text);
}

/* An offload that does not tell where the packet can be cut; nothing is read beyond it. */
static void what_cannot_be_cut_passes_whole(void **state)
{
    (void)state;
    struct tern_offload wrong[7];
    for (size_t i = 0; i < 7; i++)
        wrong[i] = datagrams;
    wrong[0].header_length--;
    wrong[1].header_length += 4;
    wrong[2].checksum_start += 4, wrong[2].header_length += 4;
    wrong[3].checksum_start = 0, wrong[3].header_length = 8;
    wrong[4].flags = 0;
    wrong[5].header_length = UINT16_MAX;
    wrong[6].checksum_start = UINT16_MAX;
    for (size_t i = 0; i < 7; i++) {
        packet_udp(&packet, &ours, 1, &theirs, 2, text, 3000, false);
        struct held_queue queue = to_wire(&wrong[i]);
        assert_int_equal(queue.count, 1);
        assert_int_equal(queue.first->length, packet.length);
        held_queue_release(&queue);
    }
    for (uint8_t ihl = 0; ihl < 16; ihl++) { /* the header says that it is longer, or shorter */
        packet_udp(&packet, &ours, 1, &theirs, 2, text, 2, false);
        packet.bytes[0] = 0x40 | ihl;
        struct tern_offload offload = datagrams;
        offload.segment_size = 1;
        struct held_queue queue = to_wire(&offload);
        assert_int_equal(queue.count, ihl == 5 ? 2 : 1);
        held_queue_release(&queue);
    }
    packet_udp(&packet, &ours, 1, &theirs, 2, text, 3000, false);
    packet.bytes[6] = 0x20; /* a fragment */
    struct held_queue queue = to_wire(&datagrams);
    assert_int_equal(queue.count, 1);
    held_queue_release(&queue);
}

static void cwr_that_belongs_to_all_stays_on_all(void **state)
{
    (void)state;
    struct tern_offload offload = super_offload(15000);
    offload.flags &= ~(uint32_t)TERN_OFFLOAD_ECN;
    packet_tcp(&packet, &ours, &theirs, &super, false);
    struct held_queue queue = to_wire(&offload);
    assert_int_equal(queue.count, 2);
    for (struct held_packet *part = queue.first; part; part = part->next)
        assert_true(tcp_header_flags(part->bytes + 20) & TCP_CWR);
    held_queue_release(&queue);
}

static void unfinished_checksum_is_finished(void **state)
{
    (void)state;
    struct tern_offload offload = {.checksum_start = 20,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    packet_udp(&packet, &ours, 1, &theirs, 2, "odd", 3, false);
    assert_false(packet_is_sound(packet.bytes, packet.length));
    struct held_queue queue = to_wire(&offload);
    assert_int_equal(queue.count, 1);
    assert_true(packet_is_sound(queue.first->bytes, queue.first->length));
    assert_int_equal(queue.first->offload.flags, 0);
    held_queue_release(&queue);
}

/* RFC 768: a sum of zero goes out as its other form. */
static void udp_checksum_is_never_zero(void **state)
{
    (void)state;
    struct tern_offload offload = {.checksum_start = 20,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    uint8_t payload[2] = {0, 0};
    packet_udp(&packet, &ours, 1, &theirs, 2, payload, 2, true);
    memcpy(payload, packet.bytes + 20 + UDP_CHECKSUM_OFFSET, 2); /* takes the sum up to all ones */
    packet_udp(&packet, &ours, 1, &theirs, 2, payload, 2, false);
    struct held_queue queue = to_wire(&offload);
    const uint8_t ones[2] = {0xff, 0xff};
    assert_memory_equal(queue.first->bytes + 20 + UDP_CHECKSUM_OFFSET, ones, 2);
    held_queue_release(&queue);
}

/* RFC 1624 §3: of the two forms of a sum of zero, TCP's is the plain one. */
static void tcp_checksum_of_zero_stays_zero(void **state)
{
    (void)state;
    struct tern_offload offload = {.checksum_start = 20,
                                   .checksum_offset = TCP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    uint8_t payload[2] = {0, 0};
    struct segment segment = super;
    segment.text = payload;
    segment.length = sizeof payload;
    packet_tcp(&packet, &ours, &theirs, &segment, true);
    memcpy(payload, packet.bytes + 20 + TCP_CHECKSUM_OFFSET, 2); /* takes the sum up to all ones */
    packet_tcp(&packet, &ours, &theirs, &segment, false);
    struct held_queue queue = to_wire(&offload);
    const uint8_t zero[2] = {0, 0};
    assert_memory_equal(queue.first->bytes + 20 + TCP_CHECKSUM_OFFSET, zero, 2);
    assert_true(packet_is_sound(queue.first->bytes, queue.first->length));
    held_queue_release(&queue);
}

static void plain_packet_passes_unchanged(void **state)
{
    (void)state;
    struct tern_offload offload = {.flags = TERN_OFFLOAD_VERIFIED};
    packet_udp(&packet, &ours, 1, &theirs, 2, "plain", 5, true);
    struct held_queue queue = to_wire(&offload);
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.first->length, packet.length);
    assert_memory_equal(queue.first->bytes, packet.bytes, packet.length);
    assert_int_equal(queue.first->offload.flags, TERN_OFFLOAD_VERIFIED);
    held_queue_release(&queue);
    queue = to_wire(NULL);
    assert_memory_equal(queue.first->bytes, packet.bytes, packet.length);
    held_queue_release(&queue);
}

/* Whatever the offload says, nothing outside the packet is touched (under ASan) or lost. */
static void offload_that_lies_is_harmless(void **state)
{
    (void)state;
    static const uint16_t values[] = {0, 1, 19, 20, 33, 34, 52, 53, 60, 61, 1000, UINT16_MAX};
    enum { VALUES = sizeof values / sizeof values[0] };
    struct segment small = super;
    small.length = 8;
    for (int i = 0; i < VALUES * VALUES * VALUES; i++) {
        struct tern_offload offload = {.segment_size = 3,
                                       .header_length = values[i % VALUES],
                                       .checksum_start = values[i / VALUES % VALUES],
                                       .checksum_offset = values[i / VALUES / VALUES],
                                       .flags = TERN_OFFLOAD_CHECKSUM};
        packet_tcp(&packet, &ours, &theirs, &small, false);
        struct held_queue queue = to_wire(&offload);
        assert_true(queue.count > 0);
        held_queue_release(&queue);
    }
    packet.length = IPV4_HEADER_MIN;
    struct tern_offload offload = super_offload(1);
    struct held_queue queue = to_wire(&offload);
    assert_int_equal(queue.count, 1);
    held_queue_release(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(super_segment_is_cut_into_sound_segments),
        cmocka_unit_test(super_datagram_is_cut_into_sound_datagrams),
        cmocka_unit_test(what_cannot_be_cut_passes_whole),
        cmocka_unit_test(cwr_that_belongs_to_all_stays_on_all),
        cmocka_unit_test(unfinished_checksum_is_finished),
        cmocka_unit_test(udp_checksum_is_never_zero),
        cmocka_unit_test(tcp_checksum_of_zero_stays_zero),
        cmocka_unit_test(plain_packet_passes_unchanged),
        cmocka_unit_test(offload_that_lies_is_harmless),
    };
    return cmocka_run_group_tests(tests, addresses, NULL);
}
