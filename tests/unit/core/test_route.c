#include "machine.h"

#include <errno.h>
#include <stdio.h>

#include "core/route.h"

static struct address ipv4(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(text, &a), 0);
    return a;
}

static int add(struct machine *m, const char *prefix, const char *gateway,
               struct interface *interface)
{
    struct route route = {.interface = interface};
    assert_int_equal(address_parse_prefix(prefix, &route.prefix, &route.prefix_bits), 0);
    if (gateway)
        route.gateway = ipv4(gateway);
    return route_add(&m->stack, &route);
}

static void assert_route(struct machine *m, const char *destination, const char *gateway)
{
    struct address to = ipv4(destination), via = gateway ? ipv4(gateway) : (struct address){{0}};
    const struct route *route = route_find(&m->stack, &to);
    assert_non_null(route);
    assert_true(address_equal(&route->gateway, &via));
}

static void own_subnet_is_on_the_link(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct address outside = ipv4("10.0.1.1");
    assert_route(m, "10.0.0.77", NULL);
    assert_null(route_find(&m->stack, &outside));
    machine_free(m);
}

/* RFC 1122 §3.3.1.1 and its kin. */
static void longest_prefix_wins_whatever_the_order(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "0.0.0.0/0", "10.0.0.1", m->interface), 0);
    assert_int_equal(add(m, "192.168.0.0/16", "10.0.0.4", m->interface), 0);
    assert_int_equal(add(m, "192.168.7.7/32", "10.0.0.6", m->interface), 0);
    assert_int_equal(add(m, "192.168.7.0/24", "10.0.0.5", m->interface), 0);
    assert_route(m, "8.8.8.8", "10.0.0.1");
    assert_route(m, "192.168.8.1", "10.0.0.4");
    assert_route(m, "192.168.7.1", "10.0.0.5");
    assert_route(m, "192.168.7.7", "10.0.0.6");
    assert_route(m, "10.0.0.9", NULL);
    machine_free(m);
}

static void same_prefix_twice_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "0.0.0.0/0", "10.0.0.1", m->interface), 0);
    assert_int_equal(add(m, "0.0.0.0/0", "10.0.0.9", m->interface), -EEXIST);
    assert_int_equal(add(m, "10.0.0.255/24", NULL, m->interface), -EEXIST);
    machine_free(m);
}

/* Security rule 16. */
static void table_is_bounded_and_what_was_there_lives_on(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    char prefix[32];
    int error = 0;
    unsigned added = 0;
    while (!error && added < 1000) {
        snprintf(prefix, sizeof prefix, "172.16.%u.0/24", added);
        error = add(m, prefix, "10.0.0.1", m->interface);
        added += !error;
    }
    assert_int_equal(error, -ENOSPC);
    assert_int_equal(m->stack.route_count, LIMIT_ROUTES);
    assert_route(m, "10.0.0.77", NULL);
    assert_route(m, "172.16.5.1", "10.0.0.1");
    machine_free(m);
}

static void source_shares_the_subnet_of_the_next_hop(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct address second = ipv4("10.9.0.3");
    assert_int_equal(interface_add_address(m->interface, &second, 16), 0);
    assert_int_equal(add(m, "0.0.0.0/0", "10.9.0.1", m->interface), 0);
    struct address near = ipv4("10.0.0.2"), far = ipv4("8.8.8.8");
    const struct address *source = route_source(route_find(&m->stack, &near), &near);
    assert_int_equal(address_to_ipv4(source), MACHINE_ADDRESS);
    source = route_source(route_find(&m->stack, &far), &far);
    assert_true(address_equal(source, &second));
    machine_free(m);
}

static void without_a_shared_subnet_the_first_address_serves(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    assert_int_equal(add(m, "0.0.0.0/0", NULL, m->interface), 0);
    struct address far = ipv4("8.8.8.8");
    const struct address *source = route_source(route_find(&m->stack, &far), &far);
    assert_int_equal(address_to_ipv4(source), MACHINE_ADDRESS);
    struct interface *bare = stack_add_interface(&m->stack);
    assert_int_equal(add(m, "8.0.0.0/8", NULL, bare), 0);
    assert_null(route_source(route_find(&m->stack, &far), &far));
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_subnet_is_on_the_link),
        cmocka_unit_test(longest_prefix_wins_whatever_the_order),
        cmocka_unit_test(same_prefix_twice_is_refused),
        cmocka_unit_test(table_is_bounded_and_what_was_there_lives_on),
        cmocka_unit_test(source_shares_the_subnet_of_the_next_hop),
        cmocka_unit_test(without_a_shared_subnet_the_first_address_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
