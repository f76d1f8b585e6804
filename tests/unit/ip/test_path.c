#include "machine.h"

#include <errno.h>

#include "ip/ip.h"

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    return m;
}

static int find(struct machine *m, const char *source, const char *destination,
                struct ip_path *path)
{
    struct address from = {{0}}, to;
    if (source)
        assert_int_equal(address_parse(source, &from), 0);
    assert_int_equal(address_parse(destination, &to), 0);
    return ip_path_find(&m->stack, &from, &to, path);
}

static void neighbour_is_reached_over_the_interface(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ip_path path;
    m->interface->mtu = 1400;
    assert_int_equal(find(m, NULL, "10.0.0.2", &path), 0);
    assert_ptr_equal(path.interface, m->interface);
    assert_int_equal(address_to_ipv4(&path.source), MACHINE_ADDRESS);
    assert_int_equal(path.mtu, 1400);
    assert_int_equal(path.header_bytes, 20);
    machine_free(m);
}

static void chosen_source_is_kept_if_it_is_ours(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct address second = address_from_ipv4(0x0a000009);
    struct ip_path path;
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    assert_int_equal(find(m, "10.0.0.9", "10.0.0.2", &path), 0);
    assert_true(address_equal(&path.source, &second));
    assert_int_equal(find(m, "10.0.0.10", "10.0.0.2", &path), -EADDRNOTAVAIL);
    machine_free(m);
}

static void no_route_is_unreachable(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ip_path path;
    assert_int_equal(find(m, NULL, "8.8.8.8", &path), -ENETUNREACH);
    assert_int_equal(find(m, NULL, "fd00::1", &path), -ENETUNREACH);
    assert_int_equal(find(m, NULL, "0.0.0.0", &path), -ENETUNREACH);
    assert_int_equal(machine_counter(m, "IpOutNoRoutes"), 3);
    machine_free(m);
}

static void broadcast_and_multicast_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *source, *destination;
        int result;
        enum path_kind kind;
    } rows[] = {
        {NULL, "10.0.0.2", 0, PATH_TO_ONE},
        {NULL, "10.0.0.255", 0, PATH_TO_ALL},
        {NULL, "255.255.255.255", -ENETUNREACH,
         PATH_TO_ALL}, /* there is no route but the subnet's */
        {NULL, "224.0.0.1", -ENETUNREACH, PATH_TO_GROUP},
        {"127.0.0.1", "255.255.255.255", 0, PATH_TO_ALL},
        {"127.0.0.1", "224.0.0.1", 0, PATH_TO_GROUP},
        {"127.0.0.1", "10.0.0.255", -EINVAL, PATH_TO_ONE},
    };
    struct machine *m = machine_with_ip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip_path path;
        assert_int_equal(find(m, rows[i].source, rows[i].destination, &path), rows[i].result);
        if (rows[i].result == 0)
            assert_int_equal(path.kind, rows[i].kind);
    }
    machine_free(m);
}

static void our_own_addresses_are_reached_within(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ip_path path;
    assert_int_equal(find(m, NULL, "10.0.0.3", &path), 0);
    assert_ptr_not_equal(path.interface, m->interface);
    assert_int_equal(address_to_ipv4(&path.source), MACHINE_ADDRESS);
    assert_int_equal(path.mtu, 65535);
    assert_int_equal(find(m, NULL, "127.9.9.9", &path), 0);
    assert_ptr_not_equal(path.interface, m->interface);
    assert_int_equal(address_to_ipv4(&path.source), 0x7f090909);
    assert_int_equal(find(m, "10.0.0.3", "127.0.0.1", &path), 0);
    assert_int_equal(address_to_ipv4(&path.source), MACHINE_ADDRESS);
    machine_free(m);
}

/* RFC 1122 §3.2.1.3 (g). */
static void loopback_address_never_leaves_the_host(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ip_path path;
    assert_int_equal(find(m, "127.0.0.1", "10.0.0.2", &path), -EINVAL);
    machine_free(m);
}

static void each_interface_has_its_number_and_so_has_that_to_ourselves(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct interface *second = stack_add_interface(&m->stack);
    struct ip_path within;
    assert_int_equal(find(m, NULL, "127.0.0.1", &within), 0);
    struct interface *all[] = {m->interface, second, within.interface};
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(ip_interface(&m->stack, ip_interface_number(&m->stack, all[i])), all[i]);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbour_is_reached_over_the_interface),
        cmocka_unit_test(chosen_source_is_kept_if_it_is_ours),
        cmocka_unit_test(no_route_is_unreachable),
        cmocka_unit_test(broadcast_and_multicast_are_told_apart),
        cmocka_unit_test(our_own_addresses_are_reached_within),
        cmocka_unit_test(loopback_address_never_leaves_the_host),
        cmocka_unit_test(each_interface_has_its_number_and_so_has_that_to_ourselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
