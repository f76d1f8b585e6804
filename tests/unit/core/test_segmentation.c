#include "machine.h"

#include <errno.h>

/* A super-segment of `first` + `second` bytes in two spans, to be cut into parts of `size`. */
struct super {
    struct packet_out packet;
    uint8_t payload[60000];
    uint32_t length;
};

enum { START_SEQ = 0xfffff000, START_ID = 0xfffe };

static struct super *make_super(uint32_t first, uint32_t second, uint16_t size, uint16_t flags)
{
    struct super *super = malloc(sizeof *super);
    assert_non_null(super);
    super->length = first + second;
    for (uint32_t i = 0; i < super->length; i++)
        super->payload[i] = (uint8_t)(i * 7 + i / 251);

    struct ipv4_header ip = header_between(MACHINE_ADDRESS, PEER_ADDRESS, IP_PROTOCOL_TCP);
    ip.time_to_live = 64;
    ip.identification = START_ID;
    ip.dont_fragment = true;
    ip.total_length = 20 + 32 + super->length;
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, MACHINE_ADDRESS);
    checksum_add_u32(&sum, PEER_ADDRESS);
    checksum_add_u16(&sum, IP_PROTOCOL_TCP);
    checksum_add_u32(&sum, 32 + super->length);
    struct segment segment = {.source_port = 1,
                              .destination_port = 2,
                              .seq = START_SEQ,
                              .ack = 77,
                              .flags = flags,
                              .urgent = 10,
                              .checksum = checksum_fold(&sum),
                              .options = {.has_timestamps = true, .timestamp_value = 5}};
    uint8_t header[TCP_HEADER_MAX];
    assert_int_equal(tcp_build(&segment, header), 32);
    memcpy(packet_out_begin(&super->packet, IP_PROTOCOL_TCP, 32), header, 32);
    packet_out_payload(&super->packet, super->payload, first);
    packet_out_payload(&super->packet, super->payload + first, second);
    ipv4_build(&ip, packet_out_prepend(&super->packet, IPV4_HEADER_MIN));
    super->packet.transport_offset = IPV4_HEADER_MIN;
    super->packet.checksum_offset = TCP_CHECKSUM_OFFSET;
    super->packet.segment_size = size;
    return super;
}

/* Decodes the index-th part sent, whose checksums must be right. */
static struct segment part(const struct machine *m, unsigned index)
{
    struct segment segment;
    assert_true(sent_checksum_is_right(m, index));
    assert_true(tcp_parse(sent_payload(m, index), sent_payload_length(m, index), &segment));
    return segment;
}

/* That the parts together are the whole, each with what belongs to it. */
static void assert_cut(const struct machine *m, const struct super *super)
{
    uint32_t size = super->packet.segment_size, offset = 0;
    assert_int_equal(m->sent_count, (super->length + size - 1) / size);
    for (unsigned i = 0; i < m->sent_count; i++) {
        struct segment s = part(m, i);
        assert_int_equal(s.seq, (uint32_t)(START_SEQ + offset));
        assert_int_equal(s.ack, 77);
        assert_int_equal(s.options.timestamp_value, 5);
        assert_int_equal(sent_header(m, i).identification, (uint16_t)(START_ID + i));
        assert_true(sent_header(m, i).dont_fragment);
        assert_int_equal(s.length, super->length - offset < size ? super->length - offset : size);
        assert_memory_equal(s.text, super->payload + offset, s.length);
        offset += s.length;
    }
    assert_int_equal(offset, super->length);
}

static void super_segment_is_cut_for_a_link_that_cannot(void **state)
{
    (void)state;
    static const uint32_t lengths[][3] = {
        {3000, 0, 1000},    {2999, 0, 1000},      {3001, 0, 1000},
        {1000, 2000, 1000}, {1, 2999, 1000},      {1500, 1501, 1000},
        {1001, 1, 1000},    {40000, 20000, 1448}, {999, 333, 7}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct machine *m = machine_new(0);
        struct super *super =
            make_super(lengths[i][0], lengths[i][1], (uint16_t)lengths[i][2], TCP_ACK);
        assert_int_equal(interface_output(m->interface, &super->packet), 0);
        assert_cut(m, super);
        free(super);
        machine_free(m);
    }
}

