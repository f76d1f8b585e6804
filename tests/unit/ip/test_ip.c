#include "machine.h"

#include <errno.h>

#include "common/allocation.h"
#include "ip/ip.h"

static void addresses_of_all_interfaces_are_ours(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    struct interface *second = stack_add_interface(&m->stack);
    struct address a = address_from_ipv4(0xc0a80101), b = address_from_ipv4(0xc0a80102),
                   loopback = address_from_ipv4(0x7f000001), own;
    own = address_from_ipv4(MACHINE_ADDRESS);
    assert_int_equal(interface_add_address(second, &a, 24), 0);
    assert_true(ip_is_ours(&m->stack, &own));
    assert_true(ip_is_ours(&m->stack, &a));
    assert_true(ip_is_ours(&m->stack, &loopback));
    assert_false(ip_is_ours(&m->stack, &b));
    machine_free(m);
}

/* RFC 9293 §3.1: the pseudo-header's fields, worked out apart from the code. */
static void pseudo_header_of_ipv4_is_summed(void **state)
{
    (void)state;
    struct address a = address_from_ipv4(0x0a000003), b = address_from_ipv4(0x0a000002);
    struct checksum sum = ip_pseudo_header(&a, &b, 6, 0x1234);
    assert_int_equal(checksum_fold(&sum), 0x0a00 + 0x0003 + 0x0a00 + 0x0002 + 6 + 0x1234);
}

/* RFC 8200 §8.1. */
static void pseudo_header_of_ipv6_is_summed(void **state)
{
    (void)state;
    struct address a, b;
    assert_int_equal(address_parse("1::2", &a), 0);
    assert_int_equal(address_parse("3::4", &b), 0);
    struct checksum sum = ip_pseudo_header(&a, &b, 17, 0x15678);
    assert_int_equal(checksum_fold(&sum), 1 + 2 + 3 + 4 + 17 + 1 + 0x5678);
}

static void transport_checksum_is_verified(void **state)
{
    (void)state;
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), 1, 2, "odd", 3);
    struct packet_in in = {.source = address_from_ipv4(PEER_ADDRESS),
                           .destination = address_from_ipv4(MACHINE_ADDRESS),
                           .protocol = IP_PROTOCOL_UDP,
                           .payload = packet.bytes + 20,
                           .payload_length = 11};
    assert_true(ip_checksum_ok(&in));
    in.destination = address_from_ipv4(MACHINE_ADDRESS + 1);
    assert_false(ip_checksum_ok(&in));
    in.checksum_verified = true;
    assert_true(ip_checksum_ok(&in));
}

static void exhausted_memory_is_said(void **state)
{
    (void)state;
    for (unsigned successes = 0; successes < 2; successes++) {
        struct machine *m = machine_new(0);
        allocations_fail_after(successes);
        int error = ip_attach(&m->stack);
        allocations_succeed();
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(ip_attach(&m->stack), 0);
        machine_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_all_interfaces_are_ours),
        cmocka_unit_test(pseudo_header_of_ipv4_is_summed),
        cmocka_unit_test(pseudo_header_of_ipv6_is_summed),
        cmocka_unit_test(transport_checksum_is_verified),
        cmocka_unit_test(exhausted_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
