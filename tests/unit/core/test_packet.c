#include "unit.h"

#include <string.h>

#include "core/packet.h"

static void headers_grow_to_the_front(void **state)
{
    (void)state;
    struct packet_out packet;
    uint8_t *transport = packet_out_begin(&packet, 6, 20);
    assert_ptr_equal(transport, packet.header);
    assert_ptr_equal(transport + 20, packet.room + sizeof packet.room);
    uint8_t *network = packet_out_prepend(&packet, 40);
    assert_ptr_equal(network + 40, transport);
    assert_ptr_equal(packet.header, network);
    assert_int_equal(packet.header_length, 60);
}

static void new_packet_asks_for_nothing_special(void **state)
{
    (void)state;
    struct packet_out packet;
    memset(&packet, 0xa5, sizeof packet);
    packet_out_begin(&packet, 17, 8);
    assert_int_equal(packet.protocol, 17);
    assert_int_equal(packet.checksum_offset, NO_CHECKSUM);
    assert_int_equal(packet.segment_size, 0);
    assert_int_equal(packet.payload_spans, 0);
    assert_int_equal(packet.payload_length, 0);
    assert_int_equal(packet.hop_limit, 0);
    assert_int_equal(packet.traffic_class, 0);
    assert_false(packet.dont_fragment);
    assert_null(packet.why);
}

static void payload_is_pointed_to_not_copied(void **state)
{
    (void)state;
    struct packet_out packet;
    static const char one[] = "one", two[] = "second";
    packet_out_begin(&packet, 6, 20);
    packet_out_payload(&packet, one, 3);
    packet_out_payload(&packet, "", 0);
    packet_out_payload(&packet, two, 6);
    assert_int_equal(packet.payload_spans, 2);
    assert_int_equal(packet.payload_length, 9);
    assert_ptr_equal(packet.spans[1].iov_base, one);
    assert_ptr_equal(packet.spans[2].iov_base, two);
    assert_int_equal(packet.spans[2].iov_len, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_grow_to_the_front),
        cmocka_unit_test(new_packet_asks_for_nothing_special),
        cmocka_unit_test(payload_is_pointed_to_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