static void link_that_finishes_checksums_gets_parts_to_finish(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_CHECKSUM);
    struct super *super = make_super(2500, 0, 1000, TCP_ACK);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->sent_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct sent *sent = &m->sent[i];
        assert_int_equal(sent->offload.flags, TERN_OFFLOAD_CHECKSUM);
        assert_int_equal(sent->offload.segment_size, 0);
        struct checksum sum = CHECKSUM_START;
        checksum_add(&sum, sent->bytes + 20, sent->length - 20);
        uint16_t value = checksum_finish(&sum);
        sent->bytes[36] = (uint8_t)(value >> 8);
        sent->bytes[37] = (uint8_t)value;
    }
    assert_cut(m, super);
    free(super);
    machine_free(m);
}

static void link_that_cuts_gets_the_whole(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_TSO | TERN_LINK_CHECKSUM);
    struct super *super = make_super(30000, 20000, 1000, TCP_ACK);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].length, 50052);
    assert_int_equal(m->sent[0].offload.segment_size, 1000);
    assert_int_equal(m->sent[0].offload.header_length, 52);
    assert_int_equal(m->sent[0].offload.flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(m->sent[0].offload.checksum_start, 20);
    assert_int_equal(m->sent[0].offload.checksum_offset, 16);
    free(super);
    machine_free(m);
}

static void super_segment_above_the_links_maximum_is_cut(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_TSO);
    m->interface->super_packet_max = 3051;
    struct super *super = make_super(3000, 0, 1000, TCP_ACK);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_cut(m, super);
    free(super);
    machine_free(m);
}

static void payload_of_one_segment_is_no_super_segment(void **state)
{
    (void)state;
    struct machine *m = machine_new(TERN_LINK_TSO);
    struct super *super = make_super(1000, 0, 1000, TCP_ACK | TCP_FIN | TCP_PSH);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->sent_count, 1);
    assert_int_equal(m->sent[0].offload.segment_size, 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK | TCP_FIN | TCP_PSH);
    free(super);
    machine_free(m);
}

static void fin_and_psh_stand_on_the_last_part_only(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(3000, 0, 1000, TCP_ACK | TCP_FIN | TCP_PSH);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK);
    assert_int_equal(part(m, 1).flags, TCP_ACK);
    assert_int_equal(part(m, 2).flags, TCP_ACK | TCP_FIN | TCP_PSH);
    free(super);
    machine_free(m);
}

/* Else what joins them would keep the last ones for what follows. */
static void psh_ends_what_goes_at_once_to_who_joins_segments(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    m->interface->gro = true;
    struct super *super = make_super(2500, 0, 1000, TCP_ACK);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK);
    assert_int_equal(part(m, 1).flags, TCP_ACK);
    assert_int_equal(part(m, 2).flags, TCP_ACK | TCP_PSH);
    free(super);

    machine_clear(m);
    super = make_super(1000, 0, 1000, TCP_ACK);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK | TCP_PSH);
    free(super);

    machine_clear(m);
    super = make_super(0, 0, 1000, TCP_ACK); /* has nothing to hand up */
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK);
    free(super);
    machine_free(m);
}

/* RFC 3168 §6.1.2: CWR answers once. */
static void cwr_stands_on_the_first_part_only(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(3000, 0, 1000, TCP_ACK | TCP_CWR | TCP_ECE);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags, TCP_ACK | TCP_CWR | TCP_ECE);
    assert_int_equal(part(m, 1).flags, TCP_ACK | TCP_ECE);
    assert_int_equal(part(m, 2).flags, TCP_ACK | TCP_ECE);
    machine_clear(m);
    m->interface->features = TERN_LINK_TSO;
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->sent[0].offload.flags, TERN_OFFLOAD_CHECKSUM | TERN_OFFLOAD_ECN);
    free(super);
    machine_free(m);
}

