/* RFC 1191: what is remembered of paths. */
#include "machine.h"

#include "base/time.h"
#include "ip/internal.h"

static struct machine *machine_with_ip(void)
{
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    return m;
}

static uint32_t mtu_to(struct machine *m, uint32_t destination)
{
    struct ip_path path;
    struct address to = address_from_ipv4(destination);
    assert_int_equal(ip_path_find(&m->stack, NULL, &to, &path), 0);
    return path.mtu;
}

static void lower(struct machine *m, uint32_t destination, uint32_t mtu)
{
    struct address to = address_from_ipv4(destination);
    ip_path_too_big(&m->stack, &to, mtu);
}

/* §6.2 */
static void what_is_learnt_is_kept_for_the_destination_alone(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    lower(m, 0x0a000002, 1000);
    assert_int_equal(mtu_to(m, 0x0a000002), 1000);
    assert_int_equal(mtu_to(m, 0x0a000004), 1500);
    assert_int_equal(machine_counter(m, "IpPathMtuLowered"), 1);
    machine_free(m);
}

/* §3 */
static void message_never_raises_what_is_known(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    lower(m, 0x0a000002, 1000);
    lower(m, 0x0a000002, 1200);
    assert_int_equal(mtu_to(m, 0x0a000002), 1000);
    lower(m, 0x0a000002, 900);
    assert_int_equal(mtu_to(m, 0x0a000002), 900);
    machine_free(m);
}

/* CVE-2004-1060 */
static void crumbs_are_not_believed(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    lower(m, 0x0a000002, 68);
    assert_int_equal(mtu_to(m, 0x0a000002), 552);
    machine_free(m);
}

/* §6.3 */
static void what_is_old_is_not_believed_any_more(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    lower(m, 0x0a000002, 1000);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(599));
    assert_int_equal(mtu_to(m, 0x0a000002), 1000);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(1));
    assert_int_equal(mtu_to(m, 0x0a000002), 1500);
    lower(m, 0x0a000002, 1200); /* and may be learnt anew */
    assert_int_equal(mtu_to(m, 0x0a000002), 1200);
    machine_free(m);
}

/* Security rule 16. */
static void destinations_remembered_are_bounded_and_the_oldest_goes_first(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct route all = {
        .prefix = address_from_ipv4(0), .gateway = address_from_ipv4(0), .interface = m->interface};
    assert_int_equal(route_add(&m->stack, &all), 0);
    for (uint32_t i = 0; i < LIMIT_PATH_MTUS + 10; i++) {
        lower(m, 0x0b000001 + i, 1000);
        if (i == 5)
            lower(m, 0x0b000001, 900); /* learnt again: no longer the oldest */
    }
    assert_int_equal(ip_of(&m->stack)->pmtu.known.count, LIMIT_PATH_MTUS);
    assert_int_equal(mtu_to(m, 0x0b000002), 1500);
    assert_int_equal(mtu_to(m, 0x0b000001 + LIMIT_PATH_MTUS), 1000);
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
        lower(m, 0x0a000002, 1000);
        hash[i] = only_hash_in(&ip_of(&m->stack)->pmtu.known);
        machine_free(m);
    }
    assert_int_not_equal(hash[0], hash[1]);
}

static void path_found_before_can_be_brought_up_to_date(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    struct ip_path path;
    struct address to = address_from_ipv4(0x0a000002);
    assert_int_equal(ip_path_find(&m->stack, NULL, &to, &path), 0);
    assert_false(ip_path_refresh(&m->stack, &to, &path));
    lower(m, 0x0a000004, 1000);
    assert_false(ip_path_refresh(&m->stack, &to, &path));
    lower(m, 0x0a000002, 1000);
    assert_true(ip_path_refresh(&m->stack, &to, &path));
    assert_int_equal(path.mtu, 1000);
    assert_int_equal(stack_set(&m->stack, "ip.mtu", "800"), 0);
    assert_true(ip_path_refresh(&m->stack, &to, &path));
    assert_int_equal(path.mtu, 800);
    assert_int_equal(path.link_mtu, 800);
    assert_int_equal(stack_set(&m->stack, "ip.mtu", "1"), 0); /* no link has less than 68 */
    assert_true(ip_path_refresh(&m->stack, &to, &path));
    assert_int_equal(path.mtu, 68);
    machine_free(m);
}

/* What is remembered of others means nothing for ourselves. */
static void loopback_is_as_wide_as_ever(void **state)
{
    (void)state;
    struct machine *m = machine_with_ip();
    uint32_t before = mtu_to(m, MACHINE_ADDRESS);
    lower(m, MACHINE_ADDRESS, 1000);
    assert_int_equal(stack_set(&m->stack, "ip.mtu", "800"), 0);
    assert_int_equal(mtu_to(m, MACHINE_ADDRESS), before);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_learnt_is_kept_for_the_destination_alone),
        cmocka_unit_test(message_never_raises_what_is_known),
        cmocka_unit_test(crumbs_are_not_believed),
        cmocka_unit_test(what_is_old_is_not_believed_any_more),
        cmocka_unit_test(table_s_hash_is_keyed),
        cmocka_unit_test(destinations_remembered_are_bounded_and_the_oldest_goes_first),
        cmocka_unit_test(path_found_before_can_be_brought_up_to_date),
        cmocka_unit_test(loopback_is_as_wide_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
