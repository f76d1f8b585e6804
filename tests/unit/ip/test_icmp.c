#include "machine.h"

#include "ip/ip.h"

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    return m;
}

static enum drop_reason arrives(struct machine *m, struct ipv4_header header,
                                struct icmp_message message)
{
    struct test_packet packet;
    packet_make_icmp(&packet, header, message);
    return machine_input(m, packet.bytes, packet.length);
}

static struct icmp_message request(const void *data, size_t length)
{
    return (struct icmp_message){.type = ICMP_ECHO_REQUEST,
                                 .identifier = 0x1234,
                                 .sequence = 77,
                                 .body = data,
                                 .body_length = length};
}

static struct ipv4_header to_us(void)
{
    return header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0);
}

static struct icmp_message sent_message(const struct machine *m, unsigned index)
{
    struct icmp_message message;
    assert_int_equal(sent_header(m, index).protocol, IP_PROTOCOL_ICMP);
    assert_true(icmp_parse(sent_payload(m, index), sent_payload_length(m, index), &message));
    return message;
}

/* RFC 1122 §3.2.2.6. */
static void echo_request_is_answered_with_the_same_data(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ipv4_header header = to_us();
    header.traffic_class = 0x10 | ECN_CE;
    assert_int_equal(arrives(m, header, request("the same data", 13)), DROP_NONE);
    struct icmp_message reply = sent_message(m, 0);
    struct ipv4_header ip = sent_header(m, 0);
    assert_int_equal(reply.type, ICMP_ECHO_REPLY);
    assert_int_equal(reply.code, 0);
    assert_int_equal(reply.identifier, 0x1234);
    assert_int_equal(reply.sequence, 77);
    assert_int_equal(reply.body_length, 13);
    assert_memory_equal(reply.body, "the same data", 13);
    assert_int_equal(address_to_ipv4(&ip.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&ip.destination), PEER_ADDRESS);
    assert_int_equal(ip.traffic_class, 0x10);
    assert_int_equal(machine_counter(m, "IcmpInEchos"), 1);
    assert_int_equal(machine_counter(m, "IcmpOutEchoReps"), 1);
    machine_free(m);
}

static void every_size_up_to_the_mtu_is_answered(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    uint8_t data[1472];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31);
    for (size_t length = 0; length <= sizeof data; length += length < 64 ? 1 : 64) {
        assert_int_equal(arrives(m, to_us(), request(data, length)), DROP_NONE);
        struct icmp_message reply = sent_message(m, 0);
        assert_int_equal(reply.body_length, length);
        if (length)
            assert_memory_equal(reply.body, data, length);
        machine_clear(m);
    }
    machine_free(m);
}

static void reply_comes_from_the_address_that_was_asked(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct address second = address_from_ipv4(0x0a000009);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    assert_int_equal(arrives(m, header_between(PEER_ADDRESS, 0x0a000009, 0), request("", 0)),
                     DROP_NONE);
    struct ipv4_header ip = sent_header(m, 0);
    assert_true(address_equal(&ip.source, &second));
    machine_free(m);
}

/* RFC 1122 §3.2.2.6: MAY be silently discarded; an amplifier otherwise. */
static void echo_request_to_broadcast_is_ignored(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(arrives(m, header_between(PEER_ADDRESS, 0x0a0000ff, 0), request("", 0)),
                     DROP_ICMP_BROADCAST);
    assert_int_equal(arrives(m, header_between(PEER_ADDRESS, 0xffffffff, 0), request("", 0)),
                     DROP_ICMP_BROADCAST);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void echo_can_be_turned_off(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    assert_int_equal(setting_set(&m->stack.settings, "icmp.echo", "0"), 0);
    assert_int_equal(arrives(m, to_us(), request("", 0)), DROP_ICMP_TYPE);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static void damaged_message_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct test_packet packet;
    packet_make_icmp(&packet, to_us(), request("data", 4));
    packet.bytes[30] ^= 0x40;
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_ICMP_TRUNCATED);
    packet_make(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_ICMP),
                "\10\0\xf7\xff\0\0\0", 7);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_ICMP_TRUNCATED);
    assert_int_equal(machine_counter(m, "IcmpInErrors"), 2);
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

/* RFC 1122 §3.2.2: unknown types MUST be silently discarded. Source quench: RFC 6633 §3. */
static void other_types_are_ignored(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    for (unsigned type = 0; type < 256; type++) {
        if (type == ICMP_ECHO_REQUEST || type == ICMP_ECHO_REPLY || type == ICMP_UNREACHABLE ||
            type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM)
            continue;
        assert_int_equal(arrives(m, to_us(), (struct icmp_message){.type = (uint8_t)type}),
                         DROP_ICMP_TYPE);
    }
    assert_int_equal(m->sent_count, 0);
    machine_free(m);
}

static struct {
    unsigned replies;
    uint16_t identifier;
    uint32_t length;
} seen;

static enum drop_reason take_reply(struct stack *stack, const struct packet_in *packet,
                                   uint16_t identifier)
{
    (void)stack;
    seen.replies++;
    seen.identifier = identifier;
    seen.length = packet->payload_length;
    return DROP_NONE;
}

static void echo_reply_goes_to_whoever_registered(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct icmp_message reply = {.type = ICMP_ECHO_REPLY, .identifier = 5, .body_length = 0};
    memset(&seen, 0, sizeof seen);
    assert_int_equal(arrives(m, to_us(), reply), DROP_ECHO_NO_MATCH);
    ip_on_echo_reply(&m->stack, take_reply);
    assert_int_equal(arrives(m, to_us(), reply), DROP_NONE);
    assert_int_equal(seen.replies, 1);
    assert_int_equal(seen.identifier, 5);
    assert_int_equal(seen.length, 8);
    assert_int_equal(arrives(m, header_between(PEER_ADDRESS, 0xffffffff, 0), reply),
                     DROP_ECHO_NO_MATCH);
    assert_int_equal(seen.replies, 1);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_request_is_answered_with_the_same_data),
        cmocka_unit_test(every_size_up_to_the_mtu_is_answered),
        cmocka_unit_test(reply_comes_from_the_address_that_was_asked),
        cmocka_unit_test(echo_request_to_broadcast_is_ignored),
        cmocka_unit_test(echo_can_be_turned_off),
        cmocka_unit_test(damaged_message_is_dropped),
        cmocka_unit_test(other_types_are_ignored),
        cmocka_unit_test(echo_reply_goes_to_whoever_registered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