/* RFC 9768 §3.2.2: AE, CWR and ECE are one counter, the same on all. */
static void accecn_counter_stands_on_every_part(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(3000, 0, 1000, TCP_ACK | TCP_CWR | TCP_AE);
    super->packet.cwr_on_all = true;
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(part(m, i).flags, TCP_ACK | TCP_CWR | TCP_AE);
    machine_clear(m);
    m->interface->features = TERN_LINK_TSO | TERN_LINK_TSO_CWR;
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->sent[0].offload.segment_size, 1000);
    assert_int_equal(m->sent[0].offload.flags, TERN_OFFLOAD_CHECKSUM);
    /* A link that cuts as RFC 3168 has it does not get it whole. */
    machine_clear(m);
    m->interface->features = TERN_LINK_TSO;
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(part(m, i).flags, TCP_ACK | TCP_CWR | TCP_AE);
    free(super);
    machine_free(m);
}

static void urgent_pointer_moves_with_the_parts(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(20, 0, 8, TCP_ACK | TCP_URG);
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(part(m, 0).flags & TCP_URG, TCP_URG);
    assert_int_equal(part(m, 0).urgent, 10);
    assert_int_equal(part(m, 1).flags & TCP_URG, TCP_URG);
    assert_int_equal(part(m, 1).urgent, 2);
    assert_int_equal(part(m, 2).flags & TCP_URG, 0);
    free(super);
    machine_free(m);
}

static void every_part_is_traced(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(3000, 0, 1000, TCP_ACK);
    super->packet.why = "window opened";
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(m->events[TERN_TRACE_OUT], 3);
    assert_string_equal(m->last_event[TERN_TRACE_OUT].why, "window opened");
    free(super);
    machine_free(m);
}

static void full_link_ends_the_cutting(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(3000, 0, 1000, TCP_ACK);
    m->transmit_error = -ENOBUFS;
    assert_int_equal(interface_output(m->interface, &super->packet), -ENOBUFS);
    assert_int_equal(machine_counter(m, "DropLINK"), 1);
    free(super);
    machine_free(m);
}

/* Who has sent it must know how much of it the peer may have. */
static void link_may_take_some_of_the_parts(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct super *super = make_super(1500, 1300, 1000, TCP_ACK | TCP_FIN);
    m->transmit_error = -ENOBUFS;
    m->transmit_room = 2;
    assert_int_equal(interface_output(m->interface, &super->packet), 0);
    assert_int_equal(super->packet.payload_length, 2000);
    assert_int_equal(m->sent_count, 2);
    assert_int_equal(part(m, 1).seq, (uint32_t)(START_SEQ + 1000));
    assert_int_equal(part(m, 1).flags, TCP_ACK);
    assert_int_equal(machine_counter(m, "DropLINK"), 1);
    free(super);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(super_segment_is_cut_for_a_link_that_cannot),
        cmocka_unit_test(link_that_finishes_checksums_gets_parts_to_finish),
        cmocka_unit_test(link_that_cuts_gets_the_whole),
        cmocka_unit_test(super_segment_above_the_links_maximum_is_cut),
        cmocka_unit_test(payload_of_one_segment_is_no_super_segment),
        cmocka_unit_test(fin_and_psh_stand_on_the_last_part_only),
        cmocka_unit_test(psh_ends_what_goes_at_once_to_who_joins_segments),
        cmocka_unit_test(cwr_stands_on_the_first_part_only),
        cmocka_unit_test(accecn_counter_stands_on_every_part),
        cmocka_unit_test(urgent_pointer_moves_with_the_parts),
        cmocka_unit_test(every_part_is_traced),
        cmocka_unit_test(full_link_ends_the_cutting),
        cmocka_unit_test(link_may_take_some_of_the_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
